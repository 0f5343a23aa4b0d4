"""Every clause has a proof or a test, every mark a clause, none of them stands twice, and the table says all of it."""

import re
from collections import Counter

import pytest

from sdd.formal import verify
from tests.repo.clauses import ID, Evidence, evidence, marks_in


@pytest.fixture(scope="session")
def known(root):
    return evidence(root)


def test_clauses_proofs_and_tests_are_in_step(known):
    assert known.faults() == []


def test_every_clause_has_a_test(known):
    assert [f"{id_} {text}" for id_, text in known.clauses.items() if id_ not in known.marks] == []


def test_the_table_of_clauses_is_current(known, root, pytestconfig):
    path = root / "sdd" / "clauses.md"
    if pytestconfig.getoption("--update"):
        path.write_text(known.document())
    else:
        assert path.read_text() == known.document(), "stale: run `pytest tests/repo --update`"


SOUND = Evidence({"A-01": "One.", "A-02": "Two.", "A-03": "Three."}, {"A-01": ["M.L"], "A-02": ["M.K"]}, {})
MARKS = {"A-02": ["tests/t.py:1"], "A-03": ["tests/t.py:2", "tests/t.py:3"]}


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (SOUND, "A-03 has neither proof nor test"),
        (SOUND._replace(marks=MARKS, proofs={}), "A-01 has neither proof nor test"),
        (SOUND._replace(marks=MARKS, proofs={**SOUND.proofs, "B-01": ["M.L"]}), "M.L proves B-01, which is no clause"),
        (SOUND._replace(marks={**MARKS, "A-04": ["tests/t.py:9"]}), "tests/t.py:9 tests A-04, which is no clause"),
    ],
)
def test_what_is_out_of_step_is_named(bad, fault):
    assert bad.faults() == [fault]


def test_what_is_in_step_is_shown_as_it_is():
    sound = SOUND._replace(marks=MARKS)
    assert sound.faults() == []
    assert sound.counts() == {"proved": 1, "both": 1, "tested": 1}
    assert "| A-01 | One. | M | - |\n| A-02 | Two. | M | 1: t.py |\n| A-03 | Three. | - | 2: t.py |" in sound.document()
    assert "3 clauses: 2 proved, 2 tested, 1 both, 0 neither." in sound.document()


def test_marks_are_found_however_they_are_written():
    source = "@clause('A-01', NAME)\n@other('A-09')\ndef test(): ...\n\n@testing.clause('A-02')\nclass TestIt: ...\n"
    assert marks_in(source) == [("A-01", 1), ("NAME", 1), ("A-02", 5)]


def test_marks_of_proofs_are_found_where_they_stand():
    text = "module M {\n  lemma L(n: nat)\n    ensures n >= 0 //: A-01 A-02\n    // A-03\n  {}\n}\n"
    (lemma,) = verify.lemmas(text)
    assert (lemma.name, lemma.marks) == ("L", {3: ("A-01", "A-02")})


def test_clauses_are_one_line_with_one_id_each(root):
    lines = []
    for path in sorted((root / "sdd" / "specs").glob("**/*.md")):
        if path.name != "README.md":
            lines += [line for line in path.read_text().splitlines() if line.startswith(("-", "*", " "))]
    assert [line for line in lines if not re.fullmatch(r"- \*\*[A-Z]+-\d\d\*\* .+[.)]", line)] == []
    ids = Counter(ID.search(line)[0] for line in lines)
    assert [id_ for id_, count in ids.items() if count > 1] == []


def test_adrs_are_short_and_say_when_to_turn_back(root):
    adrs = sorted((root / "sdd" / "adrs").glob("*.md"))
    assert len(adrs) >= 5
    for number, path in enumerate(adrs, 1):
        text = path.read_text()
        assert path.name.startswith(f"{number:04}-"), path.name
        assert len(text.splitlines()) <= 40, path.name
        for heading in ("## Context", "## Decision", "## Consequence", "## Reverse if"):
            assert heading in text, (path.name, heading)
