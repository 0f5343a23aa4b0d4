"""All or nothing: what a write that fails leaves, and what a reader beside it sees."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from remote_store.aio import streams
from remote_store.backend import Uploads
from remote_store.capabilities import Capability
from remote_store.errors import AlreadyExists, CapabilityNotSupported, InvalidPath
from remote_store.testing.bench import Bench
from remote_store.testing.cases.reading import noise
from remote_store.testing.cases.tables import backend_of, keys_of, raised, traits_of
from remote_store.testing.faces import Awaited, call, together
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remote_store.store import Store


class Broken(Exception):
    """A user's own failure."""


def enough(store: Store) -> bytes:
    """Return content that takes more than one part, so that an upload has begun before the end."""
    parts = traits_of(store).parts.size if isinstance(backend_of(store), Uploads) else 100_000
    return noise(parts + 1000)


def breaking(store: Store, failure: BaseException) -> Iterator[bytes]:
    """Yield more than one part and fail."""
    yield enough(store)
    yield b"more"
    raise failure


def write_and_raise(store: Store, content: bytes, failure: BaseException) -> None:
    """Leave the block of an atomic write by an exception."""
    with store.open_atomic("a", overwrite=True) as file:
        file.write(content)
        raise failure


async def _aborted() -> None:
    """Wait for the aborts that the loop still has to do."""
    await asyncio.sleep(0)
    await asyncio.gather(*streams._dropped)


