"""The pages of a listing, asked for one after the other; a service that leads round in a circle is found out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store.backend import Op
from remote_store.errors import RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from remote_store._stack import Scope
    from remote_store.backend import Page

__all__ = ["Pages"]

CIRCLE = "the service's listing stands still: its pages lead back to one that was there before"


class Pages:
    """Pages under way: ``next`` returns the next one, or None at the end.

    Two tokens are remembered however long the listing is: the last one, and one that moves on to the newest after
    1, 2, 4, 8, … pages, so that it comes to lie in any circle and meets itself there (R. P. Brent, 1980).
    """

    __slots__ = ("_ask", "_done", "_key", "_left", "_mark", "_scope", "_stretch", "_token")

    def __init__(self, scope: Scope, key: str, ask: Callable[[object | None], Coroutine[Any, Any, Page]]) -> None:
        self._scope = scope
        self._key = key
        self._ask = ask
        self._token: object | None = None
        self._mark: object | None = None
        self._stretch = self._left = 1
        self._done = False

    async def next(self) -> Page | None:
        """Return the next page, or None after the last."""
        if self._done:
            return None
        page: Page = await self._scope.stack.call(Op("list", self._key), self._ask, self._token)
        token, before, self._token = page.token, self._token, page.token
        self._done = token is None
        if token is not None:
            if token in (before, self._mark):
                raise self._scope.error(RemoteStoreError, CIRCLE, self._key)
            self._left -= 1
            if not self._left:
                self._mark = token
                self._stretch = self._left = 2 * self._stretch
        return page
