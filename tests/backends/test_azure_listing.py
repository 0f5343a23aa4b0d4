"""Listings of Azure: the order of hierarchical accounts, pages, markers and odd names."""

import itertools
import random
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from remote_store import NotFound, RemoteStoreError
from remote_store.backends.azure import AzureBackend, listing
from remote_store.models import FolderEntry
from remote_store.testing import clause
from remote_store.testing.faces import opened
from tests.bad_input.test_azure_trouble import signature

KEYS = [
    "A/dat1", "A-B/dat2", "A-B-C", "A.C/dat3", "AB/AB", "AB/dat4", "AB.txt", "ABC", "A-C/x/y", "A-C/x-y", "A-C/x.y",
    "A!/1", "A/deep/1", "A/deep-er/1", "A/deep.txt", "z", "z-/a", "zz/a", "é/ü", "a b/c", "a+b", "a%b",
]  # fmt: skip


def names(found):
    return [f"{entry.key}/" if isinstance(entry, FolderEntry) else entry.key for entry in found]


def expected_children(keys, folder=""):
    start = f"{folder}/" if folder else ""
    below = [key[len(start) :] for key in keys if key.startswith(start)]
    return sorted({start + (name.partition("/")[0] + "/" if "/" in name else name) for name in below})


@pytest.fixture(params=["sync", "async"])
def colour(request):
    return request.param


@pytest.fixture
def store(hns_stub, colour):
    place = hns_stub.make_container()
    backend = AzureBackend(
        place, endpoint_url=hns_stub.endpoint_url, account_key=hns_stub.account_key, hierarchical=True
    )
    with opened(backend, "", colour) as store:
        yield store


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 5000])
def test_the_order_is_that_of_keys_whatever_fits_an_answer(store, size, monkeypatch):
    for key in KEYS:
        store.write(key, b"")
    monkeypatch.setattr(listing, "PAGE", size)
    assert names(store.list_files(recursive=True)) == sorted(KEYS)
    assert names(store.iter_children()) == expected_children(KEYS)
    assert names(store.iter_children("A-C")) == expected_children(KEYS, "A-C")
    assert names(store.list_files("A", recursive=True)) == sorted(key for key in KEYS if key.startswith("A/"))
    assert names(store.list_files("nothing", recursive=True)) == []


def test_random_trees_come_in_the_order_of_keys(store, monkeypatch):
    chance = random.Random(7)
    monkeypatch.setattr(listing, "PAGE", 4)
    letters = ["a", "a-", "a.", "a!b", "b", "ab"]
    keys = set()
    for _ in range(60):
        key = "/".join(chance.choices(letters, k=chance.randint(1, 4)))
        clash = any(other.startswith(f"{key}/") or key.startswith(f"{other}/") for other in keys)
        if not clash:
            keys.add(key)
            store.write(key, b"", overwrite=True)
    assert names(store.list_files(recursive=True)) == sorted(keys)
    for folder in {key.rpartition("/")[0] for key in keys}:
        assert names(store.iter_children(folder)) == expected_children(keys, folder)


def test_empty_folders_are_shown_and_hold_no_files(store):
    store.write("folder/sub/file", b"")
    store.delete("folder/sub/file")
    assert names(store.iter_children("folder")) == ["folder/sub/"]
    assert names(store.list_files(recursive=True)) == []
    assert store.is_folder("folder/sub")
    info = store.get_folder_info("folder")
    assert (info.file_count, info.total_size) == (0, 0)


