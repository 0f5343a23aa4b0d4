"""Taking many random sequences of steps, and making the first that goes wrong as short as it gets."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from remote_store.backend import Backend
from remote_store.capabilities import Capability
from remote_store.errors import ConfigError, RemoteStoreError
from remote_store.testing.machine.judging import Tally, Versions, difference, names_a_place
from remote_store.testing.machine.performing import OK, Performer
from remote_store.testing.machine.steps import REST, pool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from random import Random

    from remote_store.store import Store
    from remote_store.testing.machine.performing import Outcome
    from remote_store.testing.machine.reference import Reference
    from remote_store.testing.machine.steps import Step

__all__ = ["Divergence", "Quirks", "is_hierarchical", "replay", "search", "without_clashes"]

LENGTH = 50
"""Steps a sequence: enough for a store to fill and empty, few enough to shrink fast."""


class Divergence(AssertionError):
    """A store answered otherwise than it has to."""


class Quirks(NamedTuple):
    """What a service is known to do otherwise."""

    clashes: bool = True
    """Whether one name may be file and folder, on flat services."""
    coarse_etags: bool = False
    """Whether other bytes may have the same etag."""
    takes: Callable[[Step], bool] = lambda _: True
    """Says whether it can be asked for a step at all."""
    allows: Callable[[Step, Outcome, Outcome, Sequence[Step]], bool] = lambda *_: False
    """Says whether a wrong answer is one that it is known for: step, expected, got, the steps before."""
    plants: Callable[[Store, Mapping[str, bytes]], None] | None = None
    """Puts files into a store that cannot write."""


NONE = Quirks()
"""What a service has that keeps the contract."""


def replay(
    store: Store, steps: Sequence[Step], reference: Reference, *, quirks: Quirks = NONE, tally: Tally | None = None
) -> None:
    """Take steps on an empty store and on the reference, and compare every answer and what is there at the end.

    Args:
        store: of either colour; an async one as ``remote_store.testing.faces`` shows it.
        steps: as ``step`` writes them.
        reference: what says the right answers.
        quirks: what the service is known for.
        tally: counts what was met.

    Raises:
        Divergence: one of them differs.
    """
    hierarchical = is_hierarchical(store)
    expected, final = reference.run(steps, hierarchical=hierarchical)
    if len(expected) != len(steps):
        raise Divergence(f"the reference answered {len(expected)} of {len(steps)} steps")
    tally = Tally() if tally is None else tally
    writes = store.supports(Capability.WRITE)
    performer, versions = Performer(store), Versions(coarse=quirks.coarse_etags)
    try:
        for at, (one, right) in enumerate(zip(steps, expected, strict=True)):
            if one.op == "write" and not writes:
                if right.kind == OK and quirks.plants:
                    quirks.plants(performer.store, {one.args[0]: one.args[1]})
                continue
            got = performer.take(one)
            wrong = difference(right, got) or versions.compare(right, got)
            if wrong and not quirks.allows(one, right, got, steps[:at]):
                raise Divergence(f"step {at + 1}, {one}: {wrong}")
            tally.allowed += bool(wrong)
            tally.add(one, right)
        tally.allowed += versions.repeated
        try:
            state = performer.state(final.files, hierarchical=hierarchical)
        except RemoteStoreError as error:  # also where it lists what no key can name
            raise Divergence(f"at the end a listed file cannot be read: {error}") from error
        final = final if store.supports(Capability.LIST) else final._replace(folders=frozenset())
        if state != final:
            raise Divergence(f"at the end {_unlike(state, final)}")
    finally:
        performer.close()


def is_hierarchical(store: Store) -> bool:
    """Say whether folders are real; a backend that does not know it by itself is made to ask its service."""
    if store.unwrap(Backend).traits.hierarchical is None:
        store.ping()
    return bool(store.unwrap(Backend).traits.hierarchical)


def _unlike(state: Any, final: Any) -> str:
    files = sorted(state.files.items() ^ final.files.items())
    folders = sorted(state.folders ^ final.folders)
    return f"there is {state}, where {final} has to be; that differs in {files or folders}"


def without_clashes(steps: Sequence[Step], reference: Reference) -> list[Step]:
    """Leave out the steps that would put a file where a folder was, or below a file.

    Folders count as there once they were: a service that is a tree beneath may keep them for a while.
    """
    staying = [at for at, one in enumerate(steps) if one.op != "delete_folder"]
    outcomes, _ = reference.run([steps[at] for at in staying], hierarchical=True)
    clashing = {
        at
        for at, outcome in zip(staying, outcomes, strict=True)
        if outcome.kind == "InvalidPath" and names_a_place(outcome.key or "")
    }
    return [one for at, one in enumerate(steps) if at not in clashing]


def search(
    place: Callable[[], AbstractContextManager[Store]],
    reference: Reference,
    *,
    steps: int,
    seed: int,
    quirks: Quirks = NONE,
) -> Tally:
    """Take so many random steps on the stores that ``place`` opens, each empty, and return what was met.

    Raises:
        Divergence: a sequence went wrong; it is the shortest that was found, ready to be pasted.
        ConfigError: hypothesis is not installed.
    """
    try:
        import hypothesis
    except ImportError:
        raise ConfigError("random operations are drawn and shrunk by hypothesis: pip install hypothesis") from None
    with place() as store:
        drawer = [one for one in pool(store.capabilities) if one is REST or quirks.takes(one)]
    side = isqrt(len(drawer) - 1) + 1
    tally = Tally()
    failed: list[tuple[list[Step], Divergence]] = []

    def run(random: Random) -> None:
        # By row and column, since of thousands Hypothesis would mostly draw the first few.
        numbers = [random.randrange(side) * side + random.randrange(side) for _ in range(LENGTH)]
        if tally.steps >= steps and not failed:
            return
        sequence = [one for number in numbers if (one := drawer[min(number, len(drawer) - 1)]) is not REST]
        sequence = sequence if quirks.clashes else without_clashes(sequence, reference)
        with place() as store:
            try:
                replay(store, sequence, reference, quirks=quirks, tally=None if failed else tally)
            except Divergence as wrong:
                failed[:] = [(sequence, wrong)]
                raise

    # Not as integers: five of six sequences would be an earlier one in which Hypothesis changed a step or two.
    drawn = hypothesis.strategies.randoms(use_true_random=False)
    round_ = 0
    while tally.steps < steps:
        try:
            hypothesis.seed(seed + round_)(_settings(steps - tally.steps)(hypothesis.given(drawn)(run)))()
        except Divergence:
            sequence, wrong = failed[-1]
            lines = "\n".join(f"    {one}," for one in sequence)
            raise Divergence(f"{wrong}\nseed {seed}; the steps, shrunk:\n{lines}") from None
        round_ += 1
    return tally


def _settings(steps: int) -> Any:
    import hypothesis

    return hypothesis.settings(
        max_examples=10 + steps // LENGTH,  # it always begins with the simplest, which may be no step at all
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
    )
