"""Answers that are cut, strange, endless or lies: a typed error, never wrong bytes."""

import contextlib
import time

import pytest

from remote_store import (
    BackendUnavailable,
    IntegrityError,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    RemoteStoreError,
    ResourceLocked,
    Timeout,
)
from remote_store.testing import clause
from tests.backends.scripted import Scripted, content, refusal, silence
from tests.backends.web_ways import WAYS, opened_by

DATA = bytes(range(256)) * 4000
FACTS = 'ETag: "one"\r\nLast-Modified: Mon, 23 Nov 2026 05:17:04 GMT\r\n'


@pytest.fixture(params=WAYS)
def scripted(request):
    with contextlib.ExitStack() as running:

        def make(*answers, **options):
            server = running.enter_context(Scripted(*answers))
            return server, running.enter_context(opened_by(request.param, f"{server.url}/base", **options))

        yield make


def raw(text, body=b""):
    """An answer as it stands; lines end with CR LF."""

    def answer(taken, head):
        taken.sendall(text.replace("\n", "\r\n").encode("latin-1") + body)

    return answer


def ok(fields, body=b"", status="200 OK"):
    return raw(f"HTTP/1.1 {status}\n{fields}Connection: close\n\n", body)


def each_way(store):
    """Read a file whole, as a stream, and as a stream of pieces that a client fills."""
    yield lambda: store.read_bytes("a")

    def stream():
        with store.read("a") as file:
            return file.read()

    yield stream

    def pieces():
        with store.read("a") as file:
            return rest(file)

    yield pieces


def rest(file):
    whole = b""
    while piece := file.read(256 << 10):
        whole += piece
    return whole


CUT = {
    "shorter than its length": ok("Content-Length: 100\n", b"x" * 99),
    "nothing of its length": ok("Content-Length: 100\n"),
    "shorter than its length, and big": ok(f"Content-Length: {len(DATA) + 1}\n", DATA),
    "chunks without an end": ok("Transfer-Encoding: chunked\n", b"5\r\nhello\r\n"),
    "a chunk that is cut": ok("Transfer-Encoding: chunked\n", b"5\r\nhel"),
    "a size of a chunk that is cut": ok("Transfer-Encoding: chunked\n", b"5\r\nhello\r\n1"),
    "a chunk that is longer than it says": ok("Transfer-Encoding: chunked\n", b"5\r\nhelloworld\r\n0\r\n\r\n"),
    "a size that is none": ok("Transfer-Encoding: chunked\n", b"-5\r\nhello\r\n0\r\n\r\n"),
    "the end of the connection": ok("", b"hello"),
    "the end of the connection, HTTP/1.0": raw("HTTP/1.0 200 OK\n\n", b"hello"),
    "two lengths": ok("Content-Length: 5\nContent-Length: 6\n", b"hello"),
    "a length and chunks": ok("Content-Length: 5\nTransfer-Encoding: chunked\n", b"5\r\nhello\r\n0\r\n\r\n"),
    "a length that is a word": ok("Content-Length: five\n", b"hello"),
    "a length below nothing": ok("Content-Length: -5\n", b"hello"),
    "an unknown transfer coding": ok("Transfer-Encoding: gzip\n", b"hello"),
}


@clause("HTTP-01", "STREAM-06")
@pytest.mark.parametrize("name", CUT)
def test_a_body_of_doubtful_length_never_passes(scripted, name):
    _, store = scripted(CUT[name])
    for read in each_way(store):
        with pytest.raises(IntegrityError) as caught:
            read()
        assert (caught.value.path, caught.value.backend) == ("a", "http")


@clause("HTTP-01", "STREAM-08", "HTTP-04")
@pytest.mark.parametrize("take", [lambda file: file.read(), rest], ids=["whole", "pieces"])
def test_a_body_that_is_cut_is_taken_up_where_it_broke(scripted, take):
    server, store = scripted(content(DATA, until=300_000), content(DATA), tries=3)
    with store.read("a") as reader:
        assert reader.read(10) == DATA[:10]
        assert take(reader) == DATA[10:]
    fields = server.heads[1].lower().splitlines()
    assert 'if-match: "one"' in fields
    assert any(line.startswith("range: bytes=") for line in fields)


