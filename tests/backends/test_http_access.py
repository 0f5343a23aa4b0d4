"""Credentials, redirects, TLS and private networks: what goes where, and what is refused."""

import contextlib
import os
import pickle
import traceback
import uuid
import warnings
from pathlib import Path

import pytest

from remote_store import BackendUnavailable, NotFound, PermissionDenied, RemoteStoreError, Secret
from remote_store.backends.http import HttpBackend
from remote_store.backends.http.address import permitted
from remote_store.testing import clause
from tests.backends.recorder import Recorder
from tests.backends.scripted import Scripted, content, refusal
from tests.backends.web_ways import WAYS, opened_by
from tests.servers.web import PASSWORD, SIGNATURE, TOKEN, USER

PRIVATE = {
    "user and password": {"user": USER, "password": PASSWORD},
    "a token": {"token": TOKEN},
    "a header": {"headers": {"X-Key": TOKEN, "Cookie": f"session={TOKEN}"}},
    "a query": {"query": f"sig={SIGNATURE}"},
}


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture
def opening(way):
    with contextlib.ExitStack() as running:
        yield lambda url, **options: running.enter_context(opened_by(way, url, **options))


@pytest.fixture
def file(web):
    """The name of a file on the web server."""
    name = uuid.uuid4().hex
    (Path(web.folder) / name).write_bytes(b"content")
    return name


NOWHERE = ".".join("0000")

GUARDED = {"basic": PRIVATE["user and password"], "bearer": PRIVATE["a token"], "keyed": PRIVATE["a header"]}
GUARDED["signed"] = PRIVATE["a query"]


@pytest.mark.parametrize("guard", GUARDED)
def test_credentials_open_what_is_refused_without_them(web, opening, file, guard):
    store = opening(f"{web.url}/{guard}", **GUARDED[guard])
    assert store.read_bytes(file) == b"content"
    assert store.get_file_info(file).size == 7
    stranger = opening(f"{web.url}/{guard}")
    for call in (stranger.read_bytes, stranger.exists, stranger.get_file_info):
        with pytest.raises(PermissionDenied):
            call(file)
    assert pickle.loads(pickle.dumps(HttpBackend(web.url, **GUARDED[guard]))) == HttpBackend(web.url, **GUARDED[guard])


def leading(to):
    def answer(taken, head):
        where = to() if callable(to) else to
        text = f"HTTP/1.1 302 Found\r\nLocation: {where}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        taken.sendall(text.encode())

    return answer


@clause("HTTP-09", "SECRET-03")
@pytest.mark.parametrize("private", PRIVATE)
def test_a_redirect_to_another_server_carries_nothing_private(opening, private):
    with Scripted(content(b"public")) as other, Scripted(leading(f"{other.url}/x")) as first:
        store = opening(f"{first.url}/base", **PRIVATE[private])
        assert store.read_bytes("a") == b"public"
        said = "".join(other.heads).lower()
        assert other.heads
        for secret in ("authorization", "cookie", "x-key", "canary"):
            assert secret not in said
        assert "canary" in "".join(first.heads) or "authorization: basic" in "".join(first.heads).lower()


@clause("HTTP-09")
def test_a_redirect_within_the_server_keeps_what_opens_it(opening):

    def answer(taken, head):
        (content(b"moved") if head.startswith("GET /other") else leading("/other"))(taken, head)

    with Scripted(answer) as server:
        assert opening(f"{server.url}/base", token=TOKEN).read_bytes("a") == b"moved"
        assert all(f"Bearer {TOKEN}" in head for head in server.heads)


@clause("HTTP-09")
def test_credentials_do_not_come_back_by_a_detour(opening):
    with Scripted(content(b"end")) as end:
        with Scripted(leading(f"{end.url}/y")) as other, Scripted(leading(f"{other.url}/x")) as first:
            assert opening(f"{first.url}/base", token=TOKEN).read_bytes("a") == b"end"
        assert "canary" not in "".join([*other.heads, *end.heads])


REFUSED_PLACES = {
    "a file": "file:///etc/passwd",
    "ftp": "ftp://127.0.0.1/x",
    "a script": "javascript:alert(1)",
    "a user": "http://someone:word@127.0.0.1/x",
    "a port that is none": "http://127.0.0.1:99999/x",
    "brackets": "http://[::1/x",
    "port nothing": "http://127.0.0.1:0/x",
}


@clause("HTTP-10")
@pytest.mark.parametrize("name", REFUSED_PLACES)
def test_a_redirect_to_what_cannot_be_asked_is_refused(opening, name):
    with Scripted(leading(REFUSED_PLACES[name])) as server:
        with pytest.raises(RemoteStoreError, match="redirects to what cannot be asked"):
            opening(f"{server.url}/base").read_bytes("a")
        assert len(server.heads) == 1


