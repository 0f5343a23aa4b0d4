"""A session with one origin: requests with its credentials, redirects, and the URL that keys lie below."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from remote_store.backends.http.address import Target, encoded, is_folder_of, redirected
from remote_store.backends.http.answers import Refused
from remote_store.backends.http.messages import Answer, Request
from remote_store.errors import NotFound, RemoteStoreError
from remote_store.secret import Secret, reveal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Access", "Asks", "Session"]

FOLLOWED = (301, 302, 303, 307, 308)
SHORT = 16 << 10
"""Bytes of a body that is not wanted and still read, to keep its connection."""
SOON = 1.0
"""Seconds that this may take."""


class Asks(Protocol):
    """What sends one request and returns its answer."""

    async def ask(self, request: Request) -> Answer:
        """Send a request."""

    async def close(self) -> None:
        """Let go of connections."""

    def restart(self) -> None:
        """Begin anew in a forked process."""


class Access:
    """The base URL and the headers that go to its origin only."""

    def __init__(
        self, base: Target, query: Secret | None, private: Sequence[tuple[str, Secret]], redirects: int
    ) -> None:
        self.base = base
        self.folder = base.path.rstrip("/")
        self._query = query
        self._private = private
        self.redirects = redirects

    def target(self, key: str, *, folder: bool = False) -> Target:
        """Return where a key lies; a folder's path ends with ``/``."""
        path = f"{self.folder}/{encoded(key)}" if key else self.folder
        return Target(self.base.origin, f"{path}/" if folder or not path else path, reveal(self._query) or "")

    def fields(self, target: Target) -> list[tuple[str, Secret | str]]:
        """Return the headers of a request to a target."""
        public: list[tuple[str, Secret | str]] = [
            ("User-Agent", "remote-store"),
            ("Accept", "*/*"),
            ("Accept-Encoding", "identity"),
        ]
        return [*public, *self._private] if target.origin == self.base.origin else public

    def __repr__(self) -> str:
        return f"{self.base!r}".rstrip("/")


class Session:
    """Asks for keys and follows redirects."""

    def __init__(self, access: Access, wire: Asks) -> None:
        self._access = access
        self._wire = wire

    async def ask(self, method: str, target: Target, fields: Sequence[tuple[str, str]] = ()) -> tuple[Answer, Target]:
        """Return the answer that is no redirect, and where it came from.

        Raises:
            NotFound: the server leads to the same name with ``/`` behind it: a folder stands there.
        """
        begun, left = target, self._access.redirects
        while True:
            answer = await self._wire.ask(Request(method, target, [*self._access.fields(target), *fields]))
            location = answer.headers.get("location")
            if answer.status not in FOLLOWED:
                return answer, target
            await passed_over(answer)
            if location is None:
                raise Refused(answer.status, answer.headers.get("retry-after"))
            onward = redirected(target, location)
            if onward.origin == target.origin and target is begun and is_folder_of(target.path, onward.path):
                raise NotFound("a folder stands here, not a file")
            if left == 0:
                raise RemoteStoreError(f"the server redirects more than {self._access.redirects} times")
            target, left = onward, left - 1

    async def close(self) -> None:
        """Let go of connections."""
        await self._wire.close()


async def passed_over(answer: Answer) -> None:
    """Let go of an answer whose body is not wanted; one that comes at once is read: its connection is worth more."""
    until = time.monotonic() + SOON
    try:
        if answer.length is not None and answer.length <= SHORT:
            with suppress(Exception):  # what the answer says does not hang on it
                while time.monotonic() < until and await answer.read():
                    pass
    finally:
        await answer.close()


async def gathered(answer: Answer, most: int) -> bytes | None:
    """Return a whole body, whose end must be certain; None where it is longer than ``most``."""
    pieces, size = [], 0
    try:
        while data := await answer.read():
            pieces.append(data)
            size += len(data)
            if size > most:
                return None
    finally:
        await answer.close()
    return b"".join(pieces)
