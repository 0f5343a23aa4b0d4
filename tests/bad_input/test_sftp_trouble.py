"""An SFTP server that refuses, lies, is dead or silent: every call says so, in time, and leaves nothing behind."""

import socket

import pytest

from remote_store import (
    BackendUnavailable,
    ContainerNotFound,
    PermissionDenied,
    Store,
    Timeout,
)
from remote_store.backends.sftp import SFTPBackend
from remote_store.testing import clause
from tests.bad_input.calls import CALLS, CONTENT, FILE
from tests.bad_input.conftest import faced, unleaking
from tests.bad_input.troubles import CANARY, Trouble, each_says_so
from tests.servers.process import free_ports
from tests.servers.sftp import make_key

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
def around(kept, mute, tmp_path):
    """Options of a place, the port of a server that never says a word, and a folder for keys."""
    return kept, mute, tmp_path


def by_password(kept, **changes):
    return kept | {"key_file": None, "password": CANARY} | changes


def by_a_strangers_key(kept, mute, folder):
    make_key(folder / "stranger", passphrase=CANARY)
    return kept | {"key_file": folder / "stranger", "passphrase": CANARY}


def unknown_host(kept, mute, folder):
    return by_password(kept, fingerprint=None, known_hosts=folder / "none")


def missing_root(kept, mute, folder):
    return kept | {"root": kept["root"] + "-missing", "create": False}


TROUBLES = {
    "password": Trouble(lambda kept, *_: by_password(kept), PermissionDenied, "with the password", False),
    "key": Trouble(by_a_strangers_key, PermissionDenied, "with the key", False),
    "host key": Trouble(unknown_host, PermissionDenied, "is unknown", False),
    "root": Trouble(missing_root, ContainerNotFound, "-missing' is missing", False),
    "dead": Trouble(
        lambda kept, *_: by_password(kept, port=free_ports(1)[0]), BackendUnavailable, "cannot be reached", True
    ),
    "silent": Trouble(
        lambda kept, mute, _: by_password(kept, port=mute, connect_timeout=0.3),
        Timeout,
        "did not speak SSH within 0.3 s",
        True,
    ),
}


@clause("ERR-01", "ERR-02", "SECRET-03", "DEADLINE-01", "ABSENT-02")
@pytest.mark.parametrize("name", TROUBLES)
def test_every_call_says_what_the_trouble_is_in_time(name, around, colour, subtests):
    options = TROUBLES[name].options(*around)
    each_says_so(lambda: SFTPBackend(**options), colour, ASKING, TROUBLES[name], subtests)


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
