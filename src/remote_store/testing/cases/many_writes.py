"""Many files written by one call: as a loop would write them, several at a time."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from remote_store.capabilities import Capability
from remote_store.errors import AlreadyExists, InvalidPath
from remote_store.testing.bench import Bench
from remote_store.testing.cases.reading import noise
from remote_store.testing.cases.tables import keys_of, raised
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remote_store.store import Store


class ManyWrites(Bench):
    @clause("MANY-06", "WRITE-06", "WRITE-08", "WRITE-12")
    @needs(Capability.WRITE)
    def test_many_writes_publish_all_and_answer_in_the_order_named(self, store: Store) -> None:
        files = {f"many/{number % 3}/{number}": noise(number * 7, number) for number in range(25)}
        named = [(key, files[key]) for key in reversed(files)]
        written = store.write_many(named)
        assert [(result.key, result.size) for result in written] == [(key, len(data)) for key, data in named]
        assert dict(store.read_many(files)) == files
        for result in (written[0], written[-1]):
            assert store.head(result.key).etag == result.etag
        assert store.write_many([]) == []

    @clause("MANY-06", "WRITE-02", "WRITE-03", "WRITE-04")
    @needs(Capability.WRITE)
    def test_many_writes_take_a_mapping_and_every_shape_of_content(self, store: Store) -> None:
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / "local"
            local.write_bytes(b"of a local file")
            shapes: dict[Any, Any] = {
                "bytes": b"abc",
                "view": memoryview(b"abcdef")[::2],
                "file": io.BytesIO(b"of a file"),
                "chunks": iter([b"a", b"", b"b"]),
                "path": local,
                "big": noise(300_000, 1),
                "empty": b"",
            }
            written = store.write_many(shapes, concurrency=4)
        expected = [b"abc", b"ace", b"of a file", b"ab", b"of a local file", noise(300_000, 1), b""]
        assert [result.key for result in written] == list(shapes)
        assert [data for _, data in store.read_many(shapes)] == expected

    @clause("MANY-06", "OVER-02", "WRITE-10")
    @needs(Capability.WRITE)
    def test_many_writes_replace_with_overwrite_and_may_share_one_buffer(self, store: Store) -> None:
        store.write_many({f"{number}": b"a longer content" for number in range(5)})
        buffer = bytearray(2)

        def pairs() -> Iterator[tuple[str, Any]]:
            for number in range(5):
                buffer[:] = b"v%d" % number
                yield f"{number}", buffer

        store.write_many(pairs(), overwrite=True)
        assert dict(store.read_many(map(str, range(5)))) == {f"{number}": b"v%d" % number for number in range(5)}

    @clause("MANY-06", "MANY-01")
    @needs(Capability.WRITE)
    def test_many_writes_take_what_many_reads_yield(self, store: Store) -> None:
        files = {f"in/{number}": noise(number * 7, number) for number in range(12)}
        store.write_many(files)
        store.child("out").write_many(list(store.read_many(files)))
        assert dict(store.child("out").read_many(files)) == files

    @clause("MANY-07", "OVER-01")
    @needs(Capability.WRITE, Capability.EXCLUSIVE_CREATE)
    def test_a_file_in_the_way_ends_many_writes_after_those_before_it(self, store: Store) -> None:
        store.write("taken", b"old")
        with raised(store, AlreadyExists, "taken") as caught:
            store.write_many([("a", b"1"), ("b", b"2"), ("taken", b"new"), ("c", b"3")])
        assert caught[0].__notes__ == ["files that were named before it, and are written: 2"]
        assert dict(store.read_many(["a", "b", "taken"])) == {"a": b"1", "b": b"2", "taken": b"old"}
        assert not store.exists("c") or store.read_bytes("c") == b"3"

    @clause("MANY-07", "PUB-01")
    @needs(Capability.WRITE)
    def test_what_is_wrong_with_a_pair_waits_for_the_files_before_it(self, store: Store) -> None:
        def torn() -> Iterator[bytes]:
            yield b"x"
            raise KeyError("no more content")

        def pairs() -> Iterator[tuple[str, Any]]:
            yield from (("a", b"1"), ("b", b"2"))
            raise KeyError("no more files")

        cases: list[tuple[Any, type[Exception]]] = [
            ([("a", b"1"), ("b", b"2"), ("c//d", b"3")], InvalidPath),
            ([("a", b"1"), ("b", b"2"), ("torn", torn())], KeyError),
            ([("a", b"1"), ("b", b"2"), ("torn", "text")], TypeError),
            ([("a", b"1"), ("b", b"2"), "ab"], TypeError),
            (pairs(), KeyError),
        ]
        for named, failure in cases:
            with pytest.raises(failure):
                store.write_many(named, overwrite=True)
            assert dict(store.read_many(["a", "b"])) == {"a": b"1", "b": b"2"}
            assert not store.exists("torn")
            if store.supports(Capability.LIST):
                assert keys_of(store) == ["a", "b"]

    @clause("MANY-08", "OVER-02")
    @needs(Capability.WRITE)
    def test_the_later_content_of_a_path_that_is_named_twice_stays(self, store: Store) -> None:
        named = [(key, b"%d" % lap + b"x" * (5 - lap)) for lap in range(4) for key in ("a", "b", "a")]
        written = store.write_many(named, overwrite=True)
        assert [result.size for result in written] == [len(data) for _, data in named]
        assert dict(store.read_many(["a", "b"])) == {"a": b"3xx", "b": b"3xx"}
        with raised(store, AlreadyExists, "c"):
            store.write_many([("c", b"first"), ("c", b"second")])
        assert store.read_bytes("c") == b"first"

    @clause("MANY-08")
    @needs(Capability.WRITE)
    def test_many_writes_pull_files_as_they_go(self, store: Store) -> None:
        pulled = []

        def pairs() -> Iterator[tuple[str, bytes]]:
            for number in range(10_000):
                pulled.append(number)
                yield f"{number}", b"x"

        store.write("2", b"old")
        with raised(store, AlreadyExists, "2"):
            store.write_many(pairs(), concurrency=2)
        assert len(pulled) < 100
        assert dict(store.read_many(["0", "1", "2"])) == {"0": b"x", "1": b"x", "2": b"old"}

    @clause("MANY-09", "OVER-03", "ERR-07")
    @needs(Capability.WRITE)
    def test_many_writes_take_pairs_and_a_sensible_concurrency(self, store: Store) -> None:
        wrong: Any
        for wrong in ("ab", b"ab", None, 3, ["ab"], [("a",)], [("a", b"", b"")], [{"a": b""}]):
            with pytest.raises(TypeError, match="pairs"):
                store.write_many(wrong)
        with pytest.raises(ValueError, match="1 or more"):
            store.write_many({"a": b""}, concurrency=0)
        for wrong in ("2", 1.5, True):
            with pytest.raises(TypeError, match="concurrency"):
                store.write_many({"a": b""}, concurrency=wrong)
        wrong = 1
        with pytest.raises(TypeError, match="overwrite"):
            store.write_many({"a": b""}, overwrite=wrong)
        assert not store.exists("a")
