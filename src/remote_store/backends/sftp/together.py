"""Small files that are written at the same time go together: one message for all of them, step by step."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from remote_store.backends._obstore import restart_after_fork
from remote_store.backends.sftp.channel import Lost
from remote_store.backends.sftp.draft import Draft, drop
from remote_store.backends.sftp.publish import check, publish, taking
from remote_store.backends.sftp.tree import info_of
from remote_store.backends.sftp.wire import Garbled, Status
from remote_store.errors import RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from remote_store.backend import Buffer, FileInfo, PutOptions
    from remote_store.backends.sftp.channel import Channel
    from remote_store.backends.sftp.tree import Tree
    from remote_store.backends.sftp.wire import Answer, Attrs, Request

__all__ = ["SMALL", "Company"]

ALONE = 4
"""Writes under way before others wait for company: until then each is answered soonest by itself."""
SMALL = 64 << 10
"""Bytes of a small file at most."""
PATIENCE = 0.001
"""Seconds that the first one waits for others."""
MOST = 32
"""Files that go together."""


class _Put:
    """One file of several, and what became of it."""

    __slots__ = ("data", "ended", "is_named", "key", "options", "outcome")

    def __init__(self, key: str, data: Buffer, options: PutOptions) -> None:
        self.key = key
        self.data = data
        self.options = options
        self.outcome: FileInfo | Exception | None = None
        """None: it is left to its own thread, which writes it alone."""
        self.is_named = False
        """Whether the server was asked to give it its name."""
        self.ended = threading.Lock()
        self.ended.acquire()

    def fail(self, cause: Lost | Garbled) -> None:
        """End with what ended all of them, unless it has ended."""
        if self.outcome is None:
            self.outcome = type(cause)(str(cause))
            if isinstance(self.outcome, Lost):
                self.outcome.undone = not self.is_named


class _Group:
    """Files that gather until the first one's patience ends, or there are enough."""

    def __init__(self) -> None:
        self.puts: list[_Put] = []
        self.full = threading.Lock()
        self.full.acquire()

    def has_room_for(self, key: str) -> bool:
        """Say whether a file may join: versions of one file come one after the other."""
        return len(self.puts) < MOST and all(put.key != key for put in self.puts)


