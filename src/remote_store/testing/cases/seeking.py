"""Readers that go anywhere in a file."""

from __future__ import annotations

import io
import random
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from remote_store.capabilities import Capability
from remote_store.errors import IntegrityError, NotFound
from remote_store.testing.bench import Bench
from remote_store.testing.cases.reading import noise
from remote_store.testing.cases.tables import raised
from remote_store.testing.faces import again
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from remote_store.store import Store


class Seeking(Bench):
    @clause("SEEK-01")
    @needs(Capability.SEEKABLE_READ)
    def test_a_seekable_reader_does_what_a_local_file_does(self, store: Store) -> None:
        data = noise(10_000)
        self.plant(store, {"a": data})
        chance = random.Random(7)
        local = io.BytesIO(data)
        with store.read_seekable("a") as stream:
            for _ in range(40):
                where, whence = chance.choice(
                    [(chance.randrange(11_000), 0), (chance.randrange(500), 1), (-chance.randrange(9_000), 2)]
                )
                assert stream.seek(where, whence) == local.seek(where, whence)
                size = chance.choice([0, 1, 10, 999, 20_000])
                assert stream.read(size) == local.read(size)
                assert stream.tell() == local.tell()
            stream.seek(5)
            assert stream.read() == data[5:]
            assert stream.read(None) == b""
            room = bytearray(7)
            stream.seek(100)
            assert stream.readinto(room) == 7
            assert room == data[100:107]

    @clause("SEEK-01", "STREAM-02")
    @needs(Capability.SEEKABLE_READ)
    def test_a_seekable_reader_says_what_it_is(self, store: Store) -> None:
        self.plant(store, {"a": b"123"})
        with store.read_seekable("a") as stream:
            assert stream.seekable()
            assert stream.readable()
            assert (stream.info.key, stream.info.size) == ("a", 3)

    @clause("SEEK-03")
    @needs(Capability.SEEKABLE_READ)
    def test_past_the_end_there_is_nothing_and_before_the_start_an_error(self, store: Store) -> None:
        self.plant(store, {"a": b"123", "empty": b""})
        with store.read_seekable("a") as stream:
            assert stream.seek(100) == 100
            assert stream.read() == b""
            assert stream.read(5) == b""
            assert stream.tell() == 100
            for where, whence in ((-1, 0), (-101, 1), (-4, 2)):
                with pytest.raises(ValueError, match="before"):
                    stream.seek(where, whence)
            with pytest.raises(ValueError, match="whence"):
                stream.seek(0, 9)
            wrong: Any = "1"
            with pytest.raises(TypeError):
                stream.seek(wrong)
        with store.read_seekable("empty") as stream:
            assert stream.read() == b""
            assert stream.seek(0, 2) == 0

    @clause("SEEK-04")
    @needs(Capability.SEEKABLE_READ)
    def test_lines_of_a_seekable_reader_are_those_of_a_local_file(self, store: Store) -> None:
        data = b"".join(b"%d:%s\n" % (number, b"y" * (number * 37 % 3000)) for number in range(200)) + b"tail"
        self.plant(store, {"lines": data})
        with store.read_seekable("lines") as stream:
            assert list(stream) == data.splitlines(keepends=True)
            stream.seek(1)
            local = io.BytesIO(data)
            local.seek(1)
            for limit in (-1, 0, 3, 5000, None):
                assert stream.readline(limit) == local.readline(limit)
            assert stream.read(10) == local.read(10)
            assert stream.readline() == local.readline()

    @clause("SEEK-05")
    @needs(Capability.SEEKABLE_READ)
    def test_zipfile_reads_one_member_of_an_archive(self, store: Store) -> None:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for number in range(20):
                archive.writestr(f"member/{number}", noise(5000, number))
        self.plant(store, {"archive.zip": made.getvalue()})
        stream: Any
        with store.read_seekable("archive.zip") as stream, zipfile.ZipFile(stream) as archive:
            assert archive.read("member/13") == noise(5000, 13)
            assert len(archive.namelist()) == 20

    @clause("SEEK-02")
    @needs(Capability.SEEKABLE_READ)
    def test_each_read_asks_for_exactly_its_bytes(self, store: Store) -> None:
        self.plant(store, {"a": noise(500_000)})
        asked: list[Any] = []
        watched = again(store, layers=[_Sizes(asked)])
        with watched.read_seekable("a") as stream:
            opened = len(asked)
            for where in (400_000, 10, 250_000):
                stream.seek(where)
                assert stream.read(64) == noise(500_000)[where : where + 64]
        assert asked[opened:] == [64, 64, 64]

    @clause("SEEK-06", "STREAM-05")
    @needs(Capability.SEEKABLE_READ, Capability.WRITE, Capability.COMPARE_AND_SWAP)
    def test_a_file_replaced_while_it_is_read_is_noticed(self, store: Store) -> None:
        store.write("a", noise(1000, 1))
        with store.read_seekable("a") as stream:
            assert stream.read(10) == noise(1000, 1)[:10]
            store.write("a", noise(1000, 2), overwrite=True)
            with raised(store, IntegrityError, "a"):
                stream.read(10)

    @clause("SEEK-06")
    @needs(Capability.SEEKABLE_READ, Capability.DELETE)
    def test_a_file_deleted_while_it_is_read_is_noticed(self, store: Store) -> None:
        store.write("a", noise(1000))
        with store.read_seekable("a") as stream:
            store.delete("a")
            stream.seek(500)
            with raised(store, IntegrityError, "a"):
                stream.read(10)

    @clause("STREAM-10", "READ-03")
    @needs(Capability.SEEKABLE_READ)
    def test_a_closed_or_missing_seekable_reader_raises(self, store: Store) -> None:
        self.plant(store, {"a": b"123"})
        stream = store.read_seekable("a")
        stream.close()
        for use in (lambda: stream.read(1), stream.tell, lambda: stream.seek(0), stream.readline):
            with pytest.raises(ValueError, match="closed"):
                use()
        with raised(store, NotFound, "missing"):
            store.read_seekable("missing")


class _Sizes:
    """A layer that notes how many bytes each call brought."""

    def __init__(self, asked: list[Any]) -> None:
        self._asked = asked

    async def __call__(self, op: Any, call: Any) -> Any:
        result = await call()
        self._asked.append(len(result) if hasattr(result, "__len__") and not isinstance(result, tuple) else None)
        return result
