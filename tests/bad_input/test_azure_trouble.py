"""Azure in trouble: refused, expired, missing, dead or silent; every call says so, in time, and leaves nothing."""

import asyncio
import base64
import datetime as dt
import socket
import traceback

import pytest
from azure.identity import CredentialUnavailableError
from azure.storage.blob import ContainerSasPermissions, generate_container_sas

from remote_store import (
    BackendUnavailable,
    ConfigError,
    ContainerNotFound,
    PermissionDenied,
    RetryPolicy,
    Store,
    Timeout,
)
from remote_store.aio import AsyncStore
from remote_store.backends.azure import AzureBackend
from remote_store.testing import clause
from tests.bad_input.calls import CALLS, CONTENT, FILE
from tests.bad_input.conftest import faced, unleaking
from tests.bad_input.test_secret_sweep import shown_by
from tests.bad_input.test_services import ASKING
from tests.bad_input.troubles import CANARY, Trouble, each_says_so
from tests.servers.process import free_ports, wait_until

WRONG_KEY = base64.b64encode(CANARY.encode()).decode()
SILENT = {"list_versions", "presign"}
ASKED = [method for method in ASKING if method not in SILENT]


def signature(endpoint, container, *, hours=1, key=None):
    return generate_container_sas(
        endpoint.account,
        container,
        account_key=key or endpoint.account_key,
        permission=ContainerSasPermissions.from_string("rwdlac"),
        expiry=dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours),
    )


@pytest.fixture(scope="module")
def kept(azurite):
    """A container with the one file in it."""
    container = azurite.make_container()
    with azurite.client() as client, client.get_container_client(container) as inside:
        inside.upload_blob(FILE, CONTENT)
        yield container
        assert [blob.name for blob in inside.list_blobs(include=["uncommittedblobs"])] == [FILE]
        assert inside.download_blob(FILE).readall() == CONTENT


