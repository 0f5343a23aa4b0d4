"""Connections: kept, bounded, replaced when they died, and left to the parent after a fork."""

import asyncio
import contextlib
import gc
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from remote_store import Store
from remote_store.aio import AsyncStore
from remote_store.backends.http import HttpBackend
from remote_store.testing import clause
from tests.backends.taking import Taker
from tests.backends.web_ways import WAYS, opened_by
from tests.bad_input.conftest import unleaking


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture
def file(web):
    name = uuid.uuid4().hex
    (Path(web.folder) / name).write_bytes(bytes(range(256)) * 4000)
    return name


class Counter(Taker):
    """A server that keeps connections, counts them, and ends those that it is told to end."""

    def __init__(self, requests=1 << 30, content=b"hello"):
        self._requests = requests
        self._content = content
        self.connections = 0
        super().__init__()

    def serve(self, taken):
        with self._lock:
            self.connections += 1
        answered = 0
        with taken, taken.makefile("rb") as lines:
            while answered < self._requests and (line := lines.readline()):
                while lines.readline().strip():
                    pass
                body = b"" if line.startswith(b"HEAD") else self._content
                taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(self._content) + body)
                answered += 1


@clause("HTTP-14")
def test_one_connection_serves_many_requests(way):
    with Counter() as server, opened_by(way, server.url) as store:
        for _ in range(10):
            assert store.read_bytes("a") == b"hello"
            assert store.get_file_info("a").size == 5
        assert server.connections == 1


@clause("HTTP-14", "STREAM-01")
def test_a_connection_serves_again_after_a_stream_of_pieces(way):
    content = bytes(range(256)) * 4000
    with Counter(content=content) as server, opened_by(way, server.url) as store:
        for _ in range(3):
            with store.read("a") as file:
                assert b"".join(iter(lambda file=file: file.read(256 << 10), b"")) == content
        assert server.connections == 1


@clause("HTTP-14")
def test_a_connection_that_the_server_ended_is_replaced_without_an_error(way):
    with Counter(requests=2) as server, opened_by(way, server.url, tries=1 if way != "httpx" else 3) as store:
        for _ in range(10):
            assert store.read_bytes("a") == b"hello"
        assert 5 <= server.connections <= 10


@clause("HTTP-14")
def test_no_more_connections_are_kept_than_allowed(web, file):
    backend = HttpBackend(f"{web.url}/plain", connections=3, lane="stdlib")
    with Store(backend) as store, ThreadPoolExecutor(8) as threads:
        for data in threads.map(lambda _: store.read_bytes(file), range(40)):
            assert len(data) == 1_024_000
        wire = store._scope.stack.backend._wire
        assert 1 <= len(wire._idle) <= 3


@clause("HTTP-14")
def test_an_answer_that_nobody_asked_for_is_not_taken_for_another(way):
    def unasked(taken):
        taken.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
        )

    class Eager(Counter):
        def _serve(self, taken):
            with contextlib.suppress(OSError), taken, taken.makefile("rb") as lines:
                while lines.readline():
                    while lines.readline().strip():
                        pass
                    unasked(taken)

    with Eager() as server, opened_by(way, server.url, tries=3) as store:
        for _ in range(5):
            assert store.read_bytes("a") == b"hello"


@clause("STREAM-04")
def test_readers_left_early_and_stores_left_open_leave_nothing(way, web, file):
    with unleaking(), opened_by(way, f"{web.url}/plain") as store:
        for _ in range(3):
            with store.read(file) as reader:
                assert reader.read(10)
        assert store.read_range(file, 5, 5)
    with unleaking():
        store = Store(HttpBackend(f"{web.url}/plain"))
        assert store.exists(file)
        del store
        gc.collect()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@clause("HTTP-15", "STATE-03")
def test_a_forked_process_has_connections_of_its_own(web, file):
    with Store(HttpBackend(f"{web.url}/plain")) as store, store.read(file) as reader:
        first = reader.read(1000)
        assert store.exists(file)
        child = os.fork()
        if not child:
            try:
                right = store.read_bytes(file)[:1000] == first and store.exists(file)
                os._exit(0 if right else 1)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        assert first + reader.read() == bytes(range(256)) * 4000
        assert store.exists(file)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@clause("HTTP-15")
@pytest.mark.parametrize("take", [-1, 1 << 20])
def test_a_reader_taken_into_a_fork_refuses(web, take):
    name = uuid.uuid4().hex
    (Path(web.folder) / name).write_bytes(bytes(8 << 20))
    with Store(HttpBackend(f"{web.url}/plain")) as store, store.read(name) as reader:
        reader.read(10)
        child = os.fork()
        if not child:
            try:
                reader.read(take)
            except Exception as refused:  # noqa: BLE001  told to the parent
                os._exit(0 if "another process" in str(refused) else 1)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        assert len(reader.read()) == (8 << 20) - 10


@pytest.mark.parametrize("lane", ["httpx", "stdlib"])
def test_one_async_store_serves_one_loop_after_the_other(web, file, lane):
    store = AsyncStore(HttpBackend(f"{web.url}/plain", lane=lane))
    for _ in range(2):
        assert len(asyncio.run(store.read_bytes(file))) == 1_024_000
    asyncio.run(store.aclose() if hasattr(store, "aclose") else store.close())


@pytest.mark.parametrize("lane", ["httpx", "stdlib"])
def test_a_cancelled_read_leaves_the_store_usable(web, file, lane):
    async def main():
        async with AsyncStore(HttpBackend(f"{web.url}/plain", lane=lane)) as store:
            for delay in (0, 0.0005, 0.001, 0.002, 0.004):
                task = asyncio.create_task(store.read_bytes(file))
                await asyncio.sleep(delay)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            assert len(await store.read_bytes(file)) == 1_024_000

    with unleaking():
        asyncio.run(main())


def test_big_files_come_by_several_ranges_where_asked_for(web, way):
    name = uuid.uuid4().hex
    data = os.urandom(9 << 20)
    (Path(web.folder) / name).write_bytes(data)
    with opened_by(way, f"{web.url}/plain", parallel_reads=4) as store:
        assert store.read_bytes(name) == data
        with store.read(name) as reader:
            assert reader.read() == data
