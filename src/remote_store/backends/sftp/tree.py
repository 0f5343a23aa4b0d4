"""The folder on the server that is the root: what lies in it, and that nothing else is touched."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from remote_store.backend import FileInfo, FolderEntry
from remote_store.backends._drafts import refuse_drafts
from remote_store.backends.sftp import wire
from remote_store.errors import ContainerNotFound, InvalidPath, NotFound, PermissionDenied, RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from remote_store.backend import Entry
    from remote_store.backends.sftp.channel import Channel
    from remote_store.backends.sftp.session import Session
    from remote_store.backends.sftp.wire import Answer, Attrs, Status

__all__ = ["Tree", "folder_of", "info_of", "is_missing", "seen"]

A_FOLDER = "a folder stands here, not a file; list it with list_files or iter_children"
BELOW_A_FILE = "a file stands where a folder is needed"
SPECIAL = "a pipe, socket or device stands here, not a file"
NOTHING = "nothing stands here"
OUTSIDE = "a link on the way leads outside the store's root"
_ROUNDS = 20
"""How often a folder is made again that is deleted meanwhile."""


def is_missing(status: Status) -> bool:
    """Say whether a status means that nothing stands there."""
    return status.code in (wire.NO_SUCH_FILE, wire.NO_SUCH_PATH)


def etag_of(facts: Attrs) -> str:
    """Name a version of a file: writers here see to it that each has a later time than the one it replaces."""
    return f"{facts.modified or 0:x}-{facts.size or 0:x}"


def info_of(key: str, facts: Attrs) -> FileInfo:
    """Return facts as those of a file."""
    return FileInfo(key, facts.size or 0, float(facts.modified or 0), etag_of(facts))


def is_folder(facts: Attrs) -> bool:
    """Say whether facts are those of a folder."""
    return facts.mode is not None and stat.S_ISDIR(facts.mode)


def is_file(facts: Attrs) -> bool:
    """Say whether facts are those of a file; servers that do not tell have little else."""
    return facts.mode is None or not stat.S_IFMT(facts.mode) or stat.S_ISREG(facts.mode)


def is_link(facts: Attrs) -> bool:
    """Say whether facts are those of a link itself."""
    return facts.mode is not None and stat.S_ISLNK(facts.mode)


def folder_of(path: bytes) -> bytes:
    """Return the folder that a path lies in."""
    return path.rpartition(b"/")[0] or b"/"


def seen(found: Answer) -> Attrs | None:
    """Return the facts of what may be there, or None."""
    failure = found.failure()
    if failure is not None and is_missing(failure):
        return None
    return found.attrs()


class Tree:
    """Paths below the root, and questions about them."""

    def __init__(self, session: Session, root: str, *, create: bool) -> None:
        self.session = session
        self.root = root
        self.create = create
        self._top: bytes | None = None
        self._warned = False

    def channel(self) -> Channel:
        """Return a channel; the root's place is known from then on."""
        channel = self.session.channel()
        if self._top is None:
            self._find_top(channel)
        return channel

    def _find_top(self, channel: Channel) -> None:
        given = self.root.encode()
        if not given.startswith(b"/"):
            home = channel.ask(wire.realpath(b"."))[0].path()
            given = home if self.root == "." else home.rstrip(b"/") + b"/" + given
        given = given.rstrip(b"/") or b"/"
        self._given = given
        real, facts = channel.ask(wire.realpath(given), wire.stat(given))
        if facts.failure() is not None:
            return
        if not is_folder(facts.attrs()):
            raise ContainerNotFound(f"the root {self.root!r} is not a folder")
        self._top = real.path()

    @property
    def top(self) -> bytes:
        """The root's path without links; as it was given while it is not made yet."""
        return self._given if self._top is None else self._top

    def path(self, key: str) -> bytes:
        """Return the server's path of a key."""
        if not key:
            return self.top
        refuse_drafts(key)
        top = self.top
        return (top if top == b"/" else top + b"/") + key.encode()

    def guard(self, real: Answer) -> None:
        """Refuse a path whose links lead outside; a missing one is refused by what is asked next."""
        if (failure := real.failure()) is not None:
            if is_missing(failure):
                return
            raise failure
        found, top = real.path(), self.top
        if found != top and not found.startswith(top if top == b"/" else top + b"/"):
            raise PermissionDenied(OUTSIDE)

    def outside(self, folders: Sequence[bytes], reals: Sequence[Answer]) -> dict[bytes, Exception]:
        """Return the folders that are refused, each with its reason."""
        refused: dict[bytes, Exception] = {}
        for folder, real in zip(folders, reals, strict=True):
            try:
                self.guard(real)
            except (RemoteStoreError, wire.Status) as error:
                refused[folder] = error
        return refused

    def missing(self, channel: Channel, message: str = NOTHING) -> NotFound:
        """Return the error for what is not there; it is the root that is missing if that must not be made."""
        if not self.create:
            (facts,) = channel.ask(wire.stat(self.top))
            if (failure := facts.failure()) is not None and is_missing(failure):
                return self._no_root()
        if self._top is None:
            message = f"{message}; the root folder {self.root!r} is missing; the first write makes it"
        return NotFound(message)

    def _no_root(self) -> ContainerNotFound:
        return ContainerNotFound(f"the root folder {self.root!r} is missing")

    def warn_once(self) -> None:
        """Say that a root which is yet to be made is listed as empty: it may be a misspelt one."""
        if self._top is None and not self._warned:
            self._warned = True
            import logging

            message = "the root folder %a is missing; the first write makes it"
            logging.getLogger("remote_store").warning(message, self.root)

    def facts(self, channel: Channel, key: str) -> Attrs:
        """Return what a path within the root leads to."""
        path = self.path(key)
        real, found = channel.ask(wire.realpath(path), wire.stat(path))
        self.guard(real)
        failure = found.failure()
        if failure is not None and is_missing(failure):
            raise self.missing(channel)
        return found.attrs()

    def entry(self, key: str) -> Entry:
        """Return what stands at a key."""
        try:
            facts = self.facts(self.channel(), key)
        except NotFound as missing:
            if key or isinstance(missing, ContainerNotFound):
                raise
            raise self._no_root() from None  # asked for itself it has to be there
        if is_folder(facts):
            return FolderEntry(key)
        if not is_file(facts):
            raise NotFound(SPECIAL)
        return info_of(key, facts)

    def file(self, channel: Channel, key: str) -> Attrs:
        """Return the facts of a file; a folder, pipe, socket or device is none."""
        facts = self.facts(channel, key)
        if not is_file(facts):
            raise NotFound(A_FOLDER if is_folder(facts) else SPECIAL)
        return facts

    def look(self, channel: Channel, path: bytes) -> Attrs | None:
        """Return what stands at a path itself, whose folder must lie within the root, or None."""
        real, found = channel.ask(wire.realpath(folder_of(path)), wire.lstat(path))
        self.guard(real)
        return seen(found)

    def make_folder(self, channel: Channel, path: bytes, made: list[bytes]) -> None:
        """Make a folder and those above it; ``made`` names the new ones.

        Raises:
            InvalidPath: a file stands where one of them would.
            ContainerNotFound: the root is missing and must not be made.
            PermissionDenied: it is missing, and the server refuses to make it.
        """
        top = self.top
        if self._top is None:
            if not self.create:
                raise self._no_root()
            self._make_top(channel, made)
            self._find_top(channel)
            path = self.top + path.removeprefix(top)
        elif not self.create and (failure := channel.ask(wire.stat(top))[0].failure()) and is_missing(failure):
            raise self._no_root()
        self._make(channel, b"" if self.create else self.top, path, made)

    def _make_top(self, channel: Channel, made: list[bytes]) -> None:
        try:
            self._make(channel, b"", self.top, made)
        except wire.Status as refused:
            if refused.code != wire.DENIED:
                raise
            message = f"the root folder {self.root!r} is missing, and the server refuses to make it; check its name"
            raise PermissionDenied(message) from refused

    def _make(self, channel: Channel, above: bytes, path: bytes, made: list[bytes]) -> None:
        steps = [path[:at] for at in range(1, len(path)) if path[at : at + 1] == b"/" and at > len(above)] + [path]
        missing: list[bytes] = []
        for step, found in zip(steps, channel.ask(*map(wire.stat, steps)), strict=True):
            failure = found.failure()
            if failure is None and not is_folder(found.attrs()):
                raise InvalidPath(BELOW_A_FILE)
            if failure is not None:
                missing.append(step)
        if not missing:
            return
        last = folder_of(missing[0])
        if self._top is not None and len(last) >= len(self.top):
            self.guard(channel.ask(wire.realpath(last))[0])
        for step in missing:
            (answer,) = channel.ask(wire.mkdir(step))
            failure = answer.refusal()
            if failure is None:
                made.append(step)
            elif not self._is_folder(channel, step):
                raise failure

    def _is_folder(self, channel: Channel, path: bytes) -> bool:
        """Say whether a folder stands there that another made first."""
        (found,) = channel.ask(wire.stat(path))
        if found.failure() is not None:
            return False
        if not is_folder(found.attrs()):
            raise InvalidPath(BELOW_A_FILE)
        return True

    def unmake(self, channel: Channel, made: list[bytes]) -> None:
        """Delete folders that were made for a file that never came, unless somebody uses them."""
        if made and channel.broken is None:
            channel.ask(*[wire.rmdir(path) for path in reversed(made)])
            made.clear()
