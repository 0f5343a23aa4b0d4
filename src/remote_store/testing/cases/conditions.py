"""Exclusive create, compare-and-swap, and metadata of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from remote_store.backend import Concurrency
from remote_store.capabilities import Capability
from remote_store.errors import AlreadyExists, CapabilityNotSupported, InvalidPath, PreconditionFailed
from remote_store.testing.bench import Bench
from remote_store.testing.cases.publishing import enough
from remote_store.testing.cases.tables import raised, traits_of
from remote_store.testing.faces import call, together
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from remote_store.store import Store

RACERS = 8
LAPS = {Concurrency.INSTANT: 100, Concurrency.BLOCKS: 15, Concurrency.AWAITS: 5}
"""How often each of four workers bumps a counter: the cheaper a lap, the more it takes for two to meet in one."""
HEATS = {Concurrency.INSTANT: 60, Concurrency.BLOCKS: 4, Concurrency.AWAITS: 2}
"""How often eight race from one start."""


class Conditions(Bench):
    @clause("EXCL-01", "CAP-04")
    @needs(Capability.EXCLUSIVE_CREATE)
    def test_of_eight_racing_writers_one_wins(self, store: Store) -> None:
        for lap in range(HEATS[traits_of(store).concurrency]):
            contents = [f"racer {number}".encode() * 1000 for number in range(RACERS)]
            workers = [_writer(f"race/{lap}", content) for content in contents]
            outcomes = together(store, workers)
            winners = [number for number, outcome in enumerate(outcomes) if not isinstance(outcome, Exception)]
            assert len(winners) == 1, outcomes
            losers = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
            assert all(isinstance(error, AlreadyExists) for error in losers), losers
            assert store.read_bytes(f"race/{lap}") == contents[winners[0]]

    @clause("EXCL-02")
    @needs(Capability.EXCLUSIVE_CREATE)
    def test_of_racing_streamed_writers_one_wins(self, store: Store) -> None:
        data = enough(store)
        contents = [bytes([number]) + data for number in range(3)]
        outcomes = together(store, [_writer("race", [content[:1], content[1:]]) for content in contents])
        winners = [number for number, outcome in enumerate(outcomes) if not isinstance(outcome, Exception)]
        assert len(winners) == 1, outcomes
        assert all(isinstance(error, AlreadyExists) for error in outcomes if isinstance(error, Exception)), outcomes
        assert store.read_bytes("race") == contents[winners[0]]

    @clause("SWAP-01")
    @needs(Capability.COMPARE_AND_SWAP)
    def test_the_current_etag_replaces(self, store: Store) -> None:
        first = store.write("a", b"one")
        assert first.etag
        second = store.write("a", b"two", if_match=first.etag)
        assert store.read_bytes("a") == b"two"
        assert second.etag != first.etag
        third = store.write("a", iter([enough(store)]), if_match=second.etag)
        assert store.read_bytes("a") == enough(store)
        store.write_text("a", "four", if_match=third.etag)
        assert store.read_bytes("a") == b"four"

    @clause("SWAP-02")
    @needs(Capability.COMPARE_AND_SWAP)
    def test_another_etag_changes_nothing(self, store: Store) -> None:
        first = store.write("a", b"one")
        second = store.write("a", b"two", overwrite=True)
        assert first.etag
        for stale in (first.etag, "no-such-etag"):
            for content in (b"three", iter([enough(store)])):
                for overwrite in (False, True):
                    with raised(store, PreconditionFailed, "a"):
                        store.write("a", content, if_match=stale, overwrite=overwrite)
        assert store.read_bytes("a") == b"two"
        assert store.head("a").etag == second.etag

    @clause("SWAP-02", "PUB-02")
    @needs(Capability.COMPARE_AND_SWAP, Capability.ATOMIC_WRITE)
    def test_a_block_swaps_too(self, store: Store) -> None:
        first = store.write("a", b"one")
        for content in (b"two", enough(store)):
            with store.open_atomic("a", if_match=store.head("a").etag) as file:
                file.write(content)
            assert store.read_bytes("a") == content
        with raised(store, PreconditionFailed, "a"), store.open_atomic("a", if_match=first.etag) as file:
            file.write(b"three")
        assert store.read_bytes("a") == enough(store)

    @clause("SWAP-03")
    @needs(Capability.COMPARE_AND_SWAP)
    def test_a_swap_of_a_missing_file_creates_nothing(self, store: Store) -> None:
        etag = store.write("gone", b"one").etag
        store.delete("gone")
        for content in (b"two", iter([enough(store)])):
            with raised(store, PreconditionFailed, "gone"):
                store.write("gone", content, if_match=etag)
        assert not store.exists("gone")

    @clause("SWAP-03", "WRITE-11")
    @needs(Capability.COMPARE_AND_SWAP, Capability.DELETE)
    def test_a_swap_where_no_file_can_be_says_so_first(self, store: Store) -> None:
        etag = store.write("folder/file", b"one").etag
        kind = InvalidPath if traits_of(store).hierarchical else PreconditionFailed
        for key in ("folder", "folder/file/below"):
            for content in (b"two", iter([enough(store)])):
                with raised(store, kind, key):
                    store.write(key, content, if_match=etag)
            with raised(store, PreconditionFailed, key):
                store.delete(key, if_match=etag)
        assert store.read_bytes("folder/file") == b"one"

    @clause("SWAP-04", "SWAP-02", "CAP-04")
    @needs(Capability.COMPARE_AND_SWAP)
    def test_of_eight_that_swap_one_version_one_wins(self, store: Store) -> None:
        etag = store.write("shared", b"start").etag
        for lap in range(HEATS[traits_of(store).concurrency]):
            contents = [f"racer {number} of lap {lap}".encode() for number in range(RACERS)]
            outcomes = together(store, [_writer("shared", content, if_match=etag) for content in contents])
            winners = [number for number, outcome in enumerate(outcomes) if not isinstance(outcome, Exception)]
            assert len(winners) == 1, outcomes
            losers = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
            assert all(isinstance(error, PreconditionFailed) for error in losers), losers
            assert store.read_bytes("shared") == contents[winners[0]]
            etag = store.head("shared").etag

    @clause("SWAP-04")
    @needs(Capability.COMPARE_AND_SWAP)
    def test_a_counter_bumped_by_many_counts_all(self, store: Store) -> None:
        workers, times = 4, LAPS[traits_of(store).concurrency]
        store.write("counter", b"0")

        def bump() -> Any:
            for _ in range(times):
                while True:
                    seen = yield call("head", "counter")
                    value = int((yield call("read_bytes", "counter")))
                    try:
                        yield call("write", "counter", b"%d" % (value + 1), if_match=seen.etag)
                    except PreconditionFailed:
                        continue
                    break

        outcomes = together(store, [bump] * workers)
        assert outcomes == [None] * workers
        assert store.read_bytes("counter") == b"%d" % (workers * times)

    @clause("SWAP-05")
    @needs(Capability.COMPARE_AND_SWAP, Capability.DELETE)
    def test_delete_with_an_etag_deletes_that_version_only(self, store: Store) -> None:
        first = store.write("a", b"one")
        second = store.write("a", b"two", overwrite=True)
        with raised(store, PreconditionFailed, "a"):
            store.delete("a", if_match=first.etag)
        assert store.read_bytes("a") == b"two"
        store.delete("a", if_match=second.etag)
        assert not store.exists("a")

    @clause("SWAP-06", "ERR-07")
    @needs(Capability.WRITE)
    def test_if_match_is_an_etag_and_needs_the_capability(self, store: Store) -> None:
        store.write("a", b"one")
        wrong: Any = 7
        with pytest.raises(TypeError, match="if_match"):
            store.write("a", b"two", if_match=wrong)
        if store.supports(Capability.DELETE):
            with pytest.raises(TypeError, match="if_match"):
                store.delete("a", if_match=wrong)
        if not store.supports(Capability.COMPARE_AND_SWAP):
            with pytest.raises(CapabilityNotSupported, match="COMPARE_AND_SWAP"):
                store.write("a", b"two", if_match="etag")
            if store.supports(Capability.DELETE):
                with pytest.raises(CapabilityNotSupported, match="COMPARE_AND_SWAP"):
                    store.delete("a", if_match="etag")
        assert store.read_bytes("a") == b"one"

    @clause("META-01")
    @needs(Capability.USER_METADATA)
    def test_metadata_comes_back(self, store: Store) -> None:
        given = {"owner": "me", "a-b_c9": "x = 1; y"}
        result = store.write("a", b"data", metadata=given)
        if result.metadata is not None:
            assert dict(result.metadata) == given
        assert dict(store.get_file_info("a").metadata or {}) == given
        assert dict(store.head("a").metadata or {}) == given
        with store.read("a") as stream:
            assert dict(stream.info.metadata or {}) == given

    @clause("META-01")
    @needs(Capability.USER_METADATA)
    def test_an_empty_value_of_metadata_comes_back(self, store: Store) -> None:
        store.write("a", b"data", metadata={"empty": "", "full": "x"})
        assert dict(store.get_file_info("a").metadata or {}) == {"empty": "", "full": "x"}

    @clause("META-01", "META-02")
    @needs(Capability.USER_METADATA)
    def test_streamed_and_text_writes_carry_metadata_too(self, store: Store) -> None:
        store.write("streamed", iter([enough(store)]), metadata={"a": "1"}, content_type="text/x")
        store.write_text("text", "t", metadata={"a": "1"}, content_type="text/x")
        if store.supports(Capability.ATOMIC_WRITE):
            store.write_atomic("atomic", b"x", metadata={"a": "1"}, content_type="text/x")
            with store.open_atomic("block", metadata={"a": "1"}, content_type="text/x") as file:
                file.write(b"x")
        for key in ("streamed", "text", "atomic", "block"):
            if store.exists(key):
                facts = store.get_file_info(key)
                assert (dict(facts.metadata or {}), facts.content_type) == ({"a": "1"}, "text/x"), key

    @clause("META-02")
    @needs(Capability.USER_METADATA)
    def test_the_content_type_comes_back(self, store: Store) -> None:
        store.write("a", b"data", content_type="text/csv; charset=utf-8")
        assert store.get_file_info("a").content_type == "text/csv; charset=utf-8"
        assert store.head("a").content_type == "text/csv; charset=utf-8"

    @clause("OVER-02", "META-01")
    @needs(Capability.USER_METADATA)
    def test_a_replacement_brings_its_own_metadata(self, store: Store) -> None:
        store.write("a", b"one", metadata={"old": "1"}, content_type="text/old")
        store.write("a", b"two", overwrite=True, metadata={"new": "2"})
        facts = store.get_file_info("a")
        assert dict(facts.metadata or {}) == {"new": "2"}
        assert facts.content_type != "text/old"

    @clause("META-03")
    @needs(Capability.USER_METADATA)
    def test_metadata_that_no_service_takes_is_refused(self, store: Store) -> None:
        names = ["", "A", "-a", "_a", "a b", "a:b", "é", "a\n", "a.b", "x" * 200]
        values = ["é", "a\r\nSet-Cookie: b", "a\0", " a", "a ", "\t", "\x7f"]
        for metadata in [{name: "v"} for name in names] + [{"k": value} for value in values] + [{"k": "v" * 2048}]:
            with pytest.raises(ValueError, match="metadata"):
                store.write("a", b"", metadata=metadata)
        for content_type in ("", "text/\r\nx: y", "é", " text/csv", "text/csv "):
            with pytest.raises(ValueError, match="content_type"):
                store.write("a", b"", content_type=content_type)
        assert not store.exists("a")
        store.write("full", b"", metadata={"k": "v" * 2000})
        assert dict(store.get_file_info("full").metadata or {}) == {"k": "v" * 2000}

    @clause("META-05", "ERR-07")
    @needs(Capability.USER_METADATA)
    def test_metadata_maps_text_to_text(self, store: Store) -> None:
        wrong: Any
        for wrong in ("text", 7, ["a"], {"a": 1}, {1: "a"}, {"a": None}, {"a": b"b"}):
            with pytest.raises(TypeError, match="metadata"):
                store.write("a", b"", metadata=wrong)
        for wrong in (7, b"text/csv"):
            with pytest.raises(TypeError, match="content_type"):
                store.write("a", b"", content_type=wrong)
        assert not store.exists("a")

    @clause("META-04")
    @needs(Capability.WRITE)
    def test_metadata_needs_the_capability(self, store: Store) -> None:
        if store.supports(Capability.USER_METADATA):
            return
        with raised(store, CapabilityNotSupported, "a"):
            store.write("a", b"", metadata={"a": "b"})
        with raised(store, CapabilityNotSupported, "a"):
            store.write("a", b"", content_type="text/csv")
        assert not store.exists("a")
        store.write("a", b"", metadata={})


def _writer(key: str, content: Any, **options: Any) -> Any:
    def write() -> Any:
        return (yield call("write", key, content, **options))

    return write
