"""Writing in several requests: which ones, how big the parts are, how many travel, and what a refusal means."""

import asyncio
import gc
import threading
import weakref
from contextlib import suppress

import pytest

from remote_store import (
    AlreadyExists,
    ContainerNotFound,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    RemoteStoreError,
    Store,
)
from remote_store.aio import AsyncStore
from remote_store.backend import PartLimits
from remote_store.layers.retry import RetryPolicy
from remote_store.testing import clause
from tests.backends.bucket import Bucket, Refused
from tests.backends.slim import FlatBackend

ONCE = RetryPolicy(attempts=1)


class Parts(Bucket):
    """Takes everything above one part in parts, so many at once, and notes them."""

    def __init__(self, parallel=1, size=1000):
        super().__init__()
        self.traits = Bucket.traits._replace(put_limit=size, parts=PartLimits(size=size, parallel=parallel))
        self.sent = {}

    async def arrive(self, number):
        """Wait, or fail, while a part is on its way."""

    async def begin(self, key, options):
        upload = await super().begin(key, options)
        take = upload.part

        async def part(number, data):
            await self.arrive(number)
            self.sent[number] = len(data)
            await take(number, data)

        upload.part = part
        return upload

    def sizes(self):
        assert sorted(self.sent) == list(range(len(self.sent)))
        return [size for _, size in sorted(self.sent.items())]


async def settled():
    """Let everything go on that can."""
    for _ in range(100):
        await asyncio.sleep(0)


@clause("REQ-01")
def test_what_one_request_can_hold_is_written_by_one():
    seen = []

    async def note(op, call):
        seen.append(op.name)
        return await call()

    for make, content, calls in (
        (Bucket, b"", ["put"]),
        (Bucket, bytes(5000), ["put"]),
        (Bucket, bytes(5001), ["stat", "begin", *["part"] * 6, "commit"]),
        (Bucket, [bytes(500), bytes(500)], ["put"]),
        (Bucket, [bytes(500), bytes(501)], ["stat", "begin", "part", "part", "commit"]),
        (FlatBackend, bytes(100_000), ["put"]),
        (FlatBackend, [bytes(700_000), bytes(700_000)], ["put"]),
    ):
        backend = make()
        seen.clear()
        Store(backend, layers=[note]).write("a", content)
        assert seen == calls
        assert backend.files == {"a": content if isinstance(content, bytes) else b"".join(content)}