class TestFlat:
    @pytest.fixture
    def place(self, azurite):
        return azurite.make_container()

    @pytest.fixture
    def client(self, azurite, place):
        with azurite.client() as client, client.get_container_client(place) as inside:
            yield inside

    @pytest.fixture
    def store(self, azurite, place, colour):
        backend = AzureBackend(
            place, endpoint_url=azurite.endpoint_url, account_key=azurite.account_key, hierarchical=False
        )
        with opened(backend, "", colour) as store:
            yield store

    def test_markers_of_both_kinds_are_folders_and_never_files(self, store, client):
        for name, metadata in (
            ("slash/", None),
            ("hadoop", {"hdi_isfolder": "true"}),
            ("full", {"hdi_isfolder": "true"}),
        ):
            client.upload_blob(name, b"", metadata=metadata)
        client.upload_blob("full/file", b"x")
        assert names(store.list_files(recursive=True)) == ["full/file"]
        assert names(store.iter_children()) == ["full/", "hadoop/", "slash/"]
        assert not store.is_file("hadoop")
        assert store.exists("hadoop")
        assert store.is_folder("slash")
        store.delete_folder("slash")
        assert not store.exists("slash")

    @clause("DEL-10")
    def test_a_folder_that_metadata_mark_is_deleted_with_its_mark_and_a_file_of_its_name_is_not(self, store, client):
        for name in ("full", "full/sub", "empty"):
            client.upload_blob(name, b"", metadata={"hdi_isfolder": "true"})
        for name in ("full/file", "both", "both/file"):
            client.upload_blob(name, b"x")
        store.delete_folder("full", recursive=True)
        store.delete_folder("both", recursive=True)
        store.delete_folder("empty")
        assert [blob.name for blob in client.list_blobs()] == ["both"]
        with pytest.raises(NotFound):
            store.delete_folder("both")

    @clause("SCOPE-01")
    def test_metadata_with_the_names_of_facts_change_no_listing_and_no_deletion(self, store, client):
        client.upload_blob("precious", b"x")
        for name in ("Name", "Blob", "Etag", "ResourceType", "NextMarker", "Metadata"):
            client.upload_blob(f"folder/{name}", b"data", metadata={name: "precious", "hdi": "1", "Name": "precious"})
        found = list(store.list_files("folder"))
        assert names(found) == sorted(f"folder/{blob.name[7:]}" for blob in client.list_blobs("folder/"))
        assert [entry.etag for entry in found] == [store.get_file_info(entry.key).etag for entry in found]
        store.delete_folder("folder", recursive=True)
        assert [blob.name for blob in client.list_blobs()] == ["precious"]

    @clause("SCOPE-01")
    def test_a_name_that_clients_resolve_deletes_nothing_else(self, azurite, place, client, colour):
        token = signature(azurite, place)
        for name in ("root/folder/../precious", "root/folder/./a"):
            address = urlsplit(f"{azurite.endpoint_url}/{place}/{name}?{token}")
            connection = HTTPConnection(address.netloc)
            connection.request("PUT", f"{address.path}?{address.query}", b"x", {"x-ms-blob-type": "BlockBlob"})
            assert connection.getresponse().status == 201
            connection.close()
        for name in ("root/precious", "root/folder/a"):
            client.upload_blob(name, b"x")
        before = [blob.name for blob in client.list_blobs()]
        backend = AzureBackend(place, endpoint_url=azurite.endpoint_url, sas_token=token, hierarchical=False)
        with opened(backend, "root", colour) as store, pytest.raises(RemoteStoreError, match="in its name"):
            store.delete_folder("folder", recursive=True)
        assert [blob.name for blob in client.list_blobs()] == before

    @pytest.mark.parametrize("lane", ["obstore", "sdk"])
    def test_a_file_with_content_is_no_folder_whatever_marks_it(self, azurite, place, colour, lane):
        backend = AzureBackend(
            place, endpoint_url=azurite.endpoint_url, account_key=azurite.account_key, hierarchical=False, lane=lane
        )
        with opened(backend, "", colour) as store:
            store.write("folder/a", b"data", metadata={"hdi_isfolder": "true"})
            assert names(store.iter_children("folder")) == ["folder/a"]
            assert store.get_file_info("folder/a").size == 4
            assert store.read_bytes("folder/a") == b"data"

    def test_keys_that_no_path_can_name_are_left_out(self, store, client, caplog):
        for name in ("a//b", "C:/drive", "good", "a/good", "é +%20&<\"'>/ü"):
            client.upload_blob(name, b"x")
        assert names(store.list_files(recursive=True)) == sorted(["a/good", "good", "é +%20&<\"'>/ü"])
        assert len([record for record in caplog.records if record.name == "remote_store"]) == 1
        assert store.read_bytes("é +%20&<\"'>/ü") == b"x"

    def test_pages_follow_each_other(self, store, client, monkeypatch):
        monkeypatch.setattr(listing, "PAGE", 3)
        keys = [f"{folder}/{number}" for folder, number in itertools.product("abc", range(5))] + ["a-", "b.c"]
        for key in keys:
            client.upload_blob(key, b"")
        assert names(store.list_files(recursive=True)) == sorted(keys)
        assert sorted(names(store.iter_children())) == expected_children(keys)
        store.delete_folder("b", recursive=True)
        assert names(store.list_files(recursive=True)) == sorted(key for key in keys if not key.startswith("b/"))
