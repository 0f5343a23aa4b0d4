"""Retry: the only retry there is; clients are set to one try."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from remote_store.errors import RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from remote_store._io import Io
    from remote_store.backend import Op

T = TypeVar("T")

__all__ = ["Retry", "RetryPolicy"]


class RetryPolicy(NamedTuple):
    """How often and how patiently a failed call is repeated.

    The pause before try n is random between 0 and ``min(cap, base * 2**(n-1))`` seconds ("full jitter":
    AWS Architecture Blog, Exponential Backoff and Jitter, 2015).
    """

    attempts: int = 4
    """Tries in all; 1 means no retry."""
    base: float = 0.1
    """Seconds."""
    cap: float = 5.0
    """Seconds."""

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            TypeError: a field is no number.
            ValueError: no attempt at all, or a pause that is negative or never ends.
        """
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int):
            raise TypeError(f"attempts is an int, not {type(self.attempts).__name__}")
        if self.attempts < 1:
            raise ValueError(f"attempts is 1 or more, not {self.attempts}")
        for name, value in (("base", self.base), ("cap", self.cap)):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise TypeError(f"{name} is a number of seconds, not {type(value).__name__}")
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name} is 0 seconds or more, not {value:g}")

    def pause(self, attempt: int) -> float:
        """Return the seconds to wait after so many failed tries."""
        import random

        return random.uniform(0, min(self.cap, self.base * 2.0 ** min(attempt - 1, 64)))  # noqa: S311  not for secrets


class Retry:
    """Repeats a call after an error that says it may pass, if doing it twice does no harm."""

    def __init__(self, policy: RetryPolicy, io: Io) -> None:
        self._policy = policy
        self._io = io

    async def __call__(self, op: Op, call: Callable[[], Awaitable[T]]) -> T:
        attempt = 1
        while True:
            try:
                return await call()
            except RemoteStoreError as error:
                harmless = op.repeatable or error.undone
                if not error.retryable or not harmless or attempt >= self._policy.attempts:
                    raise
            await self._io.sleep(self._policy.pause(attempt))
            attempt += 1
