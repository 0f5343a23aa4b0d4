"""Reading in several requests: big objects in parts, ranges, seeks, lines, versions; which requests, and how pinned."""

import threading

import pytest

from remote_store import CapabilityNotSupported, IntegrityError, InvalidPath, NotFound, RemoteStoreError, Store
from remote_store._io import run
from remote_store._ops import pinned, read
from remote_store.backend import BytesBody, Page, Span
from remote_store.layers.retry import RetryPolicy
from remote_store.testing import clause
from tests.backends.bucket import Wide
from tests.backends.slim import FlatBackend, Slim

DATA = bytes(range(256)) * 4
ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def parts(monkeypatch):
    monkeypatch.setattr(read, "PART", 100)
    monkeypatch.setattr(read, "TASTE", 50)
    monkeypatch.setattr(pinned, "LINE", 16)


@clause("READ-01", "STREAM-05")
def test_a_big_file_comes_in_parts_of_one_version(parts):
    backend = Wide({"r/a": DATA})
    store = Store(backend, "r")
    assert store.read_bytes("a") == DATA
    assert [span for span, _, _ in backend.gets][:1] == [None]
    assert sorted(span for span, _, _ in backend.gets[1:]) == [
        Span(at, min(100, len(DATA) - at)) for at in range(100, len(DATA), 100)
    ]
    assert {etag for _, etag, _ in backend.gets[1:]} == {store.head("a").etag}
    assert backend.closed == len(backend.gets)


def test_parts_are_for_what_is_worth_it_and_can_be_pinned(parts):
    for size, parallel, etagged, requests in (
        (200, 4, True, 2),
        (199, 4, True, 1),
        (200, 1, True, 1),
        (200, 2, True, 2),
        (200, 4, False, 1),
    ):
        backend = Wide({"a": DATA[:size]})
        backend.traits = backend.traits._replace(parallel_reads=parallel)
        backend.etagged = etagged
        store = Store(backend)
        assert store.read_bytes("a") == DATA[:size]
        assert len(backend.gets) == requests
        backend.gets.clear()
        assert store.read_seekable("a").read() == DATA[:size]
        assert len(backend.gets) == requests


def test_a_stream_asks_ahead_once_it_is_read_on():
    backend = Wide({"a": bytes(read.PART * 2 + 10)})

    async def main():
        feed = await read.open_feed(Store(backend)._scope, "a")
        asked = []
        for _ in range(4):
            data = await feed.next()
            asked.append((len(data), len(backend.gets)))
        await feed.close()
        return asked

    asked = run(main())
    assert [size for size, _ in asked] == [read.PART, read.PART, 10, 0]
    assert (asked[0][1], asked[-1][1]) == (1, 3)


def replaced(backend):
    backend.files["a"] = DATA[::-1]
    backend.etags.pop("a")


@clause("STREAM-05")
def test_parts_of_another_version_are_refused(parts):
    backend = Wide({"a": DATA})
    backend.spoilt = {None: lambda body: replaced(backend)}
    with pytest.raises(RemoteStoreError):
        Store(backend, retry=ONCE).read_bytes("a")


def shorter(body):
    body.data = body.data[:-1]
    body.length -= 1


def longer(body):
    body.data += b"x"
    body.length += 1


def elsewhere(body):
    body.start += 1


def sought(store):
    file = store.read_seekable("a")
    file.seek(200)
    file.read(7)


ASKS = {"whole": lambda store: store.read_bytes("a"), "seek": sought}


@clause("STREAM-06")
@pytest.mark.parametrize("spoil", [shorter, longer, elsewhere])
@pytest.mark.parametrize("ask", ASKS)
def test_a_part_that_is_not_the_one_asked_for_is_refused_for_good(parts, spoil, ask):
    backend = Wide({"a": DATA})
    backend.spoilt = {200: spoil}
    store = Store(backend, retry=RetryPolicy(attempts=3, base=0.0))
    with pytest.raises(IntegrityError) as raised:
        ASKS[ask](store)
    assert not raised.value.retryable
    assert sum(span is not None and span.offset == 200 for span, _, _ in backend.gets) == 1
    assert ("1 bytes early" if spoil is shorter else "other bytes") in raised.value.message


@clause("STREAM-07")
def test_what_comes_after_the_end_is_refused():
    class Dripping(Wide):
        async def get(self, *args):
            body = await super().get(*args)
            left = [b"0123456789", b"more"]

            async def drip():
                return left.pop(0) if left else b""

            body.next, body.length = drip, 10
            return body

    store = Store(Dripping({"a": b"0123456789more"}), retry=ONCE)
    with store.read("a") as stream, pytest.raises(IntegrityError, match="more bytes arrived"):
        stream.read()
    with store.read("a") as stream:
        assert stream.read(10) == b"0123456789"
        for _ in range(2):
            with pytest.raises(IntegrityError) as raised:
                stream.read()
        assert not raised.value.retryable


