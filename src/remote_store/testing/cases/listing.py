"""Listings and patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from remote_store.backend import FileInfo, FolderEntry
from remote_store.capabilities import Capability
from remote_store.errors import InvalidPath
from remote_store.testing.bench import Bench
from remote_store.testing.cases.tables import Watch, keys_of, traits_of
from remote_store.testing.faces import again
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from remote_store.store import Store

TREE = ["a.csv", "a/b.csv", "a/b/c.csv", "a/b/d.txt", "a/z", "ab/c.csv", "a b/c", "a-b", "a0", "b", "é/ü.csv"]
FILES = {key: key.encode() for key in TREE}


def names(entries: Any) -> list[str]:
    """Return the keys of what a listing yields."""
    return [entry.key for entry in entries]


class Listing(Bench):
    @clause("LIST-01", "LIST-02")
    @needs(Capability.LIST)
    def test_a_folder_lists_its_files_in_order(self, store: Store) -> None:
        self.plant(store, FILES)
        assert names(store.list_files()) == ["a-b", "a.csv", "a0", "b"]
        assert names(store.list_files("a")) == ["a/b.csv", "a/z"]
        assert names(store.list_files("a/b")) == ["a/b/c.csv", "a/b/d.txt"]
        assert all(type(entry) is FileInfo for entry in store.list_files())

    @clause("LIST-01", "LIST-02")
    @needs(Capability.LIST)
    def test_recursive_lists_all_files_below_in_order(self, store: Store) -> None:
        self.plant(store, FILES)
        assert names(store.list_files(recursive=True)) == sorted(TREE)
        assert names(store.list_files("a", recursive=True)) == ["a/b.csv", "a/b/c.csv", "a/b/d.txt", "a/z"]
        assert names(store.list_files("é", recursive=True)) == ["é/ü.csv"]

    @clause("LIST-03")
    @needs(Capability.LIST)
    def test_a_missing_folder_and_a_file_list_as_nothing(self, store: Store) -> None:
        self.plant(store, FILES)
        for key in ("missing", "a/missing", "a.csv", "b", "a/z", "no/such/folder"):
            assert list(store.list_files(key)) == []
            assert list(store.list_files(key, recursive=True)) == []
            assert list(store.list_folders(key)) == []
            assert list(store.iter_children(key)) == []

    @clause("LIST-04", "SCOPE-01")
    @needs(Capability.LIST)
    def test_a_folder_never_shows_what_only_begins_alike(self, store: Store) -> None:
        if not traits_of(store).hierarchical:
            self.plant(store, {"a": b""})
        self.plant(store, {"a/1": b"", "ab/2": b"", "abc": b""})
        assert keys_of(store, "a") == ["a/1"]
        assert names(store.iter_children("a")) == ["a/1"]
        assert keys_of(store, "ab") == ["ab/2"]

    @clause("LIST-05", "FACT-02", "FACT-07")
    @needs(Capability.LIST)
    def test_entries_carry_size_and_time_and_open_the_file(self, store: Store) -> None:
        self.plant(store, FILES)
        for entry in store.list_files(recursive=True):
            assert entry.size == len(FILES[entry.key])
            assert entry.modified > 0
            assert store.read_bytes(entry.path) == FILES[entry.key]
            assert entry.name == entry.key.rpartition("/")[2]
            facts = store.get_file_info(entry.key)
            assert abs(facts.modified - entry.modified) < 2
            assert entry.etag is None or entry.etag == facts.etag

    @clause("LIST-06")
    @needs(Capability.LIST)
    def test_a_pattern_matches_names_or_paths_below(self, store: Store) -> None:
        self.plant(store, FILES)

        def found(pattern: str, folder: str = "") -> list[str]:
            return sorted(names(store.list_files(folder, recursive=True, pattern=pattern)))

        assert found("*.csv") == ["a.csv", "a/b.csv", "a/b/c.csv", "ab/c.csv", "é/ü.csv"]
        assert found("c*") == ["a b/c", "a/b/c.csv", "ab/c.csv"]
        assert found("?.csv", "a") == ["a/b.csv", "a/b/c.csv"]
        assert found("b/*", "a") == ["a/b/c.csv", "a/b/d.txt"]
        assert found("**/*.csv", "a") == ["a/b.csv", "a/b/c.csv"]
        assert found("*/c*") == ["a b/c", "ab/c.csv"]
        assert found("nothing") == []
        assert names(store.list_files(pattern="a*")) == ["a-b", "a.csv", "a0"]

    @clause("LIST-07")
    @needs(Capability.LIST)
    def test_max_depth_counts_the_levels_below(self, store: Store) -> None:
        self.plant(store, {"0": b"", "a/1": b"", "a/b/2": b"", "a/b/c/3": b""})

        def found(depth: int | None, folder: str = "") -> list[str]:
            return names(store.list_files(folder, recursive=True, max_depth=depth))

        assert found(0) == ["0"]
        assert found(1) == ["0", "a/1"]
        assert found(2) == ["0", "a/1", "a/b/2"]
        assert found(9) == found(None) == ["0", "a/1", "a/b/2", "a/b/c/3"]
        assert found(0, "a") == ["a/1"]
        assert found(1, "a") == ["a/1", "a/b/2"]

    @clause("LIST-12", "ERR-07")
    @needs(Capability.LIST)
    def test_wrong_patterns_and_depths_are_refused(self, store: Store) -> None:
        wrong: Any
        for wrong in (7, b"*", ["*"]):
            with pytest.raises(TypeError):
                list(store.list_files(pattern=wrong))
            with pytest.raises(TypeError):
                list(store.glob(wrong))
        for wrong in ("1", 1.0, True):
            with pytest.raises(TypeError, match="max_depth"):
                list(store.list_files(recursive=True, max_depth=wrong))
        with pytest.raises(ValueError, match="max_depth"):
            list(store.list_files(recursive=True, max_depth=-1))

    @clause("LIST-10", "FACT-08")
    @needs(Capability.LIST)
    def test_folders_are_listed_once_each_in_order(self, store: Store) -> None:
        self.plant(store, FILES)
        assert names(store.list_folders()) == ["a b", "a", "ab", "é"]
        assert names(store.list_folders("a")) == ["a/b"]
        assert names(store.list_folders("a/b")) == []
        assert all(type(entry) is FolderEntry for entry in store.list_folders())
        assert [entry.name for entry in store.list_folders("a")] == ["b"]

    @clause("LIST-11", "LIST-02")
    @needs(Capability.LIST)
    def test_children_are_files_and_folders_in_order(self, store: Store) -> None:
        self.plant(store, FILES)
        children = list(store.iter_children())
        assert names(children) == ["a b", "a-b", "a.csv", "a", "a0", "ab", "b", "é"]
        assert [type(entry) is FolderEntry for entry in children] == [
            True,
            False,
            False,
            True,
            False,
            True,
            False,
            True,
        ]
        assert names(store.iter_children("a")) == ["a/b.csv", "a/b", "a/z"]

    @clause("LIST-08")
    @needs(Capability.LIST)
    def test_more_than_a_page_arrives_complete_and_in_order(self, store: Store) -> None:
        count = self.many
        self.plant(store, {f"many/{number:05}": b"" for number in range(count)})
        expected = [f"many/{number:05}" for number in range(count)]
        assert names(store.list_files("many")) == expected
        assert names(store.list_files(recursive=True)) == expected
        assert store.get_folder_info("many").file_count == count

    @clause("LIST-09", "LIST-13", "STREAM-04")
    @needs(Capability.LIST)
    def test_a_listing_is_lazy_and_can_be_left(self, store: Store) -> None:
        self.plant(store, FILES)
        seen: list[str] = []
        watched = again(store, layers=[Watch(seen)])
        for begin in (watched.list_files, watched.list_folders, watched.iter_children, lambda: watched.glob("**")):
            seen.clear()
            listing: Any = begin()
            assert seen == []
            next(listing)
            assert seen == ["list"]
            listing.close()

    @clause("LIST-15", "STATE-05")
    @needs(Capability.LIST, Capability.DELETE)
    def test_every_listing_asks_anew(self, store: Store) -> None:
        other = again(store)
        assert keys_of(store) == []
        self.plant(store, {"a/1": b"", "a/2": b""})
        assert keys_of(store) == keys_of(other) == ["a/1", "a/2"]
        other.delete("a/1")
        assert keys_of(store) == ["a/2"]
        assert not store.exists("a/1")
        other.delete("a/2")
        assert keys_of(store) == []

    @clause("GLOB-01", "GLOB-03")
    @needs(Capability.GLOB)
    def test_glob_matches_whole_paths(self, store: Store) -> None:
        self.plant(store, FILES)
        patterns = {
            "*": ["a-b", "a.csv", "a0", "b"],
            "*.csv": ["a.csv"],
            "a/*": ["a/b.csv", "a/z"],
            "*/*.csv": ["a/b.csv", "ab/c.csv", "é/ü.csv"],
            "a*/c*": ["a b/c", "ab/c.csv"],
            "a?b/c": ["a b/c"],
            "a[-.0]*": ["a-b", "a.csv", "a0"],
            "a/b/[a-c]*": ["a/b/c.csv"],
            "a.csv": ["a.csv"],
            "a/b.csv": ["a/b.csv"],
            "a": [],
            "a/b": [],
            "acsv": [],
            "missing/*": [],
        }
        for pattern, expected in patterns.items():
            assert sorted(names(store.glob(pattern))) == expected, pattern

    @clause("GLOB-02")
    @needs(Capability.GLOB)
    def test_two_stars_stand_for_any_segments(self, store: Store) -> None:
        self.plant(store, FILES)
        assert sorted(names(store.glob("**"))) == sorted(TREE)
        assert sorted(names(store.glob("**/*.csv"))) == ["a.csv", "a/b.csv", "a/b/c.csv", "ab/c.csv", "é/ü.csv"]
        assert sorted(names(store.glob("a/**"))) == ["a/b.csv", "a/b/c.csv", "a/b/d.txt", "a/z"]
        assert sorted(names(store.glob("a/**/*.csv"))) == ["a/b.csv", "a/b/c.csv"]
        assert sorted(names(store.glob("**/b/*"))) == ["a/b/c.csv", "a/b/d.txt"]
        assert names(store.glob("a.csv/**")) == []
        assert names(store.glob("a/z/**")) == []

    @clause("GLOB-02", "GLOB-04", "GLOB-05", "GLOB-06", "KEY-09")
    @needs(Capability.GLOB)
    def test_a_wrong_pattern_is_refused_before_any_call(self, store: Store) -> None:
        seen: list[str] = []
        watched = again(store, layers=[Watch(seen)])
        for pattern in ("a**/b", "**a", "a/b**", "a/[z-a]", "[!b-a]*"):
            with pytest.raises(ValueError, match=r"\*\*|backwards") as caught:
                list(watched.glob(pattern))
            assert type(caught.value) is ValueError
            with pytest.raises(ValueError, match=r"\*\*|backwards"):
                list(watched.list_files("a", pattern=pattern))
        for pattern in ("../*", "a//*", "/a/*", "a/../*", "a/./b", "C:/*"):
            with pytest.raises(InvalidPath):
                list(watched.glob(pattern))
        assert seen == []

    @clause("GLOB-05")
    @needs(Capability.GLOB)
    def test_a_later_segment_that_no_key_has_matches_nothing(self, store: Store) -> None:
        self.plant(store, FILES)
        for pattern in ("a*//b", "*/../a.csv", "*/./z", "a/*/", "/*", "**/", ""):
            assert names(store.glob(pattern)) == [], pattern

    @clause("GLOB-03", "GLOB-04")
    @needs(Capability.GLOB)
    def test_characters_special_elsewhere_are_ordinary(self, store: Store) -> None:
        self.plant(store, {"a+b": b"", "aab": b"", "a(b)": b"", "a^b": b"", "a[b": b"", "a.b": b"", "x/y": b""})
        assert names(store.glob("a+b")) == ["a+b"]
        assert names(store.glob("a(*)")) == ["a(b)"]
        assert names(store.glob("a[!+a]b")) == ["a.b", "a[b", "a^b"]
        assert names(store.glob("a[b")) == ["a[b"]
        assert names(store.glob("x[!a]y")) == []
        assert names(store.glob("a[\\^]b")) == ["a^b"]
