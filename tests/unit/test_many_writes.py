"""Many files by one call: how many are on their way, which of them go together, and what ends them."""

import asyncio
import threading
from typing import Any

import pytest

from remote_store import AlreadyExists, InvalidPath, NotFound, PermissionDenied, RemotePath, RemoteStoreError, Store
from remote_store._ops import write_many
from remote_store.aio import AsyncStore
from remote_store.backends.memory import MemoryBackend
from remote_store.layers import ReadOnly
from remote_store.layers.retry import RetryPolicy
from remote_store.testing import clause
from tests.unit.test_writes import settled

ONCE = RetryPolicy(attempts=1)


class Noting(MemoryBackend):
    """Notes what was put, and lets each put wait for what a test says."""

    def __init__(self):
        super().__init__()
        self.put_alone = []

    async def arrive(self, key):
        """Wait, or fail, before a file is put."""

    async def put(self, key, data, options):
        self.put_alone.append(key)
        await self.arrive(key)
        return await super().put(key, data, options)


class Batched(Noting):
    """Writes small files several at a time, and leaves out those that are in ``shy``."""

    def __init__(self, shy=()):
        super().__init__()
        self.shy = shy
        self.batches = []

    async def put_many(self, files, options):
        self.batches.append([key for key, _ in files])
        put = super(Noting, self).put
        return [None if key in self.shy else await put(key, data, options) for key, data in files]


def named(count):
    return [(str(number), b"%d" % number) for number in range(count)]


def keys(results):
    return [result.key for result in results]


@clause("MANY-06", "MANY-10")
@pytest.mark.parametrize(
    ("count", "concurrency", "sizes"),
    [
        (514, None, [256, 256, 2]),
        (513, None, [256, 256]),
        (7, 1, []),
        (7, 2, []),
        (7, 3, [2, 2, 2]),
        (7, 4, [2, 2, 2]),
        (7, 5, [3, 3]),
        (7, 100, [7]),
    ],
)
def test_small_files_go_together_unless_one_would_go_with_nobody(count, concurrency, sizes):
    backend = Batched()
    store = Store(backend, "r")
    assert keys(store.write_many(named(count), concurrency=concurrency)) == [key for key, _ in named(count)]
    assert sorted(map(len, backend.batches), reverse=True) == sizes
    assert len(backend.put_alone) == count - sum(sizes)
    assert {key for batch in backend.batches for key in batch} <= {f"r/{key}" for key, _ in named(count)}
    assert list(store.read_many(key for key, _ in named(count))) == named(count)


@clause("MANY-10")
def test_big_files_and_streams_go_alone_in_their_turn():
    backend = Batched()
    small, just, big = b"small", bytes(write_many.SMALL), bytes(write_many.SMALL + 1)
    contents = {"a": small, "big": big, "b": bytearray(small), "chunks": iter([small]), "just": just}
    results = Store(backend).write_many(contents)
    assert [(result.key, result.size) for result in results] == [
        ("a", 5), ("big", len(big)), ("b", 5), ("chunks", 5), ("just", len(just)),
    ]  # fmt: skip
    assert backend.batches == [["a", "b", "just"]]
    assert sorted(backend.put_alone) == ["big", "chunks"]


@clause("MANY-07", "MANY-10")
def test_what_a_batch_leaves_out_is_written_alone_and_says_what_is_wrong():
    backend = Batched(shy=("1", "taken", "5"))
    store = Store(backend)
    store.write("taken", b"old")
    files = [("0", b""), ("1", b"x"), ("taken", b"new"), ("5", b"x")]
    with pytest.raises(AlreadyExists) as refused:
        store.write_many(files)
    assert refused.value.path == "taken"
    assert refused.value.__notes__ == ["files that were named before it, and are written: 2"]
    assert store.exists("0")
    assert store.exists("1")
    assert keys(store.write_many(files, overwrite=True)) == ["0", "1", "taken", "5"]


@clause("MANY-07")
@pytest.mark.parametrize("failing", ["2", "3"])
def test_a_batch_that_fails_is_raised_in_the_turn_of_its_first_file(failing):
    class Failing(Batched):
        async def put_many(self, files, options):
            if failing in dict(files):
                raise PermissionDenied("no")
            return await super().put_many(files, options)

    files = [("0", b"0"), ("1", iter([b"1"])), ("2", b"2"), ("3", b"3"), ("4", b"4")]
    backend = Failing()
    store = Store(backend, retry=ONCE)
    with pytest.raises(PermissionDenied) as refused:
        store.write_many(files, concurrency=6)
    first = {"2": "0", "3": "3"}[failing]
    assert refused.value.path == first
    assert refused.value.__notes__ == [f"files that were named before it, and are written: {first}"]
    assert all(store.read_bytes(str(number)) == b"%d" % number for number in range(int(first)))


@clause("MANY-07")
def test_a_file_alone_that_fails_is_raised_before_the_batch_named_after_it():
    class Failing(Batched):
        async def arrive(self, key):
            raise PermissionDenied("no")

        async def put_many(self, files, options):
            raise PermissionDenied("no")

    with pytest.raises(PermissionDenied) as refused:
        Store(Failing(), retry=ONCE).write_many([("0", iter([b"0"])), ("1", b"1"), ("2", b"2")])
    assert refused.value.path == "0"


@clause("MANY-06")
@pytest.mark.parametrize("found", [[], [None] * 3], ids=len)
def test_a_batch_of_another_number_of_answers_than_files_is_refused(found):
    class Miscounting(Batched):
        async def put_many(self, files, options):
            return found

    with pytest.raises(ValueError, match="argument"):
        Store(Miscounting()).write_many(named(2))


