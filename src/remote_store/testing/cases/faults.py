"""Faults that any backend may meet: calls that fail, answers that get lost, bodies that are cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from remote_store.capabilities import Capability
from remote_store.errors import (
    AlreadyExists,
    BackendUnavailable,
    IntegrityError,
    NotFound,
    PermissionDenied,
    RemoteStoreError,
    Timeout,
)
from remote_store.layers.retry import RetryPolicy
from remote_store.testing.bench import Bench
from remote_store.testing.cases.publishing import enough
from remote_store.testing.cases.reading import noise
from remote_store.testing.cases.tables import CALLS, Watch, keys_of, raised, supported, traits_of
from remote_store.testing.chaos import Chaos
from remote_store.testing.faces import again
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from remote_store.store import Store

AT_ONCE = RetryPolicy(attempts=3, base=0.0)
"""Tries without a pause."""

ALL_BUT_ABORT = {"stat", "get", "chunk", "list", "put", "begin", "part", "commit", "delete"}
"""Where faults are planted; a clean-up that fails may leave something behind."""


class Cut:
    """A layer that shortens or lengthens the bodies of streams."""

    def __init__(self, *, longer: bool) -> None:
        self._longer = longer

    async def __call__(self, op: Any, call: Any) -> Any:
        answer = await call()
        if op.name != "chunk":
            return answer
        return bytes(answer) + b"more" if self._longer else b""


class Faults(Bench):
    @clause("ABSENT-01", "ERR-02")
    def test_existence_is_never_guessed_from_a_failure(self, store: Store) -> None:
        self.plant(store, {"a": b"x"})
        for kind in (PermissionDenied, BackendUnavailable, Timeout):
            failing = again(store, layers=[Chaos(rate=1, kinds=[kind])], retry=AT_ONCE)
            asks: list[Any] = [failing.exists, failing.is_file, failing.head]
            for ask in asks + ([failing.is_folder] if store.supports(Capability.LIST) else []):
                with raised(store, kind, "a"):
                    ask("a")

    @clause("ABSENT-01", "ERR-01")
    def test_a_failure_is_reported_by_every_call_as_it_came(self, store: Store) -> None:
        self.plant(store, {"a": b"x"})
        failing = again(store, layers=[Chaos(rate=1, kinds=[PermissionDenied])])
        for entry in supported(store, CALLS):
            asks_nothing = entry.name in ("open_atomic", "child", "resolve", "native_path")
            if asks_nothing or (entry.name == "is_folder" and not store.supports(Capability.LIST)):
                continue
            with pytest.raises(PermissionDenied) as caught:
                entry.make(failing, "a")
            assert caught.value.backend, entry.name
            assert caught.value.path is not None, entry.name

    @clause("STREAM-06", "STREAM-05")
    def test_a_body_that_is_cut_raises(self, store: Store) -> None:
        self.plant(store, {"a": noise(300_000)})
        cut = again(store, layers=[Cut(longer=False)], retry=AT_ONCE)
        with cut.read("a") as stream, raised(store, IntegrityError, "a"):
            stream.read()

    @clause("STREAM-07", "STREAM-05")
    def test_a_body_with_more_than_announced_raises(self, store: Store) -> None:
        self.plant(store, {"a": noise(300_000), "empty": b""})
        longer = again(store, layers=[Cut(longer=True)], retry=AT_ONCE)
        with longer.read("a") as stream, raised(store, IntegrityError, "a"):
            stream.read()

    @clause("RETRY-03", "EXCL-01")
    @needs(Capability.WRITE)
    def test_a_lost_answer_of_a_new_file_is_not_repeated(self, store: Store) -> None:
        seen: list[str] = []
        chaos = Chaos(at=[1], lost=1, kinds=[Timeout], names={"put"}, inside_retry=True)
        watch = Watch(seen)
        watch.inside_retry = True
        lossy = again(store, layers=[watch, chaos], retry=AT_ONCE)
        with raised(store, Timeout, "a"):
            lossy.write("a", b"mine")
        assert seen == ["put"]
        assert store.read_bytes("a") == b"mine"
        with raised(store, AlreadyExists, "a"):
            lossy.write("a", b"other")

    @clause("RETRY-01", "LAYER-01")
    @needs(Capability.WRITE)
    def test_a_lost_answer_of_a_replacement_is_repeated(self, store: Store) -> None:
        seen: list[str] = []
        watch = Watch(seen)
        watch.inside_retry = True
        lossy = again(store, layers=[watch, Chaos(at=[1], lost=1, names={"put"}, inside_retry=True)], retry=AT_ONCE)
        lossy.write("a", b"mine", overwrite=True)
        assert seen == ["put", "put"]
        assert store.read_bytes("a") == b"mine"

    @clause("RETRY-01", "RETRY-03", "DEL-02")
    @needs(Capability.DELETE)
    def test_a_lost_answer_of_a_deletion_is_repeated_where_twice_is_as_once(self, store: Store) -> None:
        self.plant(store, {"a": b"1", "b": b"2"})
        for key, missing_ok in (("a", False), ("b", True)):
            seen: list[str] = []
            watch = Watch(seen)
            watch.inside_retry = True
            chaos = Chaos(at=[1], lost=1, kinds=[Timeout], names={"delete"}, inside_retry=True)
            lossy = again(store, layers=[watch, chaos], retry=AT_ONCE)
            if missing_ok or not traits_of(store).delete_reports_absence:
                lossy.delete(key, missing_ok=missing_ok)
                assert seen.count("delete") == 2
            else:
                with raised(store, Timeout, key):
                    lossy.delete(key)
                assert seen.count("delete") == 1
            assert not store.exists(key)
        with raised(store, NotFound, "a"):
            store.delete("a")

    @clause("PUB-01", "PUB-05")
    @needs(Capability.WRITE, Capability.LIST)
    def test_an_upload_that_fails_at_any_call_leaves_the_old_file(self, store: Store) -> None:
        store.write("a", b"old")
        data = enough(store)
        for at in range(1, 5):
            failing = again(store, layers=[Chaos(at=[at], kinds=[PermissionDenied], names=ALL_BUT_ABORT)])
            try:
                failing.write("a", iter([data, b"tail"]), overwrite=True)
            except PermissionDenied:
                assert store.read_bytes("a") == b"old"
                assert keys_of(store) == ["a"]
            else:
                assert store.read_bytes("a") == data + b"tail"
                return

    @clause("CHAOS-02", "ERR-01", "RETRY-05")
    @needs(Capability.WRITE, Capability.DELETE, Capability.LIST)
    def test_under_random_faults_every_call_works_or_raises_and_no_file_is_torn(self, store: Store) -> None:
        chaos = Chaos(seed=11, rate=0.15, lost=0.5, names=ALL_BUT_ABORT)
        shaken = again(store, layers=[chaos], retry=RetryPolicy(attempts=3, base=0.0))
        raised: list[RemoteStoreError] = []
        contents = [noise(size, size) for size in (0, 10, 70_000)]
        for lap in range(30):
            for step in (
                lambda lap=lap: shaken.write(f"k/{lap % 4}", contents[lap % 3], overwrite=True),
                lambda lap=lap: shaken.write(f"s/{lap % 3}", iter([contents[2], contents[1]]), overwrite=True),
                lambda lap=lap: shaken.delete(f"k/{(lap + 1) % 4}", missing_ok=True),
                lambda: list(shaken.list_files(recursive=True)),
                lambda lap=lap: shaken.read_bytes(f"k/{lap % 4}"),
            ):
                try:
                    step()
                except RemoteStoreError as error:
                    raised.append(error)
            for entry in store.list_files(recursive=True):
                whole = [contents[2] + contents[1]] if entry.key.startswith("s/") else contents
                assert store.read_bytes(entry.key) in whole
        assert chaos.faults > 0
        assert all(error.backend and error.path is not None for error in raised)

    @clause("RETRY-01", "RETRY-05", "STREAM-08")
    @needs(Capability.WRITE)
    def test_one_fault_of_each_read_is_retried_away(self, store: Store) -> None:
        self.plant(store, {"a": noise(300_000)})
        for at in (1, 2, 3):
            shaken = again(store, layers=[Chaos(at=[at], inside_retry=True)], retry=RetryPolicy(base=0.0))
            assert shaken.read_bytes("a") == noise(300_000)
        for at in (1, 2):
            shaken = again(store, layers=[Chaos(at=[at], inside_retry=True)], retry=RetryPolicy(base=0.0))
            assert shaken.exists("a")
            assert shaken.head("a").size == 300_000
