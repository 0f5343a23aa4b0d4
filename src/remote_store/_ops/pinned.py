"""A file pinned to one version and read anywhere in it: what seekable readers of both colours share."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from remote_store._ops import info, read
from remote_store.backend import Span
from remote_store.capabilities import Capability
from remote_store.errors import IntegrityError, NotFound, PreconditionFailed
from remote_store.models import FileInfo

if TYPE_CHECKING:
    from remote_store._stack import Scope
    from remote_store.path import PathInput

LINE = 64 << 10
"""Bytes fetched at a time while looking for the end of a line."""


async def open_pinned(scope: Scope, path: PathInput, *, version: str | None, known: FileInfo | None = None) -> Pinned:
    """Ask for a file's facts, once and unless they are known, and pin reads to that version."""
    key = scope.key(path)
    if Capability.SEEKABLE_READ not in scope.stack.capabilities:
        raise scope.lacks(Capability.SEEKABLE_READ, key)
    if known is not None:
        if not isinstance(known, FileInfo):
            raise TypeError(f"info is a FileInfo or None, not {type(known).__name__}")
        told = known.etag is not None or known.version is not None  # some listings tell neither: nothing to pin to
        if told and version in (None, known.version):
            return Pinned(scope, key, known)
    if version is None:
        return Pinned(scope, key, await info.file_info(scope, key))
    feed = await read.open_feed(scope, key, version=version)
    await feed.close()
    return Pinned(scope, key, feed.entry)


class Pinned:
    """A position in one version of a file."""

    def __init__(self, scope: Scope, key: str, entry: FileInfo) -> None:
        self._scope = scope
        self._key = key
        self.entry = entry
        self.at = 0
        self._line_start = 0
        self._line_bytes = b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position; past the end is allowed and reads nothing."""
        if isinstance(offset, bool) or not isinstance(offset, int):
            raise TypeError(f"offset is an int, not {type(offset).__name__}")
        starts = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.entry.size}
        if whence not in starts:
            raise ValueError(f"whence is 0, 1 or 2, not {whence!r}")
        if starts[whence] + offset < 0:
            raise ValueError(f"cannot seek before the start of the file (to {starts[whence] + offset})")
        self.at = starts[whence] + offset
        return self.at

    async def read(self, size: int | None = -1) -> bytes:
        """Return the next ``size`` bytes, fewer only at the end; all that is left without a size."""
        left = max(self.entry.size - self.at, 0)
        count = left if size is None or size < 0 else min(size, left)
        if not count:
            return b""
        data = await self._fetch(self.at, count)
        self.at += count
        return data

    async def _fetch(self, offset: int, count: int) -> bytes:
        ahead = offset - self._line_start
        if ahead >= 0 and ahead + count <= len(self._line_bytes):
            return self._line_bytes[ahead : ahead + count]
        try:
            if count >= 2 * read.PART:
                return await self._fetch_big(offset, count)
            pins = (self.entry.etag, self.entry.version)
            return bytes(await read.read_part(self._scope, self._key, offset, count, *pins))
        except (NotFound, PreconditionFailed) as gone:
            name = self._scope.backend.traits.name
            message = "the file was replaced or deleted while it was read"
            raise IntegrityError(message, path=self._key, backend=name, retryable=False) from gone

    async def _fetch_big(self, offset: int, count: int) -> bytes:
        feed = await read.open_feed(
            self._scope, self._key, span=Span(offset, count), version=self.entry.version, etag=self.entry.etag
        )
        return await feed.all()

    async def readline(self, size: int | None = -1) -> bytes:
        """Return the bytes up to and with the next newline."""
        limit = None if size is None or size < 0 else size
        start = at = self.at
        pieces: list[bytes] = []
        while limit is None or at - start < limit:
            ahead = await self._line_block(at)
            if ahead is None:
                break
            end = self._line_bytes.find(b"\n", ahead) + 1
            piece = self._line_bytes[ahead : end or None]
            if limit is not None:
                piece = piece[: limit - (at - start)]
            at += len(piece)
            pieces.append(piece)
            if piece.endswith(b"\n"):
                break
        self.at = at
        return b"".join(pieces)  # of one piece, that piece itself

    async def _line_block(self, at: int) -> int | None:
        """Have the block of lines that holds a position, and return where in it; None at the end of the file."""
        ahead = at - self._line_start
        if 0 <= ahead < len(self._line_bytes):
            return ahead
        count = min(LINE, max(self.entry.size - at, 0))
        if not count:
            return None
        self._line_start, self._line_bytes = at, await self._fetch(at, count)
        return 0
