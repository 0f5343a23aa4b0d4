"""A secret with a name of its own is sent through everything, and looked for in all that comes out."""

import json
import logging
import pickle
import traceback
from pathlib import Path

import pytest

import remote_store
from remote_store import ConfigError, Registry, RegistryConfig, RemoteStoreError, RetryPolicy, Secret, Store
from remote_store.backends.s3 import S3Backend
from remote_store.testing import clause
from tests.bad_input.calls import CALLS
from tests.bad_input.conftest import faced
from tests.bad_input.test_arguments import attempt
from tests.servers.process import free_ports

CANARY = "canary-secret-that-nobody-may-see"
LIBRARY = str(Path(remote_store.__file__).parent)


def shown_by(error):
    """Return the printed error with the local variables of the library's own frames, and what a worker would send."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    pieces = [
        pickle.dumps(error, protocol=0).decode("ascii"),
        repr(error),
        str(error),
        *getattr(error, "__notes__", ()),
    ]
    while told is not None:
        pieces += [*told.format_exception_only()]
        pieces += [str(frame.locals) for frame in told.stack if frame.filename.startswith(LIBRARY)]
        told = told.__cause__ or told.__context__
    return "\n".join(pieces)


def table(**options):
    return {"backends": {"l": {"type": "s3", "options": {"bucket": "b", "secret_key": CANARY, **options}}}}


REFUSED = {
    "an unknown option": lambda: RegistryConfig.from_dict(table(regoin="x")),
    "a wrong type": lambda: RegistryConfig.from_dict(table(read_timeout="soon")),
    "a missing variable": lambda: RegistryConfig.from_dict(table(region="${NOT_SET_ANYWHERE}")),
    "an unknown store key": lambda: RegistryConfig.from_dict({**table(), "stores": {"s": {"backend": "l", "x": 1}}}),
    "an unknown backend": lambda: RegistryConfig.from_dict({**table(), "stores": {"s": {"backend": "x"}}}),
    "a secret that is a list": lambda: RegistryConfig.from_dict(table(session_token=[CANARY])),
    "TOML cut short": lambda: RegistryConfig.from_toml(f"[backends.l.options]\nsecret_key = '{CANARY}\n"),
    "TOML with an unknown key": lambda: RegistryConfig.from_toml(
        f"[backends.l]\ntype = 's3'\n[backends.l.options]\nsecret_key = '{CANARY}'\nbuckt = 'x'\n"
    ),
    "half the keys": lambda: Registry(
        {**table(), "stores": {"s": {"backend": "l"}}},
    ).get_store("s"),
    "a password in a URI": lambda: Store.from_uri(f"s3://me:{CANARY}@bucket/a"),
    "a secret in a URI": lambda: Store.from_uri(f"s3://bucket/a?secret_key={CANARY}"),
    "an unknown option beside a URI": lambda: Store.from_uri("s3://bucket/a", secret_key=CANARY, regoin="x"),
    "an unknown scheme beside a secret": lambda: Store.from_uri("s4://bucket/a", secret_key=CANARY),
    "half the keys beside a URI": lambda: Store.from_uri("s3://bucket/a", secret_key=CANARY),
}


@clause("SECRET-03")
@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_a_refused_setting_shows_no_secret(make):
    with pytest.raises(ConfigError) as refused:
        make()
    assert CANARY not in shown_by(refused.value)


def on_dead_service(lane, **given):
    options = {"endpoint_url": f"http://127.0.0.1:{free_ports(1)[0]}", "region": "r", "lane": lane, **given}
    return S3Backend("b", **options)


@pytest.fixture(params=["a Secret", "a text", "the environment"])
def given(request, monkeypatch):
    """The canary as credentials, by one of the ways to give them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "me")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    monkeypatch.setenv("AWS_SESSION_TOKEN", CANARY)
    secret = {"a Secret": Secret(CANARY), "a text": CANARY}.get(request.param)
    return {} if secret is None else {"access_key": "me", "secret_key": secret, "session_token": secret}


METHODS = ["read_bytes", "read", "write", "list_files", "copy", "delete_many", "presign", "describe", "ping"]


@clause("SECRET-03")
@pytest.mark.parametrize("lane", ["obstore", "boto3"])
def test_a_failing_call_shows_no_secret(given, lane, colour, caplog, subtests):
    caplog.set_level(logging.DEBUG)
    with faced(on_dead_service(lane, **given), colour, retry=RetryPolicy(attempts=1)) as store:
        assert CANARY not in f"{store!r} {store}"
        for method in METHODS:
            with subtests.test(method=method):
                assert CANARY not in said_by(store, method)
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("remote_store")]
    assert CANARY not in "\n".join(logged)


def said_by(store, method):
    try:
        answer = attempt(store, method, CALLS.get(method, {}))
    except RemoteStoreError as error:
        return shown_by(error)
    # A link signed with a temporary key carries its token, as it must.
    return "" if method == "presign" else repr(answer)


@clause("SECRET-02")
def test_results_carry_no_secret_and_what_opens_a_store_prints_none(seaweedfs):
    bucket = seaweedfs.make_bucket()
    options = {"bucket": bucket, "endpoint_url": seaweedfs.endpoint_url, "access_key": seaweedfs.access_key}
    options |= {"secret_key": seaweedfs.secret_key, "region": seaweedfs.region}
    config = {"backends": {"l": {"type": "s3", "options": options}}, "stores": {"s": {"backend": "l"}}}
    with Registry(config) as registry:
        store = registry.get_store("s")
        results = [
            store.write("a", b"1"),
            store.head("a"),
            store.get_file_info("a"),
            store.get_folder_info(),
            store.resolve("a"),
            store.capabilities,
            list(store.iter_children()),
        ]
        shown = [
            repr(registry),
            repr(registry.config),
            json.dumps(registry.config.to_dict()),
            repr(store),
            repr(results),
        ]
    assert seaweedfs.secret_key not in "".join(shown)
    assert seaweedfs.secret_key.encode() not in pickle.dumps(results)