class WholeOnly(Slim):
    """Knows no ranges."""

    async def get(self, key, span=None, if_match=None, version=None):
        return await super().get(key)


@clause("RANGE-01")
@pytest.mark.parametrize("make", [Wide, FlatBackend, WholeOnly])
def test_ranges_are_slices_whoever_cuts_them(make):
    store = Store(make({"a": DATA[:30]}))
    for offset, length in ((0, 1), (5, 10), (29, 5), (30, 1), (99, None), (7, None), (4, 0)):
        end = None if length is None else offset + length
        assert store.read_range("a", offset, length) == DATA[:30][offset:end]
    with pytest.raises(NotFound):
        store.read_range("b", 0, 0)


def test_a_range_of_nothing_moves_no_bytes_and_one_of_something_only_its_own():
    backend = Wide({"a": DATA})
    store = Store(backend)
    assert store.read_range("a", 5, 0) == b""
    assert (backend.gets, backend.stats) == ([], 1)
    store.read_range("a", 5, 1)
    assert backend.gets == [(Span(5, 1), None, None)]


@clause("READ-01", "RANGE-01")
@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_what_is_read_is_bytes_whatever_the_client_hands_out(kind):
    class Other(Wide):
        async def get(self, *args):
            body = await super().get(*args)
            return BytesBody(body.entry, kind(await body.all()), body.start)

    store = Store(Other({"a": DATA}))
    for data in (store.read_bytes("a"), store.read_range("a", 0, None), next(store.read_many(["a"]))[1]):
        assert (type(data), data) == (bytes, DATA)


@clause("MANY-01", "MANY-03")
def test_many_pulls_twice_as_many_names_as_run_at_once_and_ends_with_its_loop():
    pulled = []

    def names():
        for number in range(50):
            pulled.append(number)
            yield str(number)

    store = Store(Wide({str(number): b"x" for number in range(50)}))
    files = store.read_many(names(), concurrency=3)
    assert next(files) == ("0", b"x")
    assert len(pulled) == 6
    assert next(files) == ("1", b"x")
    assert len(pulled) == 7
    files.close()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("remote-store")] == []
    assert [key for key, _ in store.read_many(str(number) for number in range(20))] == [str(n) for n in range(20)]


@clause("SEEK-02", "SEEK-04")
def test_a_seekable_reader_keeps_the_lines_that_it_fetched(parts):
    text = b"0123\n56789\nb\n" + b"x" * 40 + b"\nend"
    backend = Wide({"a": text})
    file = Store(backend).read_seekable("a")
    assert file.readline() == b"0123\n"
    assert file.readline() == b"56789\n"
    assert len(backend.gets) == 1
    file.seek(0)
    assert file.read(16) == text[:16]
    assert (file.seek(3), file.read(2)) == (3, b"3\n")
    assert len(backend.gets) == 1
    assert (file.seek(15), file.read(2)) == (15, b"xx")
    assert len(backend.gets) == 2
    assert (file.seek(11), file.readline(2), file.readline(30), file.readline()) == (
        11,
        b"b\n",
        b"x" * 30,
        b"x" * 10 + b"\n",
    )
    assert (file.readline(0), file.readline(), file.readline()) == (b"", b"end", b"")
    assert {etag for _, etag, _ in backend.gets} == {file.info.etag}


@clause("SEEK-01", "SEEK-04")
def test_what_stands_before_the_lines_that_were_fetched_is_asked_for(parts):
    text = b"".join(b"%02d\n" % number for number in range(20))
    file = Store(Wide({"a": text})).read_seekable("a")
    for again, expected in ((lambda: file.read(6), b"07\n08\n"), (file.readline, b"07\n")):
        assert (file.seek(30), file.readline()) == (30, b"10\n")
        assert (file.seek(21), again()) == (21, expected)


@clause("SEEK-01")
def test_much_of_a_seekable_reader_comes_in_parts_too(parts):
    backend = Wide({"a": DATA})
    file = Store(backend).read_seekable("a")
    file.seek(10)
    assert file.read(450) == DATA[10:460]
    assert backend.gets[0][0] == Span(10, 450)
    assert {etag for _, etag, _ in backend.gets} == {file.info.etag}
    assert len(backend.gets) == 5
    for offset in (True, "1", 1.5, None):
        with pytest.raises(TypeError, match="offset is an int"):
            file.seek(offset)
    with pytest.raises(ValueError, match="whence"):
        file.seek(0, 3)
    with pytest.raises(ValueError, match="before the start"):
        file.seek(-1)
    assert (file.seek(0, 2), file.read(), file.read(5)) == (len(DATA), b"", b"")
    assert len(backend.gets) == 5


