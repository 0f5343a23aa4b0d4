"""What is asked for ahead of a reader: early, no more than a few, and nothing of it is left behind."""

import asyncio
import gc
import threading
import weakref

import pytest

from remote_store import IntegrityError, Store
from remote_store._ops import read
from remote_store.aio import AsyncStore
from remote_store.layers.retry import RetryPolicy
from remote_store.testing import clause
from tests.backends.bucket import Wide

DATA = bytes(range(256)) * 4
ONCE = RetryPolicy(attempts=1)


@pytest.fixture(autouse=True)
def parts(monkeypatch):
    monkeypatch.setattr(read, "PART", 100)
    monkeypatch.setattr(read, "TASTE", 50)


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("remote-store")]


async def settled():
    """Let everything go on that can."""
    for _ in range(100):
        await asyncio.sleep(0)


@clause("STREAM-01")
@pytest.mark.parametrize("piece", [25, 30, 100])
@pytest.mark.parametrize("size", [60, 2000])
def test_a_part_that_arrives_in_pieces_is_asked_for_once(piece, size):
    backend = Wide({"a": DATA})
    backend.piece = piece
    with Store(backend).read("a") as stream:
        assert b"".join(iter(lambda: stream.read(size), b"")) == DATA
    assert len(backend.gets) == len({span and span.offset for span, _, _ in backend.gets}) == 11
    assert backend.closed == 11


def test_a_whole_read_asks_for_its_parts_before_the_first_bytes_are_here():
    asked = threading.Event()

    class Late(Wide):
        async def get(self, key, span=None, if_match=None, version=None):
            body = await super().get(key, span, if_match, version)
            if span is None:
                first = body.next

                async def late():
                    assert asked.wait(5)
                    return await first()

                body.next = late
            else:
                asked.set()
            return body

    assert Store(Late({"a": DATA})).read_bytes("a") == DATA


@clause("STREAM-09")
def test_a_slow_reader_is_few_parts_ahead():
    async def work():
        backend = Wide({"a": DATA})
        counts = []
        async with await AsyncStore(backend).read("a") as stream:
            for _ in range(4):
                await stream.read(100)
                await settled()
                counts.append(len(backend.gets))
        return counts

    assert asyncio.run(work()) == [1, 5, 6, 7]


def test_the_parts_of_one_file_share_a_few_threads():
    at_work = set()

    class Watched(Wide):
        traits = Wide.traits._replace(parallel_reads=2)

        async def get(self, *args):
            at_work.add(threading.current_thread())
            return await super().get(*args)

    assert Store(Watched({"a": DATA})).read_bytes("a") == DATA
    assert len(at_work - {threading.current_thread()}) in (1, 2)


@clause("STREAM-04")
def test_a_stream_that_is_closed_early_leaves_no_request_on_its_way():
    class Stuck(Wide):
        async def get(self, key, span=None, if_match=None, version=None):
            if span is not None:
                await asyncio.Event().wait()
            return await super().get(key, span, if_match, version)

    async def work():
        backend = Stuck({"a": DATA})
        backend.piece = 25
        async with await AsyncStore(backend).read("a") as stream:
            assert await stream.read(60) == DATA[:60]
            assert await stream.read(20) == DATA[60:80]
            await settled()
            assert len(asyncio.all_tasks()) == 5
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert backend.closed == 1

    asyncio.run(work())


@clause("STREAM-04")
def test_a_closed_stream_holds_no_bytes_that_came_ahead():
    class Bytes(bytearray):
        """Bytes whose end can be seen."""

    held = []

    class Held(Wide):
        async def get(self, *args):
            body = await super().get(*args)
            if body.start:

                async def whole():
                    data = Bytes(DATA[body.start : body.start + body.length])
                    held.append(weakref.ref(data))
                    return data

                body.all = whole
            return body

    async def work():
        backend = Held({"a": DATA})
        backend.piece = 25
        async with await AsyncStore(backend).read("a") as stream:
            assert await stream.read(80) == DATA[:80]
            await settled()
            assert [data() is None for data in held] == [False] * 4
        gc.collect()
        assert [data() is None for data in held] == [True] * 4

    asyncio.run(work())


@clause("STREAM-04")
def test_a_whole_read_that_fails_leaves_no_thread_behind():
    def elsewhere(body):
        body.start += 1

    backend = Wide({"a": DATA})
    backend.spoilt = {200: elsewhere}
    with pytest.raises(IntegrityError) as raised:
        Store(backend, retry=ONCE).read_bytes("a")
    assert threads() == []
    assert raised.value.path == "a"
    assert backend.closed == len(backend.gets)


class Batched(Wide):
    """Reads several files at a time."""

    def __init__(self, files=None):
        super().__init__(files)
        self.batches = []
        self.at_work = set()

    async def get(self, *args):
        self.at_work.add(threading.current_thread())
        return await super().get(*args)

    async def get_many(self, keys):
        self.batches.append(len(keys))
        return [self.files[key] for key in keys]


NAMES = [str(number) for number in range(30)]
FILES = dict.fromkeys(NAMES, b"x")


@clause("MANY-05")
@pytest.mark.parametrize(
    ("concurrency", "batches"), [(1, []), (2, []), (3, [2] * 15), (4, [2] * 15), (5, [3] * 10), (60, [30]), (None, [8])]
)
def test_two_batches_are_as_many_files_as_may_be_on_their_way_and_one_file_is_none(concurrency, batches):
    backend = Batched(FILES)
    names = NAMES[:8] if concurrency is None else NAMES
    assert [name for name, _ in Store(backend).read_many(names, concurrency=concurrency)] == names
    assert backend.batches == batches


@clause("MANY-03")
def test_batches_are_asked_for_as_the_reader_goes():
    pulled = []
    many = Store(Batched(FILES)).read_many((pulled.append(name) or name for name in NAMES), concurrency=5)
    assert [len(pulled) - number < 9 for number, _ in enumerate(many, 1)] == [True] * 30


def test_many_files_share_as_many_threads_as_were_asked_for():
    backend = Batched(FILES)
    assert [name for name, _ in Store(backend).read_many(NAMES, concurrency=2)] == NAMES
    assert len(backend.at_work) in (1, 2)


@clause("MANY-01")
@pytest.mark.parametrize("found", [[b"1"], [b"1", b"2", b"3"]], ids=len)
def test_a_batch_of_another_number_of_files_than_were_asked_for_is_refused(found):
    class Miscounting(Batched):
        async def get_many(self, keys):
            return found

    with pytest.raises(ValueError, match="argument"):
        list(Store(Miscounting(FILES)).read_many(["0", "1"], concurrency=4))
