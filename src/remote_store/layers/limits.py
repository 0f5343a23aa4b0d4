"""Limits: at most so many calls of a store on the way at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from remote_store.errors import Timeout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from remote_store._io import Io
    from remote_store.backend import Op

T = TypeVar("T")

__all__ = ["Limits"]


class Limits(NamedTuple):
    """Lets ``calls`` calls through at once; the others wait, ``patience`` seconds at most, then raise Timeout."""

    calls: int
    patience: float = 60.0

    def on(self, io: Io) -> _Gate:
        """Return the layer at work on a store."""
        return _Gate(self, io)


class _Gate:
    def __init__(self, limits: Limits, io: Io) -> None:
        if isinstance(limits.calls, bool) or not isinstance(limits.calls, int):
            raise TypeError(f"calls is an int, not {type(limits.calls).__name__}")
        if limits.calls < 1:
            raise ValueError(f"calls is a whole number from 1, not {limits.calls!r}")
        self._limits = limits
        self._io = io
        from threading import BoundedSemaphore

        self._room = BoundedSemaphore(limits.calls)

    async def __call__(self, op: Op, call: Callable[[], Awaitable[T]]) -> T:
        await self._enter(op)
        try:
            return await call()
        finally:
            self._room.release()

    async def _enter(self, op: Op) -> None:
        # Threads and loops share the room, so no primitive of one wakes the other: ask again, ever less often.
        end, pause = time.monotonic() + self._limits.patience, 0.0005
        while not self._room.acquire(blocking=False):
            if time.monotonic() >= end:
                calls, patience = self._limits
                raise Timeout(f"{calls} calls were on the way for {patience:g} s", path=op.key)
            await self._io.sleep(pause)
            pause = min(pause * 2, 0.02)
