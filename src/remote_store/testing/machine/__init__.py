"""Random operations on a backend, each answer compared with the contract's: the machine.

    from remote_store.testing import Machine

    class TestRedisAtRandom(Machine):
        def make_backend(self):
            return RedisBackend("redis://localhost")

It needs pytest and hypothesis, and nothing else: what is right is said by stores in memory, which the tests of the
library compare, step by step, with the model of the contract that Dafny verified.
"""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, ClassVar

import pytest

from remote_store.testing.bench import Bench
from remote_store.testing.faces import COLOURS, opened
from remote_store.testing.machine.examples import EXAMPLES
from remote_store.testing.machine.judging import Tally
from remote_store.testing.machine.performing import Outcome
from remote_store.testing.machine.reference import InMemory, Reference
from remote_store.testing.machine.searching import Divergence, Quirks, is_hierarchical, replay, search, without_clashes
from remote_store.testing.machine.steps import Step, possible, step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from remote_store.store import Store

__all__ = [
    "Divergence",
    "InMemory",
    "Machine",
    "Outcome",
    "Quirks",
    "Reference",
    "Step",
    "Tally",
    "replay",
    "search",
    "step",
]


class Machine(Bench):
    """Random sequences of operations as tests; subclass it, name the backend, and run pytest.

    Writes, swaps, ranges, copies, moves, deletions, listings, globs, children, hostile keys, and the store pickled and
    reopened; few names, so that they meet. Each answer, each error with its key, and all that is there at the end have
    to be those of ``reference``. A run that met too few conflicts fails too.

    The seed is printed with a failure and can be given by ``--machine-seed``; ``--machine-times`` makes runs longer.
    """

    steps: ClassVar[int] = 20_000
    """Steps of each colour's run."""

    seed: ClassVar[int | None] = None
    """Where the choice begins; None: anywhere."""

    fresh: ClassVar[bool] = False
    """Whether ``make_backend`` is called for every sequence of steps. Otherwise each gets a folder in one backend."""

    clashes: ClassVar[bool] = True
    """Whether one name may be file and folder. False leaves such steps out: a flat service may be a tree beneath."""

    coarse_etags: ClassVar[bool] = False
    """Whether other bytes may have the same etag: services that make it of a time in seconds."""

    reference: ClassVar[Reference] = InMemory()
    """What says the right answers."""

    def takes(self, one: Step) -> bool:
        """Say whether the service can be asked for a step at all; one that hides certain names cannot."""
        return True

    def allows(self, one: Step, expected: Outcome, got: Outcome, earlier: Sequence[Step]) -> bool:
        """Say whether a wrong answer is one that the service behind the backend is known for."""
        return False

    @contextmanager
    def places(
        self, request: pytest.FixtureRequest, colour: str
    ) -> Iterator[Callable[[], AbstractContextManager[Store]]]:
        """Open the backend and give what opens an empty store in it."""
        if self.fresh:
            yield lambda: opened(self.make_backend(), self.make_root(), colour)
            return
        with opened(request.getfixturevalue("backend"), request.getfixturevalue("root"), colour) as store:
            numbers = count(1)

            @contextmanager
            def folder() -> Iterator[Store]:
                with store.child(str(next(numbers))) as child:
                    yield child

            yield folder

    @pytest.mark.parametrize("colour", COLOURS)
    def test_random_steps_are_answered_as_the_contract_says(self, request: pytest.FixtureRequest, colour: str) -> None:
        times = request.config.getoption("--machine-times", 1)
        steps = self.steps * times
        with self.places(request, colour) as place:
            seed = self._seed(request, colour)
            tally = search(place, self.reference, steps=steps, seed=seed, quirks=self._quirks())
            with place() as store:
                capabilities, hierarchical = store.capabilities, is_hierarchical(store)
        self.met(tally)
        missing = tally.missing(capabilities, hierarchical=hierarchical)
        assert not missing, f"too few of {missing} with seed {seed} in\n{tally.as_table()}"

    def met(self, tally: Tally) -> None:
        """Look at what a run has met; nothing unless overridden."""

    def _quirks(self) -> Quirks:
        return Quirks(self.clashes, self.coarse_etags, self.takes, self.allows, self.plant)

    def _seed(self, request: pytest.FixtureRequest, colour: str) -> int:
        given: str | None = request.config.getoption("--machine-seed", None)
        if given is not None and given != "new":
            return int(given)
        if self.seed is None or given == "new":
            from random import SystemRandom

            return SystemRandom().randrange(1 << 32)
        return self.seed + zlib.crc32(f"{type(self).__name__} {colour}".encode())

    @pytest.mark.parametrize("colour", COLOURS)
    def test_what_once_went_wrong_does_not(self, request: pytest.FixtureRequest, colour: str) -> None:
        with self.places(request, colour) as place:
            for name, steps in EXAMPLES.items():
                with place() as store:
                    taken = [one for one in steps if possible(one, store.capabilities) and self.takes(one)]
                    taken = taken if self.clashes else without_clashes(taken, self.reference)
                    try:
                        replay(store, taken, self.reference, quirks=self._quirks())
                    except Divergence as wrong:
                        raise Divergence(f"{name}: {wrong}") from None
