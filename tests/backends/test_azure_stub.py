"""The stub of a hierarchical account takes what the real SDK sends, and we send what the SDK sends."""

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.filedatalake import DataLakeServiceClient

from remote_store import NotFound, Store
from remote_store.backends.azure import AzureBackend
from tests.backends.recorder import Recorder


@pytest.fixture
def place(hns_stub):
    return hns_stub.make_container()


@pytest.fixture
def recorder(hns_stub):
    with Recorder(int(hns_stub.endpoint_url.rpartition(":")[2].partition("/")[0])) as recorder:
        yield recorder


@pytest.fixture
def lake(hns_stub, recorder, place):
    key = {"account_name": hns_stub.account, "account_key": hns_stub.account_key}
    address = f"http://127.0.0.1:{recorder.port}/{hns_stub.account}"
    with DataLakeServiceClient(address, credential=key, retry_total=0) as client:
        yield client.get_file_system_client(place)


@pytest.fixture
def store(hns_stub, recorder, place):
    address = f"http://127.0.0.1:{recorder.port}/{hns_stub.account}"
    with Store(AzureBackend(place, endpoint_url=address, account_key=hns_stub.account_key, lane="sdk")) as store:
        yield store


def test_files_and_folders_of_the_sdk_are_ours_and_ours_are_its(lake, store):
    lake.create_directory("folder/empty")
    file = lake.create_file("folder/a")
    file.append_data(b"0123", 0)
    file.append_data(b"4567", 4)
    file.flush_data(8)
    assert store.read_bytes("folder/a") == b"01234567"
    assert store.is_folder("folder/empty")
    store.write("folder/b", b"ours", metadata={"team": "blue"})
    assert lake.get_file_client("folder/b").download_file().readall() == b"ours"
    assert lake.get_file_client("folder/b").get_file_properties().metadata == {"team": "blue"}
    found = [(path.name, path.is_directory) for path in lake.get_paths("folder")]
    assert found == [("folder/a", False), ("folder/b", False), ("folder/empty", True)]


def test_renames_of_the_sdk_and_ours_are_the_same_request(lake, store, recorder, place):
    store.write("a", b"1")
    store.write("b", b"2")
    recorder.requests()
    lake.get_file_client("a").rename_file(f"{place}/c d")
    (theirs,) = recorder.requests()
    store.move("b", "e f")
    ours = next(request for request in recorder.requests() if request.startswith("PUT"))
    assert ours.replace("e%20f", "c%20d") == theirs
    assert store.read_bytes("c d") == b"1"
    with pytest.raises(NotFound):
        store.read_bytes("a")


def test_deletions_of_the_sdk_and_ours_are_the_same_request(lake, store, recorder):
    for folder in ("mine", "theirs"):
        for number in range(30):
            store.write(f"{folder}/{number}", b"")
    recorder.requests()
    lake.get_directory_client("theirs").delete_directory()
    theirs = [request.split("?")[0].replace("theirs", "mine") for request in recorder.requests()]
    store.delete_folder("mine", recursive=True)
    ours = [request.split("?")[0] for request in recorder.requests() if request.startswith("DELETE")]
    assert ours == theirs
    assert list(store.list_files(recursive=True)) == []


def test_the_stub_refuses_what_the_service_refuses(lake, store):
    store.write("folder/file", b"1")
    with pytest.raises(ResourceNotFoundError):
        lake.get_file_client("missing").get_file_properties()
    with pytest.raises(ResourceExistsError):
        lake.get_directory_client("folder").create_directory(match_condition=MatchConditions.IfMissing)
    with pytest.raises(ResourceNotFoundError):
        lake.get_file_client("folder/file").rename_file(f"{lake.file_system_name}/no/such/folder")
