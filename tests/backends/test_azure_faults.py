"""Azure that is busy, silent or cut off, and copies that it makes in its own time."""

import contextlib
import socket

import pytest

from remote_store import (
    AlreadyExists,
    BackendUnavailable,
    ContainerNotFound,
    IntegrityError,
    PermissionDenied,
    PreconditionFailed,
    RemoteStoreError,
    ResourceLocked,
    RetryPolicy,
)
from remote_store.backends.azure import AzureBackend
from remote_store.testing import clause
from remote_store.testing.faces import again, opened
from tests.backends.scripted import CLOSE, HEADERS, Scripted, content, refusal

DATA = bytes(range(256)) * 4000
KEY = "Y2FuYXJ5LXNlY3JldA=="


@pytest.fixture(params=["sync", "async"])
def colour(request):
    return request.param


@pytest.fixture(params=["obstore", "sdk"])
def lane(request):
    return request.param


@pytest.fixture
def scripted(colour, lane):
    with contextlib.ExitStack() as running:

        def make(*answers, **options):
            server = running.enter_context(Scripted(*answers))
            backend = AzureBackend(
                "any", endpoint_url=f"{server.url}/me", account_key=KEY, lane=lane, hierarchical=False, **options
            )
            return server, running.enter_context(opened(backend, "hidden-root", colour))

        yield make


def says(status, **headers):
    """An answer without a body."""
    shown = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())

    def answer(taken, head):
        taken.sendall(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n{HEADERS}{shown}{CLOSE}\r\n".encode())

    return answer


def test_a_busy_service_is_asked_again(scripted):
    server, store = scripted(refusal(503, "ServerBusy"), refusal(500, "OperationTimedOut"), content(DATA))
    assert store.read_bytes("a") == DATA
    assert len(server.heads) == 3


@clause("RETRY-06")
def test_a_pause_that_the_service_asks_for_is_kept(scripted):
    _, store = scripted(refusal(503, "ServerBusy", "Retry-After: 30\r\n"))
    once = again(store, retry=RetryPolicy(attempts=1))
    for call in (lambda: list(once.list_files()), lambda: once.copy("a", "b", overwrite=True)):
        with pytest.raises(BackendUnavailable) as caught:
            call()
        assert caught.value.retry_after == 30


@pytest.fixture
def nameless(monkeypatch):
    def getaddrinfo(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@clause("ERR-01")
@pytest.mark.parametrize(
    "head", ["HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nLast-Modified: never\r\nETag: 1\r\n\r\n"]
)
def test_an_answer_that_is_cut_in_its_head_is_no_success(colour, head):
    def answer(taken, _):
        taken.sendall(head.encode())

    with Scripted(answer) as server:
        backend = AzureBackend("any", endpoint_url=f"{server.url}/me", account_key=KEY, lane="sdk", hierarchical=False)
        with opened(backend, "", colour) as opened_store:
            store = again(opened_store, retry=RetryPolicy(attempts=1))
            for call in (
                lambda: store.write("a", b"data", overwrite=True),
                lambda: store.write("a", iter([bytes(6 << 20)] * 2), overwrite=True),
                lambda: store.copy("a", "b", overwrite=True),
                lambda: store.get_file_info("a"),
                lambda: store.read_bytes("a"),
            ):
                with pytest.raises((IntegrityError, BackendUnavailable)):
                    call()


@clause("ERR-02")
def test_an_account_whose_name_nobody_knows_is_named(nameless, colour):
    backend = AzureBackend("any", account="nobody", account_key=KEY, lane="sdk", hierarchical=False)
    unknown = r"the service at https://nobody\.blob\.core\.windows\.net could not be reached"
    with opened(backend, "", colour) as store, pytest.raises(BackendUnavailable, match=unknown):
        again(store, retry=RetryPolicy(attempts=1)).read_bytes("a")


@clause("DEL-01")
@pytest.mark.parametrize("busy", [1, 5, 1000])
def test_a_file_written_while_it_is_deleted_is_deleted_all_the_same(colour, lane, busy):
    """On a hierarchical account a deletion is bound to what was seen, so that it hits no folder."""
    refusals = iter([refusal(412, "ConditionNotMet")] * busy)

    def answer(taken, head):
        (says(200) if head.startswith("HEAD") else next(refusals, says(202)))(taken, head)

    with Scripted(answer) as server:
        backend = AzureBackend("any", endpoint_url=f"{server.url}/me", account_key=KEY, lane=lane, hierarchical=True)
        with opened(backend, "", colour) as store:
            if busy < 100:
                store.delete("a")
                assert len(server.heads) == 2 * (busy + 1)
                return
            with pytest.raises(ResourceLocked, match="faster than it can be deleted"):
                again(store, retry=RetryPolicy(attempts=1)).delete("a")
            with pytest.raises(PreconditionFailed):
                store.delete("a", if_match='"one"')


def test_a_body_that_is_cut_is_taken_up_where_it_broke(scripted):
    server, store = scripted(content(DATA, until=300_000), content(DATA))
    with store.read("a") as reader:
        assert reader.read(10) == DATA[:10]
        assert reader.read() == DATA[10:]
    assert any(line.lower() == 'if-match: "one"' for line in server.heads[1].splitlines())


def test_a_body_that_never_comes_is_an_error(scripted):
    _, store = scripted(content(DATA, until=0))
    with pytest.raises((BackendUnavailable, IntegrityError)):
        store.read_bytes("a")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AuthenticationFailed", PermissionDenied),
        (401, "NoAuthenticationInformation", PermissionDenied),
        (400, "InvalidAuthenticationInfo", PermissionDenied),
        (409, "PublicAccessNotPermitted", PermissionDenied),
        (404, "ContainerNotFound", ContainerNotFound),
        (409, "ContainerBeingDeleted", ContainerNotFound),
        (412, "LeaseIdMissing", ResourceLocked),
        (409, "SnapshotsPresent", RemoteStoreError),
        (418, "Teapot", RemoteStoreError),
    ],
)
def test_each_refusal_has_its_kind_and_hides_what_is_hidden(scripted, status, code, kind):
    _, store = scripted(refusal(status, code))
    with pytest.raises(kind) as caught:
        store.write("a", b"data", overwrite=True)
    assert type(caught.value) is kind
    assert (caught.value.path, caught.value.backend) == ("a", "azure")
    assert "hidden-root" not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("body", ["<html>login</html>", "<EnumerationResults><Blobs><Blob><Name>a</Name>"])