@pytest.mark.parametrize("parallel", [2, 3])
@pytest.mark.parametrize("size", [2300, 3500, 3600, 3601, 6500, 7201, 10_000, 20_000])
def test_parts_of_a_known_size_go_round_evenly_and_grow_by_a_fifth_at_most(size, parallel):
    backend = Parts(parallel)
    Store(backend).write("a", bytes(size))
    sizes = backend.sizes()
    fewest = -(-size // (parallel * 1200))
    assert -(-len(sizes) // parallel) == fewest
    assert set(sizes[:-1]) == {max(1000, -(-size // (parallel * fewest)))}
    assert sizes[-1] <= sizes[0] <= 1200
    assert sum(sizes) == size == len(backend.files["a"])


@pytest.mark.parametrize("content", [bytes(3500), [bytes(1), bytes(3499)], [bytes(3000), bytes(500)]], ids=repr)
def test_parts_that_travel_alone_have_the_size_that_the_service_names(content):
    backend = Parts()
    Store(backend).write("a", content)
    assert backend.sizes() == [1000, 1000, 1000, 500]


def test_parts_grow_so_that_a_service_never_runs_out_of_numbers():
    backend = Parts(size=1)
    Store(backend).write("a", [bytes(7000)])
    sizes = backend.sizes()
    assert len(sizes) <= 3000, "each thousand of parts holds twice what the one before holds"
    for at in range(1000, len(sizes)):
        assert sizes[at] <= sum(sizes[:at]) / 500, "a part stays small beside what was written already"


@clause("WRITE-10", "PUB-10")
@pytest.mark.parametrize("parallel", [2, 3])
def test_a_buffer_may_be_used_again_while_its_parts_are_on_their_way(parallel):
    go = threading.Event()

    class Slow(Parts):
        async def arrive(self, number):
            assert go.wait(10)

    backend = Slow(parallel)
    buffer = bytearray(b"x" * 2500)
    with Store(backend).open_atomic("a") as file:
        file.write(buffer)
        buffer[:] = b"y" * 2500
        go.set()
    assert backend.files["a"] == b"x" * 2500


def chunks(taken, size=1000):
    for number in range(100):
        taken.append(number)
        yield bytes(size)


@clause("STREAM-09")
@pytest.mark.parametrize("parallel", [2, 3])
def test_content_is_taken_no_faster_than_its_parts_travel(parallel):
    class Stuck(Parts):
        async def arrive(self, number):
            await asyncio.Event().wait()

    async def work():
        taken = []
        backend = Stuck(parallel)

        async def content():
            for chunk in chunks(taken):
                yield chunk

        writing = asyncio.create_task(AsyncStore(backend).write("a", content()))
        await settled()
        assert len(taken) == parallel + 2
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert (backend.uploads, backend.files) == ([], {})

    asyncio.run(work())


@clause("PUB-01")
@pytest.mark.parametrize("parallel", [1, 2, 3])
def test_a_part_that_fails_ends_a_write_before_its_content_is_taken(parallel):
    class Refusing(Parts):
        async def arrive(self, number):
            if number == 0:
                raise Refused(403)

    backend, taken = Refusing(parallel), []
    with pytest.raises(PermissionDenied):
        Store(backend).write("a", chunks(taken))
    assert len(taken) < 10
    assert (backend.uploads, backend.files) == ([], {})


@clause("PUB-02")
def test_a_block_that_swallowed_a_lost_part_sends_no_other():
    class Refusing(Parts):
        async def arrive(self, number):
            if number == 0:
                raise Refused(403)

    backend = Refusing()

    def swallowing():
        with Store(backend).open_atomic("a") as file:
            with suppress(PermissionDenied):
                file.write(bytes(1500))
            file.write(bytes(1500))

    with pytest.raises(RemoteStoreError, match="begin the file again"):
        swallowing()
    assert (backend.sent, backend.uploads, backend.files) == ({}, [], {})


@clause("PUB-02")
def test_a_block_that_failed_holds_nothing_of_the_parts_that_were_on_their_way():
    held = []

    class Stuck(Parts):
        async def arrive(self, number):
            held.append(weakref.ref(asyncio.current_task()))
            await asyncio.Event().wait()

    async def work():
        files = []

        async def failing():
            async with AsyncStore(Stuck(3)).open_atomic("a") as file:
                files.append(file)
                await file.write(bytes(2500))
                await settled()
                raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            await failing()
        await settled()
        gc.collect()
        assert [task() is None for task in held] == [True, True]
        assert files[0].result is None

    asyncio.run(work())


class Terse(Bucket):
    """Says of a swap of a file that is gone only that it is gone, as S3 does; maybe all of the bucket is."""

    gone = 404

    async def put(self, key, data, options):
        if key not in self.files:
            raise Refused(self.gone)
        return await super().put(key, data, options)


SMALL_AND_BIG = pytest.mark.parametrize("content", [b"small", bytes(7000)], ids=["put", "upload"])


@clause("SWAP-03", "ABSENT-02", "ERR-03")
@SMALL_AND_BIG
def test_a_swap_of_what_is_gone_fails_its_precondition_unless_all_is_gone(content):
    backend = Terse()
    store = Store(backend, "r", retry=ONCE)
    for gone, options, kind in (
        (404, {"if_match": "v1"}, PreconditionFailed),
        (404, {"overwrite": True}, NotFound),
        (410, {"if_match": "v1"}, ContainerNotFound),
        (410, {"overwrite": True}, ContainerNotFound),
    ):
        backend.gone = gone
        with pytest.raises(kind) as raised:
            store.write("a", content, **options)
        assert type(raised.value) is kind
        assert (raised.value.path, raised.value.backend) == ("a", "bucket")
        assert isinstance(raised.value.__cause__, Refused)
    assert (backend.files, backend.uploads) == ({}, [])


@clause("SWAP-01", "SWAP-02", "OVER-01")
@SMALL_AND_BIG
def test_a_refused_precondition_means_what_the_write_asked_for(content):
    class Unwilling(Bucket):
        unwilling = False

        async def put(self, key, data, options):
            if self.unwilling:
                raise Refused(412)
            return await super().put(key, data, options)

    backend = Unwilling()
    store = Store(backend, "r", retry=ONCE)
    etag = store.write("a", b"1").etag
    with pytest.raises(AlreadyExists):
        store.write("a", content)
    etag = store.write("a", content, if_match=etag).etag
    result = store.write("a", content, if_match=etag, overwrite=True)
    assert (result.key, result.etag, result.size) == ("a", store.head("a").etag, len(content))
    backend.unwilling = True
    for options in ({"overwrite": True}, {"if_match": result.etag}, {"if_match": result.etag, "overwrite": True}):
        with pytest.raises(PreconditionFailed) as raised:
            store.write("a", content, **options)
        assert raised.value.path == "a"
        assert isinstance(raised.value.__cause__, Refused)
    with pytest.raises(AlreadyExists) as raised:
        store.write("b", content)
    assert raised.value.path == "b"
    assert isinstance(raised.value.__cause__, Refused)


@clause("RETRY-03")
def test_a_swap_writes_and_may_not_be_done_twice_even_where_it_may_overwrite():
    seen = []

    async def note(op, call):
        seen.append(op)
        return await call()

    store = Store(Bucket(), layers=[note])
    etag = store.write("a", b"1").etag
    store.write("a", b"2", if_match=etag, overwrite=True)
    assert [(op.repeatable, op.writes) for op in seen if op.name == "put"] == [(False, True), (False, True)]


@clause("META-01", "META-03")
def test_metadata_may_fill_its_limit():
    store = Store(Bucket())
    full = {"k": "v" * 1000, "name": "v" * 1043}
    store.write("a", b"", metadata=full)
    assert store.head("a").metadata == full
    with pytest.raises(ValueError, match="2048"):
        store.write("b", b"", metadata=full | {"k": "v" * 1001})


def test_empty_metadata_is_none_to_a_backend_and_needs_no_capability():
    given = []

    class Noting(FlatBackend):
        async def put(self, key, data, options):
            given.append(options.metadata)
            return await super().put(key, data, options)

    store = Store(Noting())
    for metadata in (None, {}):
        store.write("a", b"", metadata=metadata, overwrite=True)
    assert given == [None, None]
