"""AsyncStore: the same front door as Store, awaited. Each method is one operation on the running event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from remote_store._face import Face
from remote_store._ops import delete, folders, info, listing, move, pinned, read, sign, write, write_many
from remote_store.aio.streams import AsyncAtomicWrite, AsyncReader, AsyncSeekableReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from datetime import timedelta
    from types import TracebackType
    from typing import Self

    from remote_store._ops.listing import Listing
    from remote_store._source import AsyncContent, AsyncFiles
    from remote_store.models import FileInfo, FolderEntry, FolderInfo, WriteResult
    from remote_store.path import PathInput

T = TypeVar("T")

__all__ = ["AsyncStore"]


class AsyncStore(Face):
    """Files of one backend below one root.

    Every path may be a str, RemotePath or PurePosixPath, relative to the root. Every call may raise
    ``InvalidPath`` (before any I/O), ``PermissionDenied``, ``BackendUnavailable``, ``Timeout`` and
    ``ContainerNotFound``; only further errors are listed with the methods.
    """

    _awaits = True

    async def read(self, path: PathInput, *, version: str | None = None) -> AsyncReader:
        """Open a file for reading, front to back; the bytes come as they are asked for.

        Raises:
            NotFound: no file stands there.
        """
        return AsyncReader(await read.open_feed(self._scope, path, version=version))

    async def read_bytes(self, path: PathInput, *, version: str | None = None) -> bytes:
        """Return a whole file.

        Raises:
            NotFound: no file stands there.
        """
        return await read.read_bytes(self._scope, path, version=version)

    async def read_text(self, path: PathInput, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return a whole file as text, newlines as they are stored.

        Raises:
            NotFound: no file stands there.
            UnicodeDecodeError: the bytes are not in this encoding.
        """
        return await read.read_text(self._scope, path, encoding, errors)

    async def read_seekable(
        self, path: PathInput, *, version: str | None = None, info: FileInfo | None = None
    ) -> AsyncSeekableReader:
        """Open a file for reading anywhere in it; each read moves only the bytes it returns.

        ``info`` from a listing saves asking for the file's size again where the listing tells etags, and pins the
        reads to that version; facts of another one than ``version`` are not used.

        Raises:
            NotFound: no file stands there.
            CapabilityNotSupported: the store has no SEEKABLE_READ.
        """
        return AsyncSeekableReader(await pinned.open_pinned(self._scope, path, version=version, known=info))

    async def read_range(self, path: PathInput, offset: int, length: int | None = None) -> bytes:
        """Return the bytes of ``[offset, offset + length)`` that exist, as slicing does; no length: to the end.

        Raises:
            NotFound: no file stands there.
        """
        return await read.read_range(self._scope, path, offset, length)

    def read_many(
        self, paths: Iterable[PathInput], *, concurrency: int | None = None
    ) -> AsyncIterator[tuple[str, bytes]]:
        """Yield ``(path, bytes)`` of many files in the order they were named, several on their way at once.

        Raises:
            NotFound: one of the files is missing; those before it have been yielded.
        """
        return _many(read.ManyReads(self._scope, paths, concurrency))

    async def write(
        self,
        path: PathInput,
        content: AsyncContent,
        *,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        if_match: str | None = None,
    ) -> WriteResult:
        """Publish a file: bytes, a binary file, an iterable of bytes, or the path of a local file.

        ``if_match`` takes an etag, replaces exactly that version, and implies ``overwrite``.

        Raises:
            AlreadyExists: a file stands there and ``overwrite`` is False.
            PreconditionFailed: the file is not the version that ``if_match`` names.
            CapabilityNotSupported: ``metadata``, ``content_type`` or ``if_match`` needs more than the store can do.
        """
        options = write.put_options(overwrite, metadata, content_type, if_match)
        return await write.write(self._scope, path, content, options)

    async def write_many(
        self,
        files: AsyncFiles,
        *,
        overwrite: bool = False,
        concurrency: int | None = None,
    ) -> list[WriteResult]:
        """Publish many files, given as a mapping or as pairs of path and content, several on their way at once.

        What a loop over ``write`` does: each file is whole or absent, and the first failure ends it, with the files
        named before it written. Files and iterables among the contents have to stay open until the call returns.

        Raises:
            AlreadyExists: a file stands at one of the paths and ``overwrite`` is False.
        """
        options = write.put_options(overwrite, None, None, None)
        return await write_many.write_many(self._scope, files, options, concurrency)

    async def write_text(
        self,
        path: PathInput,
        text: str,
        encoding: str = "utf-8",
        errors: str = "strict",
        *,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        if_match: str | None = None,
    ) -> WriteResult:
        """Publish text as a file; the other arguments and errors are those of ``write``."""
        options = write.put_options(overwrite, metadata, content_type, if_match)
        return await write.write(self._scope, path, write.encoded(text, encoding, errors), options)

    async def write_atomic(
        self,
        path: PathInput,
        content: AsyncContent,
        *,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        if_match: str | None = None,
    ) -> WriteResult:
        """Publish a file in one step, or refuse where the store cannot promise that. Otherwise as ``write``.

        Raises:
            CapabilityNotSupported: the store has no ATOMIC_WRITE.
        """
        options = write.put_options(overwrite, metadata, content_type, if_match)
        return await write.write(self._scope, path, content, options, atomic=True)

    def open_atomic(
        self,
        path: PathInput,
        *,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        if_match: str | None = None,
    ) -> AsyncAtomicWrite:
        """Write a file piece by piece: ``async with store.open_atomic("a.csv") as file: await file.write(b"…")``.

        The end of the block publishes the whole; any exception in it publishes nothing and leaves nothing behind.
        ``file.result`` then tells what was published. Errors are those of ``write_atomic``.
        """
        options = write.put_options(overwrite, metadata, content_type, if_match)
        return AsyncAtomicWrite(write.open_publication(self._scope, path, options))

    async def delete(self, path: PathInput, *, missing_ok: bool = False, if_match: str | None = None) -> None:
        """Delete a file.

        Raises:
            NotFound: no file stands there and ``missing_ok`` is False.
            PreconditionFailed: the file is not the version that ``if_match`` names.
        """
        await delete.delete(self._scope, path, missing_ok=missing_ok, if_match=if_match)

    async def delete_folder(self, path: PathInput, *, recursive: bool = False, missing_ok: bool = False) -> None:
        """Delete an empty folder, or with ``recursive`` a folder and all that is in it.

        Raises:
            NotFound: no folder stands there and ``missing_ok`` is False.
            DirectoryNotEmpty: something is in it and ``recursive`` is False.
        """
        await folders.delete_folder(self._scope, path, recursive=recursive, missing_ok=missing_ok)

    async def delete_many(self, paths: Iterable[PathInput]) -> None:
        """Delete files in as few requests as the service allows; a missing one is no error.

        All are tried before the first failure is raised.
        """
        await delete.delete_many(self._scope, paths)

    def list_files(
        self,
        path: PathInput = "",
        *,
        recursive: bool = False,
        pattern: str | None = None,
        max_depth: int | None = None,
    ) -> AsyncIterator[FileInfo]:
        """Yield the files in a folder, in order of their paths; a missing folder has none.

        Args:
            path: the folder; the root if empty.
            recursive: include files in folders below.
            pattern: a glob that the name must match or, where it holds ``/``, the path below the folder.
            max_depth: how many levels of subfolders ``recursive`` enters; None for all.
        """
        found = listing.files(self._scope, path, recursive=recursive, pattern=pattern, max_depth=max_depth)
        return _items(found)

    def list_folders(self, path: PathInput = "") -> AsyncIterator[FolderEntry]:
        """Yield the folders directly in a folder, in order."""
        return _items(listing.folders(self._scope, path))

    def iter_children(self, path: PathInput = "") -> AsyncIterator[FileInfo | FolderEntry]:
        """Yield files and folders directly in a folder, in order; a folder sorts as its path with ``/`` behind."""
        return _items(listing.children(self._scope, path))

    def glob(self, pattern: str) -> AsyncIterator[FileInfo]:
        """Yield the files whose path matches: ``*``, ``?``, ``[…]`` within a segment, ``**`` for any segments."""
        return _items(listing.glob(self._scope, pattern))

    def list_versions(self, path: PathInput) -> AsyncIterator[FileInfo]:
        """Yield the versions of a file, newest first; ``read(path, version=info.version)`` reads one.

        Raises:
            CapabilityNotSupported: the store has no VERSIONS.
        """
        return _items(listing.versions(self._scope, path))

    async def copy(self, src: PathInput, dst: PathInput, *, overwrite: bool = False) -> None:
        """Copy a file with its metadata, inside the service where it can.

        Raises:
            NotFound: no file stands at ``src``.
            AlreadyExists: a file stands at ``dst`` and ``overwrite`` is False.
        """
        await move.copy(self._scope, src, dst, overwrite=overwrite)

    async def move(self, src: PathInput, dst: PathInput, *, overwrite: bool = False) -> None:
        """Move a file; see the capability ATOMIC_MOVE for whether that is one step.

        Raises as ``copy`` does, and:
            PreconditionFailed: the source was written meanwhile, and stays; told where the store has COMPARE_AND_SWAP.
        """
        await move.move(self._scope, src, dst, overwrite=overwrite)

    async def exists(self, path: PathInput) -> bool:
        """Say whether a file or folder stands there; False only where the service answered that nothing does."""
        return await info.exists(self._scope, path)

    async def is_file(self, path: PathInput) -> bool:
        """Say whether a file stands there."""
        return await info.is_file(self._scope, path)

    async def is_folder(self, path: PathInput) -> bool:
        """Say whether a folder stands there."""
        return await info.is_folder(self._scope, path)

    async def get_file_info(self, path: PathInput) -> FileInfo:
        """Return size, time of change, etag and more of a file.

        Raises:
            NotFound: no file stands there.
        """
        return await info.file_info(self._scope, path)

    async def get_folder_info(self, path: PathInput = "") -> FolderInfo:
        """Return number, bytes and newest change of all files below a folder.

        Raises:
            NotFound: no folder stands there.
        """
        return await folders.folder_info(self._scope, path)

    async def head(self, path: PathInput) -> WriteResult:
        """Return the facts of a file in the shape that ``write`` returns.

        Raises:
            NotFound: no file stands there.
        """
        return await info.head(self._scope, path)

    async def presign(self, path: PathInput, *, expires: float | timedelta = 3600, method: str = "GET") -> str:
        """Return a URL that allows ``GET`` or ``PUT`` of one file without credentials, for so many seconds.

        Raises:
            CapabilityNotSupported: the store has no PRESIGN.
        """
        return await sign.presign(self._scope, path, expires=expires, method=method)

    async def ping(self) -> None:
        """Ask the service one cheap question; returns if address, credentials and container are right."""
        await info.ping(self._scope)

    async def close(self) -> None:
        """Let go of connections; safe to call twice. A child closes only itself."""
        await self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


async def _items(found: Listing[T]) -> AsyncIterator[T]:
    while (page := await found.next()) is not None:
        for item in page:
            yield item


async def _many(found: Any) -> AsyncIterator[tuple[str, bytes]]:
    try:
        while (item := await found.next()) is not None:
            yield item
    finally:
        await found.close()
