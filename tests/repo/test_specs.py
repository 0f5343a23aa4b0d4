"""Every clause has a test, every mark a clause, and none of them stands twice."""

import ast
import re
from collections import Counter

import pytest

from remote_store.testing.report import clauses_in

ID = re.compile(r"[A-Z]+-\d\d")


@pytest.fixture(scope="session")
def clauses(root):
    return clauses_in(root / "sdd" / "specs")


@pytest.fixture(scope="session")
def marks(tracked, root):
    """Where each clause is marked: id to places."""
    found = {}
    for path in tracked:
        place = str(path.relative_to(root))
        if path.suffix == ".py" and place.startswith(("tests/", "src/remote_store/testing/", "integrations/")):
            for call in calls_of_clause(ast.parse(path.read_text())):
                for argument in call.args:
                    id_ = argument.value if isinstance(argument, ast.Constant) else ast.unparse(argument)
                    found.setdefault(id_, []).append(f"{place}:{call.lineno}")
    return found


def calls_of_clause(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func).rpartition(".")[2] == "clause":
                    yield mark


def test_every_clause_has_a_test(clauses, marks):
    assert [f"{id_} {text}" for id_, text in clauses.items() if id_ not in marks] == []


def test_every_mark_names_a_clause(clauses, marks):
    assert {id_: places for id_, places in marks.items() if id_ not in clauses} == {}


def test_clauses_are_one_line_with_one_id_each(root):
    lines = []
    for path in sorted((root / "sdd" / "specs").glob("*.md")):
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
