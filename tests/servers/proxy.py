"""A TCP proxy that makes the network slow or breaks it: latency, bandwidth, resets, stalls."""

import argparse
import asyncio
import contextlib
import dataclasses
import socket
import struct
import sys
import threading
from collections import deque
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

from tests.servers.process import LOOPBACK, Server, accepts, free_ports

CHUNK = 64 * 1024
IN_FLIGHT = 128  # chunks on the wire in one direction: bandwidth times delay has to fit


@dataclasses.dataclass(frozen=True)
class Link:
    """How one connection behaves. Byte counts are of the connection, "up" is towards the server."""

    latency: float = 0.0  # seconds added to a round trip
    bandwidth: float | None = None  # bytes a second, each way
    reset_after_up: int | None = None  # 0: as soon as the client says anything, and it does not arrive
    reset_after_down: int | None = None  # 0: the request arrives, its answer is lost
    stall_after_up: int | None = None
    stall_after_down: int | None = None


class Proxy:
    """Forwards a port of its own to another one, on a thread of its own.

    `link` may be exchanged at any time and holds for open connections too; `plan` gives the coming
    connections one each.
    """

    def __init__(self, to_port: int, link: Link | None = None, *, listen_on: int = 0) -> None:
        self.link = link or Link()
        self.port = listen_on
        self.accepted = 0
        self.bytes_up = 0
        self.bytes_down = 0
        self._to_port = to_port
        self._planned: deque[Link] = deque()
        self._wires: set[_Wire] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[BaseException] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def plan(self, *links: Link) -> None:
        """Give the next connections these links, one each."""
        self._planned.extend(links)

    def reset_all(self) -> None:
        """Reset every open connection."""
        self._do(self._reset_all())

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._errors:
            raise self._errors[0]

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._accept, LOOPBACK, self.port, limit=CHUNK, backlog=1024)
        self.port = self._listener.sockets[0].getsockname()[1]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        own = self._planned.popleft() if self._planned else None
        task = self._loop.create_task(self._connect(own, reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    async def _connect(self, own: Link | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            up_reader, up_writer = await asyncio.open_connection(LOOPBACK, self._to_port, limit=CHUNK)
            ends.append(up_writer)
            wire = _Wire(self, own, (reader, writer), (up_reader, up_writer))
            self._wires.add(wire)
            await wire.carry()
            self._wires.discard(wire)
            for end in ends:
                end.close()
                await end.wait_closed()
        except* OSError:
            pass  # how a connection broke is seen by its two ends
        finally:
            for end in ends:
                _reset(end)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._errors.append(error)

    async def _reset_all(self) -> None:
        for wire in list(self._wires):
            wire.reset()

    async def _end(self) -> None:
        self._listener.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the transports report their end


class _Wire:
    """One connection: two directions, each a reader that stamps chunks and a writer that waits for their time."""

    def __init__(
        self,
        proxy: Proxy,
        own: Link | None,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._proxy = proxy
        self._own = own
        self._client = client
        self._server = server

    @property
    def _link(self) -> Link:
        return self._own or self._proxy.link

    async def carry(self) -> None:
        async with asyncio.TaskGroup() as group:
            for up in (True, False):
                queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT)
                source, sink = (self._client[0], self._server[1]) if up else (self._server[0], self._client[1])
                group.create_task(self._read(source, queue, up=up))
                group.create_task(self._write(sink, queue))

    def reset(self) -> None:
        _reset(self._client[1])
        _reset(self._server[1])

    async def _read(self, source: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]], *, up: bool) -> None:
        clock = asyncio.get_running_loop().time
        carried = 0
        free_at = 0.0
        while data := await source.read(CHUNK):
            link = self._link
            allowed, stalls = _limit(link, up=up)
            whole = len(data)
            data = data[: max(0, allowed - carried)]
            carried += len(data)
            self._count(len(data), up=up)
            free_at = max(free_at, clock())
            if link.bandwidth:
                free_at += len(data) / link.bandwidth
            if data:
                await queue.put((free_at + link.latency / 2, data))
            if len(data) < whole:
                await (asyncio.Event().wait() if stalls else self._break(queue))
        await queue.put((clock() + self._link.latency / 2, b""))

    async def _break(self, queue: asyncio.Queue[tuple[float, bytes]]) -> None:
        await queue.join()
        await asyncio.sleep(0.01)  # what was written before the reset is to be read before it
        message = "the link breaks here"
        raise ConnectionResetError(message)

    async def _write(self, sink: asyncio.StreamWriter, queue: asyncio.Queue[tuple[float, bytes]]) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, data = await queue.get()
            if (wait := due - clock()) > 0:
                await asyncio.sleep(wait)
            if not data:
                sink.write_eof()
                return
            sink.write(data)
            await sink.drain()
            queue.task_done()

    def _count(self, size: int, *, up: bool) -> None:
        if up:
            self._proxy.bytes_up += size
        else:
            self._proxy.bytes_down += size


def _limit(link: Link, *, up: bool) -> tuple[int, bool]:
    """How many bytes may pass, and whether it then stalls or resets."""
    resets = link.reset_after_up if up else link.reset_after_down
    stalls = link.stall_after_up if up else link.stall_after_down
    return min((end, end == stalls) for end in (resets, stalls, sys.maxsize) if end is not None)


def _reset(writer: asyncio.StreamWriter) -> None:
    # Lingering for no time turns the close into a reset.
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class ProxyProcess(Server):
    """The proxy in a process of its own, so that it does not share a core's Python with what is measured."""

    name = "proxy"
    program = "python"
    install = "Python"

    def __init__(self, to_port: int, *, latency: float = 0.0, bandwidth: float = 0.0) -> None:
        super().__init__()
        self._arguments = [f"--to={to_port}", f"--latency={latency}", f"--bandwidth={bandwidth}"]

    def command(self) -> list[str]:
        (self.port,) = free_ports(1)
        return ["-m", "tests.servers.proxy", f"--listen={self.port}", *self._arguments]

    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(Path(__file__).parents[2])}

    def is_ready(self) -> bool:
        return accepts(self.port)

    @property
    def address(self) -> int:
        return self.port


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=int, required=True)
    parser.add_argument("--listen", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--bandwidth", type=float, default=0.0)
    asked = parser.parse_args()
    link = Link(latency=asked.latency, bandwidth=asked.bandwidth or None)
    with Proxy(asked.to, link, listen_on=asked.listen) as proxy:
        sys.stdout.write(f"listening on {proxy.port}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
