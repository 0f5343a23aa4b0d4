"""A web server that refuses, is dead, silent or busy: every call says so, in time, and leaves nothing behind."""

import logging
import socket
import uuid
from pathlib import Path

import pytest

from remote_store import (
    BackendUnavailable,
    ConfigError,
    ContainerNotFound,
    PermissionDenied,
    Registry,
    Store,
    Timeout,
)
from remote_store.backends.http import HttpBackend
from remote_store.testing import clause
from tests.bad_input.calls import CALLS, CONTENT, FILE
from tests.bad_input.conftest import faced
from tests.bad_input.test_arguments import attempt
from tests.bad_input.test_missing_extras import outcome
from tests.bad_input.test_secret_sweep import shown_by
from tests.bad_input.troubles import CANARY, Trouble, each_says_so
from tests.servers.process import free_ports

ASKING = [
    "exists", "get_file_info", "get_folder_info", "glob", "head", "is_file", "is_folder", "iter_children", "list_files",
    "list_folders", "ping", "read", "read_bytes", "read_many", "read_range", "read_seekable", "read_text",
]  # fmt: skip


@pytest.fixture(scope="module")
def around(web):
    """The web server, a folder on it with the one file in it, and a port that takes connections and is silent."""
    folder = Path(web.folder) / uuid.uuid4().hex
    (folder / FILE).parent.mkdir(parents=True)
    (folder / FILE).write_bytes(CONTENT)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        yield web, folder.name, listener.getsockname()[1]
    assert [path for path in folder.rglob("*") if path.is_file()] == [folder / FILE]


TROUBLES = {
    "wrong password": Trouble(
        lambda web, name, silent: {"url": f"{web.url}/basic/{name}", "user": "someone", "password": CANARY},
        PermissionDenied,
        "check the credentials",
        False,
    ),
    "wrong token": Trouble(
        lambda web, name, silent: {"url": f"{web.url}/bearer/{name}", "token": CANARY},
        PermissionDenied,
        "check the credentials",
        False,
    ),
    "wrong signature": Trouble(
        lambda web, name, silent: {"url": f"{web.url}/signed/{name}", "query": f"sig={CANARY}"},
        PermissionDenied,
        "check the credentials",
        False,
    ),
    "dead server": Trouble(
        lambda web, name, silent: {"url": f"http://127.0.0.1:{free_ports(1)[0]}/a", "token": CANARY},
        BackendUnavailable,
        "http://127.0.0.1:",
        True,
    ),
    "silent server": Trouble(
        lambda web, name, silent: {"url": f"http://127.0.0.1:{silent}/a", "token": CANARY, "read_timeout": 0.3},
        Timeout,
        "did not answer within the deadline",
        True,
    ),
    "busy server": Trouble(
        lambda web, name, silent: {"url": f"{web.url}/busy/{name}", "token": CANARY},
        BackendUnavailable,
        "cannot serve now (503)",
        True,
    ),
    "strange certificate": Trouble(
        lambda web, name, silent: {"url": f"{web.tls_url}/json/{name}", "token": CANARY},
        BackendUnavailable,
        "certificate is not trusted",
        False,
    ),
    "unknown host": Trouble(
        lambda web, name, silent: {"url": "http://no-such-host.invalid/a", "token": CANARY},
        BackendUnavailable,
        "could not be reached",
        True,
    ),
}


@clause("ERR-01", "ERR-02", "SECRET-03", "DEADLINE-01", "HTTP-13")
@pytest.mark.parametrize("lane", ["httpx", "stdlib"])
@pytest.mark.parametrize("name", TROUBLES)
def test_every_call_says_what_the_trouble_is_in_time(name, lane, colour, around, subtests):
    options = {"lane": lane, "listing": "nginx-json"} | TROUBLES[name].options(*around)
    each_says_so(lambda: HttpBackend(**options), colour, ASKING, TROUBLES[name], subtests)


@clause("ABSENT-02")
@pytest.mark.parametrize("lane", ["httpx", "stdlib"])
def test_a_missing_folder_of_the_store_itself_is_named(lane, colour, around):
    web, name, _ = around
    with faced(HttpBackend(f"{web.url}/json/{name}-gone", listing="nginx-json", lane=lane), colour) as store:
        for method in ("ping", "list_files", "iter_children", "glob"):
            with pytest.raises(ContainerNotFound, match=f"{name}-gone") as caught:
                attempt(
                    store, method, CALLS.get(method, {}) | ({"path": ""} if method.endswith(("files", "en")) else {})
                )
            assert caught.value.backend == "http"


