"""Retry: the only retry there is; clients are set to one try."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from remote_store.errors import RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from remote_store._io import Io
    from remote_store.backend import Op

T = TypeVar("T")

__all__ = ["Retry", "RetryPolicy", "seconds_asked"]


class RetryPolicy(NamedTuple):
    """How often and how patiently a failed call is repeated.

    The pause before try n is random between 0 and ``min(cap, base * 2**(n-1))`` seconds ("full jitter":
    AWS Architecture Blog, Exponential Backoff and Jitter, 2015). Where the service says how long to wait
    (``Retry-After``), it is at least that, up to ``cap``.
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

    def wait(self, attempt: int, error: RemoteStoreError) -> float:
        """Return the seconds to wait after an error: the pause, or as long as the service asked if that is longer."""
        pause = self.pause(attempt)
        return pause if error.retry_after is None else min(max(pause, error.retry_after), self.cap)


def seconds_asked(header: str | None) -> float | None:
    """Read a ``Retry-After`` header: seconds, or a date; None if it is neither."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        then = parsedate_to_datetime(header)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max((then - datetime.now(UTC)).total_seconds(), 0.0)


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
                pause = self._policy.wait(attempt, error)
            await self._io.sleep(pause)
            attempt += 1
