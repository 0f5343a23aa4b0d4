"""A channel: many requests on their way at once over one pipe, by as many threads as there are.

No thread of its own: of those that wait, one reads for all, and hands over when its own answers are there.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from threading import Condition, Lock
from typing import TYPE_CHECKING, Protocol

from remote_store.backends.sftp import wire
from remote_store.backends.sftp.frames import Frames
from remote_store.backends.sftp.wire import Answer, Garbled, Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from remote_store.backend import Buffer

__all__ = ["Channel", "Flight", "Lost", "Pipe", "Silent", "only_asking"]

_TURN = 255 << 10
_OLD_TURN = 32 << 10
"""Bytes of one read or write where the server does not say what it takes."""
_HANDLES = 1024
"""Files that may be open where the server does not say how many."""


class Lost(Exception):
    """The connection ended; ``undone`` says that the server has certainly changed nothing that shows."""

    def __init__(self, message: str = "the connection to the server was lost", *, undone: bool = False) -> None:
        super().__init__(message)
        self.undone = undone


class Silent(Lost):
    """The server did not answer in time."""


@contextmanager
def only_asking() -> Iterator[None]:
    """Mark the loss of a connection, while nothing but questions were sent, as harmless to repeat."""
    try:
        yield
    except Lost as lost:
        lost.undone = True
        raise


class Pipe(Protocol):
    """A stream to an SFTP server and back, whatever carries it."""

    def send(self, data: bytes) -> None:
        """Send all of it; Lost or Silent where that fails."""

    def recv(self) -> bytes:
        """Return what has arrived, at least a byte; Lost at the end, Silent where nothing comes in time."""

    def is_open(self) -> bool:
        """Say whether it is not known to have ended, without asking the other side."""

    def close(self) -> None:
        """End it; safe to call twice and beside the others."""

    def abandon(self) -> None:
        """Forget it in a forked process, whose parent goes on using it."""


class Flight:
    """Requests that were sent together, and their answers."""

    __slots__ = ("_answers", "failure", "left", "ready")

    def __init__(self, count: int) -> None:
        self._answers: list[Answer | None] = [None] * count
        self.left = count
        self.failure: Lost | None = None
        self.ready: Lock | None = None

    def land(self, at: int, answer: Answer) -> None:
        """Take one answer."""
        self._answers[at] = answer
        self.left -= 1

    def answers(self) -> list[Answer]:
        """Return the answers, once all are there."""
        return self._answers  # type: ignore[return-value]


class Channel:
    """One SFTP server process at the other end."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._lock = Lock()
        self._sending = False
        self._outbox: list[Buffer] = []
        self._flying: dict[int, tuple[Flight, int]] = {}
        self._waiting: dict[Flight, None] = {}
        self._reading = False
        self._number = 0
        self._frames = Frames()
        self._later: deque[Request] = deque()
        self.broken: Lost | None = None
        self.session: object = None
        self.extensions: dict[bytes, bytes] = {}
        self.read_size = self.write_size = _OLD_TURN
        self._handles = _HANDLES
        self._granted = 0
        self._returned = Condition()

    def greet(self) -> None:
        """Agree on the protocol and ask for its limits."""
        flight = Flight(1)
        self._flying[3] = (flight, 0)  # the version stands where other answers have their number
        self._number = 100
        self._pipe.send(wire.greeting())
        self.extensions = self.wait(flight)[0].extensions()
        if b"limits@openssh.com" not in self.extensions:
            return
        (answer,) = self.ask(wire.limits())
        if answer.failure() is None:
            reads, writes, handles = answer.limits()
            self._handles = handles or _HANDLES
            self.read_size = min(reads or _TURN, _TURN)
            self.write_size = min(writes or _TURN, _TURN)

    @property
    def load(self) -> int:
        """Requests on the way."""
        return len(self._flying)

    def is_usable(self) -> bool:
        """Say whether it is not known to be broken."""
        return self.broken is None and self._pipe.is_open()

    def offers(self, extension: bytes) -> bool:
        """Say whether the server has something beyond the protocol."""
        return extension in self.extensions

    @contextmanager
    def handles(self, count: int) -> Iterator[int]:
        """Grant a batch some open files, so many at most, as soon as others have let go of theirs.

        A quarter of what the server opens stays free, for calls that need one.
        """
        most = max(self._handles * 3 // 4, 1)
        with self._returned:
            self._returned.wait_for(lambda: self._granted < most)
            granted = min(count, most - self._granted)
            self._granted += granted
        try:
            yield granted
        finally:
            with self._returned:
                self._granted -= granted
                self._returned.notify_all()

    def ask(self, *requests: Request) -> list[Answer]:
        """Send requests together and wait for all their answers."""
        return self.wait(self.send(requests))

    def send(self, requests: Sequence[Request]) -> Flight:
        """Send requests together; ``wait`` for the answers, or never mind them."""
        flight = Flight(len(requests))
        self._launch([(flight, at) for at in range(len(requests))], requests)
        return flight

    def send_each(self, requests: Sequence[Request]) -> list[Flight]:
        """Send requests together whose answers are waited for one by one."""
        flights = [Flight(1) for _ in requests]
        self._launch([(flight, 0) for flight in flights], requests)
        return flights

    def _launch(self, places: list[tuple[Flight, int]], requests: Sequence[Request]) -> None:
        with self._lock:
            if self.broken is not None:
                raise type(self.broken)(str(self.broken))
            pieces: list[Buffer] = []
            while self._later:
                self._number = number = (self._number + 1) & 0xFFFFFFFF
                pieces += wire.encode(number, self._later.popleft())
            for place, request in zip(places, requests, strict=True):
                self._number = number = (self._number + 1) & 0xFFFFFFFF
                self._flying[number] = place
                pieces += wire.encode(number, request)
            if self._sending:
                self._outbox.append(b"".join(pieces))  # copied, as who sends already takes it along a little later
                return
            self._outbox += pieces
            self._sending = True
        self._empty_outbox()

    def _empty_outbox(self) -> None:
        try:
            while True:
                with self._lock:
                    data, self._outbox = b"".join(self._outbox), []
                    if not data:
                        self._sending = False
                        return
                self._pipe.send(data)
        except BaseException as error:
            # Half a packet may be on its way, so nothing can follow it.
            self.end(error)
            raise

    def later(self, *requests: Request) -> None:
        """Send requests with whatever is sent next, whose answers nobody hears.

        Takes no lock and does not wait, so that a finalizer may call it on a thread that is in the middle of a call.
        """
        self._later.extend(requests)

    def flush(self) -> None:
        """Send what waits for company."""
        if self._later and self.broken is None:
            self.send(())

    def settle(self) -> None:
        """Send what waits for company, and wait until the server has done it."""
        if self._later and self.is_usable():
            self.ask(wire.realpath(b"."))

    def wait(self, flight: Flight) -> list[Answer]:
        """Wait for the answers of a flight."""
        while flight.left:
            with self._lock:
                if not flight.left:
                    break
                if flight.failure is not None:
                    raise type(flight.failure)(str(flight.failure)) from flight.failure.__cause__
                reads = not self._reading
                if reads:
                    self._reading = True
                else:
                    flight.ready = ready = Lock()
                    ready.acquire()
                    self._waiting[flight] = None
            if reads:
                self._read_for(flight)
            else:
                try:
                    ready.acquire()
                except BaseException:
                    with self._lock:
                        self._waiting.pop(flight, None)
                        self._hand_over()  # it may have been woken to read
                    raise
        return flight.answers()

    def _read_for(self, flight: Flight) -> None:
        try:
            while flight.left and flight.failure is None:
                self._take(self._pipe.recv())
        except BaseException as error:
            self.end(error)  # bytes may have been lost on the way to the table
            if not isinstance(error, Lost | Garbled):
                raise
        finally:
            with self._lock:
                self._reading = False
                self._hand_over()

    def _hand_over(self) -> None:
        if self._waiting and not self._reading:
            self._wake(next(iter(self._waiting)))

    def _wake(self, flight: Flight) -> None:
        self._waiting.pop(flight, None)
        if flight.ready is not None:
            flight.ready.release()
            flight.ready = None

    def _take(self, data: bytes) -> None:
        packets = self._frames.feed(data)
        with self._lock:
            for number, kind, content, rest in packets:
                found = self._flying.pop(number, None)
                if found is None:
                    continue  # of a handle that was closed without waiting
                flight, at = found
                flight.land(at, Answer(kind, content, rest))
                if not flight.left:
                    self._wake(flight)

    def end(self, cause: BaseException | None = None) -> None:
        """Let go of the pipe; whoever still waits hears that the connection is lost."""
        with self._lock:
            if self.broken is None:
                self.broken = cause if isinstance(cause, Lost) else Lost(_told(cause))
                if cause is not None and not isinstance(cause, Lost):
                    self.broken.__cause__ = cause
            for flight, _ in self._flying.values():
                flight.failure = self.broken
            self._flying.clear()
            for flight in list(self._waiting):
                self._wake(flight)
        self._pipe.close()

    def abandon(self) -> None:
        """Forget the pipe in a forked process."""
        self._lock = Lock()  # a thread that stayed behind may hold the old one
        self.broken = Lost("the connection belongs to the parent process")
        for flight, _ in self._flying.values():
            flight.failure = self.broken
        self._pipe.abandon()


def _told(cause: BaseException | None) -> str:
    if isinstance(cause, Garbled):
        return f"the server sent what is not SFTP: {cause}"
    return "the connection was closed" if cause is None else "the connection to the server was lost"
