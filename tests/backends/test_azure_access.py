"""How an Azure container is reached: addresses, credentials, URIs, clients, processes."""

import os
import pickle
import subprocess
import sys

import pytest

from remote_store import AlreadyExists, CapabilityNotSupported, ConfigError, ResourceLocked, RetryPolicy, Secret, Store
from remote_store.aio import AsyncStore
from remote_store.backends.azure import AzureBackend
from remote_store.backends.azure.names import decoded, encoded
from remote_store.testing import clause
from tests.backends.test_s3_processes import in_child
from tests.bad_input.test_secret_sweep import shown_by

KEY = "a2V5"


@pytest.fixture(autouse=True)
def _bare(monkeypatch):
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(params=["obstore", "sdk"])
def lane(request):
    return request.param


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"account": "me"}, ("me", "https://me.blob.core.windows.net", "https://me.dfs.core.windows.net")),
        (
            {"endpoint_url": "https://me.blob.core.chinacloudapi.cn/"},
            ("me", "https://me.blob.core.chinacloudapi.cn", "https://me.dfs.core.chinacloudapi.cn"),
        ),
        (
            {"endpoint_url": "http://127.0.0.1:10000/dev"},
            ("dev", "http://127.0.0.1:10000/dev", "http://127.0.0.1:10000/dev"),
        ),
        (
            {"account": "me", "dfs_endpoint_url": "https://lake.example"},
            ("me", "https://me.blob.core.windows.net", "https://lake.example"),
        ),
        (
            {"connection_string": "AccountName=me;AccountKey=a2V5;EndpointSuffix=core.usgovcloudapi.net"},
            ("me", "https://me.blob.core.usgovcloudapi.net", "https://me.dfs.core.usgovcloudapi.net"),
        ),
        (
            {"connection_string": "BlobEndpoint=https://me.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=x"},
            ("me", "https://me.blob.core.windows.net", "https://me.dfs.core.windows.net"),
        ),
    ],
)
def test_where_a_container_is(options, place):
    assert AzureBackend("any", **options)._access.place() == place


@pytest.mark.parametrize(
    "options",
    [
        {"container": "A"},
        {"container": "a/b"},
        {"container": ""},
        {"account_key": "not base64!"},
        {"sas_token": "sv=1"},
        {"account_key": KEY, "sas_token": "sig=x"},
        {"account_key": KEY, "anonymous": True},
        {"credential": "cli"},
        {"connection_string": "nonsense"},
        {"connection_string": "AccountName=me;AccountKey=a2V5", "account": "me"},
        {"connection_string": "BlobEndpoint=me.blob.core.windows.net;AccountKey=a2V5"},
        {"connection_string": "BlobEndpoint=https://me:canary@host/;AccountKey=a2V5"},
        {"connection_string": "BlobEndpoint=https://me.blob.x/;DfsEndpoint=https://me:canary@host/;AccountKey=a2V5"},
        {"connection_string": "AccountName=me.example/canary;AccountKey=a2V5"},
        {"connection_string": "AccountName=me;DefaultEndpointsProtocol=ftp;AccountKey=a2V5"},
        {"account": "me.blob.core.windows.net"},
        {"account": "https://me.blob.core.windows.net"},
        {"endpoint_url": "me.blob.core.windows.net"},
        {"endpoint_url": "https://me.blob.core.windows.net?sv=1&sig=x"},
        {"lane": "fast"},
        {"read_timeout": 0},
    ],
)
def test_options_that_cannot_be_meant_are_refused_at_once(options):
    if "connection_string" in options:
        options = {**options, "connection_string": Secret(options["connection_string"])}
    with pytest.raises(ValueError, match=next(iter(options))) as refused:
        AzureBackend(**{"container": "any"} | options)
    assert "canary" not in shown_by(refused.value)


@pytest.mark.parametrize(
    "options", [{"container": 1}, {"account": 1}, {"account_key": b"k"}, {"credential": 3}, {"hierarchical": "no"}]
)
def test_options_of_a_wrong_type_are_refused_at_once(options):
    with pytest.raises(TypeError):
        AzureBackend(**{"container": "any"} | options)


