"""HTTP/1.1 over sockets that block: strict about what arrives, with a bounded pool of connections kept alive.

``http.client`` bounds neither a whole head nor the time it takes, follows interim answers without end, and spends
most of a small request's CPU on parsing headers as mail.
"""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, TypeVar

from remote_store.backends._obstore import restart_after_fork
from remote_store.backends.http.messages import Answer, announced, malformed, parsed_fields, parsed_status
from remote_store.backends.http.sockets import connected, is_quiet
from remote_store.errors import BackendUnavailable, IntegrityError, RemoteStoreError

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    from remote_store.backends.http.address import Origin
    from remote_store.backends.http.messages import Request
    from remote_store.backends.http.sockets import Network

T = TypeVar("T")

__all__ = ["Wire"]

MOST = 256 << 10
"""Bytes of one read of a body at most."""
LEAST = 64 << 10
"""Bytes of one read of a body at least, unless fewer are left or they come slowly."""
SLOW = 1.0
"""Seconds after which what came is handed on."""
HEAD = 64 << 10
"""Bytes of status line and headers at most, interim answers included."""
LINE = 4 << 10
"""Bytes of the line before a chunk at most."""
IDLE = 30.0
"""Seconds after which a connection is not trusted any more."""

_END = re.compile(rb"\r?\n\r?\n").search
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00]*)?").fullmatch


class _Dropped(Exception):
    """The server closed a connection before it said anything."""


class _Connection:
    """One socket and what of its stream is read but not used."""

    __slots__ = ("_buffer", "_read_timeout", "_sock", "idle_since", "origin")

    def __init__(self, origin: Origin, sock: socket.socket, read_timeout: float) -> None:
        self.origin = origin
        self._sock = sock
        self._buffer = b""
        self._read_timeout = read_timeout
        self.idle_since = 0.0

    def is_quiet(self) -> bool:
        """Say whether nothing came on it since it was kept: neither an end nor anything unasked for."""
        return not self._buffer and time.monotonic() - self.idle_since < IDLE and is_quiet(self._sock)

    def is_clean(self) -> bool:
        return not self._buffer

    def send(self, request: Request) -> None:
        self._sock.settimeout(self._read_timeout)
        try:
            self._sock.sendall(request.text())
        except OSError as failed:
            raise failed.with_traceback(None)  # noqa: B904  frames of ssl hold what was sent

    def head(self) -> tuple[bool, int, dict[str, str]]:
        """Read status line and headers; interim answers are passed over."""
        deadline = self.deadline()
        room = HEAD
        while True:
            lines, taken = self._head_lines(deadline, room)
            modern, status = parsed_status(lines[0])
            if status >= 200:
                return modern, status, parsed_fields(lines[1:])
            room -= taken

    def _head_lines(self, deadline: float, room: int) -> tuple[list[bytes], int]:
        data, at = self._buffer, 0
        while not (end := _END(data, at)):
            if len(data) > room:
                raise malformed("its head is too long")
            at = max(len(data) - 3, 0)
            if data:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError("the head of the answer did not arrive in time")
                self._sock.settimeout(left)
            more = self._sock.recv(LEAST)
            if not more:
                raise malformed("it ends within its head") if data else _Dropped("the server closed the connection")
            data += more
        if end.end() > room:
            raise malformed("its head is too long")
        self._buffer = data[end.end() :]
        return [line.removesuffix(b"\r") for line in data[: end.start()].split(b"\n")], end.end()

    def deadline(self) -> float:
        """Return when waiting that begins now ends."""
        return time.monotonic() + self._read_timeout

    def patient(self) -> None:
        """Wait for each piece of a body as long as for anything else."""
        self._sock.settimeout(self._read_timeout)

    def some(self, most: int) -> bytes:
        """Return some bytes, empty ones at the end of the connection."""
        if self._buffer:
            data, self._buffer = self._buffer[:most], self._buffer[most:]
            return data
        return self._sock.recv(most)

    def fill(self, buffer: memoryview) -> int:
        """Put some bytes into a buffer, none at the end of the connection."""
        if self._buffer:
            data = self.some(len(buffer))
            buffer[: len(data)] = data
            return len(data)
        return self._sock.recv_into(buffer)

    def line(self, deadline: float = 0.0) -> bytes:
        """Return a line without its end, before a deadline or as soon as anything else is waited for."""
        deadline = deadline or self.deadline()
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LINE:
                raise malformed("a line of its chunks is too long")
            if time.monotonic() > deadline:
                raise TimeoutError("the framing of the body did not arrive in time")
            more = self._sock.recv(LEAST)
            if not more:
                raise IntegrityError("the body ended before its last chunk")
            self._buffer += more
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line.removesuffix(b"\r")

    def close(self) -> None:
        self._sock.close()