def test_a_listing_that_is_cut_or_no_listing_is_an_error(scripted, body):
    def answer(taken, head):
        taken.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())

    _, store = scripted(answer)
    with pytest.raises(IntegrityError):
        list(store.list_files())


def test_a_redirect_does_not_carry_the_signature_elsewhere(scripted):
    with Scripted(content(b"stolen")) as elsewhere:
        _, store = scripted(says(307, Location=f"{elsewhere.url}/x"))
        with contextlib.suppress(RemoteStoreError):
            store.read_bytes("a")
        with contextlib.suppress(RemoteStoreError):
            store.copy("a", "b", overwrite=True)
        assert not any("authorization" in head.lower() for head in elsewhere.heads)


PENDING = {"x_ms_copy_id": "one", "x_ms_copy_status": "pending"}


def lines(server):
    return [head.splitlines()[0].rpartition(" ")[0].partition("/me/any/hidden-root/")[::2] for head in server.heads]


def test_a_copy_that_takes_its_time_is_waited_for(scripted):
    done = says(200, x_ms_copy_id="one", x_ms_copy_status="success")
    server, store = scripted(says(202, **PENDING), says(200, **PENDING), done)
    store.copy("a", "b", overwrite=True)
    assert lines(server) == [("PUT ", "b"), ("HEAD ", "b"), ("HEAD ", "b")]


def test_a_copy_that_fails_is_called_off_and_leaves_nothing(scripted):
    failed = says(200, x_ms_copy_id="one", x_ms_copy_status="failed")
    server, store = scripted(says(202, **PENDING), failed, refusal(409, "NoPendingCopyOperation"), failed, says(202))
    with pytest.raises(RemoteStoreError, match="gave the copy up"):
        store.copy("a", "b", overwrite=True)
    assert lines(server)[-1] == ("DELETE ", "b")
    assert 'If-Match: "one"' in server.heads[-1]


def test_blocks_that_somebody_elses_write_dropped_are_told_from_a_fault(scripted):
    def chunks():
        yield bytes(6 << 20)

    for options, kind in (({"overwrite": True}, ResourceLocked), ({}, AlreadyExists)):

        def answer(taken, head):
            if head.startswith("HEAD"):
                refusal(404)(taken, head)
            elif "comp=blocklist" in head:
                refusal(400, "InvalidBlockList")(taken, head)
            else:
                length = int(head.lower().partition("content-length: ")[2].partition("\r")[0] or 0)
                length -= len(head.partition("\r\n\r\n")[2])  # what came with the head
                while length > 0 and (data := taken.recv(1 << 16)):
                    length -= len(data)
                says(201)(taken, head)

        _, store = scripted(answer)
        with pytest.raises(kind):
            store.write("a", chunks(), **options)
