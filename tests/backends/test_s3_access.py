"""Credentials of every kind, addresses, and what constructing costs."""

import json
import pickle
import subprocess
import sys

import pytest

from remote_store import BackendUnavailable, ConfigError, PermissionDenied, RetryPolicy, Secret, Store
from remote_store.backends.s3 import S3Backend
from remote_store.backends.s3.access import Clients

VARIABLES = [
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION",
    "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE",
]  # fmt: skip


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch, tmp_path):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def server(seaweedfs):
    """The one that checks secrets."""
    return seaweedfs


def works(store):
    store.write("a", b"data", overwrite=True)
    assert store.read_bytes("a") == b"data"
    assert [entry.key for entry in store.list_files()] == ["a"]
    store.copy("a", "b", overwrite=True)
    store.delete_many(["a", "b"])


def test_static_keys(open_store):
    works(open_store())


def test_keys_that_come_as_secrets(open_store, server):
    works(open_store(secret_key=Secret(server.secret_key)))


def test_keys_of_the_environment(open_store, server, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
    works(open_store(access_key=None, secret_key=None, endpoint_url=None))


def test_static_keys_win_over_the_environment(open_store, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "of-someone-else")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    works(open_store())


def test_a_named_profile(open_store, server, tmp_path):
    (tmp_path / "config").write_text(f"[profile lake]\nregion = us-east-1\nendpoint_url = {server.endpoint_url}\n")
    keys = f"aws_access_key_id = {server.access_key}\naws_secret_access_key = {server.secret_key}\n"
    (tmp_path / "credentials").write_text(f"[lake]\n{keys}")
    works(open_store(profile="lake", endpoint_url=None))


def test_keys_that_a_program_hands_out_and_renews(open_store, server, tmp_path, colour):
    answer = {"Version": 1, "AccessKeyId": server.access_key, "SecretAccessKey": server.secret_key}
    answer["Expiration"] = "2126-01-01T00:00:00Z"
    (tmp_path / "answer").write_text(json.dumps(answer))
    (tmp_path / "config").write_text(f"[profile lake]\ncredential_process = cat {tmp_path / 'answer'}\n")
    works(open_store(profile="lake"))


def test_no_keys_at_all(open_store):
    store = open_store(access_key=None, secret_key=None)
    for call in (lambda: store.read_bytes("a"), lambda: list(store.list_files()), lambda: store.delete_many(["a"])):
        with pytest.raises(PermissionDenied, match="credentials"):
            call()


def test_an_unknown_profile(open_store):
    with pytest.raises(ConfigError, match="profile"):
        open_store(profile="nobody").read_bytes("a")


def test_a_wrong_secret_is_refused_once_and_shown_nowhere(open_store):
    store = open_store(secret_key="canary-secret")
    for call in (lambda: store.write("a", b""), lambda: store.exists("a"), lambda: list(store.list_files())):
        with pytest.raises(PermissionDenied) as caught:
            call()
        assert not caught.value.retryable
        assert "canary-secret" not in f"{caught.value}{caught.value.__cause__!r}{store!r}"


def test_anonymous_reads_of_a_public_bucket(moto, lane, colour, root):
    from remote_store.testing.faces import opened

    bucket = moto.make_bucket()
    client = moto.client()
    client.put_object(Bucket=bucket, Key=f"{root}/a", Body=b"data", ACL="public-read")
    client.close()
    backend = S3Backend(bucket, endpoint_url=moto.endpoint_url, anonymous=True, lane=lane)
    with opened(backend, root, colour) as store:
        assert store.read_bytes("a") == b"data"
        assert [entry.key for entry in store.list_files()] == ["a"]


def test_anonymous_requests_are_refused_where_nothing_is_public(open_store):
    store = open_store(anonymous=True)
    with pytest.raises(PermissionDenied):
        store.read_bytes("a")


@pytest.mark.parametrize(
    "options",
    [
        {"access_key": "a"},
        {"secret_key": "s"},
        {"session_token": "t"},
        {"access_key": "a", "secret_key": "s", "anonymous": True},
        {"profile": "p", "anonymous": True},
        {"addressing": "postal"},
        {"endpoint_url": "localhost:9000"},
        {"lane": "fast"},
        {"bucket": ""},
        {"bucket": "a/b"},
    ],
)
def test_options_that_cannot_be_meant_are_refused_at_once(options):
    with pytest.raises(ConfigError):
        S3Backend(**{"bucket": "bucket"} | options)


@pytest.mark.parametrize(
    "options", [{"bucket": None}, {"region": 1}, {"secret_key": b"s", "access_key": "a"}, {"read_timeout": "5"}]
)
def test_options_of_a_wrong_type_are_refused_at_once(options):
    with pytest.raises(TypeError):
        S3Backend(**{"bucket": "bucket"} | options)


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"region": "eu-west-1"}, "https://bucket.s3.eu-west-1.amazonaws.com"),
        ({"region": "cn-north-1"}, "https://bucket.s3.cn-north-1.amazonaws.com.cn"),
        ({"region": "eu-west-1", "bucket": "with.dots"}, "https://s3.eu-west-1.amazonaws.com/with.dots"),
        ({"region": "eu-west-1", "addressing": "path"}, "https://s3.eu-west-1.amazonaws.com/bucket"),
        ({"endpoint_url": "http://localhost:9000/"}, "http://localhost:9000/bucket"),
        ({"endpoint_url": "https://s.example", "addressing": "virtual"}, "https://bucket.s.example"),
        ({}, "https://bucket.s3.us-east-1.amazonaws.com"),
    ],
)
def test_where_a_bucket_is(options, url):
    backend = S3Backend(**{"bucket": "bucket", "access_key": "a", "secret_key": "s"} | options)
    place = Clients(backend._access).place
    assert place.bucket_url == url
    assert place.region == options.get("region", "us-east-1")