WRONG = {
    "an address of a wrong type": (lambda: HttpBackend(3), TypeError),
    "no address": (lambda: HttpBackend(""), ConfigError),
    "another scheme": (lambda: HttpBackend("ftp://host/a"), ConfigError),
    "no scheme": (lambda: HttpBackend("host/a"), ConfigError),
    "no host": (lambda: HttpBackend("http:///a"), ConfigError),
    "a port that is none": (lambda: HttpBackend("http://host:99999/a"), ConfigError),
    "a line in the host": (lambda: HttpBackend("http://ho\r\nst/a"), ConfigError),
    "a password in the address": (lambda: HttpBackend(f"http://me:{CANARY}@host/a"), ConfigError),
    "a query in the address": (lambda: HttpBackend(f"http://host/a?sig={CANARY}"), ConfigError),
    "a fragment in the address": (lambda: HttpBackend("http://host/a#b"), ConfigError),
    "dots in the address": (lambda: HttpBackend("http://host/a/../b"), ConfigError),
    "a user alone": (lambda: HttpBackend("http://host", user="me"), ConfigError),
    "a password alone": (lambda: HttpBackend("http://host", password=CANARY), ConfigError),
    "a colon in the user": (lambda: HttpBackend("http://host", user="a:b", password=CANARY), ConfigError),
    "a token beside a user": (lambda: HttpBackend("http://h", user="a", password=CANARY, token=CANARY), ConfigError),
    "a line in the token": (lambda: HttpBackend("http://host", token=f"{CANARY}\r\nX: y"), ConfigError),
    "a line in a header": (lambda: HttpBackend("http://host", headers={"X": f"{CANARY}\r\nY: z"}), ConfigError),
    "a line in a header's name": (lambda: HttpBackend("http://host", headers={"X\r\nY": CANARY}), ConfigError),
    "a header of ours": (lambda: HttpBackend("http://host", headers={"Range": CANARY}), ConfigError),
    "a header that is a number": (lambda: HttpBackend("http://host", headers={"X": 3}), TypeError),
    "headers that are text": (lambda: HttpBackend("http://host", headers=f"X: {CANARY}"), TypeError),
    "credentials twice": (
        lambda: HttpBackend("http://host", token=CANARY, headers={"authorization": CANARY}),
        ConfigError,
    ),
    "a space in the query": (lambda: HttpBackend("http://host", query=f"a {CANARY}"), ConfigError),
    "a line in the query": (lambda: HttpBackend("http://host", query=f"a\r\n{CANARY}"), ConfigError),
    "an unknown listing": (lambda: HttpBackend("http://host", listing="xml"), ConfigError),
    "an unknown lane": (lambda: HttpBackend("http://host", lane="fast"), ConfigError),
    "an unknown way with encodings": (lambda: HttpBackend("http://host", encoded="unpack"), ConfigError),
    "a flag that is text": (lambda: HttpBackend("http://host", verify="no"), TypeError),
    "another flag that is text": (lambda: HttpBackend("http://host", block_private="no"), TypeError),
    "negative redirects": (lambda: HttpBackend("http://host", redirects=-1), ConfigError),
    "no read at all": (lambda: HttpBackend("http://host", parallel_reads=0), ConfigError),
    "reads of text": (lambda: HttpBackend("http://host", parallel_reads="4"), TypeError),
    "a timeout of nothing": (lambda: HttpBackend("http://host", read_timeout=0), ConfigError),
    "a timeout of text": (lambda: HttpBackend("http://host", connect_timeout="5"), TypeError),
    "an endless timeout": (lambda: HttpBackend("http://host", read_timeout=float("inf")), ConfigError),
}


@pytest.mark.parametrize(("make", "kind"), WRONG.values(), ids=WRONG)
def test_wrong_options_are_refused_when_they_are_written(make, kind):
    with pytest.raises(kind) as refused:
        make()
    assert "support" not in str(refused.value), "an accident of Python, not a check"
    assert "canary" not in str(refused.value)


IN_URIS = {
    "a password": lambda: Store.from_uri(f"http://me:{CANARY}@host/a"),
    "a token in the query": lambda: Store.from_uri(f"http://host/a?token={CANARY}"),
    "a signature in the query": lambda: Store.from_uri(f"http://host/a?sig={CANARY}"),
    "headers in the query": lambda: Store.from_uri(f"http://host/a?headers={CANARY}"),
    "a query in the query": lambda: Store.from_uri(f"http://host/a?query={CANARY}"),
    "headers of a wrong type": lambda: Store.from_uri("http://host/a", headers=f"X: {CANARY}"),
    "a header of a wrong type": lambda: Store.from_uri("http://host/a", headers={"X": [CANARY]}),
    "an unknown option beside": lambda: Store.from_uri("http://host/a", token=CANARY, listin="html"),
    "no host": lambda: Store.from_uri("http:/a", token=CANARY),
}


@clause("SECRET-03")
@pytest.mark.parametrize("make", IN_URIS.values(), ids=IN_URIS)
def test_a_refused_uri_shows_no_secret(make):
    with pytest.raises(ConfigError) as refused:
        make()
    assert CANARY not in shown_by(refused.value)


@clause("SECRET-02")
def test_a_table_of_secrets_is_masked_wherever_a_configuration_is_shown(caplog):
    caplog.set_level(logging.DEBUG)
    options = {"url": "http://host/a", "headers": {"X-Key": "${KEY}"}, "query": "${KEY}"}
    data = {"backends": {"w": {"type": "http", "options": options}}, "stores": {"s": {"backend": "w"}}}
    from remote_store import RegistryConfig

    config = RegistryConfig.from_dict(data, environ={"KEY": CANARY})
    with Registry(config) as registry:
        shown = f"{config!r} {config.to_dict()} {registry!r} {registry.get_store('s')!r}"
    assert CANARY not in shown + caplog.text
    assert "X-Key" in shown


HTTP = 'Store.from_uri("http://127.0.0.1:9/a", connect_timeout=1)'


@clause("CONF-08")
def test_without_httpx_both_colours_work_and_the_lane_names_its_extra():
    gone = {"httpx", "httpcore", "h11", "anyio"}
    assert outcome(f"{HTTP}.read_bytes('a')", gone).startswith("BackendUnavailable")
    awaited = "import asyncio; from remote_store.aio import AsyncStore; asyncio.run(AsyncStore.from_uri('http://127.0.0.1:9/a').exists('a'))"
    assert outcome(awaited, gone).startswith("BackendUnavailable")
    said = outcome("Store.from_uri('http://127.0.0.1:9/a', lane='httpx')", gone)
    assert said.startswith("ConfigError")
    assert "pip install 'remote-store[httpx]'" in said
