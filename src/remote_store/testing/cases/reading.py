"""Whole files, ranges, streams and many files at once."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from remote_store.capabilities import Capability
from remote_store.errors import CapabilityNotSupported, InvalidPath, NotFound
from remote_store.testing.bench import Bench
from remote_store.testing.cases.tables import raised
from remote_store.testing.faces import Awaited
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from remote_store.store import Store

BLOCK = 128 << 10


def noise(size: int, seed: int = 0) -> bytes:
    """Return bytes in which every misplaced piece shows."""
    return random.Random(seed).randbytes(size)


class Reading(Bench):
    @clause("READ-01")
    def test_a_file_of_any_size_reads_as_it_was_written(self, store: Store) -> None:
        sizes = [0, 1, 2, 4095, 4096, 65536, BLOCK - 1, BLOCK, BLOCK + 1, 300_000]
        self.plant(store, {f"size/{size}": noise(size) for size in sizes})
        for size in sizes:
            assert store.read_bytes(f"size/{size}") == noise(size)
            assert type(store.read_bytes(f"size/{size}")) is bytes

    @clause("READ-01")
    def test_every_byte_value_survives(self, store: Store) -> None:
        data = bytes(range(256)) * 3 + b"\r\n\n\r\x1a\x00"
        self.plant(store, {"bytes": data})
        assert store.read_bytes("bytes") == data

    @clause("READ-02")
    def test_text_is_decoded_and_its_newlines_stay(self, store: Store) -> None:
        text = "a\r\nb\rc\nü€😀"
        self.plant(store, {"text": text.encode(), "latin": "ü".encode("latin-1")})
        assert store.read_text("text") == text
        assert store.read_text("latin", encoding="latin-1") == "ü"
        assert store.read_text("latin", errors="replace") == "\ufffd"
        with pytest.raises(UnicodeDecodeError):
            store.read_text("latin")

    @clause("READ-03", "ERR-01", "ERR-02")
    def test_a_missing_file_is_not_found(self, store: Store) -> None:
        self.plant(store, {"folder/other": b"x"})
        for key in ("missing", "folder/missing", "no/such/folder/file"):
            for read in (store.read, store.read_bytes, store.read_text, store.get_file_info, store.head):
                with raised(store, NotFound, key):
                    read(key)

    @clause("READ-04", "FACT-05")
    @needs(Capability.LIST)
    def test_a_folder_is_no_file_and_the_error_says_so(self, store: Store) -> None:
        self.plant(store, {"folder/below/file": b"x"})
        for key in ("folder", "folder/below"):
            for read in (store.read, store.read_bytes, store.get_file_info, store.head):
                with raised(store, NotFound, key) as caught:
                    read(key)
                assert "folder" in caught[0].message

    @clause("RANGE-01", "RANGE-02")
    def test_a_range_is_the_slice(self, store: Store) -> None:
        data = noise(1000)
        self.plant(store, {"a": data, "empty": b""})
        edges = [0, 1, 2, 499, 998, 999, 1000, 1001, 5000]
        for offset in edges:
            assert store.read_range("a", offset) == data[offset:]
            for length in edges:
                assert store.read_range("a", offset, length) == data[offset : offset + length], (offset, length)
        assert store.read_range("empty", 0) == b""
        assert store.read_range("empty", 0, 10) == b""
        assert store.read_range("empty", 3, 10) == b""

    @clause("RANGE-03")
    def test_a_range_that_is_none_is_refused(self, store: Store) -> None:
        self.plant(store, {"a": b"abc"})
        for wrong in ((-1,), (0, -1), (-1, -1)):
            with pytest.raises(ValueError, match="0 or more"):
                store.read_range("a", *wrong)
        broken: Any
        for broken in (("0",), (0, "1"), (1.0,), (None,), (True,), (0, True)):
            with pytest.raises(TypeError, match="int"):
                store.read_range("a", *broken)

    @clause("RANGE-04")
    def test_a_range_of_a_missing_file_is_not_found(self, store: Store) -> None:
        for span in ((0,), (0, 0), (0, 1), (9, 1)):
            with raised(store, NotFound, "missing"):
                store.read_range("missing", *span)

    @clause("STREAM-01")
    def test_a_stream_gives_everything_whatever_the_sizes_asked_for(self, store: Store) -> None:
        data = noise(2 * BLOCK + 77)
        self.plant(store, {"a": data})
        for size in (1000, 4096, 65536, BLOCK, BLOCK + 1, len(data), len(data) + 1):
            with store.read("a") as stream:
                pieces = []
                while piece := stream.read(size):
                    pieces.append(piece)
                assert all(len(piece) == size for piece in pieces[:-1])
                assert b"".join(pieces) == data
                assert stream.read(size) == b""
                assert stream.read() == b""

    @clause("STREAM-01", "STREAM-03")
    def test_pieces_lines_and_the_rest_follow_each_other(self, store: Store) -> None:
        lines = [b"%d,%s\n" % (number, b"x" * (number % 97)) for number in range(5000)]
        self.plant(store, {"lines": b"".join(lines)})
        with store.read("lines") as stream:
            assert stream.read(1) == lines[0][:1]
            assert stream.readline() == lines[0][1:]
            assert [next(stream) for _ in range(10)] == lines[1:11]
            assert stream.readline(3) == lines[11][:3]
            assert stream.readline() == lines[11][3:]
            room = bytearray(1000)
            count = stream.readinto(room)
            assert bytes(room[:count]) + stream.read() == b"".join(lines[12:])

    @clause("STREAM-03")
    def test_a_stream_yields_its_lines_and_chunks(self, store: Store) -> None:
        data = b"one\ntwo\n\nlast without end"
        self.plant(store, {"lines": data, "big": noise(2 * BLOCK + 1), "empty": b""})
        with store.read("lines") as stream:
            assert list(stream) == [b"one\n", b"two\n", b"\n", b"last without end"]
        with store.read("big") as stream:
            assert b"".join(stream.chunks()) == noise(2 * BLOCK + 1)
        with store.read("empty") as stream:
            assert list(stream) == []
            assert stream.read() == b""

    @clause("STREAM-11")
    def test_a_stream_counts_what_was_read_of_it(self, store: Store) -> None:
        data = b"one\ntwo\nthree\n" + noise(2 * BLOCK)
        self.plant(store, {"a": data, "empty": b""})
        with store.read("a") as stream:
            assert stream.tell() == 0
            for take in (
                lambda: stream.read(2),
                stream.readline,
                lambda: next(stream),
                lambda: stream.read1(3),
                lambda: stream.readinto(bytearray(10)),
                lambda: next(stream.chunks()),
                lambda: stream.read(BLOCK),
                stream.read,
                stream.read,
            ):
                before = stream.tell()
                taken: Any = take()
                assert stream.tell() == before + (taken if isinstance(taken, int) else len(taken))
            assert stream.tell() == len(data)
            assert not stream.seekable()
        with store.read("empty") as stream:
            assert (stream.read(), stream.tell()) == (b"", 0)

    @clause("STREAM-02", "REQ-03")
    def test_a_stream_knows_what_it_reads(self, store: Store) -> None:
        self.plant(store, {"folder/a": b"12345"})
        with store.read("folder/a") as stream:
            assert stream.info.key == "folder/a"
            assert stream.info.size == 5
            assert stream.info.etag == store.get_file_info("folder/a").etag

    @clause("STREAM-04", "STREAM-10")
    def test_a_stream_closed_early_takes_no_further_reads(self, store: Store) -> None:
        self.plant(store, {"big": noise(4 * BLOCK)})
        stream = store.read("big")
        assert stream.read(10) == noise(4 * BLOCK)[:10]
        stream.close()
        stream.close()
        with pytest.raises(ValueError, match="closed"):
            stream.read(1)
        assert store.read_bytes("big") == noise(4 * BLOCK)

    @clause("STREAM-05")
    @needs(Capability.WRITE, Capability.ATOMIC_WRITE)
    def test_a_stream_never_mixes_two_versions(self, store: Store) -> None:
        from remote_store.errors import RemoteStoreError

        old, new = noise(6 * BLOCK, 1), noise(6 * BLOCK, 2)
        store.write("a", old)
        with store.read("a") as stream:
            got = stream.read(10)
            store.write("a", new, overwrite=True)
            try:
                got += stream.read()
            except RemoteStoreError:
                return
        assert got in (old, new)

    @clause("READ-05")
    def test_a_version_needs_versions(self, store: Store) -> None:
        if store.supports(Capability.VERSIONS):
            return
        for read in (store.read, store.read_bytes, store.read_seekable):
            with pytest.raises(CapabilityNotSupported):
                read("a", version="1")

    @clause("MANY-01")
    def test_many_files_come_in_the_order_named(self, store: Store) -> None:
        files = {f"many/{number}": noise(number * 7, number) for number in range(25)}
        self.plant(store, files)
        named = [*reversed(files), "many/3", "many/3"]
        assert list(store.read_many(named)) == [(key, files[key]) for key in named]
        assert list(store.read_many(named, concurrency=1)) == [(key, files[key]) for key in named]
        assert list(store.read_many([])) == []

    @clause("MANY-02")
    def test_a_missing_file_ends_many_after_those_before_it(self, store: Store) -> None:
        self.plant(store, {"a": b"1", "b": b"2", "c": b"3"})
        got = []
        with raised(store, NotFound, "missing"):
            for item in store.read_many(["a", "b", "missing", "c"]):
                got.append(item)  # noqa: PERF402  what came before the error counts
        assert got == [("a", b"1"), ("b", b"2")]

    @clause("MANY-02")
    def test_what_is_wrong_with_a_name_waits_for_the_files_before_it(self, store: Store) -> None:
        self.plant(store, {"a": b"1", "b": b"2"})

        def names() -> Any:
            yield from ("a", "b")
            raise KeyError("no more names")

        for named, failure in ((["a", "b", "a//b", "a"], InvalidPath), (names(), KeyError)):
            many = iter(store.read_many(named))
            assert [next(many), next(many)] == [("a", b"1"), ("b", b"2")]
            with pytest.raises(failure):
                next(many)
        with raised(store, NotFound, "missing"):
            list(store.read_many(["missing", "a//b"]))

    @clause("MANY-03")
    def test_many_pulls_names_as_it_goes_and_can_be_left(self, store: Store) -> None:
        self.plant(store, {"a": b"1"})
        pulled = []

        def names() -> Any:
            for number in range(10_000):
                pulled.append(number)
                yield "a"

        many: Any = store.read_many(names(), concurrency=2)
        assert next(many) == ("a", b"1")
        many.close()
        assert len(pulled) < 100

    @clause("MANY-04", "ERR-07")
    def test_many_takes_several_paths_and_a_sensible_concurrency(self, store: Store) -> None:
        with pytest.raises(TypeError, match="several"):
            list(store.read_many("abc"))
        with pytest.raises(ValueError, match="1 or more"):
            list(store.read_many(["a"], concurrency=0))
        wrong: Any = "2"
        with pytest.raises(TypeError, match="int"):
            list(store.read_many(["a"], concurrency=wrong))

    @clause("STREAM-03")
    def test_a_sync_stream_is_a_standard_binary_file(self, store: Store) -> None:
        import csv
        import io
        import shutil

        if isinstance(store, Awaited):
            return  # the standard library reads no awaited file
        self.plant(store, {"table": b"a,b\r\n1,2\r\n"})
        with io.TextIOWrapper(store.read("table"), "utf-8", newline="") as text:
            assert list(csv.reader(text)) == [["a", "b"], ["1", "2"]]
        target = io.BytesIO()
        with store.read("table") as stream:
            assert stream.readable()
            shutil.copyfileobj(stream, target)
        assert target.getvalue() == b"a,b\r\n1,2\r\n"
