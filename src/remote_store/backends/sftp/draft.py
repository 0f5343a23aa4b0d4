"""A file that is written out of sight, in the folder where it will stand."""

from __future__ import annotations

import os
import stat
from collections import deque
from typing import TYPE_CHECKING

from remote_store.backends._drafts import draft_name
from remote_store.backends.sftp import wire
from remote_store.backends.sftp.channel import Lost, Silent
from remote_store.backends.sftp.tree import is_link
from remote_store.backends.sftp.wire import Garbled, Status
from remote_store.errors import CapabilityNotSupported, IntegrityError, RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from remote_store.backend import Buffer
    from remote_store.backends.sftp.channel import Channel, Flight
    from remote_store.backends.sftp.tree import Tree
    from remote_store.backends.sftp.wire import Answer, Attrs, Request

__all__ = ["Draft", "drop"]

_AHEAD = 16 << 20
"""Bytes on the way to a file that the server has not confirmed yet."""
NO_SYNC = "this server cannot say when a file is on the disk (it lacks fsync@openssh.com); durable=True needs it"


class Draft:
    """A file that nobody sees yet."""

    def __init__(self, tree: Tree, channel: Channel, path: bytes, old: Attrs | None, *, durable: bool) -> None:
        if durable and not channel.offers(b"fsync@openssh.com"):
            raise CapabilityNotSupported(NO_SYNC)
        self.tree = tree
        self.channel = channel
        self._old = old
        self._durable = durable
        self._ahead: deque[tuple[Flight, int]] = deque()
        self._held: list[Request] = []
        self._on_way = 0
        self.size = 0
        self.name = (path.rpartition(b"/")[0] or b"") + b"/" + draft_name().encode()
        # Never more open than the file that it replaces, not even before it is published.
        mode = stat.S_IMODE(old.mode) & 0o777 if old is not None and old.mode and not is_link(old) else None
        self._mode = mode
        self._owner = os.getpid()
        self._gone = self.is_open = False

    def open(self) -> None:
        """Make it; a refusal is a ``Status``."""
        try:
            (answer,) = self.channel.ask(self.opening())
            self.opened(answer)
        except Status:
            raise
        except BaseException:
            self.drop()  # it may have been made, and the answer been lost
            raise

    def opening(self) -> Request:
        """Return what makes it."""
        return wire.open_file(self.name, wire.FOR_NEW, self._mode)

    def opened(self, answer: Answer) -> None:
        """Take the answer to ``opening``."""
        self.handle = answer.handle()
        self.is_open = True

    def write(self, data: Buffer, offset: int, *, last: bool = False) -> None:
        """Send data; what the server says to it is heard later, at the latest by ``finish``.

        Of the ``last`` data, which has to stay as it is until then, the end goes along with what ``finish`` sends.
        """
        turn, view = self.channel.write_size, memoryview(data)
        for start in range(0, len(view), 4 * turn):
            stretch = view[start : start + 4 * turn]
            requests = [
                wire.write(self.handle, offset + start + at, stretch[at : at + turn])
                for at in range(0, len(stretch), turn)
            ]
            if last and start + len(stretch) == len(view):
                self._held = requests
                break
            self._ahead.append((self.channel.send(requests), len(stretch)))
            self._on_way += len(stretch)
            while self._on_way > _AHEAD:
                self._settle_one()
        self.size = max(self.size, offset + len(view))

    def _settle_one(self) -> None:
        flight, size = self._ahead.popleft()
        self._on_way -= size
        for answer in self.channel.wait(flight):
            answer.done()

    def replaces(self, old: Attrs | None) -> None:
        """Know what stands where the draft is to stand."""
        self._old = old

    def finish(self) -> Attrs:
        """Wait for all that was sent, give the file the time and mode that it should have, and return its facts."""
        if self._durable:
            for answer in self.channel.ask(*self._held):
                answer.done()
            while self._ahead:  # some servers answer in another order
                self._settle_one()
            self._held = [wire.fsync(self.handle)]
        last = self.channel.send(self.ending())
        while self._ahead:
            self._settle_one()
        facts = self.ended(self.channel.wait(last))
        if changes := self.changes(facts):
            facts = self.channel.ask(*changes)[-1].attrs()
        return self.kept(facts)

    def ending(self) -> list[Request]:
        """Return what does the rest, asks for the facts and closes; nothing may follow it."""
        self.is_open = False  # from here on the server may give the handle to somebody else
        return [*self._held, wire.fstat(self.handle), wire.close(self.handle)]

    def ended(self, answers: list[Answer]) -> Attrs:
        """Take the answers to ``ending``, and return the facts."""
        *written, found, closed = answers
        for answer in written:
            answer.done()
        closed.done()
        return found.attrs()

    def changes(self, facts: Attrs) -> list[Request]:
        """Return what gives it the mode of the file it replaces, and a later second than that one's, then its facts."""
        if facts.size == self.size and not self._is_to_change(facts):
            return []
        requests = [wire.lstat(self.name)]
        if self._has_other_mode(facts):
            requests.insert(0, wire.setstat(self.name, mode=self._mode))
        old = self._old
        if old is not None and old.modified is not None and facts.modified is not None:
            later = max(old.modified + 1, facts.modified)
            requests.insert(0, wire.setstat(self.name, modified=min(later, 0xFFFFFFFF)))
        return requests  # a server that sets nothing still keeps the bytes

    def _is_to_change(self, facts: Attrs) -> bool:
        if self._has_other_mode(facts):
            return True
        old = self._old
        if old is None or facts.modified is None or old.modified is None:
            return False
        return facts.modified <= old.modified

    def _has_other_mode(self, facts: Attrs) -> bool:
        return self._mode is not None and (facts.mode or 0) & 0o777 != self._mode

    def kept(self, facts: Attrs) -> Attrs:
        """Return its facts, if the server has all of it."""
        if facts.size is not None and facts.size != self.size:
            raise IntegrityError(f"the server kept {facts.size} of {self.size} bytes")
        return facts._replace(size=self.size)

    def drop(self) -> None:
        """Leave nothing behind, even where the connection was lost; what led here is the error to report."""
        drop([self])

    def leaving(self) -> list[Request]:
        """Return what takes it away, once."""
        if self._gone or self._owner != os.getpid():  # a forked child lets it be: it is the parent's
            return []
        self._gone = True
        self._ahead.clear()
        return [wire.close(self.handle), wire.remove(self.name)] if self.is_open else [wire.remove(self.name)]

    def forget(self, made: list[bytes]) -> None:
        """Leave nothing behind, from a finalizer: the server is told with the next call, or at the end."""
        if not self._gone and self._owner == os.getpid():
            self._gone = True
            traces = [wire.remove(self.name), *(wire.rmdir(path) for path in reversed(made))]
            if self.channel.broken is None:
                self.channel.later(wire.close(self.handle), *traces)
            else:
                self.tree.session.leave(*traces)

    def let_be(self) -> None:
        """Know that nothing is to be dropped: it has its name, or was never made."""
        self._gone = True


def drop(drafts: Sequence[Draft]) -> None:
    """Leave nothing behind of drafts on one channel; of a lost connection the next one is told."""
    leaving = {draft.name: requests for draft in drafts if (requests := draft.leaving())}
    if not leaving:
        return
    channel, session = drafts[0].channel, drafts[0].tree.session
    removes = [wire.remove(name) for name in leaving]  # its handles went with a lost connection
    try:
        if channel.is_usable():
            channel.ask(*[request for requests in leaving.values() for request in requests])
        elif isinstance(channel.broken, Silent) or session.closed:
            session.leave(*removes)
        else:
            session.channel().ask(*removes)
    except (Lost, Garbled, RemoteStoreError):
        session.leave(*removes)