@clause("SEEK-06")
def test_a_replaced_file_ends_a_seekable_reader_for_good():
    backend = Wide({"a": DATA})
    file = Store(backend, retry=RetryPolicy(attempts=3, base=0.0)).read_seekable("a")
    replaced(backend)
    with pytest.raises(IntegrityError, match="replaced or deleted") as raised:
        file.read(5)
    assert (raised.value.retryable, raised.value.path, raised.value.backend) == (False, "a", "bucket")


def test_facts_that_are_known_are_not_asked_for(parts):
    backend = Wide({"a": DATA})
    store = Store(backend)
    known = store.get_file_info("a")
    for given, asked in ((known, 0), (known._replace(etag=None, version="v"), 0), (known._replace(etag=None), 1)):
        backend.stats = 0
        assert store.read_seekable("a", info=given).info.size == len(DATA)
        assert backend.stats == asked
    with pytest.raises(TypeError, match="FileInfo"):
        store.read_seekable("a", info="a")


class Keeping(Wide):
    """Keeps two versions of every file."""

    async def get(self, key, span=None, if_match=None, version=None):
        body = await super().get(key, span, if_match, version)
        body.entry = body.entry._replace(version=version)
        return body

    async def versions(self, key, token):
        entry = self.info(key)
        if token is None:
            return Page([entry._replace(version="2")], "more")
        return Page([entry._replace(version="1")])


@clause("VERS-01", "VERS-02")
def test_versions_are_listed_and_each_reader_stays_in_its_own(parts):
    backend = Keeping({"r/a": DATA})
    store = Store(backend, "r")
    assert [(info.key, info.version) for info in store.list_versions("a")] == [("a", "2"), ("a", "1")]
    assert store.read_bytes("a", version="1") == DATA
    assert {version for _, _, version in backend.gets} == {"1"}
    backend.gets.clear()
    backend.closed = 0
    with store.read_seekable("a", version="1") as file:
        assert file.info.version == "1"
        assert file.read(3) == DATA[:3]
        assert file.read(300) == DATA[3:303]
    assert {version for _, _, version in backend.gets} == {"1"}
    assert backend.closed == len(backend.gets)
    assert backend.stats == 0
    for call in (store.read_bytes, store.read_seekable, store.read):
        with pytest.raises(TypeError, match="version is a str"):
            call("a", version=1)
        with pytest.raises(CapabilityNotSupported, match="VERSIONS"):
            getattr(Store(Wide({"a": b""})), call.__name__)("a", version="1")


@clause("VERS-02")
def test_facts_of_another_version_than_the_one_asked_for_are_not_used():
    store = Store(backend := Keeping({"a": DATA}))
    newer, older = store.list_versions("a")
    for info, asked in ((newer, 1), (older, 0), (store.get_file_info("a"), 1)):
        backend.gets.clear()
        assert store.read_seekable("a", version="1", info=info).info.version == "1"
        assert len(backend.gets) == asked


class Batched(Wide):
    """Reads small files several at a time."""

    def __init__(self, files=None):
        super().__init__(files)
        self.batches = []

    async def get_many(self, keys):
        self.batches.append(list(keys))
        found = [self.files.get(key) for key in keys]
        return [None if data is None or len(data) > 3 else bytearray(data) for data in found]


@clause("MANY-01", "MANY-03", "MANY-05")
def test_many_come_in_batches_where_the_service_has_them():
    names = [str(number) for number in range(9)]
    files = {f"r/{name}": name.encode() for name in names} | {"r/3": b"bigger than that"}
    backend, pulled = Batched(files), []
    many = Store(backend, "r").read_many((pulled.append(name) or name for name in names), concurrency=5)
    assert next(many) == ("0", b"0")
    assert pulled == names[:6]
    rest = list(many)
    assert rest == [(name, files[f"r/{name}"]) for name in names[1:]]
    assert {type(data) for _, data in rest} == {bytes}
    assert sorted(backend.batches) == [[f"r/{name}" for name in names[at : at + 3]] for at in (0, 3, 6)]
    assert len(backend.gets) == 1
    backend.batches.clear()
    assert [key for key, _ in Store(backend, "r").read_many(names, concurrency=1)] == names
    assert backend.batches == []
    assert [key for key, _ in Store(backend, "r").read_many(names)] == names
    assert sorted(map(len, backend.batches)) == [1, 8]


@clause("MANY-02", "MANY-05")
def test_a_missing_file_of_a_batch_is_named_after_those_before_it():
    store = Store(Batched({"a": b"1", "c": b"3"}))
    many = store.read_many(["a", "b", "c", "../d"], concurrency=4)
    assert next(many) == ("a", b"1")
    with pytest.raises(NotFound) as raised:
        next(many)
    assert raised.value.path == "b"
    many = store.read_many(["a", "c", "../d"], concurrency=4)
    assert [next(many), next(many)] == [("a", b"1"), ("c", b"3")]
    with pytest.raises(InvalidPath):
        next(many)
