"""Bytes on their way: a file being read, and one being written in parts."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from remote_store.backend import Body, FileInfo
from remote_store.backends.local.publish import Draft, check, etag_of, look

if TYPE_CHECKING:
    from collections.abc import Callable

    from remote_store.backend import Buffer, PutOptions

__all__ = ["FileBody", "LocalUpload"]

CHUNK = 256 << 10
"""Bytes of one piece of a big file: few calls, and still in the processor's cache."""
_MOST = 0x7FFFF000
"""Bytes that the kernel reads at once."""


class FileBody(Body):
    """An open file: whatever happens to its name, its descriptor stays with one version."""

    def __init__(self, fd: int, entry: FileInfo, start: int, length: int) -> None:
        self._fd = fd
        self.entry = entry
        self.start = self._at = start
        self.length = length

    async def next(self) -> Buffer:
        data = os.pread(self._fd, min(CHUNK, self.start + self.length - self._at), self._at)
        self._at += len(data)
        return data

    async def fill(self, buffer: memoryview) -> int:
        count = os.preadv(self._fd, [buffer], self._at)
        self._at += count
        return count

    async def all(self) -> Buffer:
        left = self.start + self.length - self._at
        if left <= _MOST:
            data = os.pread(self._fd, left, self._at)
            self._at += len(data)
            if len(data) == left:
                return data
            return data + await self._rest(left - len(data)) if data else data
        return await self._rest(left)

    async def _rest(self, left: int) -> bytes:
        """Fill one buffer of this size, or what there is."""
        buffer = io.BytesIO(bytes(left))
        with buffer.getbuffer() as view:
            done = 0
            while done < left and (count := os.preadv(self._fd, [view[done : done + _MOST]], self._at)):
                done += count
                self._at += count
        buffer.truncate(done)
        return buffer.getvalue()

    async def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):
                os.close(fd)


class LocalUpload:
    """A file being written in parts: a draft, until its commit names it."""

    def __init__(
        self, folder: int, name: bytes, options: PutOptions, durable: bool, *, key: str, undo: Callable[[], None]
    ) -> None:
        self._folder = -1  # until there is a draft to drop
        self._seen = look(folder, name)
        check(self._seen, options)
        own = os.dup(folder)
        try:
            self._draft = Draft(own, self._seen, durable=durable)
        except BaseException:
            os.close(own)
            raise
        self._draft.hold()
        self._key = key
        self._folder = own
        self._name = name
        self._options = options
        self._undo = undo
        self._starts = [0]
        self._owner = os.getpid()

    async def part(self, number: int, data: Buffer) -> None:
        """Take one part; the same one again replaces itself."""
        if not 0 <= number < len(self._starts):
            raise ValueError(f"part {number} came before part {len(self._starts) - 1}")
        start = self._starts[number]
        self._draft.write(data, start)
        if number + 1 == len(self._starts):
            self._starts.append(start + len(data))

    async def commit(self) -> FileInfo:
        """Publish the file."""
        facts = self._draft.publish(self._name, self._options, self._seen)
        self._close()
        return FileInfo(self._key, facts.st_size, facts.st_mtime, etag_of(facts))

    async def abort(self) -> None:
        """Leave nothing behind."""
        self._drop()

    def _drop(self) -> None:
        if self._folder < 0:
            return
        mine = self._owner == os.getpid()  # a forked child lets go of the descriptors only
        if mine:
            self._draft.drop()
        self._close()
        if mine:
            self._undo()

    def _close(self) -> None:
        folder, self._folder = self._folder, -1
        try:
            self._draft.close()
        finally:
            os.close(folder)

    def __del__(self) -> None:
        if getattr(self, "_folder", -1) >= 0:
            with suppress(OSError):
                self._drop()
