"""The words of SFTP version 3 and of OpenSSH's additions: requests to bytes, bytes to answers, no I/O."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from remote_store.backend import Buffer

__all__ = ["DATA", "HEAD", "Answer", "Attrs", "Garbled", "Request", "Status", "encode"]

INIT, VERSION = 1, 2
_OPEN, _CLOSE, _READ, _WRITE, _LSTAT, _FSTAT, _SETSTAT = 3, 4, 5, 6, 7, 8, 9
_OPENDIR, _READDIR, _REMOVE, _MKDIR, _RMDIR, _REALPATH, _STAT, _RENAME = 11, 12, 13, 14, 15, 16, 17, 18
_STATUS, _HANDLE, DATA, _NAME, _ATTRS, _EXTENDED, _EXTENDED_REPLY = 101, 102, 103, 104, 105, 200, 201

OK, EOF, NO_SUCH_FILE, DENIED, FAILURE, BAD_MESSAGE, NO_CONNECTION, LOST, UNSUPPORTED = range(9)
NO_SUCH_PATH, EXISTS, READ_ONLY, NO_SPACE, OVER_QUOTA = 10, 11, 12, 14, 15
"""Of later versions of the protocol, which some servers use all the same."""

LONGEST = 1 << 20
"""Bytes of one packet at most; what is asked for at once is a quarter of it."""

FOR_READING, FOR_NEW = 0x01, 0x02 | 0x08 | 0x20
_SIZE, _OWNER, _MODE, _TIMES, _EXTRAS = 0x01, 0x02, 0x04, 0x08, 0x80000000

HEAD = struct.Struct(">IBI")
"""Length of what follows, kind and number of a packet."""
_INT = struct.Struct(">I")
_LONG = struct.Struct(">Q")
_READS = struct.Struct(">QI")
_USUAL = struct.Struct(">IQIIIII")
"""The facts that OpenSSH tells of a file: which ones, size, user, group, mode, times of access and change."""
_DONE = _INT.pack(OK)


class Garbled(Exception):
    """The server sent what is not SFTP, or not an answer to what was asked."""


class Status(Exception):
    """The server answered that it did not do it."""

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"SFTP status {self.code}: {self.message}"


class Attrs(NamedTuple):
    """What a server tells of a file; None is what it did not tell."""

    size: int | None = None
    mode: int | None = None
    modified: int | None = None


def printable(text: str) -> str:
    """Return what a server said, short and without characters that could disturb a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text[:200])


class Request(NamedTuple):
    """One request, without the number that it gets when it is sent."""

    kind: int
    body: bytes
    data: Buffer = b""
    """Sent right behind the body, uncopied."""


def _text(value: bytes) -> bytes:
    return _INT.pack(len(value)) + value


def encode(number: int, request: Request) -> list[Buffer]:
    """Return the bytes of a request with its number."""
    kind, body, data = request
    head = HEAD.pack(5 + len(body) + len(data), kind, number) + body
    return [head, data] if len(data) else [head]


def greeting() -> bytes:
    """Return the first packet of a client."""
    return HEAD.pack(5, INIT, 3)


def open_file(path: bytes, flags: int, mode: int | None = None) -> Request:
    """Open a file; the mode is for one that is made."""
    attrs = _INT.pack(0) if mode is None else struct.pack(">II", _MODE, mode)
    return Request(_OPEN, _text(path) + _INT.pack(flags) + attrs)


def close(handle: bytes) -> Request:
    """Close a file or a listing."""
    return Request(_CLOSE, _text(handle))


def read(handle: bytes, offset: int, length: int) -> Request:
    """Ask for bytes of an open file."""
    return Request(_READ, _text(handle) + _READS.pack(offset, length))


def write(handle: bytes, offset: int, data: Buffer) -> Request:
    """Put bytes into an open file."""
    return Request(_WRITE, _text(handle) + _READS.pack(offset, len(data)), data)


