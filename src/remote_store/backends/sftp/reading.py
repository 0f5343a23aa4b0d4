"""Reading files: one as a stream, or many small ones side by side."""

from __future__ import annotations

import io
from collections import deque
from typing import TYPE_CHECKING

from remote_store.backend import Body, BytesBody
from remote_store.backends._drafts import PREFIX
from remote_store.backends.sftp import wire
from remote_store.backends.sftp.tree import A_FOLDER, SPECIAL, info_of, is_file, is_folder, is_missing
from remote_store.backends.sftp.wire import Garbled, Status
from remote_store.errors import NotFound, PreconditionFailed, RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from remote_store.backend import Buffer, FileInfo, Span
    from remote_store.backends.sftp.channel import Channel, Flight
    from remote_store.backends.sftp.tree import Tree
    from remote_store.backends.sftp.wire import Answer, Attrs

__all__ = ["FileBody", "open_body", "read_many"]

_SMALL = 1 << 20
"""A file up to so many bytes is read while it is opened."""
_FIRST, _MOST = 4, 32
"""Reads on the way at once: few at first, since many look at a header only, then as many as fill a long line."""
CHANGED = "the file is another version by now"


def open_body(tree: Tree, key: str, span: Span | None, if_match: str | None) -> Body:
    """Open a file, or the part of it that overlaps the span."""
    channel = tree.channel()
    facts = tree.file(channel, key)
    for _ in range(3):
        handle = _opened(tree, channel, key)
        start, length = reach(facts.size or 0, span)
        if length > _SMALL:
            break
        seen, data = _read_small(channel, handle, start, length)
        if seen.size == facts.size and data is not None:
            return BytesBody(_proven(key, seen, if_match), data, start)
        facts = tree.file(channel, key)  # another version came between: look again
    else:
        handle = _opened(tree, channel, key)
    try:
        facts = channel.ask(wire.fstat(handle))[0].attrs()
        entry = _proven(key, facts, if_match)
        return FileBody(channel, handle, entry, *reach(entry.size, span))
    except BaseException:
        channel.later(wire.close(handle))
        raise


def read_many(tree: Tree, keys: Sequence[str]) -> list[Buffer | None]:
    """Read small files side by side, each step of all of them in one trip; None for those better read alone."""
    found: list[Buffer | None] = [None] * len(keys)
    channel = tree.channel()
    paths = {at: tree.path(key) for at, key in enumerate(keys) if PREFIX not in key}
    answers = iter(channel.ask(*[ask(path) for path in paths.values() for ask in (wire.realpath, wire.stat)]))
    sizes = {at: size for at in paths if (size := _small(tree, next(answers), next(answers), channel)) is not None}
    left = list(sizes)
    while left:
        with channel.handles(len(left)) as most:
            for at, data in _read(channel, {at: (paths[at], sizes[at]) for at in left[:most]}):
                found[at] = data
        left = left[most:]
    return found


def _read(channel: Channel, files: dict[int, tuple[bytes, int]]) -> Iterator[tuple[int, Buffer]]:
    """Yield the contents of those files that are as long as they were."""
    answers = iter(channel.ask(*[wire.open_file(path, wire.FOR_READING) for path, _ in files.values()]))
    opened = {at: answer.handle() for at in files if (answer := next(answers)).failure() is None}
    requests: list[wire.Request] = []
    for at, handle in opened.items():
        requests += [wire.fstat(handle), wire.read(handle, 0, max(files[at][1], 1)), wire.close(handle)]
    answers = iter(channel.ask(*requests))
    for at in opened:
        facts, data, _ = next(answers), next(answers), next(answers)
        if facts.failure() is None and facts.attrs().size == files[at][1] == len(piece := data.data()):
            yield at, piece


def _small(tree: Tree, real: Answer, found: Answer, channel: Channel) -> int | None:
    """Return the size of a file that one request reads; None of any other, or where something is wrong with it."""
    try:
        tree.guard(real)
        facts = found.attrs()
    except (RemoteStoreError, Status):
        return None
    size = facts.size or 0
    return size if is_file(facts) and size <= channel.read_size else None


def reach(size: int, span: Span | None) -> tuple[int, int]:
    """Return where a span begins in a file of a size, and how many bytes of it there are."""
    if span is None:
        return 0, size
    left = max(size - span.offset, 0)
    return span.offset, left if span.length is None else min(span.length, left)


