"""The memory backend: a tree of bytes in this process, with everything a real service promises."""

from __future__ import annotations

import threading
import time
import weakref
from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from remote_store._arguments import check_texts
from remote_store.backend import (
    Body,
    BytesBody,
    Concurrency,
    FileInfo,
    FolderEntry,
    Op,
    Page,
    PutOptions,
    Span,
    Traits,
)
from remote_store.errors import AlreadyExists, ConfigError, NotFound, PreconditionFailed, RemoteStoreError
from remote_store.models import Metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from remote_store.backend import Buffer, Entry
    from remote_store.uri import Uri

__all__ = ["MemoryBackend"]

_NONE = Metadata()


_FEW = 64
"""Keys that are put in order, or taken out of it, one by one."""


class _Space:
    """The files of one memory backend, shared by all that name it in this process."""

    __slots__ = ("__weakref__", "_added", "_ordered", "clock", "files", "lock", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.lock = threading.RLock()
        self.files: dict[str, tuple[FileInfo, bytes]] = {}
        self.clock = 0
        self._ordered: list[str] = []
        self._added: list[str] = []  # since keys() was last asked for

    def keys(self) -> list[str]:
        """Return all keys in order."""
        if len(self._added) < _FEW:
            for key in self._added:
                insort(self._ordered, key)
        else:
            self._ordered += self._added
            self._ordered.sort()
        self._added.clear()
        return self._ordered

    def set(self, info: FileInfo, content: bytes) -> None:
        """Put a file in its place."""
        if info.key not in self.files:
            self._added.append(info.key)
        self.files[info.key] = (info, content)

    def remove(self, *gone: str) -> None:
        """Take files away that are there."""
        for key in gone:
            del self.files[key]
        keys = self.keys()
        if len(gone) < _FEW:
            for key in gone:
                del keys[bisect_left(keys, key)]
        else:
            keys[:] = [key for key in keys if key in self.files]


_spaces: weakref.WeakValueDictionary[str, _Space] = weakref.WeakValueDictionary()
_spaces_lock = threading.Lock()


def _space(name: str) -> _Space:
    with _spaces_lock:
        space = _spaces.get(name)
        if space is None:
            space = _spaces[name] = _Space(name)
        return space


class MemoryBackend:
    """Files in this process's memory.

    Options:
        name: backends of one name share their files while any of them lives; each unnamed one is alone.

    Pickling carries the files; unpickled in the same process it is the same memory again.
    """

    traits = Traits(
        name="memory",
        concurrency=Concurrency.INSTANT,
        atomic_put=True,
        exclusive_create=True,
        compare_and_swap=True,
        user_metadata=True,
        atomic_move=True,
        exclusive_copy=True,
        ranges=True,
        delete_reports_absence=True,
        native_results=True,
        parallel_calls=1,
    )

    def __init__(self, name: str | None = None) -> None:
        check_texts("", name=name)
        self._space = _space(name or uuid4().hex)

    @staticmethod
    def from_uri(uri: Uri) -> tuple[dict[str, Any], str]:
        """``memory:`` is a memory of its own, ``memory://name/folder`` the one of that name."""
        if uri.user or uri.port:
            raise ConfigError("a memory URI is 'memory:' or 'memory://name/folder', without user or port")
        root = uri.path.removeprefix("/").removesuffix("/")
        if root and not uri.host:
            raise ConfigError("a memory without a name is empty; to share one write 'memory://name/folder'")
        return ({"name": uri.host} if uri.host else {}), root

    async def stat(self, key: str) -> Entry:
        return self._space.files[key][0]

    async def get(
        self, key: str, span: Span | None = None, if_match: str | None = None, version: str | None = None
    ) -> Body:
        info, data = self._space.files[key]
        if if_match is not None and info.etag != if_match:
            raise PreconditionFailed("the file is another version by now")
        if span is None:
            return BytesBody(info, data)
        end = None if span.length is None else span.offset + span.length
        return BytesBody(info, data[span.offset : end], span.offset)

    async def list(self, folder: str, recursive: bool, token: object | None, limit: int | None) -> Page:
        prefix = f"{folder}/" if folder else ""
        start = token if isinstance(token, str) else prefix
        entries: list[Entry] = []
        with self._space.lock:
            keys, files = self._space.keys(), self._space.files
            at = bisect_left(keys, start)
            while at < len(keys) and keys[at].startswith(prefix):
                if limit is not None and len(entries) >= limit:
                    return Page(entries, keys[at])
                slash = -1 if recursive else keys[at].find("/", len(prefix))
                if slash < 0:
                    entries.append(files[keys[at]][0])
                    at += 1
                else:
                    entries.append(FolderEntry(keys[at][:slash]))
                    at = bisect_left(keys, keys[at][:slash] + "0")  # "0" follows "/": past all keys of the folder
        return Page(entries)

    async def put(self, key: str, data: Buffer, options: PutOptions) -> FileInfo:
        content = bytes(data)
        with self._space.lock:
            self._check(key, options.overwrite, options.if_match)
            return self._set(key, content, options.metadata, options.content_type)

    def _check(self, key: str, overwrite: bool, if_match: str | None) -> None:
        found = self._space.files.get(key)
        if if_match is not None:
            if found is None or found[0].etag != if_match:
                raise PreconditionFailed("the file is another version by now")
        elif found is not None and not overwrite:
            raise AlreadyExists("a file stands here already; pass overwrite=True to replace it")

    def _set(self, key: str, content: bytes, metadata: Any, content_type: str | None) -> FileInfo:
        space = self._space
        space.clock += 1
        kept = Metadata(metadata) if metadata else _NONE
        info = FileInfo(key, len(content), time.time(), f"{space.clock:x}", content_type, kept)
        space.set(info, content)
        return info

    async def delete(self, key: str, if_match: str | None = None) -> None:
        with self._space.lock:
            if if_match is not None:
                self._check(key, True, if_match)
            self._space.remove(key)

    async def delete_many(self, keys: Sequence[str]) -> Sequence[tuple[str, Exception]]:
        with self._space.lock:
            self._space.remove(*[key for key in dict.fromkeys(keys) if key in self._space.files])
        return ()

    async def copy(self, source: str, target: str, overwrite: bool) -> None:
        with self._space.lock:
            info, content = self._space.files[source]
            self._check(target, overwrite, None)
            self._set(target, content, info.metadata, info.content_type)

    async def move(self, source: str, target: str, overwrite: bool) -> None:
        with self._space.lock:
            await self.copy(source, target, overwrite)
            await self.delete(source)

    def classify(self, exc: Exception, op: Op) -> type[RemoteStoreError] | RemoteStoreError | None:
        return NotFound if isinstance(exc, KeyError) else None

    def native_path(self, key: str) -> str:
        return f"memory://{self._space.name}/{key}" if key else f"memory://{self._space.name}"

    def unwrap(self, kind: type[Any]) -> Any:
        return None

    async def close(self) -> None:
        """Nothing to let go of: the files live as long as somebody names them."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MemoryBackend) and self._space is other._space

    def __hash__(self) -> int:
        return hash(self._space.name)

    def __repr__(self) -> str:
        return f"MemoryBackend({self._space.name!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        with self._space.lock:
            return _restore, (self._space.name, self._space.clock, dict(self._space.files))


def _restore(name: str, clock: int, files: dict[str, tuple[FileInfo, bytes]]) -> MemoryBackend:
    backend = MemoryBackend(name)
    space = backend._space
    with space.lock:
        if not space.clock:
            space.clock = clock
            for info, content in files.values():
                space.set(info, content)
    return backend