@pytest.mark.parametrize(
    "body", [b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX: y\r\n\r\n", b"b\r\nhello world\r\n0\r\n\r\n"]
)
def test_chunks_make_a_file_whose_size_is_known_at_the_end(scripted, body):
    _, store = scripted(ok(f"{FACTS}Transfer-Encoding: chunked\n".replace("\r\n", "\n"), body))
    assert store.read_bytes("a") == b"hello world"
    assert store.read_range("a", 6, 3) == b"wor"
    with store.read("a") as file:
        assert (file.info.size, file.info.etag) == (11, '"one"')


def part(place, body, more=""):
    return ok(f"Content-Length: {len(body)}\n{place}{more}", body, "206 Partial Content")


WRONG_PARTS = {
    "another start": part("Content-Range: bytes 0-4/100\n", b"hello"),
    "fewer bytes": part("Content-Range: bytes 10-12/100\n", b"hel"),
    "more bytes": part("Content-Range: bytes 10-20/100\n", b"hello world"),
    "no place": part("", b"hello"),
    "an unknown total": part("Content-Range: bytes 10-14/*\n", b"hello"),
    "several parts": part("Content-Type: multipart/byteranges; boundary=x\n", b"--x--"),
    "a length of its own": ok("Content-Length: 4\nContent-Range: bytes 10-14/100\n", b"hell", "206 Partial Content"),
    "backwards": part("Content-Range: bytes 14-10/100\n", b"hello"),
    "beyond its total": part("Content-Range: bytes 10-14/12\n", b"hello"),
}


@clause("HTTP-02")
@pytest.mark.parametrize("name", WRONG_PARTS)
def test_a_range_of_other_bytes_is_refused(scripted, name):
    _, store = scripted(WRONG_PARTS[name])
    with pytest.raises(IntegrityError):
        store.read_range("a", 10, 5)


def test_a_part_that_nobody_asked_for_is_refused(scripted):
    _, store = scripted(part("Content-Range: bytes 0-4/5\n", b"hello"))
    with pytest.raises(RemoteStoreError, match="206"):
        store.read_bytes("a")


def endless(taken, head):
    """Announce a terabyte, and send it for as long as anybody listens."""
    taken.sendall(f"HTTP/1.1 200 OK\r\n{FACTS}Content-Length: {1 << 40}\r\n\r\n".encode())
    for _ in range(1 << 24):
        taken.sendall(b"x" * (1 << 16))


@clause("HTTP-03")
def test_a_range_of_a_server_without_ranges_reads_no_more_than_it_must(scripted):
    _, store = scripted(endless)
    began = time.monotonic()
    assert store.read_range("a", 1 << 20, 5) == b"xxxxx"
    with pytest.raises(RemoteStoreError, match="serves no ranges"):
        store.read_range("a", 1 << 30, 5)
    assert time.monotonic() - began < 10


@clause("HTTP-03")
def test_the_slice_of_a_whole_file_is_cut_out(scripted):
    _, store = scripted(ok(f"Content-Length: {len(DATA)}\n", DATA))
    for offset, length in ((0, 5), (7, 100_000), (len(DATA) - 3, 10), (len(DATA), 5), (len(DATA) + 5, 5)):
        assert store.read_range("a", offset, length) == DATA[offset : offset + length]
    assert store.read_range("a", 1_000_000) == DATA[1_000_000:]


def versions(*etags):
    """Answer each request with the next version, whatever was asked for."""
    left = list(etags)

    def answer(taken, head):
        etag = left.pop(0) if len(left) > 1 else left[0]
        start, stop = 0, 100
        for line in head.lower().splitlines():
            if line.startswith("range: bytes="):
                first, _, last = line.partition("=")[2].partition("-")
                start, stop = int(first), int(last or 99) + 1
        place = f"Content-Range: bytes {start}-{stop - 1}/100\r\n" if "range:" in head.lower() else ""
        status = "206 Partial Content" if place else "200 OK"
        body = b"" if head.startswith("HEAD") else bytes(stop - start)
        fields = f"{place}{etag}Content-Length: {stop - start}\r\nConnection: close\r\n"
        taken.sendall(f"HTTP/1.1 {status}\r\n{fields}\r\n".encode() + body)

    return answer


ONE, TWO = "Last-Modified: Mon, 23 Nov 2026 05:17:04 GMT\r\n", "Last-Modified: Mon, 23 Nov 2026 05:17:05 GMT\r\n"


@clause("HTTP-04", "SEEK-06", "STREAM-05")
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('ETag: "1"\r\n', 'ETag: "2"\r\n'),
        ('ETag: W/"1"\r\n', 'ETag: W/"2"\r\n'),
        ('ETag: "1"\r\n', ""),
        (ONE, TWO),
        (ONE, ""),
    ],
)
def test_a_file_that_changes_between_two_ranges_is_noticed(scripted, first, second):
    _, store = scripted(versions(first, first, second))
    with store.read_seekable("a") as file:
        assert file.read(10) == bytes(10)
        with pytest.raises(IntegrityError, match="replaced"):
            file.read(10)