def _opened(tree: Tree, channel: Channel, key: str) -> bytes:
    try:
        return channel.ask(wire.open_file(tree.path(key), wire.FOR_READING))[0].handle()
    except Status as status:
        if is_missing(status):
            raise tree.missing(channel) from None
        raise


def _read_small(channel: Channel, handle: bytes, start: int, length: int) -> tuple[Attrs, bytes | None]:
    """Read and close in one trip; None where the file is not what it was a moment ago."""
    turn, end = channel.read_size, start + length
    reads = [wire.read(handle, at, min(turn, end - at)) for at in range(start, end, turn)]
    found, *pieces, _ = channel.ask(wire.fstat(handle), *reads, wire.close(handle))
    facts = found.attrs()
    data = b"".join([part for piece in pieces for part in piece.pieces()])
    return facts, data if len(data) == length else None


def _proven(key: str, facts: Attrs, if_match: str | None) -> FileInfo:
    if not is_file(facts):
        raise NotFound(A_FOLDER if is_folder(facts) else SPECIAL)
    entry = info_of(key, facts)
    if if_match is not None and if_match != entry.etag:
        raise PreconditionFailed(CHANGED)
    return entry


class FileBody(Body):
    """An open file, read ahead; whatever happens to its name, its handle stays with one version."""

    def __init__(self, channel: Channel, handle: bytes, entry: FileInfo, start: int, length: int) -> None:
        self._channel: Channel | None = channel
        self.handle = handle
        self.entry = entry
        self.start = self._asked = start
        self.length = length
        self._end = start + length
        self._window = _FIRST
        self._ahead: deque[tuple[Flight, int, int]] = deque()
        self._left: list[memoryview] = []
        """What had no room in a buffer."""

    def _ask_ahead(self, channel: Channel) -> None:
        """Keep the line full: ask again once half of what was asked for has come."""
        if self._asked >= self._end or len(self._ahead) > self._window // 2:
            return
        requests: list[wire.Request] = []
        spans: list[tuple[int, int]] = []
        while self._asked < self._end and len(self._ahead) + len(requests) < self._window:
            length = min(channel.read_size, self._end - self._asked)
            requests.append(wire.read(self.handle, self._asked, length))
            spans.append((self._asked, length))
            self._asked += length
        flights = channel.send_each(requests)
        self._ahead += [(flight, *span) for flight, span in zip(flights, spans, strict=True)]
        self._window = min(2 * self._window, _MOST)

    async def next(self) -> Buffer:
        pieces, self._left = self._left or self._pieces(), []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def fill(self, buffer: memoryview) -> int:
        pieces, self._left = self._left or self._pieces(), []
        at = 0
        for number, piece in enumerate(pieces):
            count = min(len(piece), len(buffer) - at)
            buffer[at : at + count] = piece[:count]
            at += count
            if count < len(piece):
                self._left = [piece[count:], *pieces[number + 1 :]]
                break
        return at

    async def all(self) -> Buffer:
        self._window = _MOST
        whole = io.BytesIO()
        while pieces := self._left or self._pieces():
            self._left = []
            for piece in pieces:
                whole.write(piece)
        return whole.getvalue()

    def _pieces(self) -> list[memoryview]:
        """Return the next bytes as they arrived, in pieces; none at the end."""
        if self._channel is None:
            return []
        self._ask_ahead(self._channel)
        if not self._ahead:
            return []
        flight, offset, length = self._ahead.popleft()
        pieces = self._channel.wait(flight)[0].pieces()
        count = sum(map(len, pieces))
        if 0 < count < length:
            pieces = [memoryview(self._rest(self._channel, pieces, offset, length))]
            count = len(pieces[0])
        if count > length:
            raise Garbled(f"{count} bytes where {length} were asked for")
        if count < length:  # the file was cut: what comes behind is no longer this version
            self._ahead.clear()
            self._asked = self._end
        return pieces

    def _rest(self, channel: Channel, pieces: list[memoryview], offset: int, length: int) -> bytearray:
        """Ask on where a server gave less than it was asked for."""
        whole = bytearray().join(pieces)
        while len(whole) < length:
            (answer,) = channel.ask(wire.read(self.handle, offset + len(whole), length - len(whole)))
            if not (more := answer.data()):
                break
            whole += more
        return whole

    async def close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None and channel.broken is None:
            channel.later(wire.close(self.handle))
            channel.flush()

    def __del__(self) -> None:
        if (channel := self.__dict__.pop("_channel", None)) is not None:
            channel.later(wire.close(self.handle))
