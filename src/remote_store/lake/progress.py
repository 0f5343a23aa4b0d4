"""Progress of long work: a callback, or one quiet line on a terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    Report: TypeAlias = Callable[["Progress"], None]

__all__ = ["Progress", "reporter"]

PAUSE = 0.2
"""Seconds between two updates of the line."""


class Progress(NamedTuple):
    """How far some work has come."""

    what: str
    """Such as ``"silver.flights"``."""
    done: int
    total: int | None
    """None where the end is not known beforehand."""
    unit: str
    """``"rows"`` or ``"files"``."""


def reporter(choice: Report | bool | None) -> Report:
    """Return what reports progress: the callback, a line on stderr (True, or None on a terminal), or nothing."""
    if choice is not None and not isinstance(choice, bool):
        return choice
    return _Line() if choice or (choice is None and sys.stderr.isatty()) else _nothing


def _nothing(progress: Progress) -> None:
    """Report nothing."""


class _Line:
    """One line on stderr, rewritten in place."""

    def __init__(self) -> None:
        self._next = time.monotonic() + PAUSE  # short work says nothing
        self._shown = 0

    def __call__(self, progress: Progress) -> None:
        ended = progress.done == progress.total
        if ended:
            self._clear()
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + PAUSE
            of = "" if progress.total is None else f" of {progress.total:,}"
            text = f"{progress.what}: {progress.done:,}{of} {progress.unit}"
            self._show(text)

    def _show(self, text: str) -> None:
        sys.stderr.write("\r" + text.ljust(self._shown))
        sys.stderr.flush()
        self._shown = len(text)

    def _clear(self) -> None:
        if self._shown:
            self._show("")
            sys.stderr.write("\r")
            sys.stderr.flush()
            self._shown = 0
