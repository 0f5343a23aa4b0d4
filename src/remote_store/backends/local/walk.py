"""Listing folders in the order of keys, page by page, holding nothing open between pages."""

from __future__ import annotations

import errno
import os
import re
import stat
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from remote_store.backend import FileInfo, FolderEntry, Page
from remote_store.backends._drafts import PREFIX
from remote_store.backends.local.beneath import ANY, FOLDER, open_below, open_beneath
from remote_store.errors import PermissionDenied
from remote_store.path import MAX_KEY

if TYPE_CHECKING:
    from remote_store.backend import Entry

__all__ = ["list_page", "warn"]

_AFTER_PREFIX = PREFIX[:-1] + chr(ord(PREFIX[-1]) + 1)
_ODD = re.compile(r"^[A-Za-z]:|[\\\x00-\x1f\x7f-\x9f\ud800-\udfff]").search
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""What opening a folder answers that is gone, or is something else by now."""
_TYPE, _REGULAR = 0o170000, stat.S_IFREG


class _Frame(NamedTuple):
    """A folder under way: its path below the listed one, its names in order, and where to go on."""

    path: str
    names: list[str]
    at: int


class _Token(NamedTuple):
    """Where a listing goes on: the folders under way, the innermost last, and what was left out so far."""

    frames: tuple[_Frame, ...]
    odd: int
    lost: int


def list_page(root: bytes, folder: str, token: object | None, limit: int | None, *, recursive: bool) -> Page | None:
    """Return the next page below a folder, or None where there is none."""
    try:
        base = open_beneath(root, folder.encode(), FOLDER)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        walk = _Walk(root, folder, base, recursive=recursive)
        if isinstance(token, _Token):
            walk.frames, walk.odd, walk.lost = list(token.frames), token.odd, token.lost
        else:
            names = walk.scan(base, "")
            walk.frames = [_Frame("", names, 0)]
        walk.fill(limit)
    finally:
        os.close(base)
    if walk.frames:
        return Page(walk.entries, _Token(tuple(walk.frames), walk.odd, walk.lost))
    walk.tell()
    return Page(walk.entries)


class _Walk:
    """One page being filled."""

    def __init__(self, root: bytes, folder: str, base: int, *, recursive: bool) -> None:
        self._root = root
        self._folder = folder
        self._prefix = f"{folder}/" if folder else ""
        self._base = base
        self._recursive = recursive
        self.entries: list[Entry] = []
        self.frames: list[_Frame] = []
        self.odd = 0
        self.lost = 0

    def fill(self, limit: int | None) -> None:
        """Take entries until the page is full or no folder is left."""
        room = limit
        while self.frames and (room is None or room > 0):
            frame = self.frames.pop()
            if frame.at >= len(frame.names):
                continue
            fd = self._open(frame.path)
            if fd is None:
                continue
            try:
                self._take(fd, frame, room)
            finally:
                os.close(fd)
            if limit is not None:
                room = limit - len(self.entries)
        while self.frames and self.frames[-1].at >= len(self.frames[-1].names):
            self.frames.pop()

    def _start(self, path: str) -> str:
        """Return what keys in a folder of the walk begin with."""
        return f"{self._prefix}{path}/" if path else self._prefix

    def _open(self, path: str) -> int | None:
        """Open a folder of the walk; None if it is gone or is a link by now."""
        try:
            return open_below(self._base, path.encode(), FOLDER)
        except PermissionError as error:
            raise PermissionDenied(f"the folder {path!r} below it may not be read") from error
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise

    def _take(self, fd: int, frame: _Frame, room: int | None) -> None:
        """Add entries of one open folder, up to the first subfolder that has to be walked."""
        path, names, at = frame
        start = self._start(path)
        end = len(names) if room is None else min(len(names), at + room)
        # This loop is what a big listing costs: everything in it is a local name, and a tuple is made a FileInfo as is.
        add, make, lstat = self.entries.append, tuple.__new__, os.lstat
        for name in names[at:end]:
            at += 1
            if name[-1] == "/":
                if self._recursive:
                    self.frames.append(_Frame(path, names, at))
                    self._enter(fd, name[:-1], path)
                    return
                add(FolderEntry(start + name[:-1]))
                continue
            try:
                facts = lstat(name, dir_fd=fd)
            except FileNotFoundError:
                continue
            if facts.st_mode & _TYPE == _REGULAR:
                add(make(FileInfo, (start + name, facts.st_size, facts.st_mtime, None, None, None, None, None)))
            elif stat.S_ISLNK(facts.st_mode):
                self._add_link(start + name)
        self.frames.append(_Frame(path, names, at))

    def _enter(self, fd: int, name: str, path: str) -> None:
        below = f"{path}/{name}" if path else name
        try:
            deeper = open_below(fd, name.encode(), FOLDER)
        except PermissionError as error:
            raise PermissionDenied(f"the folder {below!r} below it may not be read") from error
        except OSError as error:
            if error.errno in _GONE:
                return
            raise
        try:
            self.frames.append(_Frame(below, self.scan(deeper, below), 0))
        finally:
            os.close(deeper)

    def _add_link(self, key: str) -> None:
        facts = self._target(key)
        if facts is not None and stat.S_ISREG(facts.st_mode):
            self.entries.append(FileInfo(key, facts.st_size, facts.st_mtime))

    def _target(self, key: str) -> os.stat_result | None:
        """Return what a link points to, or None if that is outside or nothing."""
        try:
            fd = open_beneath(self._root, key.encode(), ANY)
        except OSError:
            return None
        try:
            return os.fstat(fd)
        finally:
            os.close(fd)

    def scan(self, fd: int, path: str) -> list[str]:
        """Return the names in a folder in order, folders with a slash behind, without those that are no keys."""
        names: list[str] = []
        links: list[str] = []
        add = names.append
        with os.scandir(fd) as found:
            for entry in found:
                if entry.is_file(follow_symlinks=False):
                    add(entry.name)
                elif entry.is_dir(follow_symlinks=False):
                    add(entry.name + "/")
                elif entry.is_symlink():
                    links.append(entry.name)
        names = self._proper(names, path)
        if links:
            names += self._resolved(self._proper(links, path), path)
        names.sort()
        first = bisect_left(names, PREFIX)
        del names[first : bisect_left(names, _AFTER_PREFIX, first)]
        return names

    def _proper(self, names: list[str], path: str) -> list[str]:
        """Leave out names that break the key grammar."""
        together = "".join(names)
        room = MAX_KEY - len(self._start(path).encode())
        if together.isprintable() and "\\" not in together and room > 256 and ":" not in together:
            return names
        proper = [name for name in names if not _ODD(name) and len(name.rstrip("/").encode()) <= room]
        self.odd += len(names) - len(proper)
        return proper

    def _resolved(self, links: list[str], path: str) -> list[str]:
        """Return links as what they point to; recursive listings do not enter linked folders."""
        start = self._start(path)
        names = []
        for name in links:
            facts = self._target(start + name)
            if facts is None:
                self.lost += 1
            elif stat.S_ISREG(facts.st_mode):
                names.append(name)
            elif stat.S_ISDIR(facts.st_mode) and not self._recursive:
                names.append(name + "/")
        return names

    def tell(self) -> None:
        """Say, once at the end of a listing, what it left out."""
        if self.odd or self.lost:
            lost = f"{self.odd} names that are no valid keys, {self.lost} links that lead outside or nowhere"
            warn(f"left out of the listing of {self._folder!a}: {lost}")


def warn(what: str) -> None:
    """Say what a listing cannot show."""
    import logging

    logging.getLogger("remote_store").warning("%s", what)
