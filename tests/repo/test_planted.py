"""The table of planted bugs says what the tests do."""

from remote_store.testing import Conformance
from tests.planted.bugs import BUGS, as_table

HEAD = """# Planted bugs

Deliberate bugs of backends and kernel (`tests/planted/bugs.py`), each found by the named test of the conformance kit.
A test without a bug that it finds may prove nothing; a bug without a test shows a hole.
"""


def test_the_table_of_planted_bugs_is_current(root, pytestconfig):
    path = root / "sdd" / "planted.md"
    fresh = f"{HEAD}{len(BUGS)} bugs.\n\n{as_table()}\n"
    if pytestconfig.getoption("--update"):
        path.write_text(fresh)
    else:
        assert path.read_text() == fresh, "stale: run `pytest tests/repo --update`"


def test_every_finder_is_a_test_of_the_kit():
    assert all(hasattr(Conformance, bug.found_by) for bug in BUGS.values())
