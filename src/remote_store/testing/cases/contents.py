"""What may be written: every shape of content, every size, text, and what comes back from a write."""

from __future__ import annotations

import array
import io
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from remote_store.backend import Uploads
from remote_store.capabilities import Capability
from remote_store.errors import AlreadyExists, InvalidPath, NotFound
from remote_store.path import RemotePath
from remote_store.testing.bench import Bench
from remote_store.testing.cases.reading import noise
from remote_store.testing.cases.tables import backend_of, keys_of, raised, traits_of
from remote_store.testing.faces import Awaited
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from remote_store.store import Store


class Contents(Bench):
    @clause("WRITE-01", "WRITE-10")
    @needs(Capability.WRITE)
    def test_any_bytes_like_is_content(self, store: Store) -> None:
        numbers = array.array("I", [1, 2, 3, 4])
        shapes: dict[str, tuple[Any, bytes]]
        grid = memoryview(bytes(range(12))).cast("B", (3, 4))
        shapes = {
            "bytes": (b"abc", b"abc"),
            "bytearray": (bytearray(b"abc"), b"abc"),
            "memoryview": (memoryview(b"xabcx")[1:4], b"abc"),
            "numbers": (memoryview(numbers), numbers.tobytes()),
            "every other": (memoryview(b"abcdef")[::2], b"ace"),
            "grid": (grid, bytes(range(12))),
        }
        for key, (content, expected) in shapes.items():
            assert store.write(key, content).size == len(expected)
            assert store.read_bytes(key) == expected

    @clause("WRITE-10")
    @needs(Capability.WRITE)
    def test_changing_a_buffer_after_the_write_changes_nothing(self, store: Store) -> None:
        buffer = bytearray(b"before")
        store.write("a", buffer)
        buffer[:] = b"after!"
        assert store.read_bytes("a") == b"before"

    @clause("WRITE-10", "WRITE-03")
    @needs(Capability.WRITE)
    def test_chunks_may_share_one_buffer(self, store: Store) -> None:
        buffer = bytearray(100_000)

        def chunks() -> Any:
            for number in range(40):
                buffer[:] = bytes([number]) * len(buffer)
                yield buffer

        store.write("a", chunks())
        assert store.read_bytes("a") == b"".join(bytes([number]) * len(buffer) for number in range(40))

    @clause("WRITE-02")
    @needs(Capability.WRITE)
    def test_a_file_is_written_from_where_it_stands(self, store: Store) -> None:
        file = io.BytesIO(b"0123456789")
        file.seek(4)
        store.write("a", file)
        assert store.read_bytes("a") == b"456789"
        with tempfile.TemporaryFile() as real:
            real.write(noise(300_000))
            real.seek(0)
            store.write("b", real)
        assert store.read_bytes("b") == noise(300_000)
        store.write("c", io.BytesIO())
        assert store.read_bytes("c") == b""

    @clause("WRITE-03")
    @needs(Capability.WRITE)
    def test_chunks_of_any_kind_are_joined(self, store: Store) -> None:
        chunks: list[bytes | bytearray | memoryview] = [b"", b"ab", bytearray(b"c"), b"", memoryview(b"de"), b""]
        store.write("a", iter(chunks))
        assert store.read_bytes("a") == b"abcde"
        store.write("b", [b"x"] * 1000)
        assert store.read_bytes("b") == b"x" * 1000
        store.write("c", [])
        assert store.read_bytes("c") == b""

    @clause("WRITE-03", "FACE-02")
    @needs(Capability.WRITE)
    def test_the_async_face_takes_async_chunks_and_files(self, store: Store) -> None:
        if not isinstance(store, Awaited):
            return

        async def chunks() -> AsyncIterator[bytes]:
            for piece in (b"ab", b"", b"cd"):
                yield piece

        class File:
            def __init__(self) -> None:
                self._left = io.BytesIO(noise(200_000))

            async def read(self, size: int) -> bytes:
                return self._left.read(size)

        shown: Any = store
        shown.write("chunks", chunks())
        shown.write("file", File())
        assert store.read_bytes("chunks") == b"abcd"
        assert store.read_bytes("file") == noise(200_000)

    @clause("WRITE-04")
    @needs(Capability.WRITE)
    def test_a_local_path_is_content(self, store: Store) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "local"
            path.write_bytes(noise(200_000))
            assert store.write("a", path).size == 200_000
            with pytest.raises(NotFound):
                store.write("b", path.with_name("missing"))
        assert store.read_bytes("a") == noise(200_000)
        assert not store.exists("b")

    @clause("WRITE-05", "WRITE-04", "ERR-07")
    @needs(Capability.WRITE)
    def test_other_content_is_refused_and_nothing_written(self, store: Store) -> None:
        wrong: Any
        for wrong in (None, "text", 7, 1.5, object(), {"a": b"b"}, RemotePath("a"), io.StringIO("text"), ["text"], [1]):
            with pytest.raises(TypeError, match=r"content|bytes"):
                store.write("a", wrong)
        assert not store.exists("a")

    @clause("WRITE-06", "FACT-07")
    @needs(Capability.WRITE)
    def test_a_write_tells_what_it_published(self, store: Store) -> None:
        result = store.write("folder/a", b"12345")
        facts = store.get_file_info("folder/a")
        assert (result.key, result.size) == ("folder/a", 5)
        assert str(result.path) == "folder/a"
        if result.modified is not None:
            assert abs(result.modified - facts.modified) < 2
        assert abs(facts.modified - time.time()) < 120

    @clause("WRITE-12")
    @needs(Capability.WRITE)
    def test_the_etag_of_a_write_is_the_one_that_is_found(self, store: Store) -> None:
        first = store.write("a", b"one")
        assert store.head("a").etag == store.get_file_info("a").etag
        if first.etag is None:
            assert not store.supports(Capability.COMPARE_AND_SWAP)
            return
        assert first.etag == store.head("a").etag
        with store.read("a") as stream:
            assert stream.info.etag == first.etag
        second = store.write("a", b"two", overwrite=True)
        assert second.etag != first.etag
        assert second.etag == store.head("a").etag

    @clause("WRITE-07")
    @needs(Capability.WRITE)
    def test_text_is_encoded_and_its_newlines_stay(self, store: Store) -> None:
        store.write_text("a", "x\ny\r\nü")
        assert store.read_bytes("a") == "x\ny\r\nü".encode()
        store.write_text("b", "ü", "latin-1")
        assert store.read_bytes("b") == b"\xfc"
        store.write_text("c", "ü", "ascii", "replace")
        assert store.read_bytes("c") == b"?"
        with pytest.raises(UnicodeEncodeError):
            store.write_text("d", "ü", "ascii")
        wrong: Any = b"bytes"
        with pytest.raises(TypeError, match="str"):
            store.write_text("d", wrong)
        assert not store.exists("d")
        store.write_text("a", "new", overwrite=True)
        assert store.read_text("a") == "new"

    @clause("WRITE-08", "FACT-08")
    @needs(Capability.WRITE)
    def test_folders_above_need_not_exist(self, store: Store) -> None:
        store.write("a/b/c/d/e", b"deep")
        assert store.read_bytes("a/b/c/d/e") == b"deep"
        if store.supports(Capability.LIST):
            assert all(store.is_folder(key) for key in ("a", "a/b", "a/b/c", "a/b/c/d"))

    @clause("WRITE-09", "PUB-10")
    @needs(Capability.WRITE)
    def test_sizes_around_a_part_arrive_whole(self, store: Store) -> None:
        part = traits_of(store).parts.size if isinstance(backend_of(store), Uploads) else 100_000
        for size in (part - 1, part, part + 1, 2 * part + 1):
            data = noise(size)
            chunk = part // 3 + 1
            pieces = (data[start : start + chunk] for start in range(0, size, chunk))
            assert store.write("streamed", pieces, overwrite=True).size == size
            assert store.read_bytes("streamed") == data
            assert store.get_file_info("streamed").size == size

    @clause("WRITE-09")
    @needs(Capability.WRITE)
    def test_one_chunk_of_several_parts_arrives_whole(self, store: Store) -> None:
        part = traits_of(store).parts.size if isinstance(backend_of(store), Uploads) else 100_000
        data = noise(2 * part + 5)
        store.write("a", [data])
        assert store.read_bytes("a") == data
        store.write("b", io.BytesIO(data))
        assert store.read_bytes("b") == data

    @clause("WRITE-11")
    @needs(Capability.WRITE, hierarchical=True)
    def test_a_file_and_a_folder_cannot_share_a_name(self, store: Store) -> None:
        store.write("folder/file", b"old")
        for overwrite in (False, True):
            with raised(store, InvalidPath, "folder"):
                store.write("folder", b"new", overwrite=overwrite)
            with raised(store, InvalidPath, "folder/file/below"):
                store.write("folder/file/below", b"new", overwrite=overwrite)
        assert store.read_bytes("folder/file") == b"old"

    @clause("WRITE-11")
    @needs(Capability.WRITE, Capability.LIST, hierarchical=False)
    def test_a_file_and_a_folder_may_share_a_name(self, store: Store) -> None:
        store.write("a", b"file")
        store.write("a/b", b"below")
        assert keys_of(store) == ["a", "a/b"]
        assert store.is_file("a")
        assert store.is_folder("a")
        store.delete("a")
        assert store.read_bytes("a/b") == b"below"

    @clause("OVER-01", "EXCL-01")
    @needs(Capability.WRITE)
    def test_an_existing_file_is_not_replaced_by_default(self, store: Store) -> None:
        store.write("a", b"old")
        before = store.head("a")
        writes: list[Any] = [lambda: store.write("a", b"new"), lambda: store.write("a", iter([b"n", b"ew"]))]
        writes += [lambda: store.write_text("a", "new"), lambda: store.write("a", b"")]
        if store.supports(Capability.ATOMIC_WRITE):
            writes.append(lambda: store.write_atomic("a", b"new"))
        for write in writes:
            with raised(store, AlreadyExists, "a"):
                write()
        assert store.read_bytes("a") == b"old"
        assert store.head("a") == before

    @clause("OVER-02")
    @needs(Capability.WRITE)
    def test_overwriting_replaces_the_whole(self, store: Store) -> None:
        store.write("a", noise(100_000))
        store.write("a", b"short", overwrite=True)
        assert store.read_bytes("a") == b"short"
        assert store.get_file_info("a").size == 5
        store.write("a", b"", overwrite=True)
        assert store.read_bytes("a") == b""
        store.write("new", b"also", overwrite=True)
        assert store.read_bytes("new") == b"also"

    @clause("OVER-03")
    @needs(Capability.WRITE)
    def test_overwrite_is_a_bool(self, store: Store) -> None:
        wrong: Any
        for wrong in (None, 1, "yes"):
            with pytest.raises(TypeError, match="overwrite"):
                store.write("a", b"", overwrite=wrong)
        assert not store.exists("a")

    @clause("PUB-11")
    @needs(Capability.ATOMIC_WRITE)
    def test_an_atomic_write_takes_what_a_write_takes(self, store: Store) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / os.urandom(4).hex()
            path.write_bytes(b"local")
            for content in (b"local", bytearray(b"local"), io.BytesIO(b"local"), iter([b"lo", b"cal"]), path):
                assert store.write_atomic("a", content, overwrite=True).size == 5
                assert store.read_bytes("a") == b"local"