@clause("HTTP-10")
def test_redirects_have_a_limit(opening):
    with Scripted(leading("/again")) as server:
        for limit in (0, 3):
            server.heads.clear()
            with pytest.raises(RemoteStoreError, match=f"more than {limit} times"):
                opening(server.url, redirects=limit).read_bytes("a")
            assert len(server.heads) == limit + 1


@clause("HTTP-10")
def test_a_redirect_without_a_place_is_an_error(opening):
    with Scripted(refusal(302)) as server, pytest.raises(RemoteStoreError, match="302"):
        opening(server.url).read_bytes("a")


@clause("HTTP-10")
def test_a_redirect_from_https_to_http_is_refused(web, opening, file, tmp_path):
    # nginx leads from a folder to the same with "/" over the scheme that was used; a rewrite says another.
    store = opening(f"{web.tls_url}/downgraded", ca_bundle=web.ca)
    with pytest.raises(PermissionDenied, match="https to http"):
        store.read_bytes(file)


def test_real_redirects_are_followed(web, opening, file):
    store = opening(f"{web.url}/moved")
    assert store.read_bytes(file) == b"content"
    assert store.read_range(file, 2, 3) == b"nte"
    assert store.get_file_info(file).key == file


@pytest.mark.parametrize("name", ["a (1)", "wow!", "ä ö", "it's", "a&b+c", "[x];~"])
def test_a_folder_is_one_however_the_server_spells_its_name(web, opening, name):
    root = Path(web.folder) / uuid.uuid4().hex
    (root / name).mkdir(parents=True)
    for kind, listing in (("plain", "none"), ("html", "html")):
        store = opening(f"{web.url}/{kind}/{root.name}", listing=listing)
        assert store.is_folder(name)
        assert not store.is_file(name)
        with pytest.raises(NotFound, match="a folder stands here"):
            store.read_bytes(name)


def test_a_redirect_is_followed_to_the_bytes_that_it_names(opening):
    def answer(taken, head):
        (content(b"x") if "/new/" in head else leading("/new/ä b"))(taken, head)

    with Scripted(answer) as server:
        assert opening(server.url).read_bytes("a") == b"x"
        assert "GET /new/%C3%A4%20b " in server.heads[-1]


@clause("HTTP-12")
def test_a_certificate_is_checked_against_the_given_authority(web, opening, file):
    store = opening(f"{web.tls_url}/basic", ca_bundle=web.ca, **PRIVATE["user and password"])
    assert store.read_bytes(file) == b"content"
    assert store.read_range(file, 3) == b"tent"
    assert store.exists(file)
    stranger = opening(f"{web.tls_url}/plain")
    with pytest.raises(BackendUnavailable, match="certificate is not trusted") as caught:
        stranger.read_bytes(file)
    assert not caught.value.retryable
    byname = opening(web.tls_url.replace("127.0.0.1", "localhost"), ca_bundle=web.ca)
    with pytest.raises(BackendUnavailable, match="certificate is not trusted"):
        byname.read_bytes(file)


def test_a_big_file_comes_through_tls(web, opening):
    name = uuid.uuid4().hex
    data = os.urandom(3 << 20)
    (Path(web.folder) / name).write_bytes(data)
    store = opening(f"{web.tls_url}/plain", ca_bundle=web.ca)
    assert store.read_bytes(name) == data
    with store.read(name) as stream:
        assert stream.read() == data


@clause("HTTP-12")
def test_unverified_certificates_are_taken_with_a_warning(web, opening, file):
    with pytest.warns(UserWarning, match="verify=False"):
        store = opening(f"{web.tls_url}/plain", verify=False)
    assert store.read_bytes(file) == b"content"


@clause("HTTP-11")
def test_private_addresses_are_refused_before_anything_is_sent(opening):
    with Scripted(content(b"inside")) as inside:
        port = inside.url.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost", "2130706433", "127.1", NOWHERE, "[::ffff:127.0.0.1]"):
            with pytest.raises((PermissionDenied, BackendUnavailable)) as caught:
                opening(f"http://{host}:{port}", block_private=True).read_bytes("a")
            assert isinstance(caught.value, PermissionDenied) or host == "2130706433", host
        assert inside.heads == []


@clause("HTTP-11")
@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", NOWHERE, "100.64.0.1"),
        *(
            "::1",
            "fe80::1%eth0",
            "fc00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::a00:1",
            "::a00:1",
            "::ffff:0:a00:1",
            "fec0::1",
            "2002:a00:1::",
            "224.0.0.1",
            "ff02::1",
        ),
    ],
)
def test_no_form_of_a_private_address_passes(address):
    with pytest.raises(PermissionDenied):
        permitted("host", [address])
    assert permitted("host", [address, "93.184.215.14"]) == ["93.184.215.14"]


