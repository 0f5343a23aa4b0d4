"""Names of unpublished files: never the same one twice, whoever draws them."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from remote_store.backends._drafts import draft_name, is_draft
from remote_store.testing import clause


@clause("STATE-01")
def test_threads_draw_no_name_twice():
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda _: draft_name(), range(2000)))
    assert len(set(names)) == 2000
    assert all(is_draft(name) for name in names)


@clause("STATE-03")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_draws_names_of_its_own():
    draft_name()
    here, there = os.pipe()
    child = os.fork()
    if not child:
        os.write(there, draft_name().encode())
        os._exit(0)
    os.close(there)
    os.waitpid(child, 0)
    with os.fdopen(here) as answer:
        drawn = answer.read()
    assert is_draft(drawn)
    assert drawn not in {draft_name() for _ in range(200)}
