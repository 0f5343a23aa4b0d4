"""Streams that break: taken up again where that is sound, refused where it is not."""

import gc
import sys

import pytest

from remote_store import (
    AlreadyExists,
    BackendUnavailable,
    IntegrityError,
    NotFound,
    PermissionDenied,
    RemoteStoreError,
    Store,
    Timeout,
)
from remote_store.backend import Body, BytesBody, Concurrency, FileInfo, Page, Span, Traits
from remote_store.backends.memory import MemoryBackend
from remote_store.layers.retry import RetryPolicy
from remote_store.testing import Chaos, clause
from tests.backends.slim import FlatBackend, HierarchicalBackend, Slim

DATA = bytes(range(256)) * 100
AT_ONCE = RetryPolicy(attempts=3, base=0.0)


class Dripping(Slim):
    """Sends a file in pieces, and fails where it is told."""

    traits = Traits(name="dripping", concurrency=Concurrency.INSTANT, ranges=True)

    def __init__(self, *, breaks=(), announced=None, etag="v1", version=None, error=None):
        super().__init__({"a": DATA})
        self.breaks = list(breaks)
        self.announced = announced
        self.etag, self.version = etag, version
        self.error = error or ConnectionResetError("reset")
        self.opened = []
        self.closed = 0

    async def get(self, key, span=None, if_match=None, version=None):
        if if_match not in (None, self.etag):
            from remote_store import PreconditionFailed

            raise PreconditionFailed("another version")
        self.opened.append(span)
        return _Drip(self, span)


class _Drip(Body):
    def __init__(self, backend, span):
        self.backend = backend
        self.start = span.offset if span else 0
        self.left = self.backend.files["a"][self.start :]
        self.entry = FileInfo("a", len(DATA), 0.0, backend.etag, version=backend.version)
        self.length = len(self.left) if backend.announced is None else backend.announced

    async def next(self):
        if self.backend.breaks and len(DATA) - len(self.left) >= self.backend.breaks[0]:
            del self.backend.breaks[0]
            raise self.backend.error
        piece, self.left = self.left[:1000], self.left[1000:]
        return piece

    async def close(self):
        self.backend.closed += 1


@clause("STREAM-08", "RETRY-05")
@pytest.mark.parametrize("attempts", [2, 3])
@pytest.mark.parametrize("pins", [{}, {"etag": None, "version": "1"}], ids=["etag", "version"])
def test_a_stream_that_breaks_goes_on_where_it_broke(attempts, pins):
    backend = Dripping(breaks=[5000, 12000], **pins)
    with Store(backend, retry=AT_ONCE._replace(attempts=attempts)).read("a") as stream:
        assert stream.read() == DATA
    assert backend.opened == [None, Span(5000, len(DATA) - 5000), Span(12000, len(DATA) - 12000)]
    assert backend.closed == 3


