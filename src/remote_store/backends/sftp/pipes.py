"""What carries SFTP: a channel of a paramiko connection, or the streams of an ``ssh`` process."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from remote_store.backends.sftp.channel import Lost, Silent

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

__all__ = ["PACKET", "Arrivals", "ParamikoPipe", "PatientSocket", "ProcessPipe"]

PACKET = 64 << 10
"""Bytes of a packet from the server at most. Of bigger ones each would take memory of its own from the system."""
_PIECE = 1 << 20
_TAKE = 512 << 10
"""Bytes taken from the system in one trip at most."""
_AT_ONCE = getattr(socket, "TCP_QUICKACK", None)
"""Linux can confirm at once: sshd keeps a small answer back until the last one is confirmed, for up to 40 ms."""
SILENT = "the server did not answer within {:g} s"


class PatientSocket(socket.socket):
    """A socket whose sends fail once nothing at all was taken for so long; paramiko would try without end."""

    patience = 60.0
    is_stuck = False
    _stuck_since: float | None = None
    _taken = b""
    _used = 0

    def __init__(self, fileno: int) -> None:
        super().__init__(fileno=fileno)
        self.fed: set[Arrivals] = set()
        """Those that something came for whose readers do not know it yet."""

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return so many bytes at most. All that came is taken, and confirmed at once.

        paramiko asks for a packet's head, then for its rest, and a server makes a packet of every small answer: each
        trip to the system would let another thread of ours in between.
        """
        if self._used == len(self._taken):
            while self.fed:
                self.fed.pop().wake()
            self._taken, self._used = super().recv(max(size, _TAKE), flags), 0
            if _AT_ONCE is not None:
                self.setsockopt(socket.IPPROTO_TCP, _AT_ONCE, 1)
        found = self._taken[self._used : self._used + size]
        self._used += len(found)
        return found

    def send(self, data: Any, flags: int = 0) -> int:
        """Send what the other side takes."""
        try:
            count = super().send(data, flags)
        except TimeoutError:
            now = time.monotonic()
            if self._stuck_since is None:
                self._stuck_since = now
            elif now - self._stuck_since > self.patience:
                self.is_stuck = True
                raise ConnectionAbortedError("the other side takes nothing any more") from None
            raise
        self._stuck_since = None
        return count


class Arrivals:
    """The packets that came for a channel of paramiko's, in place of the byte array that it would copy them through.

    Whoever waits for them is woken when all that came is handed out: a thread woken for each packet would mostly wait
    for the interpreter.
    """

    def __init__(self, fed: set[Arrivals]) -> None:
        self._fed = fed
        self._lock = threading.Lock()
        self._packets: deque[bytes] = deque()
        self._reader: threading.Lock | None = None
        """Held by whoever waits, until something comes."""
        self._closed = False

    @classmethod
    def take_over(cls, channel: Any) -> None:
        """Take the place of a new channel's own, before anything was asked for on it."""
        channel.in_buffer = arrivals = cls(channel.transport.sock.fed)
        if channel.closed or channel.eof_received:  # it may have heard that before
            arrivals.close()

    def __len__(self) -> int:
        """Bytes that wait; paramiko shows them."""
        with self._lock:
            return sum(map(len, self._packets))

    def feed(self, data: bytes) -> None:
        """Take a packet; paramiko's thread calls it."""
        if data:  # an empty one is allowed, and would look like the end
            with self._lock:
                self._packets.append(data)
            self._fed.add(self)

    def close(self) -> None:
        """Know that nothing comes any more."""
        with self._lock:
            self._closed = True
        self.wake()

    def wake(self) -> None:
        """Let the reader see what came."""
        with self._lock:
            if self._reader is not None:
                self._reader.release()
                self._reader = None

    def read(self, size: int, timeout: float | None = None) -> bytes:
        """Return packets, so many bytes at most; none after the end. One thread at a time may wait.

        Raises:
            paramiko.buffered_pipe.PipeTimeout: nothing came for so many seconds.
        """
        while True:
            with self._lock:
                if self._packets:
                    return self._taken(size)
                if self._closed:
                    return b""
                self._reader = reader = threading.Lock()
                reader.acquire()
            if not reader.acquire(timeout=-1 if timeout is None else timeout):
                from paramiko.buffered_pipe import PipeTimeout

                raise PipeTimeout

    def _taken(self, size: int) -> bytes:
        first = self._packets.popleft()
        if len(first) > size:
            self._packets.appendleft(first[size:])
            return first[:size]
        taken, size = [first], size - len(first)
        while self._packets and len(self._packets[0]) <= size:
            size -= len(self._packets[0])
            taken.append(self._packets.popleft())
        return b"".join(taken)  # which hands one alone on as it is


