"""What stands where: existence, facts of files and folders, absence."""

from __future__ import annotations

import json
import pickle
import time
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from remote_store.capabilities import Capability
from remote_store.errors import NotFound
from remote_store.models import FileInfo, FolderInfo, WriteResult
from remote_store.testing.bench import Bench
from remote_store.testing.cases.tables import raised
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from remote_store.store import Store


class Facts(Bench):
    @clause("FACT-01", "FACT-08", "ABSENT-01")
    @needs(Capability.LIST)
    def test_files_folders_and_nothing_are_told_apart(self, store: Store) -> None:
        self.plant(store, {"a/b/file": b"x", "top": b"y"})

        def seen(key: str) -> tuple[bool, bool, bool]:
            return store.exists(key), store.is_file(key), store.is_folder(key)

        assert seen("top") == seen("a/b/file") == (True, True, False)
        assert seen("a") == seen("a/b") == (True, False, True)
        for key in ("missing", "a/missing", "a/b/file/below", "top/below", "a/b/fil", "to", "no/such/folder"):
            assert seen(key) == (False, False, False), key

    @clause("FACT-06")
    def test_an_empty_root_exists(self, store: Store) -> None:
        assert (store.exists(""), store.is_file(""), store.is_folder("")) == (True, False, True)

    @clause("FACT-02", "FACT-03")
    def test_facts_of_a_file_are_the_same_from_both_calls(self, store: Store) -> None:
        self.plant(store, {"folder/a": b"12345", "empty": b""})
        facts, head = store.get_file_info("folder/a"), store.head("folder/a")
        assert type(facts) is FileInfo
        assert type(head) is WriteResult
        assert (facts.key, facts.size, facts.name) == ("folder/a", 5, "a")
        assert str(facts.path) == "folder/a"
        shared = ("key", "size", "etag", "version", "modified", "content_type", "metadata")
        assert [getattr(facts, name) for name in shared] == [getattr(head, name) for name in shared]
        assert store.get_file_info("empty").size == 0

    @clause("FACT-07")
    def test_times_are_seconds_and_utc(self, store: Store) -> None:
        self.plant(store, {"a": b"1"})
        facts = store.get_file_info("a")
        assert type(facts.modified) is float
        assert abs(facts.modified - time.time()) < 3600
        assert facts.modified_at.utcoffset() == timedelta(0)
        assert facts.modified_at.tzinfo is UTC
        assert facts.modified_at.timestamp() == pytest.approx(facts.modified)

    @clause("FACT-04")
    @needs(Capability.LIST)
    def test_a_folder_is_the_sum_of_what_is_below(self, store: Store) -> None:
        self.plant(store, {"f/1": b"1", "f/2": b"22", "f/g/3": b"333", "fg/4": b"4444", "5": b"55555"})
        info = store.get_folder_info("f")
        assert type(info) is FolderInfo
        assert (info.key, info.file_count, info.total_size) == ("f", 3, 6)
        newest = max(store.get_file_info(key).modified for key in ("f/1", "f/2", "f/g/3"))
        assert info.modified == pytest.approx(newest, abs=2)
        assert info.modified_at is not None
        root = store.get_folder_info()
        assert (root.key, root.file_count, root.total_size) == ("", 5, 15)

    @clause("FACT-04", "FACT-05", "FACT-06")
    @needs(Capability.LIST)
    def test_a_folder_that_is_missing_or_a_file_is_not_found(self, store: Store) -> None:
        empty = store.get_folder_info("")
        assert (empty.file_count, empty.total_size, empty.modified) == (0, 0, None)
        self.plant(store, {"a/file": b"x"})
        for key in ("missing", "a/missing", "a/file", "a/fil"):
            with raised(store, NotFound, key):
                store.get_folder_info(key)

    @clause("FACT-05")
    def test_facts_of_a_missing_file_are_not_found(self, store: Store) -> None:
        for key in ("missing", "no/such/folder/file"):
            with raised(store, NotFound, key):
                store.get_file_info(key)
            with raised(store, NotFound, key):
                store.head(key)

    @clause("MODEL-01", "MODEL-02")
    @needs(Capability.LIST)
    def test_what_a_store_answers_pickles_and_turns_to_json(self, store: Store) -> None:
        self.plant(store, {"a/file": b"x"})
        answers: list[Any] = [store.get_file_info("a/file"), store.head("a/file"), store.get_folder_info("a")]
        answers += [*store.iter_children(), *store.list_files("a"), store.resolve("a/file")]
        for answer in answers:
            assert pickle.loads(pickle.dumps(answer)) == answer
            assert json.loads(json.dumps(answer.to_dict())) == answer.to_dict()
            assert set(answer.to_dict()) == set(answer._fields)
            with pytest.raises(AttributeError):
                answer.key = "other"

    @clause("ABSENT-03")
    def test_ping_answers(self, store: Store) -> None:
        store.ping()
        assert store.exists("") is True
