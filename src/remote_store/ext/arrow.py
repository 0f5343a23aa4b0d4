"""A store as a pyarrow file system: exact ranges, few requests, and writes that are published whole or not at all."""

from __future__ import annotations

import atexit
import io
import sys
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from remote_store.capabilities import Capability
from remote_store.errors import AlreadyExists, CapabilityNotSupported, ContainerNotFound, NotFound
from remote_store.ext._extras import need
from remote_store.models import FolderEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from remote_store.models import FileInfo
    from remote_store.store import Store

pa = need("pyarrow", "arrow")
pafs = need("pyarrow.fs", "arrow")
_Handler: Any = pafs.FileSystemHandler

__all__ = ["StoreHandler", "filesystem"]

WHOLE = 2 << 20
"""A file up to so many bytes is fetched by one request, whatever part of it is wanted: about what one round trip of
20 ms costs at 80 MB/s. With 8 MB, one column of files of 6 MB took twice as long."""
FOOTER = 64 << 10
"""Bytes fetched from the end of a bigger file with the first request; they hold nearly every Parquet footer."""


def filesystem(store: Store, *, known: Iterable[FileInfo] = ()) -> Any:
    """Return the store as a ``pyarrow.fs.FileSystem``.

    It works wherever pyarrow takes a file system: ``pyarrow.dataset``, ``pyarrow.parquet``, DuckDB and Polars over a
    dataset. It pickles, connects lazily, and equals another of an equal store.

    Args:
        store: what paths are relative to.
        known: facts of files from a listing made before; these files are opened without asking for their size.
    """
    _settle_at_exit()
    return pafs.PyFileSystem(StoreHandler(store, {info.key: info for info in known}))


@cache
def _settle_at_exit() -> None:
    # Arrow's threads let go of our objects a moment after the result is there; if the interpreter ends within that
    # moment, they abort the process.
    atexit.register(time.sleep, 0.02)


class StoreHandler(_Handler):  # type: ignore[misc]  # pyarrow has no types
    """What pyarrow calls. Folders are made by writing into them, so ``create_dir`` has nothing to do."""

    def __init__(self, store: Store, known: dict[str, FileInfo] | None = None) -> None:
        self.store = store
        self._known = known or {}

    def __eq__(self, other: object) -> bool:
        return self.store == other.store if isinstance(other, StoreHandler) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.store)

    def __reduce__(self) -> tuple[Any, ...]:
        return _handler, (self.store, self._known)

    def get_type_name(self) -> str:
        return "remote-store"

    def normalize_path(self, path: str) -> str:
        return path.rstrip("/")

    def get_file_info(self, paths: Iterable[str]) -> list[Any]:
        return [self._info(path.rstrip("/")) for path in paths]

    def _info(self, path: str) -> Any:
        if not path:
            return _folder("")
        try:
            return _file(self.store.get_file_info(path))
        except ContainerNotFound:
            raise
        except NotFound:
            there = self.store.supports(Capability.LIST) and self.store.is_folder(path)
            return _folder(path) if there else pafs.FileInfo(path, pafs.FileType.NotFound)

    def get_file_info_selector(self, selector: Any) -> list[Any]:
        base = selector.base_dir.rstrip("/")
        found: list[Any] = []
        if selector.recursive:
            folders: set[str] = set()
            for info in self.store.list_files(base, recursive=True):
                _add_parents(folders, base, info.key)
                found.append(_file(info))
            found += [_folder(key) for key in sorted(folders)]
        else:
            for entry in self.store.iter_children(base):
                found.append(_folder(entry.key) if isinstance(entry, FolderEntry) else _file(entry))
        if not found and not selector.allow_not_found and base and not self.store.is_folder(base):
            raise NotFound("no folder stands here to be listed", path=base)
        return found

    def create_dir(self, path: str, recursive: bool) -> None:
        """Nothing to do: a folder comes with its first file."""

    def delete_dir(self, path: str) -> None:
        self.store.delete_folder(path.rstrip("/"), recursive=True)

    def delete_dir_contents(self, path: str, missing_dir_ok: bool = False) -> None:  # noqa: FBT002  as pyarrow calls it
        folder = path.rstrip("/")
        if folder and not missing_dir_ok and not self.store.is_folder(folder):
            raise NotFound("no folder stands here to be emptied", path=folder)
        files = []
        for entry in self.store.iter_children(folder):
            if isinstance(entry, FolderEntry):
                self.store.delete_folder(entry.key, recursive=True, missing_ok=True)
            else:
                files.append(entry.key)
        self.store.delete_many(files)

    def delete_root_dir_contents(self) -> None:
        self.delete_dir_contents("", missing_dir_ok=True)

    def delete_file(self, path: str) -> None:
        self.store.delete(path)

    def move(self, src: str, dest: str) -> None:
        try:
            self.store.move(src, dest, overwrite=True)
        except NotFound:
            files = [info.key for info in self.store.list_files(src.rstrip("/"), recursive=True)]
            if not files:
                raise
            _refuse_into_itself(src.rstrip("/"), dest.rstrip("/"))
            for key in files:
                self.store.move(key, dest.rstrip("/") + key[len(src.rstrip("/")) :], overwrite=True)
            self.store.delete_folder(src.rstrip("/"), recursive=True, missing_ok=True)

    def copy_file(self, src: str, dest: str) -> None:
        self.store.copy(src, dest, overwrite=True)

    def open_input_stream(self, path: str) -> Any:
        return pa.PythonFile(self.store.read(path), mode="r")

    def open_input_file(self, path: str) -> Any:
        return pa.PythonFile(_RandomAccess(self.store, path, self._known.get(path)), mode="r")

    def open_output_stream(self, path: str, metadata: Any) -> Any:
        return pa.PythonFile(_Output(self.store, path), mode="w")

    def open_append_stream(self, path: str, metadata: Any) -> Any:
        raise CapabilityNotSupported("files are published whole and cannot be appended to", path=path)