@clause("HTTP-11")
def test_a_redirect_into_a_private_network_is_refused(opening, monkeypatch, way):
    # The first server counts as public for this test: only loopback is there to play both.
    from remote_store.backends.http import sockets

    with Scripted(content(b"inside")) as inside, Scripted(leading(f"{inside.url}/x")) as outside:
        port = int(outside.url.rpartition(":")[2])
        real = sockets.reachable
        monkeypatch.setattr(
            f"remote_store.backends.http.{'streams' if way == 'httpx' else 'sockets'}.reachable",
            lambda host, found, network: found if found[0][4][1] == port else real(host, found, network),
        )
        with pytest.raises(PermissionDenied, match="private network"):
            opening(outside.url, block_private=True).read_bytes("a")
        assert outside.heads
        assert inside.heads == []


def shown(error):
    """Return all that an error tells, the variables of every frame but those of tests included."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    pieces = [repr(error), pickle.dumps(error, protocol=0).decode("ascii")]
    while told is not None:
        pieces += told.format_exception_only()
        pieces += [str(frame.locals) for frame in told.stack if "/tests/" not in frame.filename]
        told = told.__cause__ or told.__context__
    return "\n".join(pieces)


def cut(taken, head):
    taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")


def close_at_once(taken, head):
    """Say nothing."""


@clause("HTTP-13", "SECRET-03")
@pytest.mark.parametrize("private", PRIVATE)
@pytest.mark.parametrize(
    "answer",
    [refusal(403), refusal(404), refusal(503), cut, close_at_once, leading("http://u:p@h/"), leading("/again")],
    ids=["403", "404", "503", "cut", "closed", "odd place", "circle"],
)
def test_no_failure_shows_what_is_private(opening, private, answer):
    given = {name: value if name == "user" else hidden(value) for name, value in PRIVATE[private].items()}
    with Scripted(answer) as server:
        store = opening(f"{server.url}/base", **given)
        assert "canary" not in f"{store!r} {store.native_path('a')} {store.resolve('a')}"
        for call in (store.read_bytes, lambda key: store.read_range(key, 1, 2)):
            with pytest.raises(RemoteStoreError) as caught:
                call("a")
            assert "canary" not in shown(caught.value)


def hidden(value):
    if isinstance(value, dict):
        return {name: Secret(text) for name, text in value.items()}
    return Secret(value)


KEYS = [" a b ", "a%20b", "100%", "a?b=c&d", "a#b", "a+b", "a;b", "ä/ö/日本語", "%2e%2e", "a@b", "~a", "a=b,c"]


def test_keys_are_encoded_so_that_the_server_sees_them_as_they_are(web, opening):
    folder = uuid.uuid4().hex
    for key in KEYS:
        path = Path(web.folder) / folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(key.encode())
    port = int(web.url.rpartition(":")[2])
    with Recorder(port) as recorder:
        store = opening(f"http://127.0.0.1:{recorder.port}/signed/{folder}", query=f"sig={SIGNATURE}")
        for key in KEYS:
            assert store.read_bytes(key) == key.encode(), key
            assert store.head(key).key == key
            assert store.to_key(store.native_path(key)) == key
        assert all(request.endswith(f"?sig={SIGNATURE}") for request in recorder.requests())


@clause("HTTP-05")
def test_a_file_that_nginx_keeps_packed_is_not_unpacked(web, opening):
    name = uuid.uuid4().hex
    (Path(web.folder) / f"{name}.gz").write_bytes(b"packed bytes")
    with pytest.raises(RemoteStoreError, match="gzip"):
        opening(f"{web.url}/packed").read_bytes(name)
    assert opening(f"{web.url}/packed", encoded="raw").read_bytes(name) == b"packed bytes"


def test_a_busy_or_forbidden_server_says_so(web, opening):
    with pytest.raises(BackendUnavailable) as caught:
        opening(f"{web.url}/busy").read_bytes("a")
    assert caught.value.retryable
    with pytest.raises(PermissionDenied):
        opening(f"{web.url}/forbidden").exists("a")


@pytest.mark.parametrize("hashes", [{}, {"headers": {"X-Key": "canary"}}])
def test_backends_are_equal_by_what_they_were_made_of(hashes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, two = HttpBackend("http://h/a", **hashes), HttpBackend("http://h/a", **hashes)
    assert one == two
    assert hash(one) == hash(two)
    assert one != HttpBackend("http://h/b", **hashes)
    assert "canary" not in repr(one)
