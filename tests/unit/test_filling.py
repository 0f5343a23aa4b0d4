"""Bodies that read into a buffer: as whole, as safe and as fast to notice what is wrong as those that hand bytes on."""

import pytest

from remote_store import BackendUnavailable, IntegrityError, Store
from remote_store._ops import read
from remote_store._streams import BLOCK, ROOM
from remote_store.backend import Body
from remote_store.layers.retry import RetryPolicy
from remote_store.testing import clause
from tests.backends.bucket import Bucket

DATA = bytes(range(256)) * 4096
AGAIN = RetryPolicy(base=0.001)


class Filling(Bucket):
    """Its bodies fill buffers, with at most so many bytes at once, and do before that what a test says."""

    traits = Bucket.traits._replace(ranges=True)

    def __init__(self, most=100_000, before=lambda body: None):
        super().__init__({"a": DATA})
        self.most = most
        self.before = before
        self.spans = []
        self.rooms = []
        self.pieces = 0

    async def get(self, key, span=None, if_match=None, version=None):
        self.spans.append((span and span.offset, if_match))
        return _Filling(self, await super().get(key, span, if_match))


class _Filling(Body):
    def __init__(self, backend, body):
        self.backend = backend
        self.entry, self.start, self.length = body.entry, body.start, body.length
        self.left = DATA[body.start : body.start + body.length]

    async def fill(self, buffer):
        self.backend.rooms.append(len(buffer))
        answer = self.backend.before(self)
        if answer is not None:
            return answer
        piece = self.left[: min(self.backend.most, len(buffer))]
        buffer[: len(piece)] = piece
        self.left = self.left[len(piece) :]
        return len(piece)

    async def next(self):
        self.backend.pieces += bool(self.left)
        piece, self.left = self.left[: self.backend.most], self.left[self.backend.most :]
        return piece


def taken(reader, size):
    return b"".join(iter(lambda: reader.read(size), b""))


@clause("STREAM-01", "STREAM-11")
@pytest.mark.parametrize("size", [1000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 2 * len(DATA)])
@pytest.mark.parametrize("most", [1, 100_000, len(DATA)])
def test_a_stream_gives_the_whole_whatever_sizes_are_asked_for(size, most):
    backend = Filling(most if most > 1 else 4099)
    with Store(backend).read("a") as reader:
        assert taken(reader, size) == DATA
        assert reader.tell() == len(DATA)
    assert ROOM <= max(backend.rooms) <= len(DATA)
    assert len(backend.spans) == 1


@clause("STREAM-01")
def test_calls_of_every_kind_may_follow_each_other():
    with Store(Filling()).read("a") as reader:
        whole = bytearray(300_000)
        assert reader.readinto(whole) == len(whole)
        got = bytes(whole) + reader.read(5) + reader.readline() + reader.read1(BLOCK) + next(iter(reader.chunks()))
        got += reader.read(2 * BLOCK)
        assert reader.tell() == len(got)
        assert got + reader.read() == DATA


@clause("STREAM-01")
def test_small_buffers_are_served_from_what_one_trip_brings():
    backend = Filling()
    with Store(backend).read("a") as reader:
        raw = reader.raw
        small, smaller, enough = bytearray(10), bytearray(ROOM - 1), bytearray(ROOM)
        assert [raw.readinto(small), raw.readinto(smaller)] == [10, ROOM - 1]
        assert backend.rooms == []
        assert small + smaller == DATA[: ROOM + 9]
    with Store(backend).read("a") as reader:
        assert reader.raw.readinto(enough) == ROOM
    assert backend.rooms == [ROOM]


@clause("STREAM-01")
def test_a_body_may_hand_its_first_bytes_on():
    class Handing(_Filling):
        async def fill(self, buffer):
            if self.backend.pieces < 2:
                return None
            return await super().fill(buffer)

    backend = Filling()
    with Store(backend).read("a") as reader:
        feed = reader.raw._feed
        feed._body = Handing(backend, feed._body)
        assert taken(reader, 3 * BLOCK) == DATA
    assert backend.pieces == 2
    assert len(backend.rooms) > 4


def test_a_body_that_fills_nothing_is_asked_once_for_each_piece():
    asked = []

    async def note(op, call):
        asked.append(op.name)
        return await call()

    with Store(Bucket({"a": DATA}), layers=[note]).read("a") as reader:
        assert taken(reader, 3 * BLOCK) == DATA
    assert asked == ["get", "chunk", "chunk"]  # all of it, and its end


@clause("STREAM-08")
def test_a_stream_that_breaks_is_taken_up_where_it_broke():
    tries = []

    def breaks(body):
        tries.append(body.start)
        if len(tries) in (3, 4, 8):
            raise ConnectionResetError

    backend = Filling(before=breaks)
    with Store(backend, retry=AGAIN).read("a") as reader:
        assert taken(reader, 2 * len(DATA)) == DATA
        etag = reader.info.etag
    assert backend.spans == [(None, None), (200_000, etag), (200_000, etag), (500_000, etag)]


@clause("STREAM-08", "STREAM-05")
def test_after_a_failure_there_are_no_bytes_any_more():
    def breaks(body):
        if len(body.left) < 900_000:
            raise ConnectionResetError

    with Store(Filling(before=breaks), retry=RetryPolicy(attempts=1)).read("a") as reader:
        buffer = bytearray(2 * BLOCK)
        with pytest.raises(BackendUnavailable):
            taken(reader, 2 * BLOCK)
        for again in (lambda: reader.readinto(buffer), lambda: reader.read(10), reader.read):
            with pytest.raises(IntegrityError, match="earlier read"):
                again()


@clause("STREAM-06")
def test_a_body_that_ends_early_is_refused():
    ends = Filling(before=lambda body: 0 if len(body.left) < 900_000 else None)
    with Store(ends, retry=RetryPolicy(attempts=1)).read("a") as reader, pytest.raises(IntegrityError, match="early"):
        taken(reader, 2 * BLOCK)


@clause("STREAM-07")
@pytest.mark.parametrize("size", [2 * BLOCK, 2 * len(DATA)])
def test_a_body_that_claims_more_than_there_is_room_for_is_refused(size):
    with Store(Filling(before=lambda body: 2 * BLOCK + 1 if size < len(DATA) else len(DATA) + 1)).read("a") as reader:
        with pytest.raises(IntegrityError, match="more bytes"):
            reader.read(size)
        with pytest.raises(IntegrityError, match="earlier read"):
            reader.read(size)


@clause("STREAM-07")
def test_a_body_with_bytes_behind_its_end_is_refused():
    backend = Filling(most=len(DATA))
    with Store(backend).read("a") as reader:
        reader.raw._feed._body.left += b"more"
        with pytest.raises(IntegrityError, match="more bytes"):
            taken(reader, len(DATA))


@clause("STREAM-01")
def test_files_that_come_by_several_requests_fill_nothing(monkeypatch):
    monkeypatch.setattr(read, "PART", 200_000)
    monkeypatch.setattr(read, "TASTE", 100_000)
    backend = Filling()
    backend.traits = backend.traits._replace(parallel_reads=4)
    with Store(backend).read("a") as reader:
        assert taken(reader, 2 * len(DATA)) == DATA
    assert backend.rooms == []