def test_the_profile_says_region_and_address(tmp_path):
    (tmp_path / "config").write_text("[profile lake]\nregion = eu-west-3\n")
    (tmp_path / "credentials").write_text("[lake]\naws_access_key_id = a\naws_secret_access_key = s\n")
    place = Clients(S3Backend("bucket", profile="lake")._access).place
    assert place.bucket_url == "https://bucket.s3.eu-west-3.amazonaws.com"


def test_clients_are_handed_out(backend_of, root, lane):
    import boto3
    from botocore.client import BaseClient
    from obstore.store import S3Store

    from remote_store import CapabilityNotSupported

    with Store(backend_of(), root) as store:
        client = store.unwrap(BaseClient)
        assert client.list_buckets()["Buckets"]
        assert hasattr(client, "upload_fileobj")
        client.close()
        if lane == "obstore":
            assert isinstance(store.unwrap(S3Store), S3Store)
        else:
            with pytest.raises(CapabilityNotSupported):
                store.unwrap(S3Store)
        with pytest.raises(CapabilityNotSupported):
            store.unwrap(boto3.Session)


def test_backends_are_what_their_options_are(backend_of):
    assert backend_of() == backend_of()
    assert backend_of() != backend_of(read_timeout=5.0)
    assert pickle.loads(pickle.dumps(backend_of())) == backend_of()
    assert "weed-secret" not in repr(backend_of())


def test_static_keys_need_no_botocore_until_it_is_asked_for_more(server, bucket, root):
    script = f"""
import sys
from remote_store import Store
from remote_store.backends.s3 import S3Backend
backend = S3Backend({bucket!r}, endpoint_url={server.endpoint_url!r}, access_key={server.access_key!r},
                    secret_key={server.secret_key!r})
assert not {{"obstore", "botocore", "asyncio"}} & set(sys.modules)
store = Store(backend, {root!r})
assert not {{"obstore", "botocore", "asyncio"}} & set(sys.modules)
store.write("a", b"data")
assert store.read_bytes("a") == b"data" and store.exists("a") and store.presign("a")
assert not {{"botocore", "boto3", "asyncio"}} & set(sys.modules), "loaded too early"
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize("lane", ["obstore", "boto3"])
def test_a_dead_address_of_the_environment_is_named_without_its_secrets(lane, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://me:canary@127.0.0.1:9/canary")
    store = Store(S3Backend("b", access_key="me", secret_key="s", lane=lane), retry=RetryPolicy(attempts=1))
    with store, pytest.raises(BackendUnavailable, match=r"the service at http://127\.0\.0\.1:9 could") as raised:
        store.read_bytes("a")
    assert "canary" not in str(raised.value)
