"""The streams that the sync face hands out: Reader, SeekableReader, and the Writer of an atomic write."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from remote_store._io import run
from remote_store._source import flat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from remote_store._ops.pinned import Pinned
    from remote_store._ops.read import Feed
    from remote_store._ops.write import Publication
    from remote_store.backend import Buffer
    from remote_store.models import FileInfo, WriteResult

__all__ = ["AtomicWrite", "Reader", "SeekableReader", "Writer"]

BLOCK = 128 << 10
"""Bytes of a reader's buffer; a smaller file takes a smaller one."""
ROOM = 32 << 10
"""Bytes of a buffer that a service's client reads into; smaller ones are served from what a single trip brings."""

FRONT_TO_BACK = "this stream goes front to back only; read_seekable opens one that can seek"


class Reader(io.BufferedReader):
    """A file being read, front to back: a binary file object that also knows ``info``."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        super().__init__(_RawReader(feed), min(max(feed.length, 1), BLOCK))

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Refuse: the bytes come once, front to back."""
        raise io.UnsupportedOperation(FRONT_TO_BACK)

    @property
    def info(self) -> FileInfo:
        """The facts of the version that is being read, from the answer that carries its bytes."""
        return self._feed.entry

    def chunks(self) -> Iterator[Buffer]:
        """Yield what is left as it arrives, in pieces of at most 128 KiB."""
        while chunk := self.read1(BLOCK):
            yield chunk


class _RawReader(io.RawIOBase):
    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._left: memoryview = memoryview(b"")
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not len(self._left):
            if len(buffer) >= ROOM and (filled := run(self._feed.fill(memoryview(buffer)))) is not None:
                self._at += filled
                return filled
            self._left = memoryview(run(self._feed.next()))
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        self._at += count
        return count

    def tell(self) -> int:
        return self._at  # the buffer above takes off what it holds

    def readall(self) -> bytes:
        left, self._left = self._left, memoryview(b"")
        rest = run(self._feed.all())
        self._at += len(left) + len(rest)
        return bytes(left) + rest if len(left) else rest

    def close(self) -> None:
        try:
            run(self._feed.close())
        finally:
            super().close()


class SeekableReader(io.BufferedIOBase):
    """A file being read anywhere: every read asks for exactly the bytes it needs, of one version."""

    def __init__(self, pinned: Pinned) -> None:
        self._pinned = pinned

    @property
    def info(self) -> FileInfo:
        """The facts of the version that is being read."""
        return self._pinned.entry

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        self._check()
        return self._pinned.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._check()
        return self._pinned.seek(offset, whence)

    def read(self, size: int | None = -1) -> bytes:
        self._check()
        return run(self._pinned.read(size))

    def read1(self, size: int = -1) -> bytes:
        self._check()
        return run(self._pinned.read(BLOCK if size < 0 else size))

    def readinto(self, buffer: Any) -> int:
        self._check()
        view = memoryview(buffer).cast("B")
        data = run(self._pinned.read(len(view)))
        view[: len(data)] = data
        return len(data)

    readinto1 = readinto

    def readline(self, size: int | None = -1) -> bytes:
        self._check()
        return run(self._pinned.readline(size))

    def _check(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")


class Writer(io.BufferedIOBase):
    """The file object inside an atomic write; what it takes is published when the block ends well."""

    result: WriteResult | None = None
    """What was published, once the block has ended."""

    def __init__(self, publication: Publication) -> None:
        self._publication = publication

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._publication.size

    def write(self, data: Any) -> int:
        if self.closed:
            raise ValueError("I/O operation on closed file")
        if isinstance(data, str):
            raise TypeError("an atomic write takes bytes, not str; encode it")
        view = flat(memoryview(data))
        run(self._publication.write(view))
        return len(view)


class AtomicWrite:
    """Context manager of ``open_atomic``: all is published at the end of the block, or nothing after an exception."""

    def __init__(self, publication: Publication) -> None:
        self._publication = publication
        self._writer = Writer(publication)

    def __enter__(self) -> Writer:
        return self._writer

    def __getattr__(self, name: str) -> Any:
        if hasattr(Writer, name):
            raise AttributeError(f"no {name!r} before the block: with store.open_atomic(…) as file: file.{name}(…)")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._writer.result = run(self._publication.commit())
        finally:
            self._writer.close()
            run(self._publication.abort())  # after a commit there is nothing to abort

    def __del__(self) -> None:
        if hasattr(self, "_publication"):
            run(self._publication.abort())
