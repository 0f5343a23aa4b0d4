"""How many requests an operation takes, counted at the server's door."""

import pytest

from remote_store import AlreadyExists, NotFound
from tests.backends.recorder import Recorder, cost_one_request_each, verbs


@pytest.fixture
def recorder(server):
    with Recorder(int(server.endpoint_url.rpartition(":")[2])) as recorder:
        yield recorder


@pytest.fixture
def store(recorder, open_store):
    return open_store(endpoint_url=f"http://127.0.0.1:{recorder.port}")


def test_write_read_and_facts_are_one_request_each(recorder, store):
    cost_one_request_each(recorder, store)


def test_a_conditional_write_is_one_request_won_or_lost(recorder, store):
    etag = store.write("a", b"1").etag
    store.write("a", b"2", if_match=etag)
    recorder.requests()
    with pytest.raises(AlreadyExists):
        store.write("a", b"3")
    assert verbs(recorder) == ["PUT"]


def test_delete_is_one_request_and_two_where_absence_is_to_be_told(recorder, store):
    store.write("a", b"1")
    store.write("b", b"2")
    recorder.requests()
    store.delete("a", missing_ok=True)
    assert verbs(recorder) == ["DELETE"]
    store.delete("b")
    assert verbs(recorder) == ["DELETE", "HEAD"]


def test_copy_is_one_request_and_move_four(recorder, store):
    store.write("a", b"1")
    recorder.requests()
    store.copy("a", "b", overwrite=True)
    assert verbs(recorder) == ["PUT"]
    store.move("b", "c", overwrite=True)
    # Which version is it, copy that version, is it still that one, delete it if it is.
    assert verbs(recorder) == ["DELETE", "HEAD", "HEAD", "PUT"]


def test_a_target_that_is_to_be_free_costs_one_question(recorder, store):
    store.write("a", b"1")
    store.write("taken", b"2")
    recorder.requests()
    store.copy("a", "b")
    assert verbs(recorder) == ["HEAD", "PUT"]
    with pytest.raises(AlreadyExists):
        store.copy("a", "taken")
    assert verbs(recorder) == ["HEAD", "HEAD"]
    store.move("a", "c")
    assert verbs(recorder) == ["DELETE", "HEAD", "HEAD", "HEAD", "PUT"]
    store.write("big", bytes(6 << 20) * 2)
    assert verbs(recorder) == ["HEAD", "POST", "POST", "PUT", "PUT", "PUT"]


def test_many_deletions_are_one_request(recorder, store):
    for number in range(5):
        store.write(f"{number}", b"")
    recorder.requests()
    store.delete_many([f"{number}" for number in range(5)])
    assert verbs(recorder) == ["POST"]


def test_a_listing_is_one_request_a_page(recorder, store):
    for number in range(3):
        store.write(f"folder/{number}", b"")
    recorder.requests()
    assert len(list(store.list_files(recursive=True))) == 3
    assert verbs(recorder) == ["GET"]
    assert len(list(store.iter_children())) == 1
    assert verbs(recorder) == ["GET"]


def test_a_big_write_is_begun_sent_and_committed(recorder, store):
    content = bytes(range(256)) * (44 << 10)
    store.write("big", content, overwrite=True)
    # POST to begin and to commit, three parts of 5 MiB at most.
    assert verbs(recorder) == ["POST", "POST", "PUT", "PUT", "PUT"]
    assert store.read_bytes("big") == content
    # The first request opens the whole, the second fetches what lies beyond the first part.
    assert set(verbs(recorder)) == {"GET"}


def test_a_missing_file_asks_once_more_why(recorder, store):
    store.write("there", b"")
    recorder.requests()
    with pytest.raises(NotFound):
        store.read_bytes("missing")
    assert verbs(recorder) == ["GET", "GET"]
