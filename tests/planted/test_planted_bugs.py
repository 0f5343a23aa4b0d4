"""Every planted bug is found by the test that its row names, and that test passes without it."""

from collections import Counter
from contextlib import nullcontext

import pytest

from remote_store.backends.local import LocalBackend
from remote_store.backends.memory import MemoryBackend
from tests.planted.bugs import BUGS
from tests.planted.planting import Bug, run_kit, run_test

passing: set[tuple[object, ...]] = set()
"""Tests that were seen to pass without a bug."""


@pytest.mark.parametrize("name", list(BUGS))
def test_a_planted_bug_is_found_by_the_test_it_names(name, request):
    bug = BUGS[name]
    fault = fault_of_test_in_repository(bug, request) if "::" in bug.found_by else fault_of_kit(bug, request)
    if fault:
        pytest.fail(fault)


def fault_of_test_in_repository(bug, request):
    if (bug.found_by,) not in passing:
        alone = run_test(bug.found_by, nullcontext, request.config)
        if alone.failed or not alone.passed:
            return f"{bug.found_by} does not pass without the bug: {alone.failed}"
        passing.add((bug.found_by,))
    planted = run_test(bug.found_by, bug.plant, request.config)
    return None if planted.failed else f"{bug.found_by} does not see it: {bug.says}"


def fault_of_kit(bug, request):
    sound = LocalBackend if issubclass(bug.backend, LocalBackend) else MemoryBackend
    if (bug.found_by, bug.place, sound) not in passing:
        run_kit(bug, sound, request)
        passing.add((bug.found_by, bug.place, sound))
    try:
        with bug.plant():
            run_kit(bug, bug.backend, request)
    except LookupError as reason:
        return f"{bug.found_by} does not apply: {reason}" if type(reason) is LookupError else None
    except (Exception, pytest.fail.Exception):  # noqa: BLE001  however the test fails, it has found the bug
        return None
    return f"{bug.found_by} does not see it: {bug.says}"


def test_there_are_enough_of_them_in_every_area():
    areas = Counter(bug.place.partition(",")[0] for bug in BUGS.values())
    assert len(BUGS) >= 80
    assert {area: count for area, count in areas.items() if count < 5} == {}
    assert areas.keys() == {"kernel", "memory", "local", "s3", "streams", "lake", "config"}


HARMLESS = {
    "of the kit": Bug("nothing", "test_a_range_is_the_slice"),
    "of the repository": Bug("nothing", "tests/unit/test_uri.py::test_a_uri_is_text"),
    "that does not apply": Bug("nothing", "test_links_lead_nothing_outside"),
    "that is not there": Bug("nothing", "tests/unit/test_uri.py::test_no_such"),
}


@pytest.mark.parametrize("finder", HARMLESS)
def test_what_changes_nothing_is_no_bug_that_a_test_finds(finder, request):
    bug = HARMLESS[finder]
    if finder == "that does not apply":
        with pytest.raises(LookupError):
            fault_of_kit(bug, request)
    else:
        assert (fault_of_test_in_repository if "::" in bug.found_by else fault_of_kit)(bug, request)