@clause("HTTP-04")
def test_a_server_that_checks_the_version_itself_is_believed(scripted):
    _, store = scripted(versions('ETag: "1"\r\n'), refusal(412))
    with store.read_seekable("a") as file, pytest.raises(IntegrityError, match="replaced"):
        file.read(10)


@clause("HTTP-05")
def test_an_encoded_body_is_refused_or_given_as_it_came(scripted):
    packed = ok("Content-Length: 6\nContent-Encoding: gzip\n", b"packed")
    server, store = scripted(packed)
    for call in (store.read_bytes, store.get_file_info, lambda key: store.read_range(key, 0, 3)):
        with pytest.raises(RemoteStoreError, match="encoded as 'gzip'"):
            call("a")
    assert "accept-encoding: identity" in server.heads[0].lower()
    _, taking = scripted(packed, encoded="raw")
    assert taking.read_bytes("a") == b"packed"
    assert taking.get_file_info("a").size == 6


def forever(piece, begin=b"HTTP/1.1 200 OK\r\n"):
    def answer(taken, head):
        taken.sendall(begin)
        for _ in range(1 << 20):
            taken.sendall(piece)

    return answer


STRANGE = {
    "no HTTP": raw("SSH-2.0-OpenSSH\n\n"),
    "another version": raw("HTTP/2.0 200 OK\nContent-Length: 0\n\n"),
    "a header without a colon": ok("Nonsense\nContent-Length: 0\n"),
    "a header with a space in its name": ok("Bad name: x\nContent-Length: 0\n"),
    "a NUL in a header": ok("X: a\0b\nContent-Length: 0\n"),
    "an endless status line": forever(b"x" * 4096, b"HTTP/1.1 200 "),
    "an endless header": forever(b"x" * 4096, b"HTTP/1.1 200 OK\r\nX: "),
    "endless headers": forever(b"X: y\r\n" * 1000),
    "endless interim answers": forever(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, b""),
    "a head that is cut": raw("HTTP/1.1 200 OK\nContent-Length: 5\n"),
    "endless trailers": forever(
        b"X: y\r\n" * 1000, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    ),
    "an endless line before a chunk": forever(b"0" * 1000, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
}


@clause("HTTP-06")
@pytest.mark.parametrize("name", STRANGE)
def test_what_is_no_proper_http_raises_in_time(scripted, name):
    _, store = scripted(STRANGE[name], connect_timeout=1.0, read_timeout=2.0)
    began = time.monotonic()
    with pytest.raises((IntegrityError, BackendUnavailable, Timeout)):
        store.read_bytes("a")
    assert time.monotonic() - began < 15


@clause("HTTP-06")
def test_a_header_of_spaces_costs_no_more_than_another(scripted):
    _, store = scripted(ok(f"X: a{' ' * 60_000}b\nContent-Length: 1\n", b"x"))
    began = time.process_time()
    assert store.read_bytes("a") == b"x"
    assert time.process_time() - began < 2


@clause("HTTP-06")
def test_a_body_without_a_length_is_taken_up_to_its_bound(scripted):
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    _, store = scripted(forever(piece, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
    with pytest.raises(RemoteStoreError, match="longer than 64 MiB"):
        store.read_bytes("a")


@clause("HTTP-06", "DEADLINE-01")
def test_a_head_that_drips_is_given_up_in_time(scripted):
    def drip(taken, head):
        for _ in range(1000):
            taken.sendall(b"HTTP/1.1 200 OK\r\nX: y\r\n"[:1])
            time.sleep(0.05)

    _, store = scripted(drip, connect_timeout=0.5, read_timeout=0.5)
    began = time.monotonic()
    with pytest.raises((Timeout, IntegrityError)):
        store.read_bytes("a")
    assert time.monotonic() - began < 5


def dripping(begin, piece, times=60):
    def answer(taken, head):
        taken.sendall(begin)
        for _ in range(times):
            taken.sendall(piece)
            time.sleep(0.1)

    return answer


@clause("DEADLINE-01")
@pytest.mark.parametrize("before", [b"", b"1\r\nx\r\n0\r\nX: "])
def test_framing_that_drips_is_given_up_in_time(scripted, before):
    begin = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    _, store = scripted(dripping(begin + before, b"0"), read_timeout=0.5)
    began = time.monotonic()
    with pytest.raises(Timeout):
        store.read_bytes("a")
    assert time.monotonic() - began < 4


def test_the_body_of_a_redirect_is_not_waited_for(scripted):
    begin = b"HTTP/1.1 302 Found\r\nLocation: /base/b\r\nContent-Length: 1000\r\n\r\n"
    _, store = scripted(dripping(begin, b"x"), ok("Content-Length: 1\n", b"y"))
    began = time.monotonic()
    assert store.read_bytes("a") == b"y"
    assert time.monotonic() - began < 4


@clause("HTTP-07")
def test_a_refusal_is_one_even_if_its_page_is_cut(scripted):
    _, store = scripted(ok("Content-Length: 100\n", b"<h1>Not", status="404 Not Found"))
    with pytest.raises(NotFound):
        store.read_bytes("a")


def test_what_comes_slowly_is_handed_on_soon(scripted):
    begin = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    _, store = scripted(dripping(begin, b"x", times=100))
    began = time.monotonic()
    with store.read("a") as file:
        assert file.read(1) == b"x"
    assert time.monotonic() - began < 4


@clause("DEADLINE-01")
def test_a_silent_server_is_given_up_in_time(scripted):
    _, store = scripted(silence, read_timeout=0.4)
    for call in (store.read_bytes, store.exists, store.get_file_info):
        began = time.monotonic()
        with pytest.raises(Timeout):
            call("a")
        assert time.monotonic() - began < 5


@clause("DEADLINE-01")
def test_a_body_that_stops_is_given_up_in_time(scripted):
    def stop(taken, head):
        taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nsome")
        return silence

    _, store = scripted(stop, read_timeout=0.4)
    for read in each_way(store):
        began = time.monotonic()
        with pytest.raises(Timeout):
            read()
        assert time.monotonic() - began < 5


@clause("HTTP-07")
@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (401, PermissionDenied, False),
        (403, PermissionDenied, False),
        (404, NotFound, False),
        (410, NotFound, False),
        (408, Timeout, True),
        (423, ResourceLocked, True),
        (429, BackendUnavailable, True),
        (500, BackendUnavailable, True),
        (502, BackendUnavailable, True),
        (503, BackendUnavailable, True),
        (504, BackendUnavailable, True),
        (204, RemoteStoreError, False),
        (300, RemoteStoreError, False),
        (304, RemoteStoreError, False),
        (400, RemoteStoreError, False),
        (412, PreconditionFailed, False),
        (418, RemoteStoreError, False),
        (451, RemoteStoreError, False),
        (505, RemoteStoreError, False),
    ],
)
def test_each_refusal_has_its_kind(scripted, status, kind, retryable):
    _, store = scripted(refusal(status))
    for call in (store.read_bytes, store.get_file_info):
        with pytest.raises(kind) as caught:
            call("a")
        assert type(caught.value) is kind
        assert (caught.value.retryable, caught.value.path) == (retryable, "a")


@clause("HTTP-07", "RETRY-01")
def test_a_busy_server_is_asked_again(scripted):
    busy = ok("Content-Length: 4\nRetry-After: 0\n", b"busy", "503 Busy")
    server, store = scripted(busy, refusal(429), content(DATA), tries=4)
    assert store.read_bytes("a") == DATA
    assert len(server.heads) == 3


@clause("RETRY-06")
def test_an_error_carries_how_long_the_server_wants_to_be_left_alone(scripted):
    _, store = scripted(ok("Content-Length: 4\nRetry-After: 30\n", b"busy", "503 Busy"))
    for call in (store.read_bytes, store.get_file_info):
        with pytest.raises(BackendUnavailable) as caught:
            call("a")
        assert caught.value.retry_after == 30


@clause("HTTP-08")
@pytest.mark.parametrize("status", [403, 405, 501])
def test_facts_come_from_one_byte_where_head_is_refused(scripted, status):
    def answer(taken, head):
        (refusal(status) if head.startswith("HEAD") else content(DATA))(taken, head)

    server, store = scripted(answer)
    info = store.get_file_info("a")
    assert (info.size, info.etag) == (len(DATA), '"one"')
    assert [head.partition(" ")[0] for head in server.heads] == ["HEAD", "GET"]
    assert "range: bytes=0-0" in server.heads[1].lower()


SIZES = {
    "no length of a HEAD": (ok(""), ok("Content-Length: 1\nContent-Range: bytes 0-0/77\n", b"x", "206 P"), 77),
    "an empty file": (refusal(405), ok("Content-Length: 0\nContent-Range: bytes */0\n", b"", "416 R"), 0),
    "no ranges": (refusal(405), ok("Content-Length: 77\n", b"x" * 77), 77),
    "chunks": (refusal(405), ok("Transfer-Encoding: chunked\n", b"3\r\nabc\r\n0\r\n\r\n"), 3),
}


@clause("HTTP-08")
@pytest.mark.parametrize("name", SIZES)
def test_the_size_is_told_in_every_way_there_is(scripted, name):
    head, get, size = SIZES[name]

    def answer(taken, asked):
        (head if asked.startswith("HEAD") else get)(taken, asked)

    _, store = scripted(answer)
    assert store.get_file_info("a").size == size
    assert store.exists("a")


def test_a_server_that_says_a_range_is_outside_when_it_is_not_is_not_believed(scripted):
    def answer(taken, head):
        (content(DATA) if head.startswith("HEAD") else refusal(416))(taken, head)

    _, store = scripted(answer)
    with pytest.raises(IntegrityError):
        store.read_range("a", 10, 5)
    assert store.read_range("a", len(DATA), 5) == b""


@clause("HTTP-06")
@pytest.mark.parametrize("name", ["no HTTP", "a header without a colon", "a NUL in a header"])
def test_an_answer_that_is_no_http_is_not_asked_for_again(scripted, name):
    server, store = scripted(STRANGE[name], tries=4)
    with pytest.raises(IntegrityError, match="no proper HTTP"):
        store.read_bytes("a")
    assert len(server.heads) == 1
