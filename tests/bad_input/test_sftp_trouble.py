"""An SFTP server that refuses, lies, is dead or silent: every call says so, in time, and leaves nothing behind."""

import socket
import time
import traceback

import pytest

from remote_store import (
    BackendUnavailable,
    ContainerNotFound,
    PermissionDenied,
    RemoteStoreError,
    RetryPolicy,
    Store,
    Timeout,
)
from remote_store.backends.sftp import SFTPBackend
from remote_store.testing import clause
from tests.bad_input.calls import CALLS, CONTENT, FILE
from tests.bad_input.conftest import faced, unleaking
from tests.bad_input.test_arguments import attempt
from tests.servers.process import free_ports
from tests.servers.sftp import make_key

CANARY = "canary-secret-that-nobody-may-see"
DEADLINE = 8.0
"""Seconds; far more than any of these servers needs to be given up."""

LACKING = {"list_versions", "presign", "describe"}
SILENT_CALLS = {"child", "resolve", "native_path", "to_key", "unwrap", "supports"}
ASKING = sorted({*CALLS, "ping"} - SILENT_CALLS - LACKING)


@pytest.fixture(scope="module")
def kept(asyncssh):
    """Options of a place with the one file in it."""
    options = asyncssh.options()
    with Store(SFTPBackend(**options)) as store:
        store.write(FILE, CONTENT)
        yield options
        assert [(info.key, info.size) for info in store.list_files(recursive=True)] == [(FILE, len(CONTENT))]
        assert store.read_bytes(FILE) == CONTENT


@pytest.fixture(scope="module")
def mute():
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def wrong(request, kept, mute, tmp_path):
    by_password = kept | {"key_file": None, "password": CANARY}
    if request.param == "key":
        make_key(tmp_path / "stranger", passphrase=CANARY)
        return kept | {"key_file": tmp_path / "stranger", "passphrase": CANARY}
    return {
        "password": lambda: by_password,
        "host key": lambda: by_password | {"fingerprint": None, "known_hosts": tmp_path / "none"},
        "root": lambda: kept | {"root": kept["root"] + "-missing", "create": False},
        "dead": lambda: by_password | {"port": free_ports(1)[0]},
        "silent": lambda: by_password | {"port": mute, "connect_timeout": 0.3},
    }[request.param]()


TROUBLES = {
    "password": (PermissionDenied, "with the password", False),
    "key": (PermissionDenied, "with the key", False),
    "host key": (PermissionDenied, "is unknown", False),
    "root": (ContainerNotFound, "-missing' is missing", False),
    "dead": (BackendUnavailable, "cannot be reached", True),
    "silent": (Timeout, "did not speak SSH within 0.3 s", True),
}


@clause("ERR-01", "ERR-02", "SECRET-03", "DEADLINE-01", "ABSENT-02")
@pytest.mark.parametrize("wrong", TROUBLES, indirect=True)
def test_every_call_says_what_the_trouble_is_in_time(wrong, colour, request, subtests):
    trouble = TROUBLES[request.node.callspec.params["wrong"]]
    with unleaking(), faced(SFTPBackend(**wrong), colour, retry=RetryPolicy(attempts=1)) as store:
        for method in ASKING:
            with subtests.test(method=method):
                says_so(store, method, *trouble)


def says_so(store, method, kind, says, retryable):
    began = time.monotonic()
    with pytest.raises(RemoteStoreError) as raised:
        attempt(store, method, CALLS.get(method, {}))
    assert time.monotonic() - began < DEADLINE
    error = raised.value
    assert isinstance(error, kind), "".join(traceback.format_exception(error))
    assert says in error.message
    assert (error.backend, error.retryable) == ("sftp", retryable)
    assert error.path in {"", FILE, "folder", "folder/copy", "folder/moved"}
    shown = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    assert CANARY not in "".join(shown)


def test_content_that_turns_bad_after_some_parts_leaves_no_draft(colour, kept, tmp_path):
    def content():
        for _ in range(3):
            yield bytes(6 << 20)
        yield "text"

    with unleaking(), faced(SFTPBackend(**kept), colour) as store:
        with pytest.raises(TypeError, match="content yields bytes, not str"):
            store.write("folder/big", content())
        assert not store.exists("folder/big")
        assert store.unwrap(SFTPBackend).cleanup(older_than=-60) == 0
