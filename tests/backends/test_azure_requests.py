"""How many requests an operation on Azure takes, counted at the server's door."""

import uuid

import pytest

from remote_store import AlreadyExists, NotFound
from remote_store.backends.azure import AzureBackend
from remote_store.testing.faces import opened
from tests.backends.recorder import Recorder, cost_one_request_each, verbs


@pytest.fixture(params=["obstore", "sdk"])
def lane(request):
    return request.param


@pytest.fixture(params=["azurite", "hns_stub"])
def endpoint(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def recorder(endpoint):
    with Recorder(int(endpoint.endpoint_url.rpartition(":")[2].partition("/")[0])) as recorder:
        yield recorder


@pytest.fixture
def flat(endpoint):
    return endpoint.account == "testaccount"


@pytest.fixture
def store(endpoint, recorder, lane, flat):
    address = f"http://127.0.0.1:{recorder.port}/{endpoint.account}"
    backend = AzureBackend(
        endpoint.make_container(),
        endpoint_url=address,
        account_key=endpoint.account_key,
        lane=lane,
        hierarchical=not flat,
    )
    with opened(backend, uuid.uuid4().hex, "sync") as store:
        yield store


def test_write_read_and_facts_are_one_request_each(recorder, store):
    cost_one_request_each(recorder, store)


def test_a_conditional_write_is_one_request_if_it_wins_and_two_if_it_loses(recorder, store):
    etag = store.write("a", b"1").etag
    store.write("a", b"2", if_match=etag)
    assert verbs(recorder) == ["PUT", "PUT"]
    with pytest.raises(AlreadyExists):
        store.write("a", b"3")
    assert verbs(recorder) == ["HEAD", "PUT"]


def test_delete_is_one_request_and_two_where_a_folder_could_stand_there(recorder, store, flat):
    store.write("a", b"1")
    recorder.requests()
    store.delete("a")
    assert verbs(recorder) == (["DELETE"] if flat else ["DELETE", "HEAD"])


def test_copy_is_one_request_and_move_is_a_rename_or_a_copy(recorder, store, flat):
    store.write("a", b"1")
    recorder.requests()
    store.copy("a", "b", overwrite=True)
    assert verbs(recorder) == (["PUT"] if flat else ["HEAD", "PUT"])
    store.move("b", "c", overwrite=True)
    assert verbs(recorder) == (["DELETE", "HEAD", "PUT"] if flat else ["HEAD", "PUT"])


def test_a_rename_into_a_new_folder_makes_it_first(recorder, store, flat):
    store.write("a", b"1", metadata={"team-name": "blue"})
    recorder.requests()
    store.move("a", "new/folder/b")
    assert verbs(recorder) == (["DELETE", "HEAD", "PUT"] if flat else ["HEAD", "PUT", "PUT", "PUT"])
    assert store.get_file_info("new/folder/b").metadata == {"team-name": "blue"}


def test_a_folder_of_a_hierarchical_account_goes_in_few_requests(recorder, store, flat):
    for number in range(30):
        store.write(f"folder/{number}", b"")
    recorder.requests()
    store.delete_folder("folder", recursive=True)
    if not flat:
        assert verbs(recorder) == ["DELETE", "DELETE", "HEAD"]  # the stub clears 25 entries a request
    with pytest.raises(NotFound):
        store.delete_folder("folder", recursive=True)


def test_a_listing_is_one_request_a_page(recorder, store):
    for number in range(3):
        store.write(f"folder/{number}", b"")
    recorder.requests()
    assert len(list(store.list_files(recursive=True))) == 3
    assert verbs(recorder) == ["GET"]
    assert len(list(store.iter_children())) == 1
    assert verbs(recorder) == ["GET"]


def test_a_big_write_is_sent_in_blocks_and_committed(recorder, store):
    content = bytes(range(256)) * (44 << 10)
    store.write("big", content, overwrite=True)
    assert verbs(recorder) == ["PUT"] * 4  # three blocks, and the list of them
    assert store.read_bytes("big") == content
