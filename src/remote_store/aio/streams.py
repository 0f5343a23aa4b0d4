"""The streams that the async face hands out: the same names as the sync ones, awaited."""

from __future__ import annotations

import io
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from remote_store._source import flat
from remote_store._streams import BLOCK, FRONT_TO_BACK

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator
    from types import TracebackType

    from remote_store._ops.pinned import Pinned
    from remote_store._ops.read import Feed
    from remote_store._ops.write import Publication
    from remote_store.backend import Buffer
    from remote_store.models import FileInfo, WriteResult

__all__ = ["AsyncAtomicWrite", "AsyncReader", "AsyncSeekableReader", "AsyncWriter"]


class _Stream:
    """What both readers share: an async context that closes, and lines to iterate over."""

    closed = False

    def _check(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")

    def readable(self) -> bool:
        """Say that this is a stream to read from."""
        return True

    async def readline(self, size: int | None = -1) -> bytes:
        raise NotImplementedError

    async def read(self, size: int | None = -1) -> bytes:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    async def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as the file goes and return the count."""
        view = memoryview(buffer).cast("B")
        data = await self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        line = await self.readline()
        if not line:
            raise StopAsyncIteration
        return line

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


class AsyncReader(_Stream):
    """A file being read, front to back. Close it, best by ``async with``: it holds a connection."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._chunk: Buffer = b""
        self._used = 0  # of the chunk
        self._at = 0

    @property
    def info(self) -> FileInfo:
        """The facts of the version that is being read, from the answer that carries its bytes."""
        return self._feed.entry

    def seekable(self) -> bool:
        """Say that this stream only goes forward; ``read_seekable`` goes anywhere."""
        return False

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Refuse: the bytes come once, front to back."""
        raise io.UnsupportedOperation(FRONT_TO_BACK)

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._at

    async def read(self, size: int | None = -1) -> bytes:
        """Return the next ``size`` bytes, fewer only at the end; all that is left without a size."""
        self._check()
        if size is None or size < 0:
            left = self._take(len(self._chunk))
            rest = await self._feed.all()
            data = bytes(left) + rest if len(left) else rest
        else:
            pieces = []
            while size and await self._fill():
                pieces.append(self._take(size))
                size -= len(pieces[-1])
            data = bytes(pieces[0]) if len(pieces) == 1 else b"".join(pieces)
        self._at += len(data)
        return data

    async def read1(self, size: int = -1) -> bytes:
        """Return what is here or comes next, at most ``size`` bytes."""
        self._check()
        data = bytes(self._take(BLOCK if size < 0 else size)) if size and await self._fill() else b""
        self._at += len(data)
        return data

    async def readline(self, size: int | None = -1) -> bytes:
        """Return the bytes up to and with the next newline."""
        self._check()
        limit = None if size is None or size < 0 else size
        pieces: list[bytes] = []
        length = 0
        while (limit is None or length < limit) and await self._fill():
            if isinstance(self._chunk, memoryview):
                self._chunk = bytes(self._chunk)  # once a chunk, not once a line
            end = self._chunk.find(b"\n", self._used) + 1 or len(self._chunk)
            count = end - self._used
            pieces.append(bytes(self._take(count if limit is None else min(count, limit - length))))
            length += len(pieces[-1])
            if pieces[-1].endswith(b"\n"):
                break
        self._at += length
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def chunks(self) -> AsyncIterator[Buffer]:
        """Yield what is left as it arrives, in pieces of at most 128 KiB."""
        while chunk := await self.read1(BLOCK):
            yield chunk

    async def _fill(self) -> bool:
        if self._used >= len(self._chunk):
            self._chunk, self._used = await self._feed.next(), 0
        return len(self._chunk) > 0

    def _take(self, size: int) -> memoryview:
        taken = memoryview(self._chunk)[self._used : self._used + size]
        self._used += len(taken)
        return taken

    async def close(self) -> None:
        """Let go of the connection; safe to call twice."""
        if not self.closed:
            self.closed = True
            await self._feed.close()


class AsyncSeekableReader(_Stream):
    """A file being read anywhere: every read asks for exactly the bytes it needs, of one version."""

    def __init__(self, pinned: Pinned) -> None:
        self._pinned = pinned

    @property
    def info(self) -> FileInfo:
        """The facts of the version that is being read."""
        return self._pinned.entry

    def seekable(self) -> bool:
        """Say that this stream goes anywhere."""
        return True

    def tell(self) -> int:
        """Return the position."""
        self._check()
        return self._pinned.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position; no I/O."""
        self._check()
        return self._pinned.seek(offset, whence)

    async def read(self, size: int | None = -1) -> bytes:
        """Return the next ``size`` bytes, fewer only at the end; all that is left without a size."""
        self._check()
        return await self._pinned.read(size)

    async def read1(self, size: int = -1) -> bytes:
        """Return the next bytes, at most ``size``."""
        return await self.read(BLOCK if size < 0 else size)

    async def readline(self, size: int | None = -1) -> bytes:
        """Return the bytes up to and with the next newline."""
        self._check()
        return await self._pinned.readline(size)

    async def close(self) -> None:
        """Refuse further reads; nothing is held between them."""
        self.closed = True


class AsyncWriter:
    """The file inside an atomic write; what it takes is published when the block ends well."""

    closed = False
    result: WriteResult | None = None
    """What was published, once the block has ended."""

    def __init__(self, publication: Publication) -> None:
        self._publication = publication

    def writable(self) -> bool:
        """Say that this is a stream to write to."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._publication.size

    async def write(self, data: Any) -> int:
        """Take bytes and return their number."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        if isinstance(data, str):
            raise TypeError("an atomic write takes bytes, not str")
        view = flat(memoryview(data))
        await self._publication.write(view)
        return len(view)

    async def close(self) -> None:
        """Take no more bytes; the end of the block decides what is published."""
        self.closed = True


class AsyncAtomicWrite:
    """Async context manager of ``open_atomic``: all is published at the end of the block, or nothing."""

    def __init__(self, publication: Publication) -> None:
        self._publication = publication
        self._writer = AsyncWriter(publication)
        self._loop: asyncio.AbstractEventLoop | None = None  # while the block is open

    async def __aenter__(self) -> AsyncWriter:
        import asyncio

        self._loop = asyncio.get_running_loop()
        return self._writer

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._writer.result = await self._publication.commit()
        finally:
            self._writer.closed = True
            self._loop = None
            await self._publication.abort()  # after a commit there is nothing to abort

    def __del__(self) -> None:
        loop = getattr(self, "_loop", None)
        if loop is not None:
            warnings.warn("an atomic write was dropped without leaving its block", ResourceWarning, stacklevel=2)
            if self._publication.has_begun:
                _abort_later(self._publication, loop)


_dropped: set[asyncio.Task[None]] = set()
"""Aborts under way; a loop holds its tasks weakly."""


def _abort_later(publication: Publication, loop: asyncio.AbstractEventLoop) -> None:
    """Abort what was left open: on its loop, or in a thread of its own where that is closed by now."""

    def begin() -> None:
        task = loop.create_task(publication.abort())
        _dropped.add(task)
        task.add_done_callback(_dropped.discard)

    def run_apart() -> None:
        import asyncio

        publication.forget_tasks()
        asyncio.run(publication.abort())

    try:
        loop.call_soon_threadsafe(begin)
    except RuntimeError:  # it is closed
        import threading

        with suppress(RuntimeError):  # the interpreter ends, and takes no further threads
            threading.Thread(target=run_apart, name="remote-store-abort").start()