@pytest.fixture(scope="module")
def around(azurite, kept):
    """A server, a container on it, and the port of a service that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        yield azurite, kept, listener.getsockname()[1]


def wrong_key(azurite, kept, silent):
    return {"container": kept, "endpoint_url": azurite.endpoint_url, "account_key": WRONG_KEY}


def wrong_signature(azurite, kept, silent):
    token = signature(azurite, kept, key=WRONG_KEY)
    return {"container": kept, "endpoint_url": azurite.endpoint_url, "sas_token": token}


def expired_signature(azurite, kept, silent):
    return {"container": kept, "endpoint_url": azurite.endpoint_url, "sas_token": signature(azurite, kept, hours=-1)}


def missing(azurite, kept, silent):
    keys = {"endpoint_url": azurite.endpoint_url, "account_key": azurite.account_key}
    return {"container": "no-such-container", **keys}


def dead(azurite, kept, silent):
    return {"container": "any", "endpoint_url": f"http://127.0.0.1:{free_ports(1)[0]}/me", "account_key": WRONG_KEY}


def dead_by_signature(azurite, kept, silent):
    address = f"http://127.0.0.1:{free_ports(1)[0]}/me"
    return {"container": "any", "endpoint_url": address, "sas_token": f"sv=2023-11-03&sig={CANARY}"}


def mute(azurite, kept, silent):
    address = f"http://127.0.0.1:{silent}/me"
    return {"container": "any", "endpoint_url": address, "account_key": WRONG_KEY, "read_timeout": 0.15}


TROUBLES = {
    "wrong key": Trouble(wrong_key, PermissionDenied, "check the credentials", False),
    "wrong signature": Trouble(wrong_signature, PermissionDenied, "check the credentials", False),
    "expired signature": Trouble(expired_signature, PermissionDenied, "check the credentials", False),
    "missing container": Trouble(missing, ContainerNotFound, "the container 'no-such-container' does not exist", False),
    "dead service": Trouble(dead, BackendUnavailable, "the service at http://127.0.0.1:", True),
    "dead service, by signature": Trouble(dead_by_signature, BackendUnavailable, "the service at http://127", True),
    "silent service": Trouble(mute, Timeout, "did not answer within the deadline", True),
}


@clause("ERR-01", "ERR-02", "SECRET-03", "DEADLINE-01")
@pytest.mark.parametrize("lane", ["obstore", "sdk"])
@pytest.mark.parametrize("name", TROUBLES)
def test_every_call_says_what_the_trouble_is_in_time(name, lane, colour, around, subtests):
    trouble = TROUBLES[name]
    options = {"hierarchical": False, "lane": lane, **trouble.options(*around)}
    late = 1 if (lane, colour) == ("obstore", "async") else 0  # its pool may keep one idle connection for a minute
    each_says_so(lambda: AzureBackend(**options), colour, ASKED, trouble, subtests, late=late)


@clause("ERR-01")
@pytest.mark.parametrize("lane", ["obstore", "sdk"])
@pytest.mark.parametrize("name", TROUBLES)
def test_an_account_that_is_to_be_asked_says_the_same(name, lane, colour, around, subtests):
    trouble = TROUBLES[name]
    options = trouble.options(*around)
    late = 1 if (lane, colour) == ("obstore", "async") else 0
    methods = ["read_bytes", "write", "is_folder", "move", "delete_folder"]
    each_says_so(lambda: AzureBackend(lane=lane, **options), colour, methods, trouble, subtests, late=late)


@clause("SECRET-03")
@pytest.mark.parametrize("lane", ["obstore", "sdk"])
def test_no_frame_cause_or_message_shows_a_signature_or_token(lane, colour, around):
    from tests.bad_input.test_arguments import attempt

    class Credential:
        def get_token(self, *scopes, **options):
            from azure.core.credentials import AccessToken

            return AccessToken(CANARY, 4_000_000_000)

    address = {"container": "any", "endpoint_url": f"http://127.0.0.1:{free_ports(1)[0]}/me", "lane": lane}
    signatures = [f"sv=2023-11-03&sig={text}" for text in (CANARY, f"ab%2f{CANARY}%3d", f"{{{CANARY}|é")]
    for login in (*({"sas_token": text} for text in signatures), {"credential": Credential()}):
        backend = AzureBackend(hierarchical=False, **address, **login)
        with faced(backend, colour, retry=RetryPolicy(attempts=1)) as store:
            assert CANARY not in repr(store)
            for method in ("read_bytes", "write", "list_files", "copy", "delete"):
                with pytest.raises(BackendUnavailable) as raised:
                    attempt(store, method, CALLS[method])
                assert CANARY not in shown_by(raised.value)


@clause("ERR-01", "ERR-02", "SECRET-03")
@pytest.mark.parametrize("lane", ["obstore", "sdk"])
@pytest.mark.parametrize(
    "reason", [CredentialUnavailableError("not logged in"), RuntimeError("broken"), OSError(5, "io")]
)
def test_a_credential_without_a_token_is_refused_and_says_why(reason, lane, colour):
    class Credential:
        def get_token(self, *scopes, **options):
            raise reason

    address = f"http://127.0.0.1:{free_ports(1)[0]}/me"
    backend = AzureBackend("any", endpoint_url=address, credential=Credential(), lane=lane, hierarchical=False)
    with faced(backend, colour) as store:
        for call in (lambda: store.read_bytes("a"), lambda: store.copy("a", "b"), lambda: list(store.list_files("a"))):
            with pytest.raises(PermissionDenied, match="the credential handed out no token") as refused:
                call()
            assert (refused.value.path, refused.value.backend) == ("a", "azure")
            assert str(reason) in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("lane", ["obstore", "sdk"])
def test_content_that_turns_bad_after_some_blocks_shows_nothing(lane, colour, azurite, kept):
    def content():
        for _ in range(3):
            yield bytes(6 << 20)
        yield "text"

    place = azurite.make_container()
    backend = AzureBackend(place, endpoint_url=azurite.endpoint_url, account_key=azurite.account_key, lane=lane)
    with unleaking(1 if (lane, colour) == ("obstore", "async") else 0), faced(backend, colour) as store:
        with pytest.raises(TypeError, match="content yields bytes, not str"):
            store.write("folder/big", content())
        assert not store.exists("folder/big")
        assert list(store.list_files(recursive=True)) == []
        store.write("folder/big", b"small")
        assert store.read_bytes("folder/big") == b"small"

        def no_block_is_left():
            with azurite.client() as client, client.get_blob_client(place, "folder/big") as blob:
                if blob.get_block_list("uncommitted") == ([], []):
                    return True
            store.write("folder/big", b"small", overwrite=True)
            return False

        # A busy server keeps the block that was under way after it has taken the write; it goes with the next.
        assert wait_until(no_block_is_left, 10)


@pytest.mark.parametrize("lane", ["obstore", "sdk"])
def test_a_folder_that_refuses_is_an_error_and_its_neighbours_are_served(lane, colour, hns_stub):
    place = hns_stub.make_container()
    backend = AzureBackend(
        place, endpoint_url=hns_stub.endpoint_url, account_key=hns_stub.account_key, lane=lane, hierarchical=True
    )
    with faced(backend, colour) as store:
        store.write("open/a", b"1")
        for call in (
            lambda: store.read_bytes("denied/a"),
            lambda: store.write("denied/a", b"1"),
            lambda: store.write("denied/a", iter([bytes(6 << 20)])),
            lambda: store.exists("denied/a"),
            lambda: store.is_folder("denied"),
            lambda: list(store.list_files("denied")),
            lambda: store.delete("denied/a", missing_ok=True),
            lambda: store.delete_folder("denied", recursive=True, missing_ok=True),
        ):
            with pytest.raises(PermissionDenied) as refused:
                call()
            assert refused.value.path in {"denied", "denied/a"}
        with pytest.raises(PermissionDenied):
            store.copy("open/a", "denied/b")
        with pytest.raises(PermissionDenied):
            store.move("open/a", "denied/b")
        assert store.read_bytes("open/a") == b"1"
        assert [entry.key for entry in store.list_files("open")] == ["open/a"]


def test_an_upload_that_nobody_takes_leaves_no_socket_when_it_is_given_up(around):
    _, container, port = around

    async def give_up():
        backend = AzureBackend(
            container, endpoint_url=f"http://127.0.0.1:{port}/me", account_key=WRONG_KEY, lane="sdk", hierarchical=False
        )
        async with AsyncStore(backend) as store, asyncio.timeout(0.3):
            await store.write("a", bytes(32 << 20), overwrite=True)

    with unleaking(), pytest.raises(TimeoutError):
        asyncio.run(give_up())


WRONG = {
    "no account at all": ({"account_key": "a2V5"}, ConfigError),
    "nothing to sign with": ({"account": "me"}, PermissionDenied),
}


@pytest.mark.parametrize(("options", "kind"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("lane", ["obstore", "sdk"])
def test_what_is_not_said_anywhere_is_asked_for(options, kind, lane, monkeypatch):
    for name in ("ACCOUNT", "ACCOUNT_NAME", "ACCOUNT_KEY", "KEY", "SAS_TOKEN", "CONNECTION_STRING"):
        monkeypatch.delenv(f"AZURE_STORAGE_{name}", raising=False)
    with Store(AzureBackend("any", lane=lane, **options)) as store, pytest.raises(kind, match="pass account"):
        store.read_bytes("a")
