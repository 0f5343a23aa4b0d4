"""Listings: pages of the backend filtered, matched and handed on lazily, in order of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from remote_store._arguments import check_flag
from remote_store._glob import compile_glob, compile_name, fixed_folder
from remote_store._ops.pages import Pages
from remote_store.backend import FileInfo, FolderEntry, Lists
from remote_store.capabilities import Capability

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from remote_store._stack import Scope
    from remote_store.backend import Entry
    from remote_store.path import PathInput

T = TypeVar("T")
__all__ = ["Listing", "children", "files", "folders", "glob", "pages", "versions"]

PAGE = 1000
"""Entries a page; what S3 allows at most."""


class Listing(Generic[T]):
    """A listing under way: ``next`` returns the next items, in order, or None at the end."""

    __slots__ = ("_keep", "_pages")

    def __init__(self, pages: Pages, keep: Callable[[Sequence[Entry]], list[T]]) -> None:
        self._pages = pages
        self._keep = keep

    async def next(self) -> list[T] | None:
        """Return the items of the next page (maybe none), or None at the end."""
        page = await self._pages.next()
        return None if page is None else self._keep(page.entries)


def _listing(scope: Scope, folder: str, keep: Callable[[Sequence[Entry]], list[T]], *, recursive: bool) -> Listing[T]:
    return Listing(pages(scope, folder, recursive=recursive), _own(scope, keep))


def pages(scope: Scope, folder: str, *, recursive: bool) -> Pages:
    """Return the pages of a folder as the backend has them, its keys whole."""
    lists = scope.require(Lists, Capability.LIST)
    full = scope.full(folder)
    return Pages(scope, folder, lambda token: lists.list(full, recursive, token, PAGE))


def _own(scope: Scope, keep: Callable[[Sequence[Entry]], list[T]]) -> Callable[[Sequence[Entry]], list[T]]:
    """Cut this scope's root off the keys before they are looked at."""
    cut = len(scope.prefix)
    if not cut:
        return keep
    return lambda entries: keep([entry._replace(key=entry.key[cut:]) for entry in entries])


def _files_of(entries: Sequence[Entry]) -> list[FileInfo]:
    return [entry for entry in entries if type(entry) is FileInfo]


def files(
    scope: Scope, path: PathInput, *, recursive: bool, pattern: str | None, max_depth: int | None
) -> Listing[FileInfo]:
    """List files below a folder.

    ``pattern`` matches the name, or, where it holds ``/``, the path below the folder. ``max_depth`` 0 is the
    folder itself, 1 its subfolders too, and so on; it implies nothing unless ``recursive``.
    """
    folder = scope.folder(path)
    check_flag("recursive", recursive)
    if max_depth is not None and (isinstance(max_depth, bool) or not isinstance(max_depth, int)):
        raise TypeError(f"max_depth is an int or None, not {type(max_depth).__name__}")
    if max_depth is not None and max_depth < 0:
        raise ValueError(f"max_depth is 0 or more, not {max_depth}")
    start = len(folder) + 1 if folder else 0
    matches = None if pattern is None else _below(pattern, start)

    def keep(entries: Sequence[Entry]) -> list[FileInfo]:
        found = _files_of(entries)
        if matches is not None:
            found = [entry for entry in found if matches(entry.key)]
        if max_depth is not None:
            found = [entry for entry in found if entry.key.count("/", start) <= max_depth]
        return found

    return _listing(scope, folder, keep, recursive=recursive and max_depth != 0)


def _below(pattern: str, start: int) -> Callable[[str], bool]:
    if not isinstance(pattern, str):
        raise TypeError(f"pattern is a str, not {type(pattern).__name__}")
    if "/" in pattern or "**" in pattern:
        whole = compile_glob(pattern)
        return lambda key: whole(key[start:])
    name = compile_name(pattern)
    return lambda key: name(key[key.rfind("/") + 1 :])


def folders(scope: Scope, path: PathInput) -> Listing[FolderEntry]:
    """List the folders directly below a folder."""

    def keep(entries: Sequence[Entry]) -> list[FolderEntry]:
        return [entry for entry in entries if type(entry) is FolderEntry]

    return _listing(scope, scope.folder(path), keep, recursive=False)


def children(scope: Scope, path: PathInput) -> Listing[Entry]:
    """List files and folders directly below a folder."""
    return _listing(scope, scope.folder(path), list, recursive=False)


def glob(scope: Scope, pattern: str) -> Listing[FileInfo]:
    """List the files whose whole path matches: ``*``, ``?`` and ``[…]`` inside a segment, ``**`` across them."""
    if not isinstance(pattern, str):
        raise TypeError(f"pattern is a str, not {type(pattern).__name__}")
    folder, rest = fixed_folder(pattern)
    folder = scope.folder(folder)
    if Capability.GLOB not in scope.stack.capabilities:
        raise scope.lacks(Capability.GLOB)
    matches = compile_glob(pattern)

    def keep(entries: Sequence[Entry]) -> list[FileInfo]:
        return [entry for entry in entries if type(entry) is FileInfo and matches(entry.key)]

    return _listing(scope, folder, keep, recursive="/" in rest or rest == "**")


def versions(scope: Scope, path: PathInput) -> Listing[FileInfo]:
    """List the versions of one file, newest first."""
    from remote_store.backend import Versions

    key = scope.key(path)
    backend = scope.require(Versions, Capability.VERSIONS)
    found = Pages(scope, key, lambda token: backend.versions(scope.prefix + key, token))
    return Listing(found, _own(scope, _files_of))
