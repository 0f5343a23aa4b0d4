"""Listings: what a pattern is held against, what an empty page says, and what a layer takes away."""

import pytest

from remote_store import CapabilityNotSupported, DirectoryNotEmpty, Store
from remote_store.backend import Page
from remote_store.backends.memory import MemoryBackend
from remote_store.capabilities import Capability
from remote_store.testing import clause
from tests.backends.slim import FlatBackend


@clause("LIST-06")
@pytest.mark.parametrize(("root", "folder"), [("", ""), ("r", ""), ("", "r"), ("r", "r")])
def test_a_pattern_of_several_segments_is_held_against_all_that_stands_below_the_folder(root, folder):
    store = Store(MemoryBackend(), root)
    below = f"{folder}/" if folder else ""
    for key in ("a/x", "ba/x", "b/a/x", "ax"):
        store.write(f"{below}{key}", b"")
    found = store.list_files(folder, recursive=True, pattern="a/*")
    assert [info.key for info in found] == [f"{below}a/x"]


@clause("LIST-16")
@pytest.mark.parametrize("at", [0, 1])
def test_a_folder_that_holds_what_no_key_can_name_is_not_empty_whatever_page_says_so(at):
    class Odd(FlatBackend):
        async def list(self, folder, recursive, token, limit):
            page = token or 0
            return Page([], None if page else 1, hidden=page == at)

    store = Store(Odd())
    assert list(store.iter_children("f")) == []
    with pytest.raises(DirectoryNotEmpty):
        store.delete_folder("f")


@clause("CAP-02", "CAP-03")
def test_a_layer_may_take_patterns_away_and_leave_listings():
    class Plain:
        removes = frozenset({Capability.GLOB})

        async def __call__(self, op, call):
            return await call()

    store = Store(MemoryBackend(), layers=[Plain()])
    store.write("a", b"")
    assert [info.key for info in store.list_files(pattern="*")] == ["a"]
    with pytest.raises(CapabilityNotSupported, match="takes GLOB away"):
        list(store.glob("*"))
