"""Sockets on an event loop, in the shape that httpcore asks for; they close without a word when they are dropped."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, Any

import httpcore

from remote_store.backends.http.answers import Silent
from remote_store.backends.http.sockets import Socket, is_quiet, reachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from remote_store.backends.http.sockets import Network

__all__ = ["Streams"]

PIECE = 256 << 10
"""Bytes taken from a socket at a time at most."""

TURNS = 8
"""Reads after which other tasks get their turn."""


class Streams(httpcore.AsyncNetworkBackend):
    """Connects where the network's terms allow it."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's own interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        failed: OSError = OSError(f"{host!r} has no address")
        for family, kind, protocol, _, address in reachable(host, found, self._network):
            sock = Socket(family, kind, protocol)
            try:
                sock.setblocking(False)
                async with asyncio.timeout(timeout):
                    await loop.sock_connect(sock, address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return _Plain(sock)
            except TimeoutError as late:
                failed = Silent(str(late))
            except OSError as error:
                failed = error
            except BaseException:
                sock.close()
                raise
            sock.close()
        raise failed


class _Plain(httpcore.AsyncNetworkStream):
    """A socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._reads = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        await self._breathe()
        async with asyncio.timeout(timeout):
            return await asyncio.get_running_loop().sock_recv(self._sock, PIECE)

    async def _breathe(self) -> None:
        """Let others run now and then: bytes that are here already are taken without waiting."""
        self._reads += 1
        if self._reads % TURNS == 0:
            await asyncio.sleep(0)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        async with asyncio.timeout(timeout):
            await asyncio.get_running_loop().sock_sendall(self._sock, buffer)

    async def aclose(self) -> None:
        self._sock.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        stream = _Tls(self._sock, ssl_context, server_hostname)
        try:
            async with asyncio.timeout(timeout):
                await stream.shake_hands()
        except TimeoutError as late:
            self._sock.close()
            raise Silent(str(late)) from None
        except BaseException:
            self._sock.close()
            raise
        return stream

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._sock.fileno() < 0 or not is_quiet(self._sock)
        return self._sock if info == "socket" else None


class _Tls(_Plain):
    """TLS over a socket, without the transports of asyncio."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str | None) -> None:
        super().__init__(sock)
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._came, self._goes, server_hostname=host)

    async def shake_hands(self) -> None:
        await self._until_done(self._tls.do_handshake)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        await self._breathe()
        async with asyncio.timeout(timeout):
            try:
                data: bytes = await self._until_done(self._tls.read, PIECE)
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""  # lengths tell whether something is missing
            return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        async with asyncio.timeout(timeout):
            await self._until_done(self._tls.write, buffer)

    async def _until_done(self, function: Callable[..., Any], *args: Any) -> Any:
        loop = asyncio.get_running_loop()
        while True:
            try:
                done = function(*args)
            except ssl.SSLWantReadError:
                done = None
                wants = True
            else:
                wants = False
            if waiting := self._goes.read():
                await loop.sock_sendall(self._sock, waiting)
            if not wants:
                return done
            if data := await loop.sock_recv(self._sock, PIECE):
                self._came.write(data)
            else:
                self._came.write_eof()
