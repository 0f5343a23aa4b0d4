"""Publishing: a file is written out of sight, then takes its name in one step, whole or not at all.

Everything that gives a name to other bytes, or takes it away, does so under the lock of the folder: comparing with
``if_match`` and renaming are then one step for all writers.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from remote_store.backend import PutOptions
from remote_store.backends._drafts import draft_name
from remote_store.backends.local.beneath import rename_exclusive
from remote_store.errors import CapabilityNotSupported, NotFound, PreconditionFailed, ResourceLocked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from remote_store.backend import Buffer

__all__ = [
    "Draft",
    "check",
    "etag_of",
    "locked",
    "look",
    "move",
    "put",
    "put_copy",
    "remove",
    "see_file",
    "sync",
]


A_FOLDER = "a folder stands here, not a file; list it with list_files or iter_children"
SPECIAL = "a pipe, socket or device stands here, not a file"

_CREATE = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_QUICK = 64 << 10
"""Content up to so many bytes is written while the folder is locked, which saves asking twice what stands there."""
_COPY = 1 << 30
"""Bytes that one call of the kernel copies at most."""
_PATIENCE = 60.0
"""Seconds to wait for the lock of a folder; its owners hold it for microseconds."""
_NO_SWAP = "this file system has no locks, so if_match cannot be honoured"
_NO_LOCKS = (errno.ENOLCK, errno.EBADF, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)


def etag_of(facts: os.stat_result) -> str:
    """Name the bytes of a file: every publication has a time of its own while its inode lives."""
    return f"{facts.st_mtime_ns:x}-{facts.st_size:x}-{facts.st_ino:x}"


def look(folder: int, name: bytes) -> os.stat_result | None:
    """Return what stands at a name, a link being a link, or None."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def check(old: os.stat_result | None, options: PutOptions) -> None:
    """Refuse to replace what stands there, unless the options allow it."""
    if old is not None and stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if options.if_match is not None:
        if old is None:
            raise PreconditionFailed("the file that if_match names is gone")
        if stat.S_ISLNK(old.st_mode):
            raise PreconditionFailed("a link stands here; if_match cannot vouch for what it points to")
        if etag_of(old) != options.if_match:
            raise PreconditionFailed("the file is another version by now")
    elif old is not None and not options.overwrite:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def lock(folder: int) -> bool:
    """Lock a folder against all who publish in it; False where its file system has no locks."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _wait_for_lock(folder)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        raise
    return True


def _wait_for_lock(folder: int) -> None:
    end, pause = time.monotonic() + _PATIENCE, 0.00005
    while time.monotonic() < end:
        time.sleep(pause)
        pause = min(pause * 1.5, 0.005)
        with suppress(BlockingIOError):
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
    raise ResourceLocked(f"another process has held the lock of this folder for {_PATIENCE:g} s")


def unlock(folder: int) -> None:
    """Unlock a folder; closing alone would leave the lock with a process forked meanwhile."""
    try:  # noqa: SIM105  every write passes here, and suppress costs more than the call
        fcntl.flock(folder, fcntl.LOCK_UN)
    except OSError:
        pass


@contextmanager
def locked(*folders: int, swap: bool = False) -> Iterator[bool]:
    """Lock folders in an order that all keep to, each once; yields whether there are locks."""
    ordered = {}
    for folder in folders:
        facts = os.fstat(folder)
        ordered[facts.st_dev, facts.st_ino] = folder
    held: list[int] = []
    try:
        for _, folder in sorted(ordered.items()):
            if lock(folder):
                held.append(folder)
        if swap and not held:
            raise CapabilityNotSupported(_NO_SWAP)
        yield len(held) == len(ordered)
    finally:
        for folder in held:
            unlock(folder)


def rename_free(source: int, name: bytes, target: int, new: bytes, *, safe: bool) -> None:
    """Give a file a name that is free; ``safe``: the folders are locked and it was seen to be."""
    if rename_exclusive(source, name, target, new):
        return
    if not safe:
        raise CapabilityNotSupported("this file system has neither links nor locks, so overwrite=False cannot be kept")
    os.rename(name, new, src_dir_fd=source, dst_dir_fd=target)


class Draft:
    """A file that nobody sees yet, in the folder where it will stand."""

    __slots__ = ("_durable", "_folder", "_name", "fd")

    def __init__(self, folder: int, old: os.stat_result | None, *, durable: bool) -> None:
        self.fd = -1
        self._folder = folder
        self._durable = durable
        # Never more open than the file that it replaces, not even before it is published.
        mode = stat.S_IMODE(old.st_mode) & 0o777 if old is not None and stat.S_ISREG(old.st_mode) else 0o666
        while True:
            self._name = draft_name().encode()
            try:
                self.fd = os.open(self._name, _CREATE, mode, dir_fd=folder)
            except FileExistsError:
                continue
            except BaseException:
                self.drop()
                raise
            return

    def hold(self) -> None:
        """Mark the draft as alive for as long as it takes, however old it grows."""
        with suppress(OSError):
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, data: Buffer, offset: int) -> None:
        """Write all of the data at an offset."""
        done = os.pwrite(self.fd, data, offset)
        if done < len(data):
            view = memoryview(data).cast("B")
            while done < len(view):
                done += os.pwrite(self.fd, view[done:], offset + done)

    def take(self, source: int, size: int) -> None:
        """Copy a file into the draft, inside the kernel where it can."""
        done = 0
        with suppress(OSError, AttributeError):  # not on this system, or not between these two files
            while done < size and (count := os.copy_file_range(source, self.fd, min(size - done, _COPY), done, done)):
                done += count
        while data := os.pread(source, 1 << 20, done):
            self.write(data, done)
            done += len(data)

    def publish(self, name: bytes, options: PutOptions, seen: os.stat_result | None) -> os.stat_result:
        """Give the draft its name in a folder that is not locked yet; ``seen`` is what stood there at the start."""
        facts = self.stamp(seen)
        with locked(self._folder, swap=options.if_match is not None) as safe:
            old = look(self._folder, name)
            check(old, options)
            if old is not None and (old.st_mtime_ns >= facts.st_mtime_ns or old.st_mode != facts.st_mode):
                facts = self.stamp(old)
            self.settle(name, options, safe=safe)
        if self._durable:
            sync(self._folder)
        return facts

    def settle(self, name: bytes, options: PutOptions, *, safe: bool) -> None:
        """Give the stamped draft its name, in its locked folder."""
        self.close()  # first, since some file systems tell of lost writes only here
        if options.overwrite or options.if_match is not None:
            os.rename(self._name, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        else:
            rename_free(self._folder, self._name, self._folder, name, safe=safe)

    def stamp(self, old: os.stat_result | None) -> os.stat_result:
        """Set a time later than that of the file it replaces, and that file's mode and owner; return the facts."""
        now = time.time_ns()
        if old is not None:
            now = max(now, old.st_mtime_ns + 1)
        os.utime(self.fd, ns=(now, now))
        facts = os.fstat(self.fd)
        if old is not None:
            for step in (1, 2):  # file systems that keep whole seconds, or every other
                if facts.st_mtime_ns <= old.st_mtime_ns:
                    now = old.st_mtime_ns + step * 10**9
                    os.utime(self.fd, ns=(now, now))
                    facts = os.fstat(self.fd)
            if stat.S_ISREG(old.st_mode) and self._inherit(old, facts):
                facts = os.fstat(self.fd)
        if self._durable:
            sync(self.fd)
        return facts

    def _inherit(self, old: os.stat_result, facts: os.stat_result) -> bool:
        owned = (old.st_uid, old.st_gid) == (facts.st_uid, facts.st_gid)
        alike = not (old.st_mode ^ facts.st_mode) & 0o777
        if not owned:
            with suppress(PermissionError):
                os.fchown(self.fd, old.st_uid, old.st_gid)
        if not alike:
            os.fchmod(self.fd, old.st_mode & 0o777)
        return not (owned and alike)

    def close(self) -> None:
        """Let go of the descriptor; safe to call twice."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def drop(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):  # what led here is the error to report
            os.unlink(self._name, dir_fd=self._folder)


def put(folder: int, name: bytes, data: Buffer, options: PutOptions, durable: bool) -> os.stat_result:
    """Publish data under a name in a folder."""
    if len(data) <= _QUICK and not durable:
        return _put_quickly(folder, name, data, options)
    return _publish(folder, name, options, lambda draft: draft.write(data, 0), durable=durable)


def put_copy(folder: int, name: bytes, source: int, options: PutOptions, durable: bool) -> os.stat_result:
    """Publish a copy of an open file."""
    size = os.fstat(source).st_size
    return _publish(folder, name, options, lambda draft: draft.take(source, size), durable=durable)


def _publish(
    folder: int, name: bytes, options: PutOptions, fill: Callable[[Draft], None], *, durable: bool
) -> os.stat_result:
    seen = look(folder, name)
    check(seen, options)
    draft = Draft(folder, seen, durable=durable)
    try:
        fill(draft)
        return draft.publish(name, options, seen)
    except BaseException:
        draft.drop()
        raise
    finally:
        draft.close()


def _put_quickly(folder: int, name: bytes, data: Buffer, options: PutOptions) -> os.stat_result:
    safe = lock(folder)
    try:
        if options.if_match is not None and not safe:
            raise CapabilityNotSupported(_NO_SWAP)
        old = look(folder, name)
        check(old, options)
        draft = Draft(folder, old, durable=False)
        try:
            draft.write(data, 0)
            facts = draft.stamp(old)
            draft.settle(name, options, safe=safe)
        except BaseException:
            draft.drop()
            raise
        finally:
            draft.close()
        return facts
    finally:
        unlock(folder)


def move(there: int, new: bytes, here: int, name: bytes, options: PutOptions, durable: bool) -> bool:
    """Rename a file; False if that takes a copy, since it is a link or the folders are on different disks."""
    with locked(here, there) as safe:
        facts = see_file(here, name)
        old = look(there, new)
        check(old, options)
        if stat.S_ISLNK(facts.st_mode):
            return False  # it may be relative, so it is copied and means the same file everywhere
        try:
            if old is not None and os.path.samestat(facts, old):
                os.unlink(name, dir_fd=here)  # two names of one file: rename would leave both
            elif options.overwrite:
                os.rename(name, new, src_dir_fd=here, dst_dir_fd=there)
            else:
                rename_free(here, name, there, new, safe=safe)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            return False
    if durable:
        sync(there)
        sync(here)
    return True


def remove(folder: int, name: bytes, if_match: str | None, *, durable: bool) -> None:
    """Delete a file, or a link itself."""
    with locked(folder, swap=if_match is not None):
        facts = see_file(folder, name)
        if if_match is not None:
            check(facts, PutOptions(if_match=if_match))
        os.unlink(name, dir_fd=folder)
    if durable:
        sync(folder)


def see_file(folder: int, name: bytes) -> os.stat_result:
    """Return the facts of a file or link; everything else is absent."""
    facts = look(folder, name)
    if facts is None:
        raise NotFound("nothing stands here")
    if stat.S_ISDIR(facts.st_mode):
        raise NotFound(A_FOLDER)
    if not stat.S_ISREG(facts.st_mode) and not stat.S_ISLNK(facts.st_mode):
        raise NotFound(SPECIAL)
    return facts


def sync(fd: int) -> None:
    """Wait until a file or folder is on the disk itself."""
    full = getattr(fcntl, "F_FULLFSYNC", None)  # macOS: fsync alone stops at the drive's cache
    if full is None:
        os.fsync(fd)
    else:
        fcntl.fcntl(fd, full)
