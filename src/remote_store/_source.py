"""Content of every accepted shape as one stream of chunks: bytes, files, iterables, local paths, async ones too."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from remote_store.errors import RemoteStoreError
from remote_store.layers.errors import kind_of_os_error
from remote_store.path import RemotePath

if TYPE_CHECKING:
    from types import TracebackType
    from typing import BinaryIO, Self, TypeAlias

    from remote_store._io import Io
    from remote_store.backend import Buffer
    from remote_store.path import PathInput

    Content: TypeAlias = Buffer | BinaryIO | Iterable[Buffer] | os.PathLike[str]
    AsyncContent: TypeAlias = Content | AsyncIterable[Buffer]
    # A mapping's keys do not vary, so each type of path is named.
    Files: TypeAlias = Mapping[str, Content] | Mapping[RemotePath, Content] | Iterable[tuple[PathInput, Content]]
    AsyncFiles: TypeAlias = (
        Mapping[str, AsyncContent]
        | Mapping[RemotePath, AsyncContent]
        | Iterable[tuple[PathInput, AsyncContent]]
        | AsyncIterable[tuple[PathInput, AsyncContent]]
    )

__all__ = ["flat", "open_source", "whole"]

_BYTES = (bytes, bytearray, memoryview)


def open_source(io: Io, content: Any) -> Source:
    """Make a source of any accepted content.

    Raises:
        TypeError: the content has no accepted shape.
    """
    if isinstance(content, _BYTES):
        return _Bytes(io, content)
    if isinstance(content, str):
        raise TypeError("content is bytes, not str; write_text takes text, and a pathlib.Path names a local file")
    if isinstance(content, os.PathLike) and not isinstance(content, RemotePath):
        return _Local(io, os.fspath(content))
    if hasattr(content, "read"):
        return _File(io, content)
    if isinstance(content, AsyncIterable):
        return _AsyncIterable(io, aiter(content))
    if isinstance(content, Iterable) and not isinstance(content, dict | RemotePath):
        return _Iterable(io, iter(content))
    accepted = "bytes-like, a binary file, an iterable of bytes or the path of a local file"
    raise TypeError(f"content is {accepted}, not {type(content).__name__}")


def whole(content: Any) -> Buffer | None:
    """Return content that is here whole as bytes, None for every other shape."""
    return flat(content) if isinstance(content, _BYTES) else None


def flat(data: Buffer) -> Buffer:
    """Return the bytes of any buffer, whatever its items are and wherever they lie."""
    if not isinstance(data, memoryview):
        return data
    if not data.c_contiguous:
        return data.tobytes()
    return data if data.format == "B" and data.ndim == 1 else data.cast("B")


def _proven(chunk: Any) -> Buffer:
    if isinstance(chunk, _BYTES):
        return flat(chunk)
    if chunk is None:
        raise TypeError("the content's read() returned None: a non-blocking file cannot be written")
    hint = "; open the file in binary mode, or use write_text" if isinstance(chunk, str) else ""
    raise TypeError(f"content yields bytes, not {type(chunk).__name__}{hint}")


class Source:
    """Content as an async context of chunks."""

    def __init__(self, io: Io) -> None:
        self._io = io

    async def next(self, size: int) -> Buffer:
        """Return the next bytes, about ``size`` of them, or empty bytes at the end."""
        raise NotImplementedError

    def left(self) -> int | None:
        """Return how many bytes will come, where that is known before."""
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None


class _Bytes(Source):
    """Bytes too many for one put."""

    def __init__(self, io: Io, data: Buffer) -> None:
        super().__init__(io)
        self._left = memoryview(flat(data))

    async def next(self, size: int) -> Buffer:
        chunk, self._left = self._left[:size], self._left[size:]
        return chunk

    def left(self) -> int:
        return len(self._left)


class _File(Source):
    """A file object, blocking or async."""

    def __init__(self, io: Io, file: Any) -> None:
        super().__init__(io)
        self._file = file

    async def next(self, size: int) -> Buffer:
        chunk = await self._io.call(self._file.read, size)
        return _proven(await chunk if hasattr(chunk, "__await__") else chunk)

    def left(self) -> int | None:
        if not isinstance(self._file, io.BufferedReader | io.FileIO):
            return None
        try:
            return os.fstat(self._file.fileno()).st_size - self._file.tell()
        except OSError:
            return None  # a pipe, or a reader of ours


class _Local(_File):
    """A file of this machine, opened late and closed in any case."""

    def __init__(self, io: Io, path: str) -> None:
        super().__init__(io, None)
        self._path = path

    async def __aenter__(self) -> Self:
        try:
            self._file = await self._io.call(open, self._path, "rb")
        except OSError as failed:
            kind = kind_of_os_error(failed)
            reason = (failed.strerror or type(failed).__name__).lower()
            message = f"the local file to be written from cannot be opened: {reason}"
            raise (kind if isinstance(kind, type) else RemoteStoreError)(message, path=self._path) from failed
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._io.call(self._file.close)


class _Iterable(Source):
    def __init__(self, io: Io, chunks: Iterator[Any]) -> None:
        super().__init__(io)
        self._chunks = chunks

    async def next(self, size: int) -> Buffer:
        while True:
            chunk = await self._io.call(next, self._chunks, _END)
            if chunk is _END:
                return b""
            if len(data := _proven(chunk)):
                return data


class _AsyncIterable(Source):
    def __init__(self, io: Io, chunks: AsyncIterator[Any]) -> None:
        super().__init__(io)
        self._chunks = chunks

    async def next(self, size: int) -> Buffer:
        async for chunk in self._chunks:
            if len(data := _proven(chunk)):
                return data
        return b""


_END = object()
