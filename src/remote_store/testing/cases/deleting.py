"""Deleting files and folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from remote_store.capabilities import Capability
from remote_store.errors import DirectoryNotEmpty, InvalidPath, NotFound
from remote_store.testing.bench import Bench
from remote_store.testing.cases.tables import keys_of, raised
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from remote_store.store import Store

TREE = {"a": b"1", "ab/c": b"2", "b/c": b"3", "b/d/e": b"4", "b/d/f/g": b"5", "bc": b"6", "b.c": b"7", "c/d": b"8"}


class Deleting(Bench):
    @clause("DEL-01", "DEL-02", "ABSENT-01")
    @needs(Capability.DELETE)
    def test_delete_removes_one_file(self, store: Store) -> None:
        self.plant(store, TREE)
        store.delete("b/c")
        assert not store.exists("b/c")
        with raised(store, NotFound, "b/c"):
            store.read_bytes("b/c")
        with raised(store, NotFound, "b/c"):
            store.delete("b/c")
        assert all(store.read_bytes(key) == data for key, data in TREE.items() if key != "b/c")

    @clause("DEL-02", "ERR-02")
    @needs(Capability.DELETE)
    def test_deleting_a_missing_file_is_not_found_unless_that_is_fine(self, store: Store) -> None:
        self.plant(store, {"folder/other": b"x"})
        for key in ("missing", "folder/missing", "no/such/folder"):
            with raised(store, NotFound, key):
                store.delete(key)
            store.delete(key, missing_ok=True)
        assert store.read_bytes("folder/other") == b"x"

    @clause("DEL-03")
    @needs(Capability.DELETE, Capability.LIST)
    def test_delete_never_removes_a_folder(self, store: Store) -> None:
        self.plant(store, TREE)
        for key in ("b", "b/d"):
            with raised(store, NotFound, key):
                store.delete(key)
            store.delete(key, missing_ok=True)
        assert keys_of(store) == sorted(TREE)

    @clause("DEL-04")
    @needs(Capability.DELETE)
    def test_delete_many_removes_all_and_minds_none_missing(self, store: Store) -> None:
        self.plant(store, TREE)
        store.delete_many(["a", "missing", "b/d/e", "a", "no/such/folder", "bc"])
        for key, data in TREE.items():
            if key in ("a", "b/d/e", "bc"):
                assert not store.exists(key)
            else:
                assert store.read_bytes(key) == data
        store.delete_many([])
        store.delete_many(iter(["b.c"]))
        assert not store.exists("b.c")

    @clause("DEL-05")
    @needs(Capability.DELETE)
    def test_an_invalid_key_among_many_deletes_none(self, store: Store) -> None:
        self.plant(store, {"a": b"1", "b": b"2"})
        with pytest.raises(InvalidPath):
            store.delete_many(["a", "../x", "b"])
        assert store.exists("a")
        assert store.exists("b")

    @clause("DEL-06", "ERR-07")
    @needs(Capability.DELETE)
    def test_delete_many_takes_several_paths(self, store: Store) -> None:
        self.plant(store, {"a": b"1"})
        with pytest.raises(TypeError, match="several"):
            store.delete_many("a")
        assert store.exists("a")

    @clause("DEL-10")
    @needs(Capability.DELETE, Capability.LIST)
    def test_a_folder_goes_with_all_that_is_below_and_nothing_beside(self, store: Store) -> None:
        self.plant(store, TREE)
        store.delete_folder("b", recursive=True)
        assert keys_of(store) == [key for key in sorted(TREE) if not key.startswith("b/")]
        assert not store.exists("b")
        assert not store.is_folder("b/d")
        assert [entry.key for entry in store.list_folders()] == ["ab", "c"]

    @clause("DEL-11", "ERR-02")
    @needs(Capability.DELETE, Capability.LIST)
    def test_a_folder_that_holds_something_stays(self, store: Store) -> None:
        self.plant(store, TREE)
        for key in ("b", "b/d", "c"):
            for missing_ok in (False, True):
                with raised(store, DirectoryNotEmpty, key):
                    store.delete_folder(key, missing_ok=missing_ok)
        assert keys_of(store) == sorted(TREE)

    @clause("DEL-12")
    @needs(Capability.DELETE, Capability.LIST)
    def test_a_missing_folder_is_not_found_unless_that_is_fine(self, store: Store) -> None:
        self.plant(store, TREE)
        for key in ("missing", "b/missing", "bcd", "no/such"):
            for recursive in (False, True):
                with raised(store, NotFound, key):
                    store.delete_folder(key, recursive=recursive)
                store.delete_folder(key, recursive=recursive, missing_ok=True)
        assert keys_of(store) == sorted(TREE)

    @clause("DEL-13")
    @needs(Capability.DELETE, Capability.LIST)
    def test_the_root_is_never_deleted(self, store: Store) -> None:
        self.plant(store, {"a": b"1"})
        for recursive in (False, True):
            with raised(store, InvalidPath, ""):
                store.delete_folder("", recursive=recursive, missing_ok=True)
        assert store.read_bytes("a") == b"1"

    @clause("DEL-14")
    @needs(Capability.DELETE, Capability.LIST, hierarchical=True)
    def test_an_empty_folder_stays_until_it_is_deleted(self, store: Store) -> None:
        self.plant(store, {"a/b/file": b"1"})
        store.delete("a/b/file")
        assert store.is_folder("a/b")
        assert [entry.key for entry in store.list_folders("a")] == ["a/b"]
        store.delete_folder("a/b")
        assert not store.exists("a/b")
        assert store.is_folder("a")
        store.delete_folder("a", recursive=True)
        assert not store.exists("a")

    @clause("DEL-14")
    @needs(Capability.DELETE, Capability.LIST, hierarchical=False)
    def test_a_folder_is_gone_with_its_last_file(self, store: Store) -> None:
        self.plant(store, {"a/b/file": b"1", "a/other": b"2"})
        store.delete("a/b/file")
        assert not store.exists("a/b")
        with raised(store, NotFound, "a/b"):
            store.delete_folder("a/b")
        assert store.is_folder("a")

    @clause("DEL-15")
    @needs(Capability.DELETE, Capability.LIST)
    def test_a_file_is_no_folder_to_delete(self, store: Store) -> None:
        self.plant(store, {"a": b"1", "b/c": b"2"})
        for key in ("a", "b/c"):
            for recursive in (False, True):
                with raised(store, NotFound, key):
                    store.delete_folder(key, recursive=recursive)
                store.delete_folder(key, recursive=recursive, missing_ok=True)
        assert keys_of(store) == ["a", "b/c"]

    @clause("DEL-10", "LIST-08")
    @needs(Capability.DELETE, Capability.LIST)
    def test_a_deep_and_broad_folder_goes_whole(self, store: Store) -> None:
        self.plant(store, {"/".join(["deep"] * depth) + "/file": b"x" for depth in range(1, 12)})
        self.plant(store, {f"deep/broad/{number}": b"" for number in range(40)})
        store.delete_folder("deep", recursive=True)
        assert keys_of(store) == []
        assert list(store.iter_children()) == []