def _handler(store: Store, known: dict[str, FileInfo]) -> StoreHandler:
    _settle_at_exit()
    return StoreHandler(store, known)


def _file(info: FileInfo) -> Any:
    return pafs.FileInfo(info.key, pafs.FileType.File, size=info.size, mtime=info.modified)


def _folder(key: str) -> Any:
    return pafs.FileInfo(key, pafs.FileType.Directory)


def _add_parents(folders: set[str], base: str, key: str) -> None:
    folder = key.rpartition("/")[0]
    while folder and folder != base and folder not in folders:
        folders.add(folder)
        folder = folder.rpartition("/")[0]


def _refuse_into_itself(source: str, target: str) -> None:
    if target == source or target.startswith(f"{source}/"):
        raise AlreadyExists("a folder cannot be moved into itself", path=target)


class _RandomAccess(io.RawIOBase):
    """A file opened anywhere: a small one comes whole, of a big one the end comes first and then what is asked for."""

    def __init__(self, store: Store, path: str, known: FileInfo | None) -> None:
        self._store = store
        self._path = path
        self._at = 0
        self._start = 0  # where in the file the kept bytes begin
        self._kept = b""
        self._lock = threading.Lock()
        self._whole = known is not None and known.size <= WHOLE
        self._reader: Any = None
        if not store.supports(Capability.SEEKABLE_READ):
            self._whole = True
        elif not self._whole:
            self._reader = store.read_seekable(path, info=known)
            self._whole = self._reader.info.size <= WHOLE
        self._size = -1 if self._whole else self._reader.info.size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def size(self) -> int:
        if self._size < 0:
            self._fetch_whole()
        return self._size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self.size() if whence == io.SEEK_END else 0)[whence]
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        left = max(self.size() - self._at, 0)
        count = left if size is None or size < 0 else min(size, left)
        data = self._bytes(self._at, count)
        self._at += count
        return data

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _bytes(self, offset: int, count: int) -> bytes:
        if not count:
            return b""
        if not self._has(offset, count) and offset >= self._size - FOOTER:
            start = self._size - FOOTER
            self._start, self._kept = start, self._range(start, FOOTER)
        if self._has(offset, count):
            return self._kept[offset - self._start : offset - self._start + count]
        return self._range(offset, count)

    def _has(self, offset: int, count: int) -> bool:
        return self._start <= offset and offset + count <= self._start + len(self._kept)

    def _range(self, offset: int, count: int) -> bytes:
        with self._lock:
            self._reader.seek(offset)
            data: bytes = self._reader.read(count)
        return data

    def _fetch_whole(self) -> None:
        with self._lock:
            if self._size < 0:
                self._kept = self._store.read_bytes(self._path)
                self._size = len(self._kept)

    def close(self) -> None:
        if not self.closed:
            self._kept = b""
            if self._reader is not None:
                self._reader.close()
            super().close()


class _Output(io.RawIOBase):
    """A file being written: published by ``close``; not by an exception, nor by being forgotten."""

    def __init__(self, store: Store, path: str) -> None:
        self._finished = True  # until the store agreed to the path there is nothing to end
        self._context = store.open_atomic(path, overwrite=True)
        self._writer = self._context.__enter__()
        self._finished = False
        self._failure_before = sys.exception()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._writer.tell()

    def write(self, data: Any) -> int:
        try:
            return self._writer.write(data)
        except BaseException:
            self.abort()
            raise

    def close(self) -> None:
        if not self.closed:
            failure = sys.exception()
            if self._finished or (failure is not None and failure is not self._failure_before) or _is_collected():
                self.abort()
            else:
                self._finish(None)
            super().close()

    def abort(self) -> None:
        """Publish nothing."""
        if not self._finished:
            self._finish(Abandoned)

    def _finish(self, kind: type[BaseException] | None) -> None:
        self._finished = True
        leave: Callable[..., None] = self._context.__exit__
        leave(kind, None, None)

    def __del__(self) -> None:
        self.abort()
        super().close()


class Abandoned(Exception):
    """Marks a write that was given up; never raised."""


def _is_collected() -> bool:
    """Say whether a Parquet writer is closing its file because it is being thrown away."""
    frame = sys._getframe(1).f_back  # the only way to tell close() from a finalizer's close()
    for _ in range(4):
        if frame is None:
            return False
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