def fstat(handle: bytes) -> Request:
    """Ask for the facts of an open file."""
    return Request(_FSTAT, _text(handle))


def stat(path: bytes) -> Request:
    """Ask what stands at a path, links followed."""
    return Request(_STAT, _text(path))


def lstat(path: bytes) -> Request:
    """Ask what stands at a path itself, a link being a link."""
    return Request(_LSTAT, _text(path))


def setstat(path: bytes, *, mode: int | None = None, modified: int | None = None) -> Request:
    """Set the permissions or the time of a file."""
    flags, values = 0, b""
    if mode is not None:
        flags, values = flags | _MODE, values + _INT.pack(mode)
    if modified is not None:
        flags, values = flags | _TIMES, values + struct.pack(">II", modified, modified)
    return Request(_SETSTAT, _text(path) + _INT.pack(flags) + values)


def opendir(path: bytes) -> Request:
    """Begin a listing."""
    return Request(_OPENDIR, _text(path))


def readdir(handle: bytes) -> Request:
    """Ask for the next names of a listing."""
    return Request(_READDIR, _text(handle))


def remove(path: bytes) -> Request:
    """Delete a file or a link."""
    return Request(_REMOVE, _text(path))


def mkdir(path: bytes) -> Request:
    """Make a folder."""
    return Request(_MKDIR, _text(path) + _INT.pack(0))


def rmdir(path: bytes) -> Request:
    """Delete an empty folder."""
    return Request(_RMDIR, _text(path))


def realpath(path: bytes) -> Request:
    """Ask where a path leads once its links are followed."""
    return Request(_REALPATH, _text(path))


def rename(old: bytes, new: bytes) -> Request:
    """Rename, refusing a name that is taken."""
    return Request(_RENAME, _text(old) + _text(new))


def _extended(name: bytes, body: bytes) -> Request:
    return Request(_EXTENDED, _text(name) + body)


def replace(old: bytes, new: bytes) -> Request:
    """Rename over whatever file has the name, in one step."""
    return _extended(b"posix-rename@openssh.com", _text(old) + _text(new))


def link(old: bytes, new: bytes) -> Request:
    """Give a file a second name, refusing one that is taken."""
    return _extended(b"hardlink@openssh.com", _text(old) + _text(new))


def fsync(handle: bytes) -> Request:
    """Wait until an open file is on the disk itself."""
    return _extended(b"fsync@openssh.com", _text(handle))


def limits() -> Request:
    """Ask how long packets, reads and writes may be, and how many files may be open."""
    return _extended(b"limits@openssh.com", b"")


def copy_data(source: bytes, start: int, length: int, target: bytes) -> Request:
    """Copy bytes from one open file to another, inside the server."""
    return _extended(
        b"copy-data", _text(source) + struct.pack(">QQ", start, length) + _text(target) + _LONG.pack(start)
    )


