"""The machine finds what is wrong, makes it short, and fails where it could not have found anything."""

import sys

import pytest

from remote_store.backends.memory import MemoryBackend
from remote_store.errors import ConfigError
from remote_store.testing.faces import opened
from remote_store.testing.machine import Divergence, InMemory, Machine, Tally, replay, search, searching, step
from remote_store.testing.machine.performing import Outcome, State
from remote_store.testing.machine.reference import MemoryTree
from tests.oracle import wrong
from tests.oracle.machines import VERIFIED
from tests.planted import wrong_memory

PLANTED = [
    wrong.PageLosesItsLastEntry,
    wrong.PagesOverlap,
    wrong.RefusedWriteIsDone,
    wrong.TornWriteIsDone,
    wrong.ErrorNamesTheWholeKey,
    wrong.EtagStays,
    wrong.EtagOfListingsDiffers,
    wrong.LosesFilesWhenReopened,
    wrong.CutsNamesDecoded,
    wrong.FolderGoesWithItsLastFile,
    wrong.FileBelowAFile,
    wrong_memory.SwapIgnored,
    wrong_memory.ListingLeaksSiblings,
    wrong_memory.CopyDropsMetadata,
    wrong_memory.MoveLeavesSource,
]
SHORT = 6
"""Steps that show any of them."""


def found(make, reference, colour="sync"):
    """Let the machine find what is wrong, and return what it says."""
    with pytest.raises(Divergence) as failure:
        search(lambda: opened(make(), "", colour), reference, steps=20_000, seed=0)
    return str(failure.value)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.__name__)
def test_a_planted_divergence_is_found_without_the_verifier(planted):
    said = found(planted, InMemory())
    assert "seed 0" in said
    assert 1 <= said.count("\n    step(") <= SHORT


@pytest.mark.parametrize("planted", [wrong.RefusedWriteIsDone, wrong.FileBelowAFile, wrong.ErrorNamesTheWholeKey])
def test_a_planted_divergence_is_found_by_the_verified_model(planted):
    assert "seed 0" in found(planted, VERIFIED, "async")


def test_the_steps_that_it_prints_can_be_pasted():
    said = found(wrong_memory.MoveLeavesSource, InMemory())
    steps = eval(f"[{said.partition('shrunk:')[2]}]", {"step": step})  # noqa: S307  our own words
    with opened(wrong_memory.MoveLeavesSource(), "", "sync") as store, pytest.raises(Divergence):
        replay(store, steps, InMemory())
    with opened(MemoryBackend(), "", "sync") as store:
        replay(store, steps, InMemory())


class Silent:
    """An oracle that answers nothing."""

    def run(self, steps, *, hierarchical):
        return [], State({})


class Absent:
    """An oracle that says nothing stands anywhere."""

    def run(self, steps, *, hierarchical):
        return [Outcome("NotFound")] * len(steps), State({})


@pytest.mark.parametrize("reference", [Silent, Absent])
def test_an_oracle_that_answers_nothing_is_no_oracle(reference):
    found(MemoryBackend, reference())


@pytest.fixture
def tame(monkeypatch):
    """Steps that never meet."""
    steps = [step("write", f"file-{number}", b"", overwrite=True) for number in range(5000)]
    monkeypatch.setattr(searching, "pool", lambda capabilities: [searching.REST, *steps])


def test_a_run_without_conflicts_has_shown_nothing(tame):
    tally = search(lambda: opened(MemoryBackend(), "", "sync"), InMemory(), steps=4_000, seed=0)
    with opened(MemoryBackend(), "", "sync") as store:
        missing = tally.missing(store.capabilities, hierarchical=False)
    assert {"any: AlreadyExists (0)", "any: NotFound (0)", "any: InvalidPath (0)"} <= set(missing)
    assert "any: ok" not in str(missing)


@pytest.fixture
def asked_for(pytestconfig, monkeypatch):
    """What stands in for `--machine-seed`; None unless set, whatever this run was given."""

    def ask(seed):
        monkeypatch.setattr(pytestconfig.option, "machine_seed", seed)

    ask(None)
    return ask


@pytest.mark.usefixtures("asked_for")
def test_a_machine_without_conflicts_fails_and_names_its_seed(tame, request):
    class Tame(Machine):
        fresh, steps, seed = True, 3_000, 7

        def make_backend(self):
            return MemoryBackend()

    seed = Tame()._seed(request, "sync")
    with pytest.raises(AssertionError, match=rf"too few of .*AlreadyExists \(0\).* with seed {seed} in"):
        Tame().test_random_steps_are_answered_as_the_contract_says(request, "sync")


def test_a_run_without_steps_has_shown_nothing():
    tally = Tally()
    tally.steps = 20_000
    with opened(MemoryTree(), "", "sync") as store:
        assert len(tally.missing(store.capabilities, hierarchical=True)) > 40


def test_a_seed_names_a_run():
    tallies = [
        search(lambda: opened(MemoryBackend(), "", "sync"), InMemory(), steps=500, seed=seed).as_table()
        for seed in (1, 1, 2)
    ]
    assert tallies[0] == tallies[1] != tallies[2]


def test_without_hypothesis_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ConfigError, match="pip install hypothesis"):
        search(lambda: opened(MemoryBackend(), "", "sync"), InMemory(), steps=1, seed=0)


def test_the_seed_of_a_failure_can_be_given_again(asked_for, request):
    class AtRandom(Machine):
        seed = 7

    again = Machine()
    assert AtRandom()._seed(request, "sync") == AtRandom()._seed(request, "sync") != AtRandom()._seed(request, "async")
    assert again._seed(request, "sync") != again._seed(request, "sync")
    asked_for("new")
    assert AtRandom()._seed(request, "sync") != AtRandom()._seed(request, "sync")
    asked_for("1234")
    assert again._seed(request, "sync") == AtRandom()._seed(request, "async") == 1234
