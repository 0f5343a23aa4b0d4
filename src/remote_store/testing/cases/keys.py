"""Which keys work, which are refused, and that each is kept as given."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from remote_store.capabilities import Capability
from remote_store.errors import InvalidPath
from remote_store.path import RemotePath
from remote_store.testing.bench import Bench
from remote_store.testing.cases.tables import CALLS, FILE_CALLS, HOSTILE, ODD, Watch, keys_of, supported
from remote_store.testing.faces import again
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from remote_store.store import Store


class Keys(Bench):
    @clause("KEY-01", "KEY-02", "KEY-03", "KEY-04", "KEY-05", "KEY-06", "KEY-07", "KEY-08", "KEY-09", "ERR-02")
    def test_every_call_refuses_every_hostile_key(self, store: Store) -> None:
        hostile = [key for keys in HOSTILE.values() for key in keys]
        for entry in supported(store, CALLS):
            for key in hostile:
                with pytest.raises(InvalidPath) as caught:
                    entry.make(store, key)
                assert caught.value.path == key, entry.name

    @clause("KEY-09")
    def test_a_hostile_key_reaches_no_backend(self, store: Store) -> None:
        seen: list[str] = []
        watched = again(store, layers=[Watch(seen)])
        for entry in supported(store, CALLS):
            for key in ("../a", "a//b", "a\0b", "/a"):
                with pytest.raises(InvalidPath):
                    entry.make(watched, key)
        assert seen == []

    @clause("KEY-12")
    def test_calls_about_a_file_refuse_the_root(self, store: Store) -> None:
        for entry in supported(store, FILE_CALLS):
            with pytest.raises(InvalidPath):
                entry.make(store, "")
            with pytest.raises(InvalidPath):
                entry.make(store, RemotePath())

    @clause("KEY-12", "FACT-06")
    def test_calls_about_a_folder_take_the_root(self, store: Store) -> None:
        assert store.exists("") is True
        assert store.is_folder("") is True
        assert store.is_file("") is False

    @clause("KEY-11", "ERR-07")
    def test_every_call_refuses_what_is_no_path(self, store: Store) -> None:
        for entry in supported(store, CALLS):
            for wrong in (None, 7, b"a", ["a"], object()):
                with pytest.raises(TypeError, match=type(wrong).__name__):
                    entry.make(store, wrong)

    @clause("KEY-11", "MODEL-03")
    @needs(Capability.WRITE)
    def test_a_path_may_be_text_a_remote_path_or_a_posix_path(self, store: Store) -> None:
        store.write(RemotePath("a", "b"), b"content")
        for path in ("a/b", RemotePath("a/b"), PurePosixPath("a/b"), store.head("a/b").path):
            assert store.read_bytes(path) == b"content"
            assert store.exists(path)
            assert store.get_file_info(path).key == "a/b"

    @clause("KEY-10", "KEY-13")
    @needs(Capability.WRITE)
    def test_an_odd_key_is_kept_as_given(self, store: Store) -> None:
        for key in ODD:
            store.write(key, key.encode())
        for key in ODD:
            assert store.read_bytes(key) == key.encode(), key
            assert store.is_file(key)
            assert store.head(key).key == key

    @clause("KEY-10", "KEY-13", "LIST-02")
    @needs(Capability.WRITE, Capability.LIST)
    def test_odd_keys_are_listed_as_given_and_in_order(self, store: Store) -> None:
        for key in ODD:
            store.write(key, b"")
        assert [entry.key for entry in store.list_files(recursive=True)] == sorted(ODD)

    @clause("KEY-13")
    @needs(Capability.WRITE, Capability.LIST, Capability.DELETE)
    def test_odd_names_of_folders_hold_files_and_go_with_them(self, store: Store) -> None:
        names = [name for name in ODD if "/" not in name][::3]
        for name in names:
            store.write(f"{name}/file", name.encode())
        assert {entry.key for entry in store.list_folders()} == set(names)
        for name in names:
            assert keys_of(store, name) == [f"{name}/file"]
            store.delete_folder(name, recursive=True)
        assert keys_of(store) == []

    @clause("KEY-07")
    @needs(Capability.WRITE)
    def test_the_longest_segment_works(self, store: Store) -> None:
        for key in ("x" * 255, "é" * 127 + "x", f"folder/{'y' * 255}"):
            store.write(key, key.encode())
            assert store.read_bytes(key) == key.encode()

    @clause("KEY-08")
    def test_the_longest_key_passes_the_grammar(self, store: Store, root: str) -> None:
        whole = "/".join([*([root] if root else []), *["a" * 100] * 8])
        key = whole[len(root) + 1 if root else 0 :] + "/" + "b" * (1024 - len(whole) - 1)
        assert len(f"{root}/{key}" if root else key) == 1024
        assert store.resolve(key).key == key

    @clause("KEY-10")
    @needs(Capability.WRITE, Capability.DELETE)
    def test_names_that_differ_in_one_code_point_are_two_files(self, store: Store) -> None:
        for one, two in (("é", "e\u0301"), ("a", "A"), ("%2e", "%2E"), ("a b", "a\u00a0b"), ("K", "\u212a")):
            store.write(one, b"one")
            store.write(two, b"two")
            store.delete(one)
            assert not store.exists(one)
            assert store.read_bytes(two) == b"two"
