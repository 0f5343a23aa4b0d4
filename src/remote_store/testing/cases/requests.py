"""How many calls of the backend an operation takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remote_store.backend import Copies, Moves
from remote_store.capabilities import Capability
from remote_store.testing.bench import Bench
from remote_store.testing.cases.tables import Watch, backend_of, traits_of
from remote_store.testing.faces import again
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from remote_store.store import Store


class Requests(Bench):
    @clause("REQ-01", "REQ-03", "LAYER-01")
    def test_a_read_is_one_call(self, store: Store) -> None:
        self.plant(store, {"a": b"data"})
        seen: list[str] = []
        watched = again(store, layers=[Watch(seen)])
        reads: list[Any] = [watched.read_bytes, watched.read_text, watched.head, watched.get_file_info]
        reads += [watched.exists, watched.is_file, lambda key: watched.read_range(key, 1, 2)]
        for read in reads:
            seen.clear()
            read("a")
            assert len(seen) == 1, seen
        seen.clear()
        with watched.read("a") as stream:
            assert stream.info.size == 4
            assert seen == ["get"]
            stream.read()
        assert seen.count("get") == 1
        assert set(seen) <= {"get", "chunk"}

    @clause("REQ-01", "REQ-03")
    @needs(Capability.WRITE)
    def test_a_small_write_is_one_call(self, store: Store) -> None:
        seen: list[str] = []
        watched = again(store, layers=[Watch(seen)])
        watched.write("a", b"data")
        watched.write("a", b"again", overwrite=True)
        watched.write("b", iter([b"da", b"ta"]))
        assert seen == ["put", "put", "put"]
        if store.supports(Capability.ATOMIC_WRITE):
            with watched.open_atomic("c") as file:
                file.write(b"x")
            assert seen == ["put"] * 4

    @clause("REQ-01")
    @needs(Capability.DELETE)
    def test_a_delete_is_one_call(self, store: Store) -> None:
        self.plant(store, {"a": b"", "b": b"", "c": b"", "d": b""})
        seen: list[str] = []
        watched = again(store, layers=[Watch(seen)])
        watched.delete("a", missing_ok=True)
        assert seen == ["delete"]
        watched.delete("b")
        assert len(seen) == (2 if traits_of(store).delete_reports_absence else 3)

    @clause("REQ-01", "REQ-04")
    @needs(Capability.COPY, Capability.MOVE)
    def test_copy_and_move_are_as_few_calls_as_the_service_allows(self, store: Store) -> None:
        self.plant(store, {"a": b"data"})
        seen: list[str] = []
        watched = again(store, layers=[Watch(seen)])
        if isinstance(backend_of(store), Copies):
            watched.copy("a", "b", overwrite=True)
            assert seen == ["copy"]
            seen.clear()
            watched.copy("a", "free")
            assert seen == (["copy"] if traits_of(store).exclusive_copy else ["stat", "copy"])
        seen.clear()
        watched.move("a", "c", overwrite=True)
        if isinstance(backend_of(store), Moves):
            assert seen == ["move"]
        elif isinstance(backend_of(store), Copies):
            known = ["stat"] if traits_of(store).compare_and_swap else []  # the version that may be deleted
            assert seen == [*known, "copy", "delete"]
        assert store.read_bytes("c") == b"data"

    @clause("REQ-02")
    @needs(Capability.LIST)
    def test_a_listing_is_a_page_for_every_thousand(self, store: Store) -> None:
        self.plant(store, {f"f/{number % 7}/{number}": b"" for number in range(60)})
        seen: list[str] = []
        watched = again(store, layers=[Watch(seen)])
        assert len(list(watched.list_files(recursive=True))) == 60
        assert set(seen) == {"list"}
        assert len(seen) <= 2
        seen.clear()
        assert watched.get_folder_info("f").file_count == 60
        assert len(seen) <= 2