class _Received(Answer):
    """An answer on a connection of ours."""

    def __init__(self, wire: Wire, connection: _Connection, method: str) -> None:
        self._wire = wire
        self._born = wire.generation
        self._connection: _Connection | None = connection
        modern, self.status, self.headers = connection.head()
        options = {option.strip().lower() for option in self.headers.get("connection", "").split(",")}
        self._lasting = "close" not in options if modern else "keep-alive" in options
        self._chunked, self.length = self._framing(method, modern)
        self.ends = self._chunked or self.length is not None
        self._left = self.length
        self._chunk = 0
        connection.patient()
        if self.length == 0:
            self._finish()

    def _framing(self, method: str, modern: bool) -> tuple[bool, int | None]:
        length = announced(self.headers)
        coding = self.headers.get("transfer-encoding")
        if method == "HEAD" or self.status in (204, 304):
            return False, 0
        if coding is None:
            return False, length
        if coding.lower() != "chunked" or length is not None or not modern:
            raise malformed("it says in two ways how long it is, or in one that is not known")
        return True, None

    async def read(self) -> bytes:
        return b"" if self._connection is None else self._take_from(self._connection, self._gathered)

    async def fill(self, buffer: memoryview) -> int | None:
        if self._connection is None or self._left is None:  # chunks have lines between them
            return None
        return self._take_from(self._connection, lambda connection: self._poured(connection, buffer))

    def _take_from(self, connection: _Connection, take: Callable[[_Connection], T]) -> T:
        if self._born != self._wire.generation:
            raise RemoteStoreError("this stream was opened in another process; open the file again")
        try:
            taken = take(connection)
        except BaseException:
            self._drop()
            raise
        if not taken or self._left == 0:
            self._finish()
        return taken

    def _poured(self, connection: _Connection, buffer: memoryview) -> int:
        room = buffer[: self._left]
        size, until = 0, 0.0
        while size < min(LEAST, len(room)) and (not size or time.monotonic() < until):
            count = connection.fill(room[size:])
            if not count:
                self._lasting = False
                break
            size, until = size + count, until or time.monotonic() + SLOW
        self._left = (self._left or 0) - size
        return size

    def _gathered(self, connection: _Connection) -> bytes:
        take = self._take_chunked if self._chunked else self._take
        data = take(connection, MOST)
        if len(data) >= LEAST or not data:
            return data
        pieces, size, until = [data], len(data), time.monotonic() + SLOW
        while size < LEAST and time.monotonic() < until and (data := take(connection, MOST - size)):
            pieces.append(data)
            size += len(data)
        return b"".join(pieces)

    def _take(self, connection: _Connection, most: int) -> bytes:
        if self._left is None:
            return connection.some(most)
        if self._left == 0:
            return b""
        data = connection.some(min(most, self._left))
        self._left -= len(data)
        if not data:
            self._lasting = False
        return data

    def _take_chunked(self, connection: _Connection, most: int) -> bytes:
        if self._left == 0:
            return b""
        if self._chunk == 0:
            found = _CHUNK(connection.line())
            if not found:
                raise malformed("the size of a chunk cannot be read")
            self._chunk = int(found[1], 16)
            if self._chunk == 0:
                self._trailer(connection)
                return b""
        data = connection.some(min(most, self._chunk))
        if not data:
            raise IntegrityError("the body ended before its last chunk")
        self._chunk -= len(data)
        if self._chunk == 0 and connection.line():
            raise malformed("a chunk is longer than it says")
        return data

    def _trailer(self, connection: _Connection) -> None:
        room, deadline = HEAD, connection.deadline()
        while line := connection.line(deadline):
            room -= len(line)
            if room < 0:
                raise malformed("its trailer is too long")
        self._left = 0

    def _finish(self) -> None:
        """Keep the connection if its stream stands at the end of this answer."""
        connection, self._connection = self._connection, None
        if connection is not None:
            whole = self._left == 0 and self._lasting and connection.is_clean()
            self._wire.leave(connection, lasting=whole)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def close(self) -> None:
        self._drop()


class Wire:
    """Connections to servers, kept alive and shared by threads."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._tls: ssl.SSLContext | None = None
        self.generation = 0
        self._begin()
        restart_after_fork(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []

    def restart(self) -> None:
        """Begin anew in a forked process, whose parent goes on with the connections."""
        self.generation += 1
        inherited = self._idle
        self._begin()
        for connection in inherited:
            connection.close()  # this process's hold on it only

    async def ask(self, request: Request) -> Answer:
        """Send a request and return its answer; a kept connection that turns out dead is replaced."""
        while True:
            connection = self._kept(request.target.origin)
            fresh = connection is None
            if connection is None:
                connection = self._connect(request.target.origin)
            try:
                connection.send(request)
                return _Received(self, connection, request.method)
            except (_Dropped, ConnectionError) as failed:
                connection.close()
                if fresh:
                    raise BackendUnavailable("the server closed the connection") from failed
            except BaseException:
                connection.close()
                raise

    def _kept(self, origin: Origin) -> _Connection | None:
        while self._idle:
            with self._lock:
                found = next((at for at in reversed(range(len(self._idle))) if self._idle[at].origin == origin), None)
                if found is None:
                    return None
                connection = self._idle.pop(found)
            if connection.is_quiet():
                return connection
            connection.close()
        return None

    def leave(self, connection: _Connection, *, lasting: bool) -> None:
        """Take a connection back."""
        if lasting:
            connection.idle_since = time.monotonic()
            with self._lock:
                self._idle.append(connection)
                lasting = len(self._idle) <= self._network.connections
                connection = connection if lasting else self._idle.pop(0)
        if not lasting:
            connection.close()

    def _connect(self, origin: Origin) -> _Connection:
        tls = self._context() if origin.scheme == "https" else None
        return _Connection(origin, connected(origin, self._network, tls), self._network.read_timeout)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = self._network.tls()
        return self._tls

    async def close(self) -> None:
        """Let go of the connections that nobody reads from."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