@clause("CONF-07")
def test_uris_name_container_account_and_path():
    store = Store.from_uri("az://any/a/b?account=me", account_key=KEY)
    assert store.native_path("c") == "az://any/a/b/c"
    for scheme in ("abfss", "abfs"):
        lake = Store.from_uri(f"{scheme}://any@me.dfs.core.windows.net/a", account_key=KEY)
        assert lake.unwrap(AzureBackend)._access.place().blob == "https://me.blob.core.windows.net"
    for uri in (
        "az://",
        "az://any:80/a",
        "abfss://any@me/a",
        "abfss://me.dfs.x/any",
        f"az://any?account_key={KEY}",
        "abfss://a:b@me.dfs.x",
    ):
        with pytest.raises(ConfigError):
            Store.from_uri(uri)


def test_connection_string_signature_environment_and_nobody_open_the_same_place(azurite, lane, monkeypatch):
    from tests.bad_input.test_azure_trouble import signature

    place = azurite.make_container()
    with azurite.client() as client:
        client.get_container_client(place).set_container_access_policy({}, public_access="container")
    address = {"endpoint_url": azurite.endpoint_url, "lane": lane}
    with Store(AzureBackend(place, connection_string=azurite.connection_string(), lane=lane)) as store:
        store.write("a", b"data")
    with Store(AzureBackend(place, sas_token="?" + signature(azurite, place), **address)) as store:
        assert store.read_bytes("a") == b"data"
        store.move("a", "b")
        with pytest.raises(CapabilityNotSupported):
            store.presign("b")
    with Store(AzureBackend(place, anonymous=True, **address)) as store:
        assert store.read_bytes("b") == b"data"
        assert [entry.key for entry in store.list_files()] == ["b"]
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection_string())
    with Store(AzureBackend(place, lane=lane)) as store:
        assert store.read_bytes("b") == b"data"
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", azurite.account_key)
    with Store(AzureBackend(place, **address)) as store:
        assert store.read_bytes("b") == b"data"


def test_other_words_of_the_environment_have_no_say(azurite, lane, monkeypatch):
    for name, value in (("TOKEN", "none"), ("SAS_KEY", "sig=none"), ("USE_EMULATOR", "true"), ("CLIENT_ID", "none")):
        monkeypatch.setenv(f"AZURE_STORAGE_{name}", value)
    monkeypatch.setenv("AZURE_CREDENTIAL_TYPE", "azure_cli")
    place = azurite.make_container()
    with Store(AzureBackend(place, connection_string=azurite.connection_string(), lane=lane)) as store:
        store.write("a", b"data")
        assert store.read_bytes("a") == b"data"


class Credential:
    """As those of azure-identity: hands out tokens and counts."""

    def __init__(self):
        self.asked = 0

    def get_token(self, *scopes, **options):
        from azure.core.credentials import AccessToken

        self.asked += 1
        assert scopes == ("https://storage.azure.com/.default",)
        return AccessToken("token-of-the-test", 4_000_000_000)


class AwaitedCredential(Credential):
    async def get_token(self, *scopes, **options):
        return super().get_token(*scopes, **options)


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("kind", [Credential, AwaitedCredential])
def test_tokens_are_sent_and_kept(kind, colour, lane):
    from remote_store.testing.faces import opened
    from tests.backends.scripted import Scripted, content

    credential = kind()
    with Scripted(content(b"data")) as server:
        backend = AzureBackend(
            "any", endpoint_url=f"{server.url}/me", credential=credential, lane=lane, hierarchical=False
        )
        with opened(backend, "", colour) as store:
            if (kind, colour) == (AwaitedCredential, "sync"):
                with pytest.raises(ConfigError, match=r"azure\.identity\.aio"):
                    store.read_bytes("a")
                return
            for _ in range(3):
                assert store.read_bytes("a") == b"data"
            store.delete("a")
            assert credential.asked == 1
        assert all("authorization: bearer token-of-the-test" in head.lower() for head in server.heads)


@pytest.mark.parametrize("names", [{"a-b": "1", "9": "2", "_x002d_": "3", "a_x0041_": "4", "plain": "5", "a--": "6"}])
def test_names_of_metadata_come_back_and_are_identifiers(names):
    kept = encoded(names)
    assert all(name.isidentifier() and name.isascii() for name in kept)
    assert decoded(kept) == names


