"""Opening what lies beneath a root and nothing else: no link, swap or race leads a call outside.

Where the kernel has ``openat2`` one call opens a path and refuses every link in it. Only where a link was in the way
is the path resolved again: from the root, first by the kernel (RESOLVE_BENEATH), then segment by segment, which also
understands absolute links that point back inside, and is the way on systems without ``openat2``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from remote_store.errors import ContainerNotFound, PermissionDenied

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ANY",
    "FILE",
    "FOLDER",
    "Way",
    "look_at_root",
    "make_folder",
    "open_below",
    "open_beneath",
    "rename_exclusive",
]

_O_PATH = getattr(os, "O_PATH", 0)
_STEP = _O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
"""Flags for a folder that is only passed through."""
_LINKS = 40
"""Links that one path may go through; what the kernel allows."""
_RACES = 128
"""How often a path that is being renamed under us is tried."""

_NR_OPENAT2 = 437  # the same on every architecture but alpha
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08
_NOREPLACE = 1
_CWD = -100

OUTSIDE = "the path leads outside the store through a link"


class _How(ctypes.Structure):
    """``struct open_how`` of openat2(2)."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_kept: list[_How] = []  # the kernel reads them by address


class Way(NamedTuple):
    """How to open: plain flags, and the same as arguments of openat2, through no link or through links inside."""

    flags: int
    strict: int
    beneath: int
    below: int


def _way(flags: int) -> Way:
    flags |= os.O_CLOEXEC
    hows = [_How(flags, 0, resolve) for resolve in (_NO_SYMLINKS, _BENEATH | _NO_MAGICLINKS, _BENEATH | _NO_SYMLINKS)]
    _kept.extend(hows)
    return Way(flags, *map(ctypes.addressof, hows))