class Publishing(Bench):
    @clause("PUB-01", "ERR-09")
    @needs(Capability.WRITE)
    def test_content_that_fails_publishes_nothing(self, store: Store) -> None:
        for failure in (Broken("midway"), KeyError("midway"), OSError("midway")):
            with pytest.raises(type(failure)) as caught:
                store.write("folder/a", breaking(store, failure))
            assert caught.value is failure
            assert not store.exists("folder/a")
        if store.supports(Capability.LIST):
            assert keys_of(store) == []

    @clause("PUB-01", "PUB-05")
    @needs(Capability.WRITE)
    def test_content_that_fails_leaves_the_old_file(self, store: Store) -> None:
        store.write("a", b"old")
        before = store.head("a")
        with pytest.raises(Broken):
            store.write("a", breaking(store, Broken()), overwrite=True)
        assert store.read_bytes("a") == b"old"
        assert store.head("a") == before

    @clause("PUB-02")
    @needs(Capability.ATOMIC_WRITE)
    def test_an_exception_in_the_block_publishes_nothing(self, store: Store) -> None:
        for failure in (Broken(), ValueError(), KeyboardInterrupt(), SystemExit(1), GeneratorExit()):
            for content in (b"little", enough(store)):
                with pytest.raises(type(failure)):
                    write_and_raise(store, content, failure)
                assert not store.exists("a")
        if store.supports(Capability.LIST):
            assert keys_of(store) == []

    @clause("PUB-02", "PUB-05")
    @needs(Capability.ATOMIC_WRITE)
    def test_an_exception_in_the_block_leaves_the_old_file(self, store: Store) -> None:
        store.write("a", b"old")
        before = store.head("a")
        for content in (b"little", enough(store)):
            with pytest.raises(Broken):
                write_and_raise(store, content, Broken())
            assert store.read_bytes("a") == b"old"
            assert store.head("a") == before

    @clause("PUB-03", "PUB-10", "REQ-03")
    @needs(Capability.ATOMIC_WRITE)
    def test_the_end_of_the_block_publishes_the_whole(self, store: Store) -> None:
        data = enough(store)
        shapes: list[list[Any]] = [
            [b"one ", b"", bytearray(b"two "), memoryview(b"three")],
            [data, b"tail"],
            [],
        ]
        for pieces in shapes:
            with store.open_atomic("folder/a", overwrite=True) as file:
                assert file.writable()
                for piece in pieces:
                    assert file.write(piece) == len(piece)
                assert file.tell() == sum(map(len, pieces))
                assert file.result is None
            assert store.read_bytes("folder/a") == b"".join(pieces)
            assert file.result is not None
            assert (file.result.key, file.result.size) == ("folder/a", sum(map(len, pieces)))
            assert file.result.etag == store.head("folder/a").etag

    @clause("PUB-04")
    @needs(Capability.ATOMIC_WRITE)
    def test_nothing_shows_before_the_end_of_the_block(self, store: Store) -> None:
        store.write("other", b"x")
        with store.open_atomic("a") as file:
            file.write(enough(store))
            assert not store.exists("a")
            if store.supports(Capability.LIST):
                assert keys_of(store) == ["other"]
                assert [entry.key for entry in store.iter_children()] == ["other"]
        assert store.is_file("a")

    @clause("PUB-04", "PUB-05")
    @needs(Capability.ATOMIC_WRITE)
    def test_the_old_file_shows_until_the_end_of_the_block(self, store: Store) -> None:
        store.write("a", b"old")
        with store.open_atomic("a", overwrite=True) as file:
            file.write(enough(store))
            assert store.read_bytes("a") == b"old"
            assert store.get_file_info("a").size == 3
        assert store.read_bytes("a") == enough(store)

    @clause("PUB-03", "OVER-01")
    @needs(Capability.ATOMIC_WRITE)
    def test_the_block_refuses_an_existing_file(self, store: Store) -> None:
        store.write("a", b"old")
        for content in (b"little", enough(store)):
            with raised(store, AlreadyExists, "a"), store.open_atomic("a") as file:
                file.write(content)
            assert store.read_bytes("a") == b"old"

    @clause("PUB-06")
    @needs(Capability.ATOMIC_WRITE)
    def test_a_block_that_is_dropped_publishes_nothing(self, store: Store) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the async face says so, as it cleans up a little later
            block = store.open_atomic("a")
            file = block.__enter__()
            file.write(enough(store))
            del block, file
            gc.collect()
            if isinstance(store, Awaited):
                store._run(_aborted())
        assert not store.exists("a")
        if store.supports(Capability.LIST):
            assert keys_of(store) == []

    @clause("PUB-06")
    @needs(Capability.ATOMIC_WRITE)
    def test_a_block_that_is_never_entered_does_nothing(self, store: Store) -> None:
        store.open_atomic("a")
        gc.collect()
        assert not store.exists("a")

    @clause("PUB-08", "PUB-02")
    @needs(Capability.ATOMIC_WRITE)
    def test_what_can_be_refused_is_refused_before_the_block(self, store: Store) -> None:
        with pytest.raises(InvalidPath):
            store.open_atomic("../a")
        wrong: Any = "text"
        with pytest.raises(TypeError):
            store.open_atomic("a", metadata=wrong)
        if not store.supports(Capability.USER_METADATA):
            with pytest.raises(CapabilityNotSupported):
                store.open_atomic("a", metadata={"a": "b"})
        with pytest.raises(TypeError, match="bytes"), store.open_atomic("a") as file:
            file.write(wrong)
        assert not store.exists("a")

    @clause("STREAM-10", "PUB-03")
    @needs(Capability.ATOMIC_WRITE)
    def test_the_file_of_a_block_that_ended_takes_nothing(self, store: Store) -> None:
        with store.open_atomic("a") as file:
            file.write(b"x")
        with pytest.raises(ValueError, match="closed"):
            file.write(b"y")
        assert store.read_bytes("a") == b"x"

    @clause("PUB-07", "STREAM-05", "STATE-01")
    @needs(Capability.ATOMIC_WRITE)
    def test_readers_beside_a_writer_see_whole_versions(self, store: Store) -> None:
        versions = [bytes([65 + number]) * 200_000 for number in range(6)]
        store.write("a", versions[0])
        done = threading.Event()

        def write() -> Any:
            for version in versions * 2:
                yield call("write_atomic", "a", version, overwrite=True)
            done.set()

        def read() -> Any:
            seen = []
            while True:
                finished = done.is_set()
                seen.append((yield call("read_bytes", "a")))
                if finished or len(seen) > 200:
                    return seen

        _, *readers = together(store, [write, read, read])
        for seen in readers:
            assert not isinstance(seen, Exception), seen
            assert all(data in versions for data in seen)

    @clause("PUB-01", "WRITE-05")
    @needs(Capability.WRITE)
    def test_a_chunk_of_a_wrong_type_publishes_nothing(self, store: Store) -> None:
        wrong: Any = [enough(store), "text"]
        with pytest.raises(TypeError, match="bytes"):
            store.write("a", wrong)
        assert not store.exists("a")

    @clause("PUB-09")
    @needs(Capability.WRITE)
    def test_a_cancelled_write_publishes_nothing(self, store: Store) -> None:
        if not isinstance(store, Awaited):
            return
        target, data = store._target, enough(store)

        async def cancelled() -> None:
            reached = asyncio.Event()

            async def chunks() -> Any:
                yield data
                reached.set()
                await asyncio.Event().wait()

            task = asyncio.create_task(target.write("a", chunks()))
            await reached.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        store._run(cancelled())
        assert not store.exists("a")
        if store.supports(Capability.LIST):
            assert keys_of(store) == []
