"""Listing folders in the order of keys, page by page, holding nothing open between pages."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from remote_store.backend import FolderEntry, Page
from remote_store.backends._drafts import PREFIX
from remote_store.backends.sftp import wire
from remote_store.backends.sftp.tree import info_of, is_file, is_folder, is_link, is_missing
from remote_store.errors import ContainerNotFound, PermissionDenied
from remote_store.path import MAX_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from remote_store.backend import Entry
    from remote_store.backends.sftp.channel import Channel
    from remote_store.backends.sftp.tree import Tree
    from remote_store.backends.sftp.wire import Attrs, Status

__all__ = ["list_page", "scan"]

_ODD = re.compile(r"^[A-Za-z]:|[/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]").search
_TURNS = 4
"""Pieces of a listing on the way at once."""
_MOST_TURNS = 16
_BESIDE = 32
"""Folders that are read at the same time."""
_PLENTY = 10_000
"""Names held ahead at most before no further folder is read beside the others."""

Named = tuple[str, "Attrs"]


class _Frame(NamedTuple):
    """A folder under way: its path below the listed one, its entries in order, and where to go on."""

    path: str
    found: Sequence[Named]
    at: int


class _Token(NamedTuple):
    """Where a listing goes on: the folders under way, the innermost last, what was read ahead and left out."""

    frames: tuple[_Frame, ...]
    ahead: dict[str, Sequence[Named]]
    odd: int
    lost: int


def scan(
    channel: Channel, paths: Sequence[bytes], tree: Tree | None = None
) -> list[list[tuple[bytes, Attrs]] | Status]:
    """Read folders side by side; return their entries without ``.`` and ``..``, or why there are none.

    With a tree, a folder that a link took the place of meanwhile is refused if that leads outside.
    """
    found: list[list[tuple[bytes, Attrs]] | Status] = []
    handles: dict[int, bytes] = {}
    whither = channel.send(list(map(wire.realpath, paths))) if tree is not None else None
    opened = channel.ask(*map(wire.opendir, paths))
    if tree is not None and whither is not None:
        for real in channel.wait(whither):
            tree.guard(real)
    for at, answer in enumerate(opened):
        if (failure := answer.failure()) is not None:
            found.append(failure)
            continue
        handles[at] = answer.handle()
        found.append([])
    turns = _TURNS if len(paths) == 1 else 2
    while handles:
        order = list(handles)
        answers = iter(channel.ask(*[wire.readdir(handles[at]) for at in order for _ in range(turns)]))
        for at in order:
            ended = False
            for _ in range(turns):
                answer, entries = next(answers), found[at]
                if ended or not isinstance(entries, list):
                    continue
                failure = answer.failure()
                if failure is not None and failure.code != wire.EOF:  # some servers open what they may not read
                    ended, found[at] = True, failure
                    continue
                names = answer.names()
                ended = not names
                entries += [named for named in names if named[0] not in (b".", b"..")]
            if ended:
                channel.later(wire.close(handles.pop(at)))
        turns = min(2 * turns, _MOST_TURNS)
    channel.flush()
    return found


def list_page(tree: Tree, folder: str, token: object | None, limit: int | None, *, recursive: bool) -> Page | None:
    """Return the next page below a folder, or None where there is none."""
    walk = _Walk(tree, folder, recursive=recursive)
    if isinstance(token, _Token):
        walk.frames, walk.ahead = list(token.frames), dict(token.ahead)
        walk.odd, walk.lost = token.odd, token.lost
    elif not walk.begin():
        return None
    walk.fill(limit)
    if walk.frames:
        return Page(walk.entries, _Token(tuple(walk.frames), walk.ahead, walk.odd, walk.lost))
    walk.warn()
    return Page(walk.entries)


class _Walk:
    """One page being filled."""

    def __init__(self, tree: Tree, folder: str, *, recursive: bool) -> None:
        self._channel = tree.channel()
        self._tree = tree
        self._folder = folder
        self._prefix = f"{folder}/" if folder else ""
        self._recursive = recursive
        self.entries: list[Entry] = []
        self.frames: list[_Frame] = []
        self.ahead: dict[str, Sequence[Named]] = {}
        self.odd = 0
        self.lost = 0

    def begin(self) -> bool:
        """Read the folder itself; False if it is none."""
        path = self._tree.path(self._folder)
        real, facts = self._channel.ask(wire.realpath(path), wire.stat(path))
        self._tree.guard(real)
        failure = facts.failure()
        if failure is not None and not is_missing(failure):
            raise failure
        if failure is not None:
            missing = self._tree.missing(self._channel)
            if isinstance(missing, ContainerNotFound):
                raise missing
            self._tree.warn_once()
            return False
        if not is_folder(facts.attrs()):
            return False
        (found,) = scan(self._channel, [path])
        if not isinstance(found, list):
            if is_missing(found):
                return False
            raise found
        self.frames = [_Frame("", self._in_order(found, ""), 0)]
        return True

    def fill(self, limit: int | None) -> None:
        """Take entries until the page is full or no folder is left."""
        while self.frames and (limit is None or len(self.entries) < limit):
            path, found, at = self.frames.pop()
            room = len(found) if limit is None else limit - len(self.entries)
            self._take(path, found, at, room)
        while self.frames and self.frames[-1].at >= len(self.frames[-1].found):
            self.frames.pop()

    def _take(self, path: str, found: Sequence[Named], at: int, room: int) -> None:
        """Add entries of one folder, up to the first subfolder that has to be walked."""
        start = f"{self._prefix}{path}/" if path else self._prefix
        for name, facts in found[at : at + room]:
            at += 1
            if name[-1] != "/":
                self.entries.append(info_of(start + name, facts))
            elif not self._recursive:
                self.entries.append(FolderEntry(start + name[:-1]))
            else:
                self.frames.append(_Frame(path, found, at))
                self._enter(path, found, at - 1)
                return
        if at < len(found):
            self.frames.append(_Frame(path, found, at))

    def _enter(self, path: str, found: Sequence[Named], at: int) -> None:
        below = self._below(path, found[at][0])
        if below not in self.ahead:
            self._read_ahead(path, found, at)
        entries = self.ahead.pop(below, None)
        if entries is not None:
            self.frames.append(_Frame(below, entries, 0))

    def _below(self, path: str, name: str) -> str:
        return f"{path}/{name[:-1]}" if path else name[:-1]

    def _read_ahead(self, path: str, found: Sequence[Named], at: int) -> None:
        """Read the folder that is needed, and some of those that come after it."""
        wanted = [self._below(path, found[at][0])]
        if sum(map(len, self.ahead.values())) < _PLENTY:
            for name, _ in found[at + 1 :]:
                if len(wanted) >= _BESIDE:
                    break
                if name[-1] == "/" and (beside := self._below(path, name)) not in self.ahead:
                    wanted.append(beside)
        paths = [self._tree.path(self._prefix + below) for below in wanted]
        for number, (below, names) in enumerate(zip(wanted, scan(self._channel, paths, self._tree), strict=True)):
            if isinstance(names, list):
                self.ahead[below] = self._in_order(names, below)
            elif number == 0 and not is_missing(names):
                if names.code == wire.DENIED:
                    raise PermissionDenied(f"the folder {below!r} below it may not be read") from names
                raise names

    def _in_order(self, found: list[tuple[bytes, Attrs]], path: str) -> list[Named]:
        """Return entries as keys sort, folders with a slash behind, without those that are no keys or no files."""
        start = f"{self._prefix}{path}/" if path else self._prefix
        room = MAX_KEY - len(start.encode())
        named: list[Named] = []
        links: list[str] = []
        for raw, facts in found:
            name = raw.decode(errors="surrogateescape")
            if name.startswith(PREFIX):
                continue
            if not name or _ODD(name) or name in (".", "..") or len(raw) > min(room, 255):
                self.odd += 1
            elif is_link(facts):
                links.append(name)
            elif is_folder(facts):
                named.append((name + "/", facts))
            elif is_file(facts):
                named.append((name, facts))
        if links:
            named += self._resolved(links, start)
        named.sort(key=lambda entry: entry[0])
        return named

    def _resolved(self, links: list[str], start: str) -> list[Named]:
        """Return links as what they point to; recursive listings do not enter linked folders."""
        named: list[Named] = []
        for first in range(0, len(links), 100):
            some = links[first : first + 100]
            paths = [self._tree.path(start + name) for name in some]
            answers = self._channel.ask(*[ask(path) for path in paths for ask in (wire.realpath, wire.stat)])
            for name, real, found in zip(some, answers[::2], answers[1::2], strict=True):
                facts = self._within(real, found)
                if facts is None:
                    self.lost += 1
                elif is_folder(facts):
                    if not self._recursive:
                        named.append((name + "/", facts))
                elif facts.mode is None or stat.S_ISREG(facts.mode):
                    named.append((name, facts))
        return named

    def _within(self, real: wire.Answer, found: wire.Answer) -> Attrs | None:
        """Return what a link leads to, None if that is outside or nothing."""
        try:
            self._tree.guard(real)
        except (PermissionDenied, wire.Status):
            return None
        return found.attrs() if found.failure() is None else None

    def warn(self) -> None:
        """Say, once at the end of a listing, what it left out."""
        if self.odd or self.lost:
            import logging

            logging.getLogger("remote_store").warning(
                "left out of the listing of %a: %d names that are no valid keys, %d links that lead outside or nowhere",
                self._folder,
                self.odd,
                self.lost,
            )
