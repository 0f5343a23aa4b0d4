"""Calls that are cancelled, fail half-way or are swallowed by the caller: nothing wrong comes out of them."""

import asyncio
import gc
import logging
import threading
from contextlib import suppress
from contextvars import ContextVar

import pytest

from remote_store import BackendUnavailable, IntegrityError, RemoteStoreError, Store
from remote_store._io import Native
from remote_store._ops import read
from remote_store.aio import AsyncStore
from remote_store.backend import BytesBody, Concurrency
from remote_store.backends.local import LocalBackend, streams
from remote_store.backends.memory import MemoryBackend
from remote_store.layers.retry import RetryPolicy
from remote_store.testing import clause
from tests.backends.slim import HierarchicalBackend

ONCE = RetryPolicy(attempts=1)
BIG = bytes(range(256)) * (5 * read.PART // 256)


class InParts(MemoryBackend):
    """Serves big files in parallel parts, one of which fails."""

    traits = MemoryBackend.traits._replace(parallel_reads=2)
    broken = 2 * read.PART

    async def get(self, key, span=None, if_match=None, version=None):
        if span and span.offset == self.broken:
            raise PermissionError(13, "refused")
        return await super().get(key, span, if_match, version)


@clause("STREAM-05")
def test_a_reader_whose_part_failed_gives_no_later_bytes():
    store = Store(InParts())
    store.write("a", BIG)
    with store.read("a") as stream:
        assert stream.read(2 * read.PART) == BIG[: 2 * read.PART]
        with pytest.raises(RemoteStoreError):
            stream.read(1)
        for _ in range(2):
            with pytest.raises(IntegrityError, match="open the file again"):
                stream.read(1)


@clause("STREAM-05")
def test_a_cancelled_read_loses_no_bytes_in_silence(tmp_path, monkeypatch):
    asked, go = threading.Event(), threading.Event()
    unhindered = streams.FileBody.next

    async def slow(self):
        asked.set()
        assert go.wait(10)
        return await unhindered(self)

    async def work():
        store = AsyncStore(LocalBackend(tmp_path))
        await store.write("a", BIG)
        async with await store.read("a") as stream:
            assert await stream.read(1000) == BIG[:1000]
            with monkeypatch.context() as patch:
                patch.setattr(streams.FileBody, "next", slow)
                reading = asyncio.create_task(stream.read(1 << 20))
                await asyncio.to_thread(asked.wait, 10)
                reading.cancel()
                go.set()
                with pytest.raises(asyncio.CancelledError):
                    await reading
            with pytest.raises(IntegrityError, match="open the file again"):
                await stream.read(1)

    asyncio.run(work())


class Elsewhere(InParts):
    """Answers a request for a range with the beginning of the file."""

    broken = None

    async def get(self, key, span=None, if_match=None, version=None):
        body = await super().get(key, None, if_match, version)
        return BytesBody(body.entry, (await body.all())[: span.length]) if span else body


@clause("STREAM-05")
@pytest.mark.parametrize("kind", ["stream", "seekable"])
def test_bytes_from_elsewhere_in_the_file_are_refused(kind):
    store = Store(Elsewhere())
    store.write("a", BIG)
    with store.read("a") if kind == "stream" else store.read_seekable("a") as stream:
        stream.read(10)
        with pytest.raises(IntegrityError, match="other bytes"):
            stream.read(3 * read.PART)


@clause("SEEK-06")
def test_facts_without_an_etag_do_not_let_versions_mix(tmp_path):
    store = Store(LocalBackend(tmp_path))
    store.write("a", b"old" * 1000)
    (info,) = store.list_files()
    assert info.etag is None
    with store.read_seekable("a", info=info) as stream:
        assert stream.read(3) == b"old"
        store.write("a", b"new" * 1000, overwrite=True)
        with pytest.raises(IntegrityError, match="replaced"):
            stream.read(3)


class LosesPart(HierarchicalBackend):
    """Refuses the second part of an upload, and maybe its end."""

    aborts = True
    traits = HierarchicalBackend.traits._replace(parts=HierarchicalBackend.traits.parts._replace(parallel=1))

    async def begin(self, key, options):
        upload = await super().begin(key, options)
        take, drop = upload.part, upload.abort

        async def part(number, data):
            if number == 1:
                raise ConnectionError("reset")
            await take(number, data)

        async def abort():
            if not self.aborts:
                raise ConnectionError("gone")
            await drop()

        upload.part, upload.abort = part, abort
        return upload


@clause("PUB-02")
def test_a_block_that_swallows_a_lost_part_publishes_nothing():
    backend = LosesPart()

    def swallowing():
        with Store(backend, retry=ONCE).open_atomic("a") as file:
            file.write(bytes(1500))
            with suppress(BackendUnavailable):
                file.write(bytes(1500))
            file.write(b"end")

    with pytest.raises(RemoteStoreError, match="begin the file again"):
        swallowing()
    assert (backend.files, backend.drafts) == ({}, [])


@clause("PUB-02", "ERR-09")
@pytest.mark.parametrize("way", ["block", "content"])
def test_an_upload_that_cannot_be_dropped_hides_no_error(way, caplog):
    backend = LosesPart()
    backend.aborts = False
    store = Store(backend, retry=ONCE)

    def content():
        yield bytes(1500)
        raise KeyError("mine")

    def block():
        with store.open_atomic("a") as file:
            for chunk in content():
                file.write(chunk)

    caplog.set_level(logging.WARNING, "remote_store")
    with pytest.raises(KeyError, match="mine"):
        block() if way == "block" else store.write("a", content())
    assert "left behind" in caplog.text


WHO = ContextVar("WHO", default="nobody")


class Asking(MemoryBackend):
    traits = MemoryBackend.traits._replace(concurrency=Concurrency.BLOCKS)
    seen = None

    async def stat(self, key):
        self.seen = WHO.get()
        return await super().stat(key)


@clause("FACE-02")
def test_context_variables_reach_the_backend_in_both_colours():
    backend = Asking()

    async def work():
        WHO.set("async")
        await AsyncStore(backend).exists("a")

    asyncio.run(work())
    assert backend.seen == "async"


@clause("PUB-09")
def test_a_write_that_is_cancelled_while_its_local_file_is_opened_is_cancelled(tmp_path):
    (tmp_path / "source").write_bytes(b"x")
    opening, go, opened = threading.Event(), threading.Event(), []

    def slow():
        opening.set()
        assert go.wait(10)
        opened.append((tmp_path / "source").open("rb"))
        return opened[0]

    async def work():
        task = asyncio.create_task(Native().call(slow))
        await asyncio.to_thread(opening.wait, 10)
        task.cancel()
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
    assert opened[0].closed


@clause("MANY-02")
def test_calls_that_fail_before_the_first_one_are_no_noise(caplog):
    async def fail(turn, turns):
        await turns[turn + 1].wait()
        turns[turn].set()
        raise KeyError(turn)

    async def work():
        turns = [asyncio.Event() for _ in range(4)]
        turns[3].set()  # the last one fails first
        group = Native().group(3)
        tasks = [group.spawn(fail, turn, turns) for turn in range(3)]
        with pytest.raises(KeyError, match="0"):
            await tasks[0].result()
        await group.close()

    asyncio.run(work())
    gc.collect()
    assert caplog.records == []
