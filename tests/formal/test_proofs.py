"""The contract holds: Dafny proves every module, and refuses the deliberate mistakes that are this run's share."""

import pytest

from sdd.formal import toolchain, verify

GOALS = verify.goals()
SHARES = 5
"""Of the mistakes, which are mutants of the model, a run takes one share, named by the seed of its order."""


def share(seed):
    """The goals of one run: all but the mistakes, and every fifth of these."""
    mistakes = [goal for goal in GOALS if goal.kind == "broken"]
    return [goal for goal in GOALS if goal.kind != "broken"] + mistakes[seed % SHARES :: SHARES]


def pytest_generate_tests(metafunc):
    if "goal" in metafunc.fixturenames:
        goals = share(metafunc.config.getoption("randomly_seed", 0))
        metafunc.parametrize("goal", goals, ids=[f"{goal.kind}-{goal.name}" for goal in goals])


def test_the_verifier_reaches(goal):
    verdict = goal.check()
    assert verdict.fine, verdict.said


def test_no_mistake_is_in_no_share():
    assert {goal for seed in range(SHARES) for goal in share(seed)} == set(GOALS)


def test_every_mistake_can_still_be_made_and_be_refused_where_its_row_says():
    places = verify.proved()
    for variant in verify.variants():
        verify.mistaken(variant)
        for place, names in variant.refused.items():
            assert [name for name in names if place not in places.get(name, [])] == [], variant.what


def test_every_mark_of_a_proof_is_a_clause_of_the_specs():
    assert not verify.proved().keys() - verify.clauses()


def test_every_mark_stands_in_the_contract_of_a_declaration():
    for path in toolchain.modules():
        text = path.read_text()
        marked = {number for lemma in verify.lemmas(text) for number in lemma.marks}
        lines = [number for number, line in enumerate(text.splitlines(), 1) if "//:" in line]
        assert marked == set(lines), path.name


def test_every_clause_that_is_proved_refuses_a_mistake():
    refused = {name for variant in verify.variants() for names in variant.refused.values() for name in names}
    assert sorted(verify.proved().keys() - refused) == []


def test_every_declaration_that_names_a_clause_refuses_a_mistake():
    refusing = {place for variant in verify.variants() for place in variant.refused}
    naming = {place for places in verify.proved().values() for place in places}
    assert sorted(naming - refusing) == []


def test_every_module_refuses_a_mistake():
    refusing = {place.split(".")[0] for variant in verify.variants() for place in variant.refused}
    assert refusing == {path.stem for path in toolchain.modules()}


def test_modules_are_short_enough_to_read():
    lengths = {path.name: len(path.read_text().splitlines()) for path in toolchain.modules()}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


CHEATS = {
    "an assumption": "  lemma X(n: nat)\n    ensures n == 1\n  { assume n == 1; }",
    "an axiom": "  lemma {:axiom} X(n: nat)\n    ensures n == 1",
    "a lemma without a body": "  lemma X(n: nat)\n    ensures n == 1",
    "a lemma that is not looked at": "  lemma {:verify false} X(n: nat)\n    ensures n == 1\n  {}",
    "a function that is not looked at": "  function {: verify false} X(n: nat): nat\n    ensures X(n) == 1\n  { n }",
    "a method without a body": "  method X(n: nat) returns (m: nat)\n    ensures m > n",
    "a function without a body": "  function X(n: nat): nat\n",
    "a lemma that is wrong": "  lemma X(n: nat)\n    ensures n == 1\n  {}",
    "a module without a declaration": "",
    "a text that is no Dafny": "  lemma X(",
}


@pytest.mark.parametrize("what", CHEATS)
def test_the_check_refuses(what, tmp_path):
    path = tmp_path / "Cheat.dfy"
    path.write_text(f"module Cheat {{\n{CHEATS[what]}\n}}\n")
    assert not verify.prove(path).fine


def test_the_check_accepts_a_lemma_that_is_right(tmp_path):
    path = tmp_path / "Right.dfy"
    path.write_text("module Right {\n  lemma X(n: nat)\n    ensures n >= 0\n  {}\n}\n")
    assert verify.prove(path).fine


@pytest.mark.parametrize("kind", ["proof", "broken"])
def test_a_prover_that_runs_out_of_work_has_neither_proved_nor_refused(kind, monkeypatch):
    goal = next(goal for goal in GOALS if goal.kind == kind and goal.path == "Texts.dfy")
    assert goal.check().fine
    monkeypatch.setitem(verify.WORK, kind, 100)
    assert not goal.check().fine


def test_the_check_finds_a_lemma_that_has_no_case(tmp_path):
    path = tmp_path / "Empty.dfy"
    path.write_text("module Empty {\n  lemma X(n: nat)\n    requires n < 0\n    ensures n == 1\n  {}\n}\n")
    assert verify.prove(path).fine
    assert not verify.make_sense(path).fine


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("segment != [] && !IsDots(segment)", "!IsDots(segment) && segment != []", id="changes nothing"),
        pytest.param("segment != [] && !IsDots(segment)", "segment != [] &&", id="is no Dafny"),
        pytest.param("no such text", "", id="is not there"),
        pytest.param("LongestSegment := 255", "LongestSegment := 254", id="fails elsewhere"),
    ],
)
def test_a_mistake_is_not_refused_that(old, new):
    refused = {"Keys.WhatASegmentIs": ["KEY-06"]}
    assert not verify.refuse(verify.Variant("", "Keys", [[old, new]], refused, inside=False)).fine
