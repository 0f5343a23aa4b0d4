"""Removing in bulk: whole trees, and drafts whose writers were killed."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from contextlib import suppress

from remote_store.backends._drafts import draft_name, is_draft
from remote_store.backends.local.beneath import FILE, FOLDER
from remote_store.backends.local.publish import sync

__all__ = ["remove_tree", "sweep"]

_ROUNDS = 100
"""How often a folder is emptied while others keep writing into it."""


class _Level:
    """An open folder that is being emptied."""

    __slots__ = ("below", "fd", "name", "rounds")

    def __init__(self, parent: int, name: bytes) -> None:
        self.name = name
        self.rounds = 0
        self.fd = _open(parent, name)
        try:
            self.below = _delete_files(self.fd)
        except BaseException:
            os.close(self.fd)
            raise


def remove_tree(parent: int, name: bytes, *, durable: bool) -> None:
    """Delete a folder and all that is in it: gone from sight in one step, then file by file."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    hidden = draft_name().encode()
    try:
        os.rename(name, hidden, src_dir_fd=parent, dst_dir_fd=parent)
    except OSError as error:
        if error.errno != errno.EBUSY:  # the folder is where another file system begins, and cannot be renamed
            raise
        _empty(parent, name)
    else:
        try:
            _empty(parent, hidden)
        except BaseException:
            with suppress(OSError):  # what could not be deleted is seen again, unless the name is taken by now
                os.rename(hidden, name, src_dir_fd=parent, dst_dir_fd=parent)
            raise
    if durable:
        sync(parent)


def _empty(parent: int, name: bytes) -> None:
    """Delete a folder and all that is in it; links in it are deleted, never followed."""
    trail = [_Level(parent, name)]
    try:
        while trail:
            level = trail[-1]
            if level.below:
                with suppress(FileNotFoundError, NotADirectoryError):
                    trail.append(_Level(level.fd, level.below.pop()))
                continue
            above = trail[-2].fd if len(trail) > 1 else parent
            try:
                with suppress(FileNotFoundError):
                    os.rmdir(level.name, dir_fd=above)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or level.rounds >= _ROUNDS:
                    raise
                level.rounds += 1  # others write into it: look again
                level.below = _delete_files(level.fd)
                continue
            os.close(trail.pop().fd)
    finally:
        for level in trail:
            os.close(level.fd)


def _open(folder: int, name: bytes) -> int:
    return os.open(name, FOLDER.flags | os.O_NOFOLLOW, dir_fd=folder)


def _delete_files(folder: int) -> list[bytes]:
    """Delete everything in a folder that is not a folder itself; return the names of those that are."""
    below = []
    with os.scandir(folder) as found:
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                below.append(os.fsencode(entry.name))
                continue
            with suppress(FileNotFoundError, IsADirectoryError):
                os.unlink(entry.name, dir_fd=folder)
    return below


def sweep(folder: int, older_than: float) -> int:
    """Delete what killed processes left here and below, if older than so many seconds: drafts and hidden folders."""
    count = 0
    names: list[str] = []
    before = time.time() - older_than
    with os.scandir(folder) as found:
        for entry in found:
            if is_draft(entry.name):
                count += _sweep_one(folder, os.fsencode(entry.name), before)
            elif entry.is_dir(follow_symlinks=False):
                names.append(entry.name)
    for name in names:
        with suppress(FileNotFoundError, NotADirectoryError):
            below = _open(folder, os.fsencode(name))
            try:
                count += sweep(below, older_than)
            finally:
                os.close(below)
    return count


def _sweep_one(folder: int, name: bytes, before: float) -> int:
    with suppress(FileNotFoundError):
        facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(facts.st_mode) and facts.st_ctime < before:
            _empty(folder, name)
            return 1
        if stat.S_ISREG(facts.st_mode) and facts.st_mtime < before and not _is_held(folder, name):
            os.unlink(name, dir_fd=folder)
            return 1
    return 0


def _is_held(folder: int, name: bytes) -> bool:
    """Say whether the writer of a draft is alive: the kernel drops the lock of a killed one."""
    try:
        fd = os.open(name, FILE.flags | os.O_NOFOLLOW, dir_fd=folder)
    except PermissionError:
        return False  # its age alone has to tell
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False