class Answer:
    """One answer; reading it as what it is not raises what it says instead."""

    __slots__ = ("_rest", "_view", "kind")

    def __init__(self, kind: int, view: memoryview, rest: Sequence[memoryview] = ()) -> None:
        self.kind = kind
        self._view = view
        self._rest = rest
        """What of the data came later."""

    def done(self) -> None:
        """Prove that it says OK.

        Raises:
            Status: it says something else.
        """
        if (refusal := self.refusal()) is not None:
            raise refusal

    def refusal(self) -> Status | None:
        """Return why what was asked was not done, where being done is all that there is to answer."""
        if self.kind != _STATUS:
            raise Garbled(f"packet {self.kind} where {_STATUS} was due")
        return self.failure()

    def failure(self) -> Status | None:
        """Return what the server refused with, or None if it did what was asked."""
        if self.kind != _STATUS or self._view[:4] == _DONE:
            return None
        reader = _Reader(self._view)
        code = reader.number()
        message = reader.text() if reader.left() else b""  # some servers of old send none
        return Status(code, message.decode(errors="replace"))

    def _need(self, kind: int) -> _Reader:
        if self.kind != kind:
            if (failure := self.failure()) is not None:
                raise failure
            raise Garbled(f"packet {self.kind} where {kind} was due")
        return _Reader(self._view)

    def handle(self) -> bytes:
        """Return the handle of what was opened."""
        handle = self._need(_HANDLE).text()
        if not 0 < len(handle) <= 256:
            raise Garbled("a handle of a length that cannot be")
        return handle

    def data(self) -> Buffer:
        """Return the bytes that were read; none at the end of the file."""
        pieces = self.pieces()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def pieces(self) -> list[memoryview]:
        """Return the bytes that were read as they arrived, uncopied; no piece at the end of the file."""
        if self.kind == _STATUS and (failure := self.failure()) is not None and failure.code == EOF:
            return []
        reader = self._need(DATA)
        count = reader.number()
        if self._rest:
            pieces = [reader.take(reader.left()), *self._rest]
            if count == sum(map(len, pieces)):
                return pieces
            reader = _Reader(memoryview(b"".join(pieces)))
        return [reader.take(count)] if count else []

    def attrs(self) -> Attrs:
        """Return facts."""
        return self._need(_ATTRS).attrs()

    def names(self) -> list[tuple[bytes, Attrs]]:
        """Return names with their facts; none at the end of the listing."""
        if self.kind == _STATUS and (failure := self.failure()) is not None and failure.code == EOF:
            return []
        reader = self._need(_NAME)
        found = []
        for _ in range(reader.number()):
            name = reader.text()
            reader.text()
            found.append((name, reader.attrs()))
        return found

    def path(self) -> bytes:
        """Return the one name that a question for a path is answered with."""
        names = self.names()
        if len(names) != 1:
            raise Garbled(f"{len(names)} paths where one was due")
        return names[0][0]

    def limits(self) -> tuple[int, int, int]:
        """Return how long a read and a write may be, and how many files may be open; 0: no limit."""
        reader = self._need(_EXTENDED_REPLY)
        reader.long()
        return reader.long(), reader.long(), reader.long()

    def extensions(self) -> dict[bytes, bytes]:
        """Return what the server offers beyond the protocol."""
        reader = self._need(VERSION)
        found = {}
        while reader.left():
            name = reader.text()
            found[name] = reader.text()
        return found


class _Reader:
    """A position in a packet; every step beyond its end raises Garbled."""

    __slots__ = ("_at", "_view")

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._at = 0

    def left(self) -> int:
        return len(self._view) - self._at

    def take(self, count: int) -> memoryview:
        if count > self.left():
            raise Garbled("a packet that is shorter than it says")
        found = self._view[self._at : self._at + count]
        self._at += count
        return found

    def unpack(self, shape: struct.Struct) -> tuple[int, ...]:
        at = self._at
        if shape.size > len(self._view) - at:
            raise Garbled("a packet that is shorter than it says")
        self._at = at + shape.size
        return shape.unpack_from(self._view, at)

    def number(self) -> int:
        return self.unpack(_INT)[0]

    def long(self) -> int:
        return self.unpack(_LONG)[0]

    def text(self) -> bytes:
        return bytes(self.take(self.number()))

    def attrs(self) -> Attrs:
        if self.left() >= _USUAL.size:
            flags, size, _, _, mode, _, modified = _USUAL.unpack_from(self._view, self._at)
            if flags == _SIZE | _OWNER | _MODE | _TIMES:
                self._at += _USUAL.size
                return Attrs(size, mode, modified)
        return self._unusual()

    def _unusual(self) -> Attrs:
        flags = self.number()
        size = self.long() if flags & _SIZE else None
        if flags & _OWNER:
            self.take(8)
        mode = self.number() if flags & _MODE else None
        modified = None
        if flags & _TIMES:
            self.take(4)
            modified = self.number()
        if flags & _EXTRAS:
            for _ in range(2 * self.number()):
                self.text()
        return Attrs(size, mode, modified)
