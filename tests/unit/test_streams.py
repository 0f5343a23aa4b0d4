"""Streams that break: taken up again where that is sound, refused where it is not."""

import pytest

from remote_store import AlreadyExists, BackendUnavailable, IntegrityError, NotFound, RemoteStoreError, Store, Timeout
from remote_store.backend import Body, Concurrency, FileInfo, Page, Traits
from remote_store.layers.retry import RetryPolicy
from remote_store.testing import Chaos, clause
from tests.backends.slim import FlatBackend, HierarchicalBackend, Slim

DATA = bytes(range(256)) * 100
AT_ONCE = RetryPolicy(attempts=3, base=0.0)


class Dripping(Slim):
    """Sends a file in pieces, and fails where it is told."""

    traits = Traits(name="dripping", concurrency=Concurrency.INSTANT, ranges=True)

    def __init__(self, *, breaks=(), announced=None, etag="v1"):
        super().__init__({"a": DATA})
        self.breaks = list(breaks)
        self.announced = announced
        self.etag = etag
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
        self.entry = FileInfo("a", len(DATA), 0.0, backend.etag)
        self.length = len(self.left) if backend.announced is None else backend.announced

    async def next(self):
        if self.backend.breaks and len(DATA) - len(self.left) >= self.backend.breaks[0]:
            del self.backend.breaks[0]
            raise ConnectionResetError("reset")
        piece, self.left = self.left[:1000], self.left[1000:]
        return piece

    async def close(self):
        self.backend.closed += 1


@clause("STREAM-08", "RETRY-05")
def test_a_stream_that_breaks_goes_on_where_it_broke():
    backend = Dripping(breaks=[5000, 12000])
    with Store(backend, retry=AT_ONCE).read("a") as stream:
        assert stream.read() == DATA
    assert [span and span.offset for span in backend.opened] == [None, 5000, 12000]
    assert backend.closed == 3


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
    with pytest.raises(IntegrityError, match="early") as caught:
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


class Looping(FlatBackend):
    async def list(self, folder, recursive, token, limit):
        return Page([self.info(key) for key in self.files], "again")


@clause("LIST-14")
def test_a_listing_that_stands_still_raises():
    store = Store(Looping({"a": b""}))
    with pytest.raises(RemoteStoreError, match="still") as caught:
        list(store.list_files("folder"))
    assert caught.value.path == "folder"


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
