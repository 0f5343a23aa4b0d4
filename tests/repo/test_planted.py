"""The table of planted bugs says what the tests do."""

import ast
from collections import Counter

from remote_store.testing import Conformance
from tests.planted.bugs import BUGS, as_table

HEAD = """# Planted bugs

Deliberate bugs (`tests/planted`), each found by the named test: one of the conformance kit, or one of this repository.
A test without a bug that it finds may prove nothing; a bug without a test shows a hole.
`pytest tests/planted` plants each of them, sees its test fail, and sees it pass without.
"""


def document():
    areas = Counter(bug.place for bug in BUGS.values())
    counted = ", ".join(f"{area} {count}" for area, count in areas.most_common())
    return f"{HEAD}\n{len(BUGS)} bugs: {counted}.\n\n{as_table()}\n"


def test_the_table_of_planted_bugs_is_current(root, pytestconfig):
    path = root / "sdd" / "planted.md"
    if pytestconfig.getoption("--update"):
        path.write_text(document())
    else:
        assert path.read_text() == document(), "stale: run `pytest tests/repo --update`"


def test_every_finder_is_a_test(root):
    missing = [bug.found_by for bug in BUGS.values() if not is_test(root, bug.found_by)]
    assert missing == []


def is_test(root, name):
    path, _, test = name.partition("::")
    if not test:
        return hasattr(Conformance, name)
    found = {node.name for node in ast.walk(ast.parse((root / path).read_text())) if hasattr(node, "name")}
    return test.partition("[")[0] in found


def test_a_finder_that_is_gone_is_noticed(root):
    assert not is_test(root, "test_no_such_test")
    assert not is_test(root, "tests/unit/test_uri.py::test_no_such_test[1]")
    assert is_test(root, "tests/unit/test_uri.py::test_a_uri_is_text")