class Company:
    """The small writes of one store."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.restart()
        restart_after_fork(self)

    def restart(self) -> None:
        """Begin anew in a forked process, where nobody would come for those that gathered."""
        self._lock = threading.Lock()
        self._gathering: _Group | None = None
        self._under_way = 0

    def put(self, key: str, data: Buffer, options: PutOptions) -> FileInfo:
        """Write a small file whole: all of it, or nothing."""
        mine = group = None
        leads = True
        try:
            with self._lock:
                if self._under_way >= ALONE and (self._gathering is None or self._gathering.has_room_for(key)):
                    mine = _Put(key, data, options)
                    leads = self._gathering is None
                    group = self._gathering = self._gathering or _Group()
                    self._join(group, mine)
                self._under_way += leads
            if mine is None or group is None:
                return put_alone(self._tree, key, data, options)
            if leads:
                self._lead(group)
        finally:
            if leads:
                self._leave(group)
        if not leads:
            mine.ended.acquire()
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        return mine.outcome or put_alone(self._tree, key, data, options)

    def _join(self, group: _Group, mine: _Put) -> None:
        group.puts.append(mine)
        if len(group.puts) == MOST:
            self._gathering = None
            group.full.release()

    def _lead(self, group: _Group) -> None:
        group.full.acquire(timeout=PATIENCE)
        self._dissolve(group)
        if len(group.puts) > 1:
            _publish(self._tree, group.puts)

    def _dissolve(self, group: _Group | None) -> None:
        """Let nobody join any more."""
        with self._lock:
            if self._gathering is group:
                self._gathering = None

    def _leave(self, group: _Group | None) -> None:
        """Go, whatever happened, and let those go that came along."""
        with self._lock:
            self._under_way -= 1
        if group is not None:
            self._dissolve(group)
            for put in group.puts:
                put.ended.release()


def put_alone(tree: Tree, key: str, data: Buffer, options: PutOptions) -> FileInfo:
    """Write one file by itself."""
    return publish(tree, key, options, lambda draft: draft.write(data, 0, last=True), durable=False, plain=False)


def _publish(tree: Tree, puts: Sequence[_Put]) -> None:
    """Publish what goes smoothly; what does not is dropped and left to its own thread, which hears why."""
    begun: list[_Begun] = []
    try:
        channel = tree.channel()
        if not (channel.offers(b"posix-rename@openssh.com") and channel.offers(b"hardlink@openssh.com")):
            return
        _begin(tree, channel, puts, begun)
        _open(channel, begun)
        _finish(channel, begun)
        _name(channel, begun)
    except (Lost, Garbled) as error:
        for put in puts:
            put.fail(error)
    except RemoteStoreError:
        pass  # each hears it from its own call
    except BaseException:
        for put in puts:
            put.fail(Lost("the thread that wrote it along with others was interrupted"))
        raise
    finally:
        drop([one.draft for one in begun])


class _Begun:
    """One file that goes smoothly so far."""

    def __init__(self, put: _Put, path: bytes, draft: Draft) -> None:
        self.put = put
        self.path = path
        self.draft = draft
        self.facts: Attrs | None = None
        """Of the finished draft."""


def _begin(tree: Tree, channel: Channel, puts: Sequence[_Put], begun: list[_Begun]) -> None:
    """Look at what stands at each place."""
    placed = []
    for put in puts:
        with suppress(RemoteStoreError):
            placed.append((put, tree.path(put.key)))
    answers = channel.ask(*[request for _, path in placed for request in tree.looking(path)])
    for (put, path), real, found in zip(placed, answers[::2], answers[1::2], strict=True):
        with suppress(RemoteStoreError, Status):
            old = tree.seen(real, found)
            check(old, overwrite=put.options.overwrite)
            begun.append(_Begun(put, path, Draft(tree, channel, path, old, durable=False)))


def _open(channel: Channel, begun: list[_Begun]) -> None:
    answers = channel.ask(*[one.draft.opening() for one in begun])
    for one, answer in zip(begun, answers, strict=True):
        try:
            one.draft.opened(answer)
        except Status:
            one.draft.let_be()


def _finish(channel: Channel, begun: list[_Begun]) -> None:
    """Write all that were opened, and give them the time and mode that they should have."""
    opened = [one for one in begun if one.draft.is_open]
    for one in opened:
        one.draft.write(one.put.data, 0, last=True)
    for one, answers in _asked(channel, [(one, one.draft.ending()) for one in opened]):
        with suppress(Status):
            one.facts = one.draft.ended(answers)
    changes = [(one, one.draft.changes(one.facts)) for one in opened if one.facts is not None]
    for one, answers in _asked(channel, [(one, requests) for one, requests in changes if requests]):
        one.facts = None
        with suppress(Status):
            one.facts = answers[-1].attrs()
    for one in opened:
        if one.facts is not None:
            facts, one.facts = one.facts, None
            with suppress(RemoteStoreError):
                one.facts = one.draft.kept(facts)


def _name(channel: Channel, begun: list[_Begun]) -> None:
    """Give each its name."""
    ready = [one for one in begun if one.facts is not None]
    for one in ready:
        one.put.is_named = True
    naming = [(one, taking(one.draft.name, one.path, overwrite=one.put.options.overwrite)) for one in ready]
    for one, answers in _asked(channel, naming):
        if answers[0].refusal() is not None or one.facts is None:
            continue
        one.draft.let_be()
        one.put.outcome = info_of(one.put.key, one.facts)
        if answers[-1].refusal() is not None:
            one.put.outcome = answers[-1].refusal()


def _asked(channel: Channel, asked: list[tuple[_Begun, list[Request]]]) -> Iterator[tuple[_Begun, list[Answer]]]:
    """Send all requests together, and give each file the answers to its own."""
    answers = iter(channel.ask(*[request for _, requests in asked for request in requests]))
    for one, requests in asked:
        yield one, [next(answers) for _ in requests]
