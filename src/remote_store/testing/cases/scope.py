"""Children and roots: nothing outside is seen, and keys are always the caller's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from remote_store.backend import Backend
from remote_store.capabilities import Capability
from remote_store.errors import AlreadyExists, CapabilityNotSupported, InvalidPath, NotFound, RemoteStoreError
from remote_store.testing.bench import Bench
from remote_store.testing.cases.tables import backend_of, keys_of, raised, traits_of
from remote_store.testing.faces import again
from remote_store.testing.marks import NOT_APPLICABLE, clause, needs

if TYPE_CHECKING:
    from remote_store.store import Store

FILES = {"a/1": b"1", "a/b/2": b"2", "ab/3": b"3", "b/4": b"4"}


class ScopeOfStores(Bench):
    @clause("SCOPE-02", "SCOPE-01", "SCOPE-03", "LIST-04")
    @needs(Capability.LIST)
    def test_a_child_sees_exactly_what_is_below_its_folder(self, store: Store) -> None:
        self.plant(store, FILES)
        child = store.child("a")
        assert keys_of(child) == ["1", "b/2"]
        assert [entry.key for entry in child.iter_children()] == ["1", "b"]
        assert [entry.key for entry in child.list_folders()] == ["b"]
        assert [entry.key for entry in child.glob("**")] == ["1", "b/2"]
        assert [entry.key for entry in child.glob("b/*")] == ["b/2"]
        assert child.get_folder_info().file_count == 2
        assert child.read_bytes("b/2") == b"2"
        assert child.get_file_info("b/2").key == child.head("b/2").key == "b/2"
        for outside in ("a/1", "ab/3", "b/4", "3"):
            assert not child.exists(outside)

    @clause("SCOPE-02", "SCOPE-03")
    @needs(Capability.WRITE)
    def test_what_a_child_writes_lies_below_its_folder(self, store: Store) -> None:
        child = store.child("a/b")
        assert child.write("c/file", b"data").key == "c/file"
        assert store.read_bytes("a/b/c/file") == b"data"
        with child.read("c/file") as stream:
            assert stream.info.key == "c/file"
        assert dict(child.read_many(["c/file"])) == {"c/file": b"data"}
        assert [result.key for result in child.write_many({"c/1": b"1", "c/2": b"2"})] == ["c/1", "c/2"]
        assert store.read_bytes("a/b/c/2") == b"2"
        if store.supports(Capability.ATOMIC_WRITE):
            with child.open_atomic("block") as file:
                file.write(b"x")
            assert file.result is not None
            assert file.result.key == "block"
            assert store.exists("a/b/block")

    @clause("SCOPE-03", "ERR-02")
    @needs(Capability.WRITE)
    def test_errors_of_a_child_carry_its_own_keys(self, store: Store) -> None:
        child = store.child("hidden/root")
        child.write("file", b"x")
        with raised(child, NotFound, "missing") as caught:
            child.read_bytes("missing")
        assert "hidden" not in str(caught[0])
        with raised(child, AlreadyExists, "file") as exists:
            child.write("file", b"y")
        assert "hidden" not in str(exists[0])

    @clause("SCOPE-01", "DEL-10")
    @needs(Capability.DELETE, Capability.LIST)
    def test_a_child_deletes_only_its_own(self, store: Store) -> None:
        self.plant(store, {**FILES, "a/b/c": b"5", "b/2": b"6"})
        child = store.child("a")
        child.delete_many(["1", "missing"])
        child.delete_folder("b", recursive=True)
        assert keys_of(child) == []
        assert keys_of(store) == ["ab/3", "b/2", "b/4"]
        with raised(child, InvalidPath, ""):
            child.delete_folder("", recursive=True)

    @clause("SCOPE-01", "SCOPE-02")
    @needs(Capability.MOVE, Capability.COPY)
    def test_a_child_copies_and_moves_within_itself(self, store: Store) -> None:
        self.plant(store, FILES)
        child = store.child("a")
        child.copy("1", "copied")
        child.move("b/2", "moved")
        assert store.read_bytes("a/copied") == b"1"
        assert store.read_bytes("a/moved") == b"2"
        assert not store.exists("a/b/2")
        with raised(child, NotFound, "3"):
            child.move("3", "x")

    @clause("SCOPE-04")
    def test_children_of_children_join(self, store: Store) -> None:
        self.plant(store, {"a/b/c/file": b"x"})
        for child in (store.child("a/b").child("c"), store.child("a").child("b/c"), store.child("a/b/c").child("")):
            assert child == store.child("a/b/c")
            assert child.read_bytes("file") == b"x"
        assert again(store, store.child("a/b")._scope.root) == store.child("a/b")

    @clause("SCOPE-06", "FACT-06", "LIST-03")
    @needs(Capability.WRITE, Capability.LIST)
    def test_a_child_may_be_made_of_nothing(self, store: Store) -> None:
        child = store.child("not/yet")
        assert keys_of(child) == []
        assert child.is_folder("") is True
        assert child.exists("") is True
        assert child.get_folder_info().file_count == 0
        child.ping()
        assert not store.exists("not")
        child.write("file", b"x")
        assert keys_of(store) == ["not/yet/file"]

    @clause("SCOPE-06", "FACT-06", "LIST-03")
    @needs(Capability.WRITE, Capability.LIST)
    def test_a_child_of_a_file_is_empty_and_cannot_be_written_where_folders_are_real(self, store: Store) -> None:
        store.write("file", b"x")
        for root in ("file", "file/below"):
            child = store.child(root)
            assert (child.exists(""), child.is_folder(""), child.is_file("")) == (True, True, False)
            assert child.get_folder_info()[1:] == (0, 0, None)
            assert keys_of(child) == [entry.key for entry in child.iter_children()] == []
            child.ping()
            assert not child.exists("new")
            if traits_of(store).hierarchical:
                with raised(child, InvalidPath, "new"):
                    child.write("new", b"y")
            else:
                child.write("new", b"y")
                assert child.read_bytes("new") == b"y"
                child.delete("new")
        assert store.read_bytes("file") == b"x"

    @clause("SCOPE-05", "SCOPE-01")
    def test_links_lead_nothing_outside(self, store: Store) -> None:
        before = self.plant_links(store)
        if before is None:
            pytest.skip(f"{NOT_APPLICABLE}{traits_of(store).name} has no links")
        for key in ("link", "folder/link/file", "folder/link"):
            with pytest.raises(RemoteStoreError):
                store.read_bytes(key)
            with pytest.raises(RemoteStoreError):
                store.get_file_info(key)
        for key in ("folder/link/file", "folder/link/new"):
            with pytest.raises(RemoteStoreError):
                store.write(key, b"changed", overwrite=True)
            with pytest.raises(RemoteStoreError):
                store.delete(key)
        assert [key for key in keys_of(store) if key.endswith("file")] == []
        assert self.outside() == before
        store.delete_folder("folder", recursive=True)
        assert not store.exists("folder")
        assert self.outside() == before

    @clause("PLACE-01", "PLACE-03")
    def test_a_native_path_leads_back_to_its_key(self, store: Store) -> None:
        child = store.child("a/b")
        for here in (store, child):
            for key in ("file", "folder/file", "odd name %2e.txt", "ü"):
                native = here.native_path(key)
                assert here.to_key(native) == key
                plan = here.resolve(key)
                assert (plan.key, plan.native_path, plan.backend) == (key, native, traits_of(store).name)
            assert here.to_key(here.native_path()) == ""
        assert store.native_path("a/b/c") == child.native_path("c")
        assert store.to_key(child.native_path("c")) == "a/b/c"

    @clause("PLACE-02")
    def test_a_name_outside_leads_to_no_key(self, store: Store) -> None:
        child = store.child("a")
        outside = [store.native_path("b"), store.native_path("ab"), store.native_path(), "elsewhere"]
        outside += [f"{child.native_path()}b/c", f"{child.native_path('x')}/../../b"]
        for native in outside:
            with pytest.raises(InvalidPath):
                child.to_key(native)
        with pytest.raises(TypeError):
            child.to_key(7)  # type: ignore[arg-type]

    @clause("PLACE-04")
    def test_unwrap_gives_the_backend_or_says_no(self, store: Store) -> None:
        backend = backend_of(store)
        assert store.unwrap(type(backend)) is backend
        assert isinstance(store.unwrap(Backend), type(backend))
        with pytest.raises(CapabilityNotSupported) as caught:
            store.unwrap(complex)
        assert "complex" in str(caught.value)
        assert caught.value.backend == traits_of(store).name
        with pytest.raises(TypeError):
            store.unwrap("text")  # type: ignore[arg-type]
