"""Copying and moving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remote_store.capabilities import Capability
from remote_store.errors import AlreadyExists, InvalidPath, NotFound, PreconditionFailed, RemoteStoreError
from remote_store.testing.bench import Bench
from remote_store.testing.cases.publishing import enough
from remote_store.testing.cases.tables import Meanwhile, keys_of, raised
from remote_store.testing.faces import again, call, together
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remote_store.store import Store


class Copying(Bench):
    @clause("COPY-01", "COPY-07", "WRITE-08")
    @needs(Capability.COPY)
    def test_a_copy_has_the_bytes_and_the_source_stays(self, store: Store) -> None:
        big = enough(store)
        for key, data in {"empty": b"", "small": b"data", "big": big}.items():
            store.write(key, data)
            store.copy(key, f"copies/of/{key}")
            assert store.read_bytes(f"copies/of/{key}") == data
            assert store.read_bytes(key) == data
            assert store.head(f"copies/of/{key}").key == f"copies/of/{key}"
        store.write("small", b"changed", overwrite=True)
        assert store.read_bytes("copies/of/small") == b"data"
        store.delete("small")
        assert store.read_bytes("copies/of/small") == b"data"

    @clause("COPY-02")
    @needs(Capability.COPY, Capability.USER_METADATA)
    def test_metadata_travels_with_a_copy(self, store: Store) -> None:
        store.write("a", b"data", metadata={"owner": "me"}, content_type="text/csv")
        store.write("old", b"old", metadata={"stale": "1"}, content_type="text/old")
        store.copy("a", "b")
        store.copy("a", "old", overwrite=True)
        for key in ("a", "b", "old"):
            facts = store.get_file_info(key)
            assert (dict(facts.metadata or {}), facts.content_type) == ({"owner": "me"}, "text/csv"), key

    @clause("COPY-03", "ERR-02")
    @needs(Capability.COPY)
    def test_a_copy_of_nothing_names_the_source(self, store: Store) -> None:
        store.write("target", b"old")
        store.write("folder/file", b"other")
        for target in ("new", "target", "folder", "target/below"):
            for overwrite in (False, True):
                with raised(store, NotFound, "missing"):
                    store.copy("missing", target, overwrite=overwrite)
        with raised(store, NotFound, "missing"):
            store.copy("missing", "missing", overwrite=True)
        assert store.read_bytes("target") == b"old"
        assert not store.exists("new")

    @clause("COPY-04")
    @needs(Capability.COPY)
    def test_a_copy_onto_a_file_names_the_target(self, store: Store) -> None:
        store.write("source", b"new")
        store.write("target", b"old and longer")
        with raised(store, AlreadyExists, "target"):
            store.copy("source", "target")
        assert store.read_bytes("target") == b"old and longer"
        store.copy("source", "target", overwrite=True)
        assert store.read_bytes("target") == b"new"

    @clause("COPY-05")
    @needs(Capability.COPY)
    def test_a_copy_onto_itself_changes_nothing(self, store: Store) -> None:
        store.write("a", b"data")
        before = store.head("a")
        with raised(store, AlreadyExists, "a"):
            store.copy("a", "a")
        store.copy("a", "a", overwrite=True)
        assert store.read_bytes("a") == b"data"
        assert store.head("a") == before

    @clause("COPY-06")
    @needs(Capability.COPY, Capability.LIST)
    def test_a_folder_is_not_copied(self, store: Store) -> None:
        store.write("folder/a", b"data")
        with raised(store, NotFound, "folder"):
            store.copy("folder", "other")
        assert keys_of(store) == ["folder/a"]

    @clause("MOVE-01", "WRITE-08")
    @needs(Capability.MOVE)
    def test_a_move_leaves_nothing_behind(self, store: Store) -> None:
        for key, data in {"empty": b"", "small": b"data", "big": enough(store)}.items():
            store.write(key, data)
            store.move(key, f"moved/to/{key}")
            assert store.read_bytes(f"moved/to/{key}") == data
            assert not store.exists(key)
            assert store.head(f"moved/to/{key}").key == f"moved/to/{key}"
        store.move("moved/to/small", "small")
        assert store.read_bytes("small") == b"data"

    @clause("MOVE-01", "COPY-02")
    @needs(Capability.MOVE, Capability.USER_METADATA)
    def test_metadata_travels_with_a_move(self, store: Store) -> None:
        store.write("a", b"data", metadata={"owner": "me"}, content_type="text/csv")
        store.write("old", b"old", metadata={"stale": "1"})
        for source, target in (("a", "b"), ("b", "old")):
            store.move(source, target, overwrite=True)
            facts = store.get_file_info(target)
            assert (dict(facts.metadata or {}), facts.content_type) == ({"owner": "me"}, "text/csv")

    @clause("MOVE-02")
    @needs(Capability.MOVE)
    def test_a_move_of_nothing_names_the_source(self, store: Store) -> None:
        store.write("target", b"old")
        store.write("folder/file", b"other")
        for target in ("new", "target", "folder", "target/below"):
            for overwrite in (False, True):
                with raised(store, NotFound, "missing"):
                    store.move("missing", target, overwrite=overwrite)
        assert store.read_bytes("target") == b"old"
        assert not store.exists("new")

    @clause("MOVE-03")
    @needs(Capability.MOVE)
    def test_a_move_onto_a_file_names_the_target(self, store: Store) -> None:
        store.write("source", b"new")
        store.write("target", b"old and longer")
        with raised(store, AlreadyExists, "target"):
            store.move("source", "target")
        assert store.read_bytes("target") == b"old and longer"
        assert store.read_bytes("source") == b"new"
        store.move("source", "target", overwrite=True)
        assert store.read_bytes("target") == b"new"
        assert not store.exists("source")

    @clause("MOVE-04")
    @needs(Capability.MOVE)
    def test_a_move_onto_itself_loses_nothing(self, store: Store) -> None:
        store.write("a", b"data")
        with raised(store, AlreadyExists, "a"):
            store.move("a", "a")
        store.move("a", "a", overwrite=True)
        assert store.read_bytes("a") == b"data"
        with raised(store, NotFound, "missing"):
            store.move("missing", "missing", overwrite=True)

    @clause("COPY-06")
    @needs(Capability.MOVE, Capability.LIST)
    def test_a_folder_is_not_moved(self, store: Store) -> None:
        store.write("folder/a", b"data")
        for overwrite in (False, True):
            with raised(store, NotFound, "folder"):
                store.move("folder", "other", overwrite=overwrite)
        assert keys_of(store) == ["folder/a"]

    @clause("MOVE-07")
    @needs(Capability.MOVE, Capability.COMPARE_AND_SWAP)
    def test_a_write_beside_a_move_is_not_lost_whenever_it_comes(self, store: Store) -> None:
        self.plant(store, {"target": b"older"})
        for at, refused in _while_moving(store, b"newer"):
            source, target = (store.read_bytes(key) if store.exists(key) else None for key in ("source", "target"))
            assert b"newer" in (source, target), at
            if refused is not None:
                assert (type(refused), refused.path) == (PreconditionFailed, "source")
                assert source == b"newer"

    @clause("MOVE-08")
    @needs(Capability.MOVE, Capability.COMPARE_AND_SWAP)
    def test_a_deletion_beside_a_move_leaves_the_copy_or_is_not_found(self, store: Store) -> None:
        for at, refused in _while_moving(store, None):
            assert not store.exists("source")
            if refused is None:
                assert store.read_bytes("target") == b"old", at
            else:
                assert (type(refused), refused.path) == (NotFound, "source")
                assert not store.exists("target")

    @clause("COPY-08", "WRITE-11")
    @needs(Capability.COPY, Capability.MOVE, Capability.LIST, hierarchical=True)
    def test_what_the_tree_refuses_of_a_copy_or_move_names_the_target(self, store: Store) -> None:
        store.write("source", b"data")
        store.write("folder/file", b"other")
        for target in ("folder", "folder/file/below", "source/below"):
            for act in (store.copy, store.move):
                for overwrite in (False, True):
                    with raised(store, InvalidPath, target):
                        act("source", target, overwrite=overwrite)
        assert [entry.key for entry in store.list_files(recursive=True)] == ["folder/file", "source"]
        assert store.read_bytes("source") == b"data"

    @clause("MOVE-06", "CAP-04")
    @needs(Capability.ATOMIC_MOVE)
    def test_of_racing_movers_one_gets_the_file(self, store: Store) -> None:
        store.write("source", b"data")
        outcomes = together(store, [_mover(f"target/{number}") for number in range(6)])
        winners = [number for number, outcome in enumerate(outcomes) if outcome is None]
        assert len(winners) == 1, outcomes
        assert all(isinstance(error, NotFound) for error in outcomes if error is not None), outcomes
        assert not store.exists("source")
        assert store.read_bytes(f"target/{winners[0]}") == b"data"
        assert sum(store.exists(f"target/{number}") for number in range(6)) == 1


def _while_moving(store: Store, data: bytes | None) -> Iterator[tuple[int, RemoteStoreError | None]]:
    """Move a file again and again, and change the source behind each of the calls that this takes."""
    for at in range(1, 20):
        store.write("source", b"old", overwrite=True)
        if data is None:
            store.delete("target", missing_ok=True)
        meanwhile = Meanwhile(store, at, "source", data)
        refused = None
        try:
            again(store, layers=[meanwhile]).move("source", "target", overwrite=True)
        except RemoteStoreError as error:
            refused = error
        if meanwhile.calls < at:
            return
        yield at, refused


def _mover(target: str) -> Any:
    def move() -> Any:
        yield call("move", "source", target)

    return move