def test_clients_are_handed_out(azurite, lane):
    from azure.storage.blob import BlobServiceClient, ContainerClient
    from azure.storage.filedatalake import FileSystemClient
    from obstore.store import AzureStore

    place = azurite.make_container()
    options = {"endpoint_url": azurite.endpoint_url, "account_key": azurite.account_key, "lane": lane}
    with Store(AzureBackend(place, **options)) as store:
        assert store.unwrap(ContainerClient).exists()
        assert store.unwrap(BlobServiceClient).account_name == azurite.account
        assert store.unwrap(FileSystemClient).file_system_name == place
        if lane == "obstore":
            assert isinstance(store.unwrap(AzureStore), AzureStore)
        else:
            with pytest.raises(CapabilityNotSupported):
                store.unwrap(AzureStore)


def test_backends_are_what_their_options_are():
    one, other = AzureBackend("any", account="me", account_key=KEY), AzureBackend("any", account="me", account_key=KEY)
    assert one == other
    assert pickle.loads(pickle.dumps(one)) == one
    assert KEY not in repr(one)


def test_engines_are_told_what_opens_the_place():
    native = Store(AzureBackend("any", account="me", account_key=KEY), "root").describe("a")
    assert native.uri == "az://any/root/a"
    assert native.options["azure_storage_account_name"] == "me"
    assert KEY not in repr(native)
    assert Store(AzureBackend("any", account="me", credential=Credential())).describe("a") is None


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_uses_the_store_its_parent_used(azurite, lane):
    place = azurite.make_container()
    backend = AzureBackend(place, endpoint_url=azurite.endpoint_url, account_key=azurite.account_key)
    with Store(backend) as store:
        store.write("parent", b"before")

        def work():
            assert store.read_bytes("parent") == b"before"
            store.write("child", b"from the child")
            assert len(list(store.list_files())) == 2
            store.close()

        assert in_child(work) == 0
        assert store.read_bytes("child") == b"from the child"


def test_static_keys_need_no_sdk_for_the_hot_path(azurite):
    place = azurite.make_container()
    script = f"""
import sys
from remote_store import Store
from remote_store.backends.azure import AzureBackend
store = Store(AzureBackend({place!r}, endpoint_url={azurite.endpoint_url!r}, account_key={azurite.account_key!r},
                           hierarchical=False))
store.write("a", b"data")
assert store.read_bytes("a") == b"data" and store.exists("a")
assert not {{"azure.core", "azure.storage", "requests", "aiohttp", "asyncio"}} & set(sys.modules), "loaded too early"
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


async def _use(backend):
    async with AsyncStore(backend) as store:
        await store.write("a", b"1", overwrite=True)
        return await store.read_bytes("a")


def test_one_backend_serves_several_loops(azurite, lane):
    import asyncio

    place = azurite.make_container()
    backend = AzureBackend(place, endpoint_url=azurite.endpoint_url, account_key=azurite.account_key, lane=lane)
    for _ in range(2):
        assert asyncio.run(_use(backend)) == b"1"


@clause("ERR-02")
def test_a_file_that_is_leased_by_a_client_handed_out_is_locked_and_named(azurite, lane):
    from azure.storage.blob import ContainerClient

    place = azurite.make_container()
    options = {"endpoint_url": azurite.endpoint_url, "account_key": azurite.account_key, "lane": lane}
    with Store(AzureBackend(place, **options), "root", retry=RetryPolicy(attempts=1)) as store:
        etag = store.write("leased", b"1").etag
        store.write("free", b"2")
        with store.unwrap(ContainerClient).get_blob_client("root/leased") as client:
            lease = client.acquire_lease(60)
        for call in (
            lambda: store.write("leased", b"2", overwrite=True),
            lambda: store.write("leased", b"2", if_match=etag),
            lambda: store.write("leased", iter([bytes(6 << 20)] * 2), overwrite=True),
            lambda: store.copy("free", "leased", overwrite=True),
            lambda: store.move("free", "leased", overwrite=True),
            lambda: store.move("leased", "elsewhere"),
            lambda: store.delete("leased"),
        ):
            with pytest.raises(ResourceLocked, match="holds a lease on this file") as locked:
                call()
            assert locked.value.path == "leased"
        with pytest.raises(AlreadyExists):
            store.write("leased", b"2")
        assert store.read_bytes("leased") == b"1"
        assert store.read_bytes("free") == b"2"
        lease.release()
        store.delete("leased")
