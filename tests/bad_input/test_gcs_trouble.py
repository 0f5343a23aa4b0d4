"""Google Cloud Storage in trouble: refused, missing, dead, silent; every call says so, in time."""

import socket

import pytest

from remote_store import (
    BackendUnavailable,
    ConfigError,
    ContainerNotFound,
    IntegrityError,
    PermissionDenied,
    RemoteStoreError,
    Timeout,
)
from remote_store.backends.gcs import GCSBackend
from remote_store.testing import clause
from tests.backends.scripted import CLOSE, Scripted
from tests.bad_input.conftest import faced
from tests.bad_input.test_secret_sweep import shown_by
from tests.bad_input.test_services import ASKING
from tests.bad_input.troubles import CANARY, Trouble, each_says_so
from tests.servers.process import free_ports

ASKED = [method for method in ASKING if method not in {"list_versions", "presign"}]


def refused(stub, silent):
    return {"bucket": stub.make_bucket(), "endpoint_url": stub.endpoint_url}


def missing(stub, silent):
    return {"bucket": "no-such-bucket", "endpoint_url": stub.endpoint_url, "access_token": stub.access_token}


def dead(stub, silent):
    return {"bucket": "any", "endpoint_url": f"http://127.0.0.1:{free_ports(1)[0]}"}


def mute(stub, silent):
    return {"bucket": "any", "endpoint_url": f"http://127.0.0.1:{silent}", "read_timeout": 0.15}


TROUBLES = {
    "wrong token": Trouble(refused, PermissionDenied, "check the credentials", False),
    "missing bucket": Trouble(missing, ContainerNotFound, "the bucket 'no-such-bucket' does not exist", False),
    "dead service": Trouble(dead, BackendUnavailable, "the service at http://127.0.0.1:", True),
    "silent service": Trouble(mute, Timeout, "did not answer within the deadline", True),
}


@clause("ERR-01", "ERR-02", "SECRET-03", "DEADLINE-01")
@pytest.mark.parametrize("name", TROUBLES)
def test_every_call_says_what_the_trouble_is_in_time(name, colour, gcs_stub, subtests):
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        trouble = TROUBLES[name]
        options = {"access_token": CANARY} | trouble.options(gcs_stub, listener.getsockname()[1])
        late = 1 if colour == "async" else 0  # obstore's pool may keep one idle connection for a minute
        each_says_so(lambda: GCSBackend(**options), colour, ASKED, trouble, subtests, late=late)


def test_a_folder_that_refuses_is_an_error_and_its_neighbours_are_served(colour, gcs_stub):
    address = {"endpoint_url": gcs_stub.endpoint_url, "access_token": gcs_stub.access_token}
    with faced(GCSBackend(gcs_stub.make_bucket(), **address), colour) as store:
        store.write("open/a", b"1")
        for call in (
            lambda: store.read_bytes("denied/a"),
            lambda: store.write("denied/a", b"1"),
            lambda: store.exists("denied/a"),
            lambda: list(store.list_files("denied")),
            lambda: store.delete("denied/a", missing_ok=True),
        ):
            with pytest.raises(PermissionDenied):
                call()
        assert store.read_bytes("open/a") == b"1"


PEM = f"-----BEGIN PRIVATE KEY-----\\n{CANARY}\\n-----END PRIVATE KEY-----\\n"
ACCOUNT = '"type": "service_account", "private_key_id": "x", "client_email": "e@x", "token_uri": "http://127.0.0.1:9/"'


@clause("ERR-02", "SECRET-03")
@pytest.mark.parametrize(
    "text",
    [
        f'{{"private_key": "{CANARY}"}}',
        f'{{"private_key": "{CANARY}", {ACCOUNT}}}',
        f'{{"private_key": "{PEM}", {ACCOUNT}}}',
        "/no/such/file.json",
    ],
)
def test_a_service_account_that_is_no_key_is_said_to_be_none(text, colour, gcs_stub):
    with faced(GCSBackend("any", endpoint_url=gcs_stub.endpoint_url, service_account=text), colour) as store:
        with pytest.raises(ConfigError, match="the service account's key cannot be read") as raised:
            store.read_bytes("a")
        assert CANARY not in shown_by(raised.value)


KEY = "<Key>a//b</Key><Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified>"


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        ("", IntegrityError, "is cut or none at all"),
        ("<ListBucketResult><Contents><Key>a</Key>", IntegrityError, "is cut or none at all"),
        (f"<ListBucketResult><Contents>{KEY}</Contents></ListBucketResult>", RemoteStoreError, "no path can name"),
    ],
)
def test_a_listing_that_cannot_be_read_is_an_error_that_says_why(body, kind, says, colour):
    def answer(taken, head):
        taken.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{CLOSE}\r\n{body}".encode())

    with (
        Scripted(answer) as server,
        faced(GCSBackend("any", endpoint_url=server.url, access_token="t"), colour) as store,
    ):
        for recursive in (False, True):
            with pytest.raises(kind, match=says):
                list(store.list_files("folder", recursive=recursive))


@pytest.mark.parametrize(
    "options",
    [
        {"bucket": ""},
        {"bucket": "a/b"},
        {"bucket": "any", "endpoint_url": "localhost:4443"},
        {"bucket": "any", "endpoint_url": "http://me:canary@localhost"},
        {"bucket": "any", "access_token": "t", "anonymous": True},
        {"bucket": "any", "read_timeout": 0},
    ],
)
def test_options_that_cannot_be_meant_are_refused_at_once(options):
    with pytest.raises(ValueError) as raised:
        GCSBackend(**options)
    assert "canary" not in str(raised.value)


def test_a_write_whose_sender_dies_publishes_nothing(colour, gcs_stub):
    bucket = gcs_stub.make_bucket()
    host, _, port = gcs_stub.endpoint_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as sender:
        head = (
            f"PUT /{bucket}/a HTTP/1.1\r\nAuthorization: Bearer {gcs_stub.access_token}\r\nContent-Length: 100\r\n\r\n"
        )
        sender.sendall(head.encode() + b"the first of a hundred bytes")
        sender.shutdown(socket.SHUT_WR)
        assert sender.recv(1 << 16) == b""
    backend = GCSBackend(bucket, endpoint_url=gcs_stub.endpoint_url, access_token=gcs_stub.access_token)
    with faced(backend, colour) as store:
        assert not store.exists("a")