@clause("STREAM-08", "RETRY-05")
def test_a_broken_stream_waits_as_long_as_the_service_asks_before_it_goes_on(monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    backend = Dripping(breaks=[5000, 12000], error=BackendUnavailable("slow down"))
    backend.error.retry_after = 2.5
    with Store(backend, retry=AT_ONCE).read("a") as stream:
        assert stream.read() == DATA
    assert slept == [2.5, 2.5]


@clause("RETRY-05")
def test_a_stream_that_is_refused_is_not_asked_for_again():
    backend = Dripping(breaks=[5000], error=PermissionError(13, "refused"))
    with Store(backend, retry=AT_ONCE).read("a") as stream, pytest.raises(PermissionDenied):
        stream.read()
    assert backend.opened == [None]


@clause("STREAM-08")
def test_a_stream_of_a_service_without_ranges_is_not_taken_up():
    backend = Dripping(breaks=[5000])
    backend.traits = backend.traits._replace(ranges=False)
    with Store(backend, retry=AT_ONCE).read("a") as stream, pytest.raises(BackendUnavailable):
        stream.read()
    assert backend.opened == [None]


@clause("STREAM-05", "STREAM-08")
def test_a_stream_is_not_taken_up_with_bytes_from_elsewhere():
    class Elsewhere(Dripping):
        async def get(self, key, span=None, if_match=None, version=None):
            return await super().get(key, span and span._replace(offset=span.offset - 1), if_match, version)

    backend = Elsewhere(breaks=[5000])
    with (
        Store(backend, retry=AT_ONCE).read("a") as stream,
        pytest.raises(IntegrityError, match="other bytes") as caught,
    ):
        stream.read()
    assert not caught.value.retryable
    assert len(backend.opened) == backend.closed == 2


@clause("RETRY-03")
def test_no_piece_of_a_stream_is_asked_for_twice():
    asked = []

    async def note(op, call):
        asked.append(op)
        return await call()

    with Store(Dripping(), layers=[note]).read("a") as stream:
        assert stream.read() == DATA
    pieces = [(op.repeatable, op.writes) for op in asked if op.name == "chunk"]
    assert pieces == [(False, False)] * (-(-len(DATA) // 1000) + 1)


@clause("STREAM-08")
def test_a_stream_without_a_version_is_not_taken_up():
    backend = Dripping(breaks=[5000], etag=None)
    with Store(backend, retry=AT_ONCE).read("a") as stream, pytest.raises(BackendUnavailable) as caught:
        stream.read()
    assert (caught.value.path, caught.value.backend) == ("a", "dripping")
    assert len(backend.opened) == 1


@clause("STREAM-05", "STREAM-08")
def test_a_stream_of_a_file_that_changed_meanwhile_is_not_taken_up():
    backend = Dripping(breaks=[5000])
    with Store(backend, retry=AT_ONCE).read("a") as stream:
        assert stream.read(100) == DATA[:100]
        backend.etag = "v2"
        with pytest.raises(IntegrityError, match="replaced") as caught:
            stream.read()
    assert not caught.value.retryable


@clause("RETRY-05")
def test_a_stream_that_always_breaks_ends_with_its_error():
    backend = Dripping(breaks=[0] * 10)
    with Store(backend, retry=AT_ONCE).read("a") as stream, pytest.raises(BackendUnavailable):
        stream.read()
    assert len(backend.opened) == 3


@clause("STREAM-06")
@pytest.mark.parametrize("read", ["bytes", "stream", "range"])
def test_a_body_shorter_than_announced_is_refused(read):
    store = Store(Dripping(announced=len(DATA) + 5), retry=RetryPolicy(attempts=1))
    with pytest.raises(IntegrityError, match="ended 5 bytes early") as caught:
        {
            "bytes": store.read_bytes,
            "stream": lambda key: store.read(key).read(),
            "range": lambda key: store.read_range(key, 0),
        }[read]("a")
    assert (caught.value.path, caught.value.backend) == ("a", "dripping")


@clause("STREAM-07")
@pytest.mark.parametrize("read", ["bytes", "stream"])
def test_a_body_longer_than_announced_is_refused(read):
    store = Store(Dripping(announced=len(DATA) - 5), retry=RetryPolicy(attempts=1))
    with pytest.raises(IntegrityError, match="more"):
        store.read_bytes("a") if read == "bytes" else store.read("a").read()


@clause("STREAM-04")
def test_a_stream_left_early_is_closed_with_it():
    backend = Dripping()
    with Store(backend).read("a") as stream:
        stream.read(10)
    assert backend.closed == 1
    stream = Store(backend).read("a")
    stream.read(10)
    del stream
    assert backend.closed == 2


class InPieces(Slim):
    """Sends pieces that are larger than a reader's buffer."""

    async def get(self, key, span=None, if_match=None, version=None):
        return _Pieces(self.info(key), self.files[key])


class _Pieces(BytesBody):
    async def next(self):
        piece, self.data = self.data[:200_000], self.data[200_000:]
        return piece


@clause("STREAM-11")
@pytest.mark.parametrize("first", [0, 1, 200_000, 700_000])
def test_what_is_read_to_the_end_counts_with_what_was_read_before(first):
    with Store(InPieces({"a": bytes(700_000)})).read("a") as stream:
        assert len(stream.read(first)) == stream.tell() == first
        assert len(stream.read()) == 700_000 - first
        assert stream.tell() == 700_000


@clause("STREAM-03", "STREAM-09")
def test_a_piece_of_a_seekable_stream_is_not_the_whole_of_a_big_file():
    store = Store(MemoryBackend())
    store.write("a", bytes(300 << 10))
    with store.read_seekable("a") as stream:
        pieces = [len(piece) for piece in iter(stream.read1, b"")]
    assert sum(pieces) == 300 << 10
    assert max(pieces) == 128 << 10


def test_an_interrupt_while_a_block_is_made_is_all_that_is_heard(monkeypatch):
    def interrupt(frame, event, argument):
        if (event, frame.f_code.co_qualname) == ("call", "AtomicWrite.__init__"):
            raise KeyboardInterrupt

    noise = []
    monkeypatch.setattr(sys, "unraisablehook", noise.append)
    store = Store(MemoryBackend())
    sys.setprofile(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            store.open_atomic("a")
    finally:
        sys.setprofile(None)
    gc.collect()
    assert noise == []


@clause("STREAM-04")
def test_a_stream_that_was_read_to_its_end_holds_no_connection():
    backend = Dripping()
    stream = Store(backend).read("a")
    assert (stream.read(len(DATA)), stream.read(1)) == (DATA, b"")
    assert backend.closed == 1
    stream.close()
    assert backend.closed == 1


class Circling(FlatBackend):
    """After so many pages, listings go round in a circle of so many."""

    def __init__(self, before, circle):
        super().__init__()
        self.before, self.circle, self.asked = before, circle, 0

    def next(self, token):
        self.asked += 1
        at = -1 if token is None else token
        return at + 1 if at + 1 < self.before + self.circle else self.before

    async def list(self, folder, recursive, token, limit):
        return Page([], self.next(token))

    async def versions(self, key, token):
        return Page([], self.next(token))


@clause("LIST-14")
@pytest.mark.parametrize("before", [0, 1, 5])
@pytest.mark.parametrize("circle", [1, 2, 3, 50])
def test_pages_that_lead_round_in_a_circle_raise(before, circle):
    for ask in (
        lambda store: list(store.list_files("folder")),
        lambda store: list(store.list_folders("folder")),
        lambda store: list(store.list_versions("folder")),
        lambda store: store.get_folder_info("folder"),
        lambda store: store.is_folder("folder"),
        lambda store: store.exists("folder"),
        lambda store: store.delete_folder("folder"),
    ):
        backend = Circling(before, circle)
        with pytest.raises(RemoteStoreError, match="back to one") as caught:
            ask(Store(backend))
        assert caught.value.path == "folder"
        assert backend.asked <= 3 * (before + circle) + 2


@clause("LIST-08")
def test_many_pages_that_only_look_alike_are_no_circle():
    class Long(Circling):
        async def list(self, folder, recursive, token, limit):
            at = self.next(token)
            return Page([], {"page": at} if at < 1000 else None)

        def next(self, token):
            return (token or {"page": 0})["page"] + 1

    assert list(Store(Long(0, 0)).list_files()) == []


@clause("MOVE-05")
@pytest.mark.parametrize("kind", [FlatBackend, HierarchicalBackend])
def test_a_move_without_a_rename_keeps_the_source_until_the_copy_is_proven(kind):
    backend = kind({"source": DATA})
    for at in range(1, 12):
        failing = Store(backend, layers=[Chaos(at=[at])])
        try:
            failing.move("source", "target", overwrite=True)
        except (BackendUnavailable, Timeout):
            pass
        else:
            break
        assert DATA in (backend.files.get("source"), backend.files.get("target"))
        backend.files.setdefault("source", DATA)
    assert backend.files == {"target": DATA}


class Cutting(FlatBackend):
    async def put(self, key, data, options):
        return await super().put(key, data[:-1], options)


@clause("MOVE-05", "COPY-01")
def test_a_copy_that_came_out_short_is_noticed_and_the_source_stays():
    backend = Cutting({"source": DATA})
    with pytest.raises(IntegrityError):
        Store(backend).move("source", "target")
    assert backend.files["source"] == DATA


class Stubborn(FlatBackend):
    async def delete(self, key, if_match=None):
        if key == "b":
            raise PermissionError(13, "no")
        await super().delete(key)

    def classify(self, exc, op):
        return NotFound if isinstance(exc, KeyError) else None


@clause("DEL-05")
def test_delete_many_tries_all_before_it_raises():
    backend = Stubborn({"a": b"", "b": b"", "c": b""})
    with pytest.raises(RemoteStoreError) as caught:
        Store(backend).delete_many(["a", "b", "c"])
    assert caught.value.path == "b"
    assert "1 of 3" in "".join(caught.value.__notes__)
    assert list(backend.files) == ["b"]


@clause("PUB-01", "OVER-01")
def test_an_upload_that_cannot_win_is_refused_before_its_bytes_move():
    backend = HierarchicalBackend({"a": b"old"})
    taken = []

    def chunks():
        for number in range(100):
            taken.append(number)
            yield bytes(1000)

    with pytest.raises(AlreadyExists):
        Store(backend).write("a", chunks())
    assert len(taken) < 5
    assert backend.drafts == []


class FailingBatch(FlatBackend):
    calls = 0

    async def delete_many(self, keys):
        self.calls += 1
        if self.calls == 2:
            raise PermissionError(13, "no")
        for key in keys:
            del self.files[key]
        return ()


@clause("DEL-05")
def test_delete_many_goes_on_after_a_request_that_failed_whole():
    backend = FailingBatch({f"{number:04}": b"" for number in range(2500)})
    with pytest.raises(RemoteStoreError) as caught:
        Store(backend).delete_many(sorted(backend.files))
    assert "1000 of 2500" in "".join(caught.value.__notes__)
    assert sorted(backend.files) == [f"{number:04}" for number in range(1000, 2000)]