ANY = _way(_O_PATH or os.O_NONBLOCK)
"""Whatever stands there, for its facts only."""
FILE = _way(os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
"""A file to be read; a pipe or device that stands there instead does not block."""
FOLDER = _way(os.O_RDONLY | os.O_DIRECTORY)
"""A folder to be listed, locked or changed."""

_SIZE = ctypes.sizeof(_How)


def _find(name: str, *types: Any) -> Any:
    """Return a function of the C library, or None where it has none."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if function is not None:
        function.argtypes = types
        function.restype = ctypes.c_long if name == "syscall" else ctypes.c_int
    return function


def _find_openat2() -> Callable[..., int] | None:
    if sys.platform != "linux":
        return None
    types = (ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t)
    function: Callable[..., int] | None = _find("syscall", *types)
    if function is None:
        return None
    fd = function(_NR_OPENAT2, _CWD, b"/", ANY.strict, _SIZE)
    if fd < 0:  # an old kernel, or a sandbox that does not know the call
        return None
    os.close(fd)
    return function


_openat2 = _find_openat2()
_renameat2 = None
if sys.platform == "linux":
    _renameat2 = _find("renameat2", ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)


def open_beneath(root: bytes, path: bytes, way: Way) -> int:
    """Open a path below the root folder (``b""``: the root itself), through links only as far as they stay inside.

    ``root`` has no slash at its end. Raises PermissionDenied where a link leads outside.
    """
    if _openat2 is not None:
        fd = _openat2(_NR_OPENAT2, _CWD, root + b"/" + path, way.strict, _SIZE)
        if fd >= 0:
            return fd
        code = ctypes.get_errno()
        if code not in (errno.ELOOP, errno.ENAMETOOLONG, errno.EAGAIN, errno.EINTR):
            raise OSError(code, os.strerror(code))
    return _through_links(root, path, way)


def _through_links(root: bytes, path: bytes, way: Way) -> int:
    if not path:
        return os.open(root + b"/", way.flags)  # the root's own path may hold any link: who configured it is trusted
    top = os.open(root + b"/", _STEP)
    try:
        if _openat2 is not None:
            fd, code = _resolve(_openat2, top, path, way.beneath)
            if fd >= 0:
                return fd
            if code == errno.ELOOP:  # links in a circle lead nowhere
                code = errno.ENOENT
            if code != errno.EXDEV:
                raise OSError(code, os.strerror(code))
        return _walk(root, top, path, way)
    finally:
        os.close(top)


def _resolve(openat2: Callable[..., int], top: int, path: bytes, how: int) -> tuple[int, int]:
    code = 0
    for _ in range(_RACES):
        fd = openat2(_NR_OPENAT2, top, path, how, _SIZE)
        if fd >= 0:
            return fd, 0
        code = ctypes.get_errno()
        if code not in (errno.EAGAIN, errno.EINTR):  # EAGAIN: something was renamed while ".." was resolved
            break
    return -1, code


def _walk(root: bytes, top: int, path: bytes, way: Way) -> int:
    """Resolve segment by segment and hold every folder on the way, so that ``..`` goes back where we came from."""
    trail = [os.dup(top)]
    left = path.split(b"/")[::-1]
    turns = 0
    try:
        while left:
            name = left.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                if len(trail) == 1:
                    raise PermissionDenied(OUTSIDE)
                os.close(trail.pop())
                continue
            fd, target = _step(trail[-1], name, _STEP if left else way.flags)
            if fd >= 0:
                if not left:
                    return fd
                trail.append(fd)
                continue
            turns += 1
            if turns > _LINKS:
                raise FileNotFoundError(errno.ENOENT, "links in a circle lead nowhere")
            if target.startswith(b"/"):
                target = _inside(root, target)
                while len(trail) > 1:
                    os.close(trail.pop())
            left += target.split(b"/")[::-1]
        return os.open(b".", way.flags, dir_fd=trail[-1])
    finally:
        for fd in trail:
            os.close(fd)


def _step(folder: int, name: bytes, flags: int) -> tuple[int, bytes]:
    """Open one name, or return where the link that stands there points."""
    refusal: OSError | None = None
    for _ in range(_RACES):
        try:
            fd = os.open(name, flags | os.O_NOFOLLOW, dir_fd=folder)
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
                raise
            refusal = error
        else:
            if not (flags & _O_PATH and stat.S_ISLNK(os.fstat(fd).st_mode)):
                return fd, b""
            os.close(fd)  # O_PATH opens a link itself
        try:
            return -1, os.readlink(name, dir_fd=folder)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        # Not a link by now: was it swapped a moment ago, or does a file stand where a folder is needed?
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if refusal is not None and not stat.S_ISDIR(mode) and not stat.S_ISLNK(mode):
            raise refusal
    raise FileNotFoundError(errno.ENOENT, "the path was replaced over and over while it was opened")


def _inside(root: bytes, target: bytes) -> bytes:
    """Return the part below the root of an absolute link, if that is where it points."""
    for known in (root, os.path.realpath(root + b"/").rstrip(b"/")):
        if target.rstrip(b"/") == known:
            return b""
        if target.startswith(known + b"/"):
            return target[len(known) + 1 :]
    raise PermissionDenied(OUTSIDE)


def open_below(folder: int, path: bytes, way: Way) -> int:
    """Open a path below an open folder, through no link at all; OSError ELOOP or ENOTDIR where one is in the way."""
    if not path:
        return os.open(b".", way.flags, dir_fd=folder)
    if _openat2 is not None:
        fd, code = _resolve(_openat2, folder, path, way.below)
        if fd < 0:
            raise OSError(code, os.strerror(code))
        return fd
    *above, name = path.split(b"/")
    held = os.dup(folder)
    try:
        for segment in above:
            deeper = os.open(segment, _STEP | os.O_NOFOLLOW, dir_fd=held)
            os.close(held)
            held = deeper
        return os.open(name, way.flags | os.O_NOFOLLOW, dir_fd=held)
    finally:
        os.close(held)


def make_folder(root: bytes, path: bytes, made: list[bytes], *, create: bool, durable: bool) -> int:
    """Open a folder below the root, making it and what is missing above it; ``made`` takes down what was."""
    try:
        return open_beneath(root, path, FOLDER)
    except FileNotFoundError:
        if not path:
            look_at_root(root, create=create)
            _make_root(root)
            return open_beneath(root, b"", FOLDER)
    above, _, name = path.rpartition(b"/")
    parent = make_folder(root, above, made, create=create, durable=durable)
    try:
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=parent)
            made.append(path)
            if durable:
                os.fsync(parent)
        return os.open(name, FOLDER.flags | os.O_NOFOLLOW, dir_fd=parent)
    finally:
        os.close(parent)


def look_at_root(root: bytes, *, create: bool) -> str | None:
    """Raise if the root is missing or no folder; of one that the first write is to make return what to say."""
    name = os.fsdecode(root) or "/"
    try:
        mode = os.stat(root or b"/").st_mode  # noqa: PTH116  the root may be no text
    except FileNotFoundError:
        if create:
            return f"the root folder {name!r} is missing; the first write makes it"
        raise ContainerNotFound(f"the root folder {name!r} is missing") from None
    except NotADirectoryError:
        raise ContainerNotFound(f"the root folder {name!r} cannot be: a file stands above it") from None
    except PermissionError as refused:
        raise PermissionDenied(f"the root folder {name!r} may not be reached") from refused
    if not stat.S_ISDIR(mode):
        raise ContainerNotFound(f"the root {name!r} is not a folder")
    return None


def _make_root(root: bytes) -> None:
    name = os.fsdecode(root)
    try:
        os.makedirs(root + b"/", exist_ok=True)  # noqa: PTH103  the root may be no text
    except OSError as refused:
        if isinstance(refused, PermissionError) or refused.errno == errno.EROFS:
            raise PermissionDenied(f"the root folder {name!r} may not be made") from refused
        if isinstance(refused, FileExistsError | FileNotFoundError | NotADirectoryError):
            raise ContainerNotFound(f"the root folder {name!r} is missing and cannot be made") from refused
        raise


def rename_exclusive(source: int, name: bytes, target: int, new: bytes) -> bool:
    """Rename unless the new name is taken (FileExistsError); False where the system cannot decide that in one step."""
    if _renameat2 is not None:
        if _renameat2(source, name, target, new, _NOREPLACE) == 0:
            return True
        code = ctypes.get_errno()
        if code not in (errno.EINVAL, errno.ENOSYS, errno.EPERM):
            raise OSError(code, os.strerror(code))
    try:
        os.link(name, new, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        return False
    os.unlink(name, dir_fd=source)
    return True
