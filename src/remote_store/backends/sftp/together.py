"""Many small files written side by side: one message for all of them, step by step."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from itertools import accumulate
from typing import TYPE_CHECKING

from remote_store.backends.sftp import wire
from remote_store.backends.sftp.channel import Lost
from remote_store.backends.sftp.draft import Draft, drop
from remote_store.backends.sftp.publish import check, taking, unmake
from remote_store.backends.sftp.tree import folder_of, info_of, is_missing, seen
from remote_store.backends.sftp.wire import Status
from remote_store.errors import RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from typing import TypeAlias, TypeVar

    from remote_store.backend import Buffer, FileInfo, PutOptions
    from remote_store.backends.sftp.channel import Channel
    from remote_store.backends.sftp.tree import Tree
    from remote_store.backends.sftp.wire import Answer, Attrs, Request

    T = TypeVar("T")
    Steps: TypeAlias = Generator[list[Request], list[Answer], T]

__all__ = ["put_many"]

_GROUP = 64
"""Files whose requests go in one message."""


def put_many(tree: Tree, files: Sequence[tuple[str, Buffer]], options: PutOptions) -> list[FileInfo | None]:
    """Write small files, each step of all of them in one trip; None for those that did not go smoothly."""
    channel = tree.channel()
    if not (channel.offers(b"posix-rename@openssh.com") and channel.offers(b"hardlink@openssh.com")):
        return [None] * len(files)
    done: dict[str, FileInfo] = {}
    left = files
    try:
        while left:
            with channel.handles(len(left)) as most:
                done |= _put(tree, channel, left[:most], options)
            left = left[most:]
    except Lost as lost:
        lost.undone = lost.undone and not done
        raise
    return [done.get(key) for key, _ in files]


def _put(tree: Tree, channel: Channel, files: Sequence[tuple[str, Buffer]], options: PutOptions) -> dict[str, FileInfo]:
    starts = range(0, len(files), _GROUP)
    groups = [_Group(tree, channel, files[at : at + _GROUP], overwrite=options.overwrite) for at in starts]
    done: dict[str, FileInfo] = {}
    failure: BaseException | None = None
    try:
        _take_turns(channel, [group.steps() for group in groups])
    except BaseException as error:
        failure = error
        if isinstance(error, Lost):
            error.undone = not any(group.is_named for group in groups)
        raise
    finally:
        drop([file.draft for group in groups for file in group.begun])
        for group in groups:
            done |= group.done
            if len(group.done) < len(group.files):
                unmake(tree, group.made, failure)
    return done


def _take_turns(channel: Channel, groups: list[Steps[None]]) -> None:
    """Send the next requests of each while the server is at those of the others."""
    on_way = deque((group, channel.send(next(group))) for group in groups)
    while on_way:
        group, flight = on_way.popleft()
        with suppress(StopIteration):
            on_way.append((group, channel.send(group.send(channel.wait(flight)))))


def _placed(tree: Tree, files: Sequence[tuple[str, Buffer]]) -> list[tuple[str, bytes, Buffer]]:
    """Return keys, paths and contents; a key that cannot be a path hears that alone."""
    placed = []
    for key, data in files:
        with suppress(RemoteStoreError):
            placed.append((key, tree.path(key), data))
    return placed


class _File:
    """One file that goes smoothly so far."""

    __slots__ = ("data", "draft", "facts", "key", "path")

    def __init__(self, key: str, path: bytes, data: Buffer, draft: Draft) -> None:
        self.key = key
        self.path = path
        self.data = data
        self.draft = draft
        self.facts: Attrs | None = None
        """Of the finished draft."""


class _Group:
    """Files on their way through the steps; one that stumbles stays behind, and its draft is dropped."""

    def __init__(self, tree: Tree, channel: Channel, files: Sequence[tuple[str, Buffer]], *, overwrite: bool) -> None:
        self._tree = tree
        self._channel = channel
        self._overwrite = overwrite
        self.files = files
        self.begun: list[_File] = []
        self.made: list[bytes] = []
        """Folders that were missing."""
        self.is_named = False
        """Whether the server was asked to give names."""
        self.done: dict[str, FileInfo] = {}

    def steps(self) -> Steps[None]:
        """Yield what the server is to do next; the answers to it come back."""
        yield from self._open_all(_placed(self._tree, self.files))
        yield from self._fill()
        yield from self._name()

    def _open_all(self, placed: list[tuple[str, bytes, Buffer]]) -> Steps[None]:
        """Look at what stands at each place, and make the drafts and the folders that they need."""
        homeless = yield from self._open((yield from self._looked(placed)))
        for folder in {folder_of(file.path) for file in homeless}:
            with suppress(RemoteStoreError, Status):
                self._tree.make_folder(self._channel, folder, self.made)
        if homeless:
            again = [(file.key, file.path, file.data) for file in homeless]
            yield from self._open((yield from self._looked(again)))

    def _looked(self, placed: list[tuple[str, bytes, Buffer]]) -> Steps[list[_File]]:
        """Return those that may be written, as far as can be seen."""
        folders = list(dict.fromkeys([folder_of(path) for _, path, _ in placed]))
        answers = yield [wire.realpath(folder) for folder in folders] + [wire.lstat(path) for _, path, _ in placed]
        outside = self._tree.outside(folders, answers[: len(folders)])
        files = []
        for (key, path, data), found in zip(placed, answers[len(folders) :], strict=True):
            with suppress(RemoteStoreError, Status):
                old = seen(found)
                check(old, overwrite=self._overwrite)
                if folder_of(path) not in outside:
                    files.append(_File(key, path, data, Draft(self._tree, self._channel, path, old, durable=False)))
        return files

    def _open(self, files: list[_File]) -> Steps[list[_File]]:
        """Make the drafts; return the files whose folder is missing."""
        self.begun += files
        homeless = []
        for file, (answer,) in (yield from _asked([(file, [file.draft.opening()]) for file in files])):
            try:
                file.draft.opened(answer)
            except Status as status:
                file.draft.let_be()
                if is_missing(status):
                    homeless.append(file)
        return homeless

    def _fill(self) -> Steps[None]:
        """Write all that were opened, and give them the time and mode that they should have."""
        opened = [file for file in self.begun if file.draft.is_open]
        for file in opened:
            file.draft.write(file.data, 0, last=True)
        for file, answers in (yield from _asked([(file, file.draft.ending()) for file in opened])):
            with suppress(Status):
                file.facts = file.draft.ended(answers)
        changes = [(file, file.draft.changes(file.facts)) for file in opened if file.facts is not None]
        for file, answers in (yield from _asked([(file, requests) for file, requests in changes if requests])):
            file.facts = None
            with suppress(Status):
                file.facts = answers[-1].attrs()
        for file in opened:
            if file.facts is not None:
                facts, file.facts = file.facts, None
                with suppress(RemoteStoreError):
                    file.facts = file.draft.kept(facts)

    def _name(self) -> Steps[None]:
        """Give each its name."""
        ready = [file for file in self.begun if file.facts is not None]
        self.is_named = bool(ready)
        naming = [(file, taking(file.draft.name, file.path, overwrite=self._overwrite)) for file in ready]
        for file, answers in (yield from _asked(naming)):
            if answers[0].refusal() is not None or file.facts is None:
                continue
            file.draft.let_be()
            self.done[file.key] = info_of(file.key, file.facts)
            if (failure := answers[-1].refusal()) is not None:
                raise failure


def _asked(asked: Sequence[tuple[_File, list[Request]]]) -> Steps[list[tuple[_File, list[Answer]]]]:
    """Yield all requests together, and return each file with the answers to its own."""
    if not asked:
        return []
    answers = yield [request for _, requests in asked for request in requests]
    ends = accumulate(len(requests) for _, requests in asked)
    return [(file, answers[end - len(requests) : end]) for (file, requests), end in zip(asked, ends, strict=True)]
