"""Chaos: a layer that makes calls fail, at random by a seed or at the Nth call, to test what stands on a store."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from remote_store.errors import BackendUnavailable, RemoteStoreError, Timeout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from remote_store.backend import Op

T = TypeVar("T")

__all__ = ["Chaos"]


class Chaos:
    """Makes some calls fail.

    Args:
        seed: the same seed gives the same faults for the same calls.
        rate: the share of calls that fail, from 0 to 1.
        at: the numbers of calls that fail, counted from 1.
        lost: the share of faults that come after the work is done, as when the answer gets lost.
        kinds: what is raised, one of them at random.
        names: the SPI verbs that may fail, such as ``{"put", "commit"}``; all if None.
        inside_retry: True where the store's own retry is to see each fault; False (the default) where the caller is.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        rate: float = 0.0,
        at: Collection[int] = (),
        lost: float = 0.0,
        kinds: Sequence[type[RemoteStoreError]] = (BackendUnavailable, Timeout),
        names: Collection[str] | None = None,
        inside_retry: bool = False,
    ) -> None:
        for name, share in (("rate", rate), ("lost", lost)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} is a share from 0 to 1, not {share!r}")
        self._options: dict[str, Any] = {
            "seed": seed,
            "rate": rate,
            "at": tuple(sorted(at)),
            "lost": lost,
            "kinds": tuple(kinds),
            "names": None if names is None else tuple(sorted(names)),
            "inside_retry": inside_retry,
        }
        self.inside_retry = inside_retry
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self.calls = 0
        """Calls so far that might have failed."""
        self.faults = 0
        """Calls so far that did."""

    async def __call__(self, op: Op, call: Callable[[], Awaitable[T]]) -> T:
        fault, lost = self._draw(op)
        if fault is None:
            return await call()
        if lost:
            await call()
        number = f"call {self.calls} of seed {self._options['seed']}"
        raise fault(f"a fault was planted ({number}{', its answer lost' if lost else ''})", path=op.key)

    def _draw(self, op: Op) -> tuple[type[RemoteStoreError] | None, bool]:
        options = self._options
        if options["names"] is not None and op.name not in options["names"]:
            return None, False
        with self._lock:
            self.calls += 1
            # Always three draws, so that the faults of later calls do not depend on those of earlier ones.
            hit, late, kind = self._chance.random(), self._chance.random(), self._chance.choice(options["kinds"])
            if hit >= options["rate"] and self.calls not in options["at"]:
                return None, False
            self.faults += 1
            return kind, late < options["lost"] and op.name not in _HANDED_OUT

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chaos) and self._options == other._options

    def __hash__(self) -> int:
        return hash(tuple(self._options.values()))

    def __repr__(self) -> str:
        return f"Chaos({', '.join(f'{name}={value!r}' for name, value in self._options.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._options,)


_HANDED_OUT = frozenset({"get", "begin", "chunk"})
"""Calls that hand something out or move on: their answer cannot be lost without leaking or skipping it."""


def _restored(options: dict[str, Any]) -> Chaos:
    return Chaos(**options)