@clause("MANY-08")
@pytest.mark.parametrize("kind", [Noting, Batched])
def test_contents_of_one_path_are_written_one_after_the_other(kind):
    at_work = []

    class Slow(kind):
        async def arrive(self, key):
            assert key not in at_work
            at_work.append(key)
            threading.Event().wait(0.005)
            at_work.remove(key)

    store = Store(Slow())
    results = store.write_many([("a", bytes(size)) for size in range(10)], overwrite=True)
    assert [result.size for result in results] == list(range(10))
    assert len(store.read_bytes("a")) == 9
    written = store.write_many([(RemotePath("b"), b"1"), ("c", b"1"), ("b", b"22")], overwrite=True)
    assert [(result.key, result.size) for result in written] == [("b", 1), ("c", 1), ("b", 2)]


@clause("MANY-08")
@pytest.mark.parametrize(("kind", "concurrency", "most"), [(Noting, 1, 2), (Noting, 3, 6), (Batched, 7, 8)])
def test_no_more_files_are_pulled_than_are_on_their_way(kind, concurrency, most):
    pulled, ahead = [], []

    async def count(op, call):
        assert op.writes
        ahead.append(len(pulled) - int(op.key))
        return await call()

    pairs = (pulled.append(pair) or pair for pair in named(40))
    Store(kind(), layers=[count]).write_many(pairs, concurrency=concurrency)
    assert len(pulled) == 40
    assert max(ahead) <= most


@clause("MANY-08", "STREAM-04")
def test_as_many_are_on_their_way_at_once_as_were_asked_for():
    meeting = threading.Barrier(3)

    class Meeting(Noting):
        async def arrive(self, key):
            meeting.wait(5)

    before = threading.active_count()
    assert len(Store(Meeting()).write_many(named(9), concurrency=3)) == 9
    assert threading.active_count() == before


@clause("MANY-07", "PUB-09")
def test_the_first_failure_cancels_what_is_on_its_way_on_an_event_loop():
    class Waiting(Noting):
        async def arrive(self, key):
            if key == "1":
                raise PermissionDenied("no")
            if key != "0":
                await asyncio.Event().wait()

    async def body():
        store = AsyncStore(backend := Waiting(), retry=ONCE)
        with pytest.raises(PermissionDenied) as refused:
            await store.write_many(named(6), concurrency=3)
        assert refused.value.path == "1"
        await settled()
        return [entry.key async for entry in store.list_files()], len(asyncio.all_tasks()), backend.put_alone

    written, tasks, begun = asyncio.run(body())
    assert (written, tasks) == (["0"], 1)
    assert "5" not in begun


@clause("MANY-06", "MANY-01")
def test_what_many_reads_yield_is_taken_as_it_comes():
    source, target = Store(MemoryBackend()), Store(MemoryBackend())
    source.write_many(dict(named(100)))
    paths = [key for key, _ in named(100)]
    assert keys(target.write_many(source.read_many(paths))) == paths
    assert list(target.read_many(paths)) == named(100)

    async def body():
        source, target = AsyncStore(MemoryBackend()), AsyncStore(MemoryBackend())
        await source.write_many(named(100))
        written = await target.write_many(source.read_many(paths))
        return keys(written), [item async for item in target.read_many(paths)]

    assert asyncio.run(body()) == (paths, named(100))
    many: Any = AsyncStore(MemoryBackend()).read_many(paths)
    with pytest.raises(TypeError, match="pairs"):
        source.write_many(many)


@clause("MANY-08", "PUB-09")
def test_a_cancelled_call_leaves_no_task_behind():
    class Waiting(Noting):
        async def arrive(self, key):
            await asyncio.Event().wait()

    async def body():
        store = AsyncStore(Waiting())
        call = asyncio.ensure_future(store.write_many(named(6)))
        await settled()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        return [entry.key async for entry in store.list_files()], len(asyncio.all_tasks())

    assert asyncio.run(body()) == ([], 1)


@clause("MANY-07", "MANY-09")
@pytest.mark.parametrize("kind", [Noting, Batched])
def test_a_file_that_cannot_be_begins_nothing_after_it(kind):
    store = Store(backend := kind())
    with pytest.raises(InvalidPath) as refused:
        store.write_many([("0", b""), ("../1", b""), ("2", b"")])
    assert refused.value.path == "../1"
    assert refused.value.__notes__ == ["files that were named before it, and are written: 1"]
    assert backend.put_alone == ["0"]
    with pytest.raises(InvalidPath):
        store.write_many([("../1", b""), ("2", b"")])
    assert backend.put_alone == ["0"]


def test_a_store_that_only_reads_pulls_nothing():
    pulled = []
    store = Store(MemoryBackend(), layers=[ReadOnly()])
    with pytest.raises(RemoteStoreError, match="WRITE"):
        store.write_many(pulled.append(pair) or pair for pair in named(3))
    assert pulled == []


@clause("MANY-10")
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_batch_is_repeated_only_where_it_replaces(overwrite):
    tries = []

    class Flaky(Batched):
        async def put_many(self, files, options):
            tries.append(len(files))
            if len(tries) == 1:
                raise ConnectionResetError
            return await super().put_many(files, options)

    store = Store(Flaky(), retry=RetryPolicy(base=0.001))
    if overwrite:
        assert len(store.write_many(named(3), overwrite=True)) == 3
        assert tries == [3, 3]
    else:
        with pytest.raises(RemoteStoreError):
            store.write_many(named(3))
        assert tries == [3]
        with pytest.raises(NotFound):
            store.read_bytes("0")
