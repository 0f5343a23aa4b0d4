"""The life of a store: threads, pickles, running loops, equality, closing."""

from __future__ import annotations

import asyncio
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from remote_store.capabilities import Capability
from remote_store.errors import RemoteStoreError
from remote_store.testing.bench import Bench
from remote_store.testing.cases.reading import noise
from remote_store.testing.cases.tables import CALLS, FILE_CALLS, FOLDER_CALLS, supported, traits_of
from remote_store.testing.faces import Awaited, again, call, renewed, together
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from remote_store.store import Store


class Life(Bench):
    @clause("LIFE-01", "ERR-01")
    def test_a_closed_store_refuses_every_call(self, store: Store) -> None:
        store.close()
        store.close()
        for entry in supported(store, FILE_CALLS + FOLDER_CALLS):
            if entry.name == "open_atomic":
                continue
            with pytest.raises(RemoteStoreError, match="closed"):
                entry.make(store, "a")
        with pytest.raises(RemoteStoreError, match="closed"):
            store.ping()

    @clause("LIFE-01", "PUB-02")
    @needs(Capability.ATOMIC_WRITE)
    def test_a_block_on_a_closed_store_is_refused(self, store: Store) -> None:
        store.close()
        with pytest.raises(RemoteStoreError, match="closed"), store.open_atomic("a") as file:
            file.write(b"x")

    @clause("LIFE-02")
    def test_a_store_is_a_context_manager(self, store: Store) -> None:
        with store as same:
            assert same == store
            same.ping()
        with pytest.raises(RemoteStoreError, match="closed"):
            store.ping()

    @clause("LIFE-03")
    def test_closing_a_child_leaves_the_others_open(self, store: Store) -> None:
        self.plant(store, {"a/file": b"x"})
        child, sibling = store.child("a"), store.child("a")
        child.close()
        with pytest.raises(RemoteStoreError, match="closed"):
            child.exists("file")
        assert sibling.exists("file")
        assert store.exists("a/file")
        store.close()
        with pytest.raises(RemoteStoreError, match="closed"):
            sibling.exists("file")

    @clause("LIFE-04", "LIFE-05")
    def test_a_pickled_store_is_the_same_place(self, store: Store) -> None:
        self.plant(store, {"a/file": b"x"})
        for here, key in ((store, "a/file"), (store.child("a"), "file")):
            copy = renewed(here)
            assert copy == here
            assert hash(copy) == hash(here)
            assert copy.read_bytes(key) == b"x"
            assert copy.capabilities == here.capabilities
            copy.close()
            assert here.read_bytes(key) == b"x"

    @clause("LIFE-05", "LAYER-05")
    def test_equal_stores_are_those_of_one_place(self, store: Store) -> None:
        assert store == again(store)
        assert hash(store) == hash(again(store))
        assert store.child("a") == again(store).child("a")
        assert store.child("a") != store
        assert store.child("a") != store.child("b")
        assert store != "store"
        assert len({store, again(store), store.child("a")}) == 2

    @clause("LIFE-06", "LIFE-07", "STATE-04")
    def test_a_store_prints_and_pickles_before_it_is_used(self, store: Store) -> None:
        shown = repr(store.child("some/root"))
        assert "Store(" in shown
        assert "some/root" in shown
        assert "'***'" in shown or "secret" not in shown.lower()
        target: Any = store._target if isinstance(store, Awaited) else store
        assert pickle.loads(pickle.dumps(target)) == target

    @clause("STATE-01")
    @needs(Capability.WRITE)
    def test_sixteen_at_once_get_right_answers(self, store: Store) -> None:
        def worker(number: int) -> Any:
            def work() -> Any:
                for lap in range(4):
                    key, data = f"at/{number}/{lap}", noise(3000, number * 100 + lap)
                    yield call("write", key, data)
                    assert (yield call("read_bytes", key)) == data
                    assert (yield call("read_range", key, 100, 50)) == data[100:150]
                    assert (yield call("head", key)).size == 3000
                    assert (yield call("exists", key)) is True
                    assert (yield call("exists", f"{key}/missing")) is False
                    if store.supports(Capability.DELETE) and lap % 2:
                        yield call("delete", key)
                        assert (yield call("exists", key)) is False
                return number

            return work

        assert together(store, [worker(number) for number in range(16)]) == list(range(16))

    @clause("STATE-02")
    def test_the_sync_face_works_inside_a_running_loop(self, store: Store) -> None:
        if isinstance(store, Awaited):
            return
        self.plant(store, {"a": b"1", "b": b"2"})

        async def inside() -> list[Any]:
            with store.read("a") as stream:
                first = stream.read()
            found = [entry.key for entry in store.list_files()] if store.supports(Capability.LIST) else ["a", "b"]
            return [first, store.read_bytes("a"), list(store.read_many(["a", "b"])), found, store.exists("x")]

        assert asyncio.run(inside()) == [b"1", b"1", [("a", b"1"), ("b", b"2")], ["a", "b"], False]

    @clause("STATE-02")
    def test_the_sync_face_makes_no_event_loop(self, store: Store) -> None:
        if isinstance(store, Awaited):
            return
        self.plant(store, {"a": b"1"})
        assert store.read_bytes("a") == b"1"
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()

    @clause("STATE-05", "WRITE-06")
    @needs(Capability.WRITE)
    def test_another_store_of_the_place_is_seen_at_once(self, store: Store) -> None:
        other = again(store)
        store.write("a", b"one")
        assert other.read_bytes("a") == b"one"
        other.write("a", b"second", overwrite=True)
        assert store.read_bytes("a") == b"second"
        assert store.get_file_info("a").size == 6
        assert store.exists("b") is False
        other.write("b", b"")
        assert store.exists("b") is True

    @clause("CAP-01", "CAP-03")
    def test_capabilities_are_what_supports_says(self, store: Store) -> None:
        assert store.capabilities == {entry for entry in Capability if store.supports(entry)}
        assert isinstance(store.capabilities, frozenset)
        assert Capability.READ in store.capabilities
        assert store.child("a").capabilities == store.capabilities
        with pytest.raises(TypeError, match="Capability"):
            store.supports("read")  # type: ignore[arg-type]

    @clause("CAP-04")
    def test_no_guarantee_is_claimed_that_the_service_does_not_give(self, store: Store) -> None:
        traits, can = traits_of(store), store.capabilities
        assert traits.atomic_put or Capability.ATOMIC_WRITE not in can
        assert traits.exclusive_create or Capability.EXCLUSIVE_CREATE not in can
        assert traits.compare_and_swap or Capability.COMPARE_AND_SWAP not in can
        assert traits.atomic_move or Capability.ATOMIC_MOVE not in can
        assert len(CALLS) >= len(supported(store, CALLS))
