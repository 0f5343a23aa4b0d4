"""A service that is busy, silent, gone or cut off: retried where that is safe, typed errors otherwise."""

import contextlib
import time

import pytest

from remote_store import (
    AlreadyExists,
    BackendUnavailable,
    ConfigError,
    IntegrityError,
    PermissionDenied,
    RemoteStoreError,
    ResourceLocked,
    Timeout,
)
from remote_store.backends.s3 import S3Backend
from remote_store.layers.retry import RetryPolicy
from remote_store.testing import clause
from remote_store.testing.faces import again, opened
from tests.backends.scripted import Scripted, content, refusal, silence, stored

DATA = bytes(range(256)) * 4000


@pytest.fixture
def scripted(colour, lane):
    with contextlib.ExitStack() as running:

        def make(*answers, **options):
            server = running.enter_context(Scripted(*answers))
            keys = {"access_key": "me", "secret_key": "canary-secret", "region": "us-east-1"}
            backend = S3Backend("bucket", endpoint_url=server.url, lane=lane, **keys, **options)
            return server, running.enter_context(opened(backend, "hidden-root", colour))

        yield make


def test_a_busy_service_is_asked_again(scripted):
    server, store = scripted(refusal(503, "SlowDown"), refusal(500, "InternalError"), content(DATA))
    assert store.read_bytes("a") == DATA
    assert len(server.heads) == 3


LATER = "Retry-After: 30\r\n"


@clause("RETRY-06")
def test_a_service_that_says_how_long_it_is_busy_is_left_alone_for_so_long_up_to_the_cap(scripted, lane):
    server, store = scripted(refusal(503, "SlowDown", LATER))
    for ask in [lambda store: list(store.list_files())] + [lambda store: store.read_bytes("a")] * (lane == "boto3"):
        with pytest.raises(BackendUnavailable) as caught:
            ask(again(store, retry=RetryPolicy(attempts=1)))
        assert caught.value.retry_after == 30
        begun = time.monotonic()
        with pytest.raises(BackendUnavailable):
            ask(again(store, retry=RetryPolicy(attempts=2, base=0, cap=0.3)))
        assert 0.3 <= time.monotonic() - begun < 5
    assert len(server.heads) == (6 if lane == "boto3" else 3)


@pytest.mark.parametrize("answer", [(503, "SlowDown"), (429, None), (409, "ConditionalRequestConflict")])
def test_a_write_that_was_surely_not_taken_is_sent_again(scripted, answer):
    server, store = scripted(refusal(*answer), stored)
    assert store.write("a", b"data").etag == '"one"'
    assert len(server.heads) == 2


def test_an_exclusive_write_whose_fate_is_unknown_is_not_sent_again(scripted):
    server, store = scripted(refusal(500, "InternalError"), refusal(412, "PreconditionFailed"))
    with pytest.raises(BackendUnavailable):
        store.write("a", b"data")
    assert len(server.heads) == 1


def test_a_lasting_conflict_says_that_others_write(scripted):
    _, store = scripted(refusal(409, "ConditionalRequestConflict"))
    with pytest.raises(ResourceLocked):
        store.write("a", b"data")


def test_a_silent_service_is_given_up_in_time(scripted):
    _, store = scripted(silence, read_timeout=0.4)
    for call in (lambda: store.write("a", b"data"), lambda: store.delete("a", missing_ok=True, if_match='"x"')):
        begun = time.monotonic()
        with pytest.raises(Timeout):
            call()
        assert time.monotonic() - begun < 5


def test_a_body_that_is_cut_is_taken_up_where_it_broke(scripted):
    server, store = scripted(content(DATA, until=300_000), content(DATA))
    with store.read("a") as reader:
        assert reader.read(10) == DATA[:10]
        assert reader.read() == DATA[10:]
    second = next(line for line in server.heads[1].splitlines() if line.lower().startswith("range"))
    assert 0 < int(second.partition("=")[2].partition("-")[0]) <= 300_000
    assert any(line.lower() == 'if-match: "one"' for line in server.heads[1].splitlines())


def test_a_body_that_never_comes_is_an_error(scripted):
    _, store = scripted(content(DATA, until=0))
    with pytest.raises((BackendUnavailable, IntegrityError)):
        store.read_bytes("a")
    with pytest.raises((BackendUnavailable, IntegrityError)), store.read("a") as reader:
        reader.read()


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "ExpiredToken", PermissionDenied),
        (400, "ExpiredToken", PermissionDenied),
        (403, "RequestTimeTooSkewed", PermissionDenied),
        (401, None, PermissionDenied),
        (301, "PermanentRedirect", ConfigError),
        (400, "AuthorizationHeaderMalformed", ConfigError),
        (418, "Teapot", RemoteStoreError),
        (412, "PreconditionFailed", AlreadyExists),
    ],
)
def test_each_refusal_has_its_kind_and_hides_what_is_hidden(scripted, status, code, kind):
    _, store = scripted(refusal(status, code))
    with pytest.raises(kind) as caught:
        store.write("a", b"data")
    assert type(caught.value) is kind
    assert not caught.value.retryable
    assert (caught.value.path, caught.value.backend) == ("a", "s3")
    assert "hidden-root" not in str(caught.value)
    assert "canary-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "body", ["<html>login</html>", "<ListBucketResult><Contents><Key>a</Key>"], ids=["no listing", "cut"]
)
def test_a_listing_that_is_cut_or_no_listing_is_an_error(scripted, body):
    def answer(taken, head):
        taken.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())

    _, store = scripted(answer)
    with pytest.raises(IntegrityError):
        list(store.list_files())


def test_a_redirect_does_not_carry_the_signature_elsewhere(scripted):
    with Scripted(content(b"stolen")) as elsewhere:

        def redirect(taken, head):
            place = f"Location: {elsewhere.url}/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            taken.sendall(f"HTTP/1.1 307 Temporary Redirect\r\n{place}".encode())

        _, store = scripted(redirect)
        with contextlib.suppress(RemoteStoreError):
            store.read_bytes("a")
        assert not any("authorization" in head.lower() for head in elsewhere.heads)
