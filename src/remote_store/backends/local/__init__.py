"""The local backend: files below one folder of this machine, published whole and never outside that folder."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from remote_store._arguments import check_age, check_flag
from remote_store._io import run
from remote_store.backend import (
    Body,
    BytesBody,
    Concurrency,
    Declared,
    FileInfo,
    FolderEntry,
    Native,
    Op,
    Page,
    PartLimits,
    PutOptions,
    Span,
    Traits,
)
from remote_store.backends._drafts import refuse_drafts
from remote_store.backends.local import publish
from remote_store.backends.local.beneath import ANY, FILE, FOLDER, look_at_root, make_folder, open_beneath
from remote_store.backends.local.streams import FileBody, LocalUpload
from remote_store.backends.local.sweep import remove_tree, sweep
from remote_store.backends.local.walk import list_page, warn
from remote_store.errors import (
    BackendUnavailable,
    ConfigError,
    ContainerNotFound,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    RemoteStoreError,
    ResourceLocked,
)
from remote_store.layers.errors import Errors, kind_of_os_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from remote_store.backend import Buffer, Entry, Upload
    from remote_store.backends.local.beneath import Way
    from remote_store.uri import Uri

    Made = list[bytes]

T = TypeVar("T")

__all__ = ["LocalBackend"]

_SMALL = 128 << 10
"""A file up to so many bytes is read while it is opened."""
_ATTEMPTS = 100
"""How often a write begins again whose folder is deleted under it."""
_DAY = 24 * 3600.0
_WRITES = frozenset({"put", "begin", "part", "commit", "copy", "move"})
_CROWDED = BackendUnavailable("too many files are open in this process or on this machine")
_KINDS: dict[int | None, type[RemoteStoreError] | RemoteStoreError] = {
    errno.EMFILE: _CROWDED,
    errno.ENFILE: _CROWDED,
    errno.ENXIO: NotFound(publish.SPECIAL),
    errno.ENODEV: NotFound(publish.SPECIAL),
    errno.EAGAIN: ResourceLocked("another program holds a lease on this file"),
    errno.EFBIG: RemoteStoreError("the file is larger than the file system or this process's limits allow"),
    errno.ESTALE: BackendUnavailable("the file server no longer knows the folder"),
    errno.EACCES: PermissionDenied("the operating system refused; check owner and mode of the file and its folders"),
    errno.EROFS: PermissionDenied("the file system is read-only"),
}


class LocalBackend(Declared):
    """Files below a folder of this machine.

    Options:
        root: the folder; a relative one is taken from the working directory of now.
        create: make the root folder when the first file is written; False: it must be there. Default True.
        durable: wait until each change is on the disk itself, so that it outlives a power cut. Default False.
    """

    traits = Traits(
        name="local",
        concurrency=Concurrency.BLOCKS,
        hierarchical=True,
        atomic_put=True,
        exclusive_create=True,
        compare_and_swap=True,
        atomic_move=True,
        exclusive_copy=True,
        ranges=True,
        delete_reports_absence=True,
        native_results=True,
        parallel_calls=1,
        parts=PartLimits(size=1 << 20),
    )

    def __init__(self, root: str | os.PathLike[str], *, create: bool = True, durable: bool = False) -> None:
        given = os.fspath(root) if isinstance(root, os.PathLike) else root
        if not isinstance(given, str):
            raise TypeError(f"root is a str or a path, not {type(root).__name__}")
        if not given or "\0" in given:
            raise ValueError("root is the path of a folder, neither empty nor with a NUL in it")
        check_flag("create", create)
        check_flag("durable", durable)
        self._root = os.path.abspath(given)  # noqa: PTH100  links in the root's path stay as they are
        self._top = os.fsencode(self._root).rstrip(b"/")
        self._create = create
        self._durable = durable
        self._warned = False
        options = {"create": create} if not create else {}
        self._made = ((self._root,), options | {"durable": durable} if durable else options)

    @staticmethod
    def from_uri(uri: Uri) -> tuple[dict[str, Any], str]:
        """``file:///absolute/folder``, or ``file:folder`` from the working directory of now."""
        if uri.user or uri.port or uri.host not in (None, "", "localhost"):
            raise ConfigError("a file URI names no machine; write 'file:///absolute/folder' or 'file:relative/folder'")
        if not uri.path:
            raise ConfigError("the file URI names no folder; 'file:.' is the working directory")
        return {"root": uri.path}, ""

    async def stat(self, key: str) -> Entry:
        if not key:
            look_at_root(self._top, create=False)  # asked for itself it has to be there
        fd = self._open(_encoded(key), ANY)
        try:
            facts = os.fstat(fd)
        finally:
            os.close(fd)
        if stat.S_ISREG(facts.st_mode):
            return _info(key, facts)
        if stat.S_ISDIR(facts.st_mode):
            return FolderEntry(key)
        raise NotFound(publish.SPECIAL)

    async def get(
        self, key: str, span: Span | None = None, if_match: str | None = None, version: str | None = None
    ) -> Body:
        fd, facts = self._open_file(key)
        try:
            entry = _info(key, facts)
            if if_match is not None and if_match != entry.etag:
                raise PreconditionFailed("the file is another version by now")
            start, length = 0, facts.st_size
            if span is not None:
                start, length = span.offset, max(length - span.offset, 0)
                if span.length is not None and span.length < length:
                    length = span.length
            if length <= _SMALL and len(data := os.pread(fd, length, start)) == length:
                return BytesBody(entry, data, start)
            body = FileBody(fd, entry, start, length)
            fd = -1
            return body
        finally:
            if fd >= 0:
                os.close(fd)

    async def list(self, folder: str, recursive: bool, token: object | None, limit: int | None) -> Page:
        _encoded(folder)
        page = list_page(self._top, folder, token, limit, recursive=recursive)
        missing = look_at_root(self._top, create=self._create) if page is None else None
        if missing is not None and not self._warned:
            self._warned = True
            warn(missing)
        return page or Page([])

    async def put(self, key: str, data: Buffer, options: PutOptions) -> FileInfo:
        folder, _, name = _encoded(key).rpartition(b"/")
        make = options.if_match is None
        return _info(key, self._within(folder, publish.put, name, data, options, self._durable, make=make))

    async def begin(self, key: str, options: PutOptions) -> Upload:
        folder, _, name = _encoded(key).rpartition(b"/")
        made: Made = []
        undo = partial(self._unmake, made)
        start = partial(LocalUpload, key=key, undo=undo)
        return self._within(folder, start, name, options, self._durable, made=made, make=options.if_match is None)

    async def delete(self, key: str, if_match: str | None = None) -> None:
        folder, _, name = _encoded(key).rpartition(b"/")
        try:
            with self._folder(folder) as fd:
                publish.remove(fd, name, if_match, durable=self._durable)
        except FileNotFoundError as missing:
            if if_match is None or isinstance(missing, ContainerNotFound):
                raise
            raise PreconditionFailed("the file that if_match names is gone") from missing

    async def delete_many(self, keys: Sequence[str]) -> Sequence[tuple[str, Exception]]:
        failed: list[tuple[str, Exception]] = []
        for key in keys:
            try:
                await self.delete(key)
            except FileNotFoundError as missing:
                if isinstance(missing, ContainerNotFound):
                    raise
            except (OSError, RemoteStoreError) as error:
                failed.append((key, error))
        return failed

    async def remove_folder(self, folder: str) -> None:
        above, _, name = _encoded(folder).rpartition(b"/")
        with self._folder(above) as fd:
            if _unlinked(fd, name):
                return
            try:
                os.rmdir(name, dir_fd=fd)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not self._sweep(_encoded(folder), _DAY):
                    raise
                os.rmdir(name, dir_fd=fd)  # drafts of killed writers were all that was in it
            if self._durable:
                publish.sync(fd)

    async def delete_tree(self, folder: str) -> None:
        above, _, name = _encoded(folder).rpartition(b"/")
        with self._folder(above) as fd:
            if not _unlinked(fd, name):
                remove_tree(fd, name, durable=self._durable)

    async def copy(self, source: str, target: str, overwrite: bool) -> None:
        self._copy(source, target, PutOptions(overwrite))

    async def move(self, source: str, target: str, overwrite: bool) -> None:
        old_folder, _, name = _encoded(source).rpartition(b"/")
        new_folder, _, new = _encoded(target).rpartition(b"/")
        options = PutOptions(overwrite)
        with self._folder(old_folder) as here:
            facts = publish.see_file(here, name)  # a missing source is the first thing to say
            moved = self._within(new_folder, publish.move, new, here, name, options, self._durable)
        if not moved:
            etag = self._copy(source, target, options)
            await self.delete(source, None if stat.S_ISLNK(facts.st_mode) else etag)

    def cleanup(self, older_than: float = _DAY) -> int:
        """Delete what killed writers left: their hidden drafts, if older than so many seconds; return how many.

        Reach it from a store with ``store.unwrap(LocalBackend).cleanup()``. Drafts of living writers stay.
        """

        async def work() -> int:
            try:
                return self._sweep(b"", older_than)
            except ContainerNotFound:
                raise
            except FileNotFoundError:  # nothing was ever written
                return 0

        check_age("older_than", older_than)
        return run(Errors(self)(Op("cleanup", "", writes=True), work))

    def classify(self, exc: Exception, op: Op) -> type[RemoteStoreError] | RemoteStoreError | None:
        if not isinstance(exc, OSError):
            return None
        if exc.errno == errno.ENOTDIR and op.name not in _WRITES:
            return NotFound
        return _KINDS.get(exc.errno) or kind_of_os_error(exc)

    def native_path(self, key: str) -> str:
        return f"{self._root.rstrip('/')}/{key}" if key else self._root

    def describe(self, key: str) -> Native:
        return Native(self.native_path(key), {})

    def unwrap(self, kind: type[Any]) -> Any:
        from pathlib import Path

        root = Path(self._root)
        return root if isinstance(root, kind) else None

    async def close(self) -> None:
        """Nothing to let go of: no descriptor outlives a call, but those of open files."""

    def _open(self, path: bytes, way: Way) -> int:
        try:
            return open_beneath(self._top, path, way)
        except (FileNotFoundError, PermissionError):
            self._see_root()
            raise
        except NotADirectoryError as below_a_file:
            self._see_root()
            raise NotFound("nothing stands here") from below_a_file

    def _open_file(self, key: str) -> tuple[int, os.stat_result]:
        """Open a file to read it; a folder, pipe, socket or device is none."""
        fd = self._open(_encoded(key), FILE)
        try:
            return fd, _regular(os.fstat(fd))
        except BaseException:
            os.close(fd)
            raise

    @contextmanager
    def _folder(self, path: bytes) -> Iterator[int]:
        fd = self._open(path, FOLDER)
        try:
            yield fd
        finally:
            os.close(fd)

    def _see_root(self) -> None:
        """Raise if it is the root folder itself that is missing."""
        missing = look_at_root(self._top, create=self._create)
        if missing is not None:
            raise NotFound(missing)

    def _within(
        self, folder: bytes, work: Callable[..., T], *args: Any, made: Made | None = None, make: bool = True
    ) -> T:
        """Do work in an open folder; made if need be, and made again if it is deleted meanwhile."""
        try:
            fd = open_beneath(self._top, folder, FOLDER)
            try:
                return work(fd, *args)
            finally:
                os.close(fd)
        except FileNotFoundError as missing:
            if isinstance(missing, RemoteStoreError):
                raise
        except (NotADirectoryError, PermissionError):
            self._see_root()
            raise
        if make:
            return self._within_made(folder, work, args, [] if made is None else made)
        self._see_root()
        raise NotFound("nothing stands here")

    def _within_made(self, folder: bytes, work: Callable[..., T], args: tuple[Any, ...], made: Made) -> T:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                fd = make_folder(self._top, folder, made, create=self._create, durable=self._durable)
                try:
                    return work(fd, *args)
                finally:
                    os.close(fd)
            except BaseException as error:
                lost = isinstance(error, FileNotFoundError) and not isinstance(error, RemoteStoreError)
                if not lost or attempt == _ATTEMPTS:
                    self._unmake(made)
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _unmake(self, made: Sequence[bytes]) -> None:
        """Delete folders that were made for a file that never came, unless somebody uses them."""
        for path in reversed(made):
            above, _, name = path.rpartition(b"/")
            with suppress(OSError, RemoteStoreError), self._folder(above) as fd:
                os.rmdir(name, dir_fd=fd)

    def _copy(self, source: str, target: str, options: PutOptions) -> str:
        """Copy a file; return the etag of what was copied."""
        folder, _, name = _encoded(target).rpartition(b"/")
        fd, facts = self._open_file(source)
        try:
            self._within(folder, publish.put_copy, name, fd, options, self._durable)
            return publish.etag_of(facts)
        finally:
            os.close(fd)

    def _sweep(self, folder: bytes, older_than: float) -> int:
        with self._folder(folder) as fd:
            return sweep(fd, older_than)


def _encoded(key: str) -> bytes:
    """Return a key as the file system's bytes; names of drafts are no keys."""
    refuse_drafts(key)
    return key.encode()


def _unlinked(parent: int, name: bytes) -> bool:
    """Delete a link where a folder is to be deleted, since what it points to is another's; say if it was one."""
    facts = publish.look(parent, name)
    if facts is None or not stat.S_ISLNK(facts.st_mode):
        return False
    os.unlink(name, dir_fd=parent)
    return True


def _regular(facts: os.stat_result) -> os.stat_result:
    """Return the facts of a file, and refuse those of anything else."""
    if not stat.S_ISREG(facts.st_mode):
        raise NotFound(publish.A_FOLDER if stat.S_ISDIR(facts.st_mode) else publish.SPECIAL)
    return facts


def _info(key: str, facts: os.stat_result) -> FileInfo:
    return FileInfo(key, facts.st_size, facts.st_mtime, publish.etag_of(facts))