class ParamikoPipe:
    """A channel of a connection that others share."""

    def __init__(self, channel: Any, patience: float) -> None:
        from paramiko import SSHException

        self._lost = (OSError, EOFError, SSHException)
        self._channel = channel
        self._patience = patience
        self._turn = max(channel.out_max_packet_size - 64, 1)
        channel.settimeout(patience)

    def send(self, data: bytes) -> None:
        """Send all."""
        turn, at = self._turn, 0
        try:
            while at < len(data):
                count = self._channel.send(data[at : at + turn])
                if not count:
                    raise Lost
                at += count
        except TimeoutError:
            raise Silent(SILENT.format(self._patience)) from None
        except self._lost as error:
            if self._channel.transport.sock.is_stuck:
                raise Silent(SILENT.format(self._patience)) from error
            raise Lost from error

    def recv(self) -> bytes:
        """Return what has arrived."""
        try:
            data: bytes = self._channel.recv(PACKET)
        except TimeoutError:
            raise Silent(SILENT.format(self._patience)) from None
        except self._lost as error:
            raise Lost from error
        if not data:
            raise Lost
        return data

    def is_open(self) -> bool:
        """Say whether the connection is not known to have ended."""
        channel = self._channel
        return not (channel.closed or channel.eof_received) and bool(channel.transport.is_active())

    def close(self) -> None:
        """End this channel; the connection stays."""
        with contextlib.suppress(*self._lost):
            if self._channel.transport.sock.is_stuck:  # a goodbye would wait as long again
                self._channel.transport.sock.shutdown(socket.SHUT_RDWR)
            self._channel.close()

    def abandon(self) -> None:
        """Keep the channel from saying goodbye in the parent's name."""
        self._channel.lock = threading.Lock()
        self._channel.closed = True


class ProcessPipe:
    """The standard streams of an ``ssh`` process."""

    def __init__(self, process: subprocess.Popen[bytes], patience: float) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._patience = patience
        self._in, self._out = process.stdin, process.stdout
        self._lock = threading.Lock()
        self._users = 0
        self._closing = False
        for stream in (self._in, self._out):
            os.set_blocking(stream.fileno(), False)
            with contextlib.suppress(OSError, AttributeError, ImportError):  # more than some systems or users may
                import fcntl

                fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _PIECE)

    def wait_for(self, patience: float) -> None:
        """Set the seconds without a byte after which the server counts as silent."""
        self._patience = patience

    @contextlib.contextmanager
    def _using(self) -> Iterator[None]:
        """Keep the streams open while a thread is at them; another file could get their numbers."""
        with self._lock:
            if self._closing:
                raise Lost("the connection was closed")
            self._users += 1
        try:
            yield
        except OSError as error:
            raise Lost from error
        finally:
            with self._lock:
                self._users -= 1
                self._release()

    def send(self, data: bytes) -> None:
        """Send all."""
        with self._using():
            left = memoryview(data)
            while left:
                try:
                    left = left[os.write(self._in.fileno(), left) :]
                except BlockingIOError:
                    self._await(self._in.fileno(), select.POLLOUT)

    def recv(self) -> bytes:
        """Return what has arrived."""
        with self._using():
            self._await(self._out.fileno(), select.POLLIN)
            data = os.read(self._out.fileno(), _PIECE)
        if not data:
            raise Lost
        return data

    def _await(self, fd: int, event: int) -> None:
        poll = select.poll()
        poll.register(fd, event)
        if not poll.poll(self._patience * 1000):
            raise Silent(SILENT.format(self._patience))

    def is_open(self) -> bool:
        """Say whether the process lives."""
        with self._lock:
            return self._process.poll() is None

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._closing = True
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()
            self._release()

    def _release(self) -> None:
        if self._closing and not self._users:
            for stream in (self._in, self._out):
                with contextlib.suppress(OSError):
                    stream.close()

    def abandon(self) -> None:
        """Close our copies of the streams; the process is the parent's."""
        self._process.returncode = 0  # not ours to wait for
        self._lock = threading.Lock()
        self._closing, self._users = True, 0
        self._release()
