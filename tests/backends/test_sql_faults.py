"""Databases that break off, say nothing or were left in the middle: all or nothing, in time, and the store goes on."""

import contextlib
import threading
import time
from pathlib import Path

import pytest

from remote_store import (
    AlreadyExists,
    BackendUnavailable,
    IntegrityError,
    NotFound,
    RemoteStoreError,
    ResourceLocked,
    RetryPolicy,
    Timeout,
)
from remote_store.backends.sql import SqlBlobBackend
from remote_store.testing import clause
from remote_store.testing.faces import COLOURS, again, opened
from tests.backends.sql_places import KINDS, CommitBreaker, place_of
from tests.servers import Link
from tests.servers.process import wait_until

MIB = 1 << 20
ONCE = RetryPolicy(attempts=1)
BIG = bytes(range(256)) * 4096 * 3 + b"tail"
OTHER = b"other" * (MIB // 2)


@pytest.fixture(params=COLOURS)
def colour(request):
    return request.param


@pytest.fixture(params=KINDS)
def place(request, tmp_path):
    return place_of(request.param, request, tmp_path)


@pytest.fixture(params=KINDS[1:])
def server(request, tmp_path):
    return place_of(request.param, request, tmp_path)


@clause("SQL-03")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_commit_whose_answer_is_lost_leaves_all_or_nothing(server, colour, when):
    with CommitBreaker(server.server.port) as relay, opened(server.backend(relay.port), "", colour) as store:
        once = again(store, retry=ONCE)
        once.write("a", BIG)
        relay.armed = when
        with pytest.raises(BackendUnavailable):
            once.write("a", iter([OTHER, b"more"]), overwrite=True)
        assert relay.broken == 1
        assert store.read_bytes("a") == (BIG if when == "before" else OTHER + b"more")
        assert server.litter() == []
        relay.armed = when
        with pytest.raises(BackendUnavailable):
            once.write("new", BIG)
        assert store.exists("new") is (when == "after")
        if when == "after":
            assert store.read_bytes("new") == BIG
        assert server.litter() == []
        store.write("new", b"later", overwrite=True)
        assert store.read_bytes("new") == b"later"
        assert server.litter() == []


@clause("SQL-06")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_tree_is_deleted_whole_or_not_at_all(server, when):
    with CommitBreaker(server.server.port) as relay, opened(server.backend(relay.port), "", "sync") as store:
        for name in ("t/1", "t/2", "u"):
            store.write(name, BIG)
        relay.armed = when
        with contextlib.suppress(BackendUnavailable):
            again(store, retry=ONCE).delete_folder("t", recursive=True)
        left = [entry.key for entry in store.list_files(recursive=True)]
        assert left == (["t/1", "t/2", "u"] if when == "before" else ["u"])
        assert all(store.read_bytes(key) == BIG for key in left)
        assert server.litter() == []


@clause("SQL-13", "SQL-03")
@pytest.mark.parametrize("when", ["before", "after"])
def test_files_that_go_together_are_all_written_or_none(server, colour, when):
    files = {f"{number}": b"%d" % number for number in range(10)}
    with CommitBreaker(server.server.port) as relay, opened(server.backend(relay.port), "", colour) as store:
        store.write("5", b"old")
        relay.armed = when
        with pytest.raises(BackendUnavailable):
            again(store, retry=ONCE).write_many(files, overwrite=True)
        assert relay.broken == 1
        left = {entry.key: store.read_bytes(entry.key) for entry in store.list_files()}
        assert left == ({"5": b"old"} if when == "before" else files)
        store.write_many(files, overwrite=True)
        assert dict(store.read_many(files)) == files


@clause("SQL-13", "MANY-10")
def test_a_file_in_the_way_of_those_that_go_together_keeps_none_back(place, colour):
    with opened(place.backend(), "", colour) as store:
        store.write("2", BIG)
        with pytest.raises(AlreadyExists) as refused:
            store.write_many({f"{number}": b"%d" % number for number in (0, 1, 3, 2)})
        assert refused.value.path == "2"
        assert [entry.key for entry in store.list_files()] == ["0", "1", "2", "3"]
        assert store.read_bytes("2") == BIG
        store.write_many({"2": b"small", "1": b"other"}, overwrite=True)
        assert [data for _, data in store.read_many(["1", "2"])] == [b"other", b"small"]
        assert place.litter() == []


@clause("SQL-07", "DEADLINE-01")
def test_a_server_that_falls_silent_is_a_timeout(server, colour, make_proxy):
    proxy = make_proxy(server.server.port)
    with opened(server.backend(proxy.port, timeout=0.5, connect_timeout=1.0), "", colour) as store:
        store.write("a", b"data")
        once = again(store, retry=ONCE)
        proxy.link = Link(stall_after_down=0)
        for call in (lambda: once.read_bytes("a"), lambda: once.write("b", b"x"), lambda: list(once.list_files())):
            began = time.monotonic()
            with pytest.raises((Timeout, BackendUnavailable)) as caught:
                call()
            assert time.monotonic() - began < 8
            assert caught.value.retryable
        proxy.link = Link()
        assert store.read_bytes("a") == b"data"


@clause("SQL-03")
def test_a_connection_that_breaks_in_the_middle_tears_nothing(server, colour, make_proxy):
    proxy = make_proxy(server.server.port)
    with opened(server.backend(proxy.port), "", colour) as store:
        store.write("old", BIG)
        once = again(store, retry=ONCE)

        def broken():
            yield OTHER
            proxy.reset_all()
            yield OTHER
            proxy.reset_all()
            yield OTHER

        with contextlib.suppress(RemoteStoreError):  # a connection that was idle is exchanged unseen
            once.write("old", broken(), overwrite=True)
        assert store.read_bytes("old") in (BIG, OTHER * 3)
        with store.read("old") as stream:
            first = stream.read(10)
            proxy.reset_all()
            rest = stream.read()
        assert first + rest in (BIG, OTHER * 3)
        assert server.litter() == []


def end_connections(server):
    """Let the server end the connections of stores, and wait until it has."""
    if server.kind == "postgresql":
        ended = server.rows(
            "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'remote-store'"
        )
        gone = [Path(f"/proc/{process}") for process, _ in ended]  # a socket is closed before its process is gone
        assert wait_until(lambda: not any(process.exists() for process in gone), 30)
        return
    others = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
    for (number,) in server.rows(others):
        with contextlib.suppress(Exception):  # it may have ended by itself
            server.run(f"KILL {number}")
    assert wait_until(lambda: not server.rows(others), 30)


@clause("SQL-12")
def test_connections_that_the_server_ended_are_replaced_unseen(server, colour):
    with opened(server.backend(), "", colour) as store:
        store.write("a", b"1")
        end_connections(server)
        again(store, retry=ONCE).write("b", b"2")
        assert store.read_bytes("b") == b"2"


@clause("SQL-05")
def test_a_reader_whose_file_is_replaced_never_mixes_versions(place, colour):
    with opened(place.backend(), "", colour) as store:
        store.write("a", b"1" * 3 * MIB)
        with store.read("a") as stream:
            assert stream.read(MIB) == b"1" * MIB
            store.write("a", b"2" * 3 * MIB, overwrite=True)
            with pytest.raises(IntegrityError):
                stream.read()
        with store.read("a") as stream:
            stream.read(10)
            store.write("a", b"2" * 3 * MIB, overwrite=True)  # the same bytes again
            assert stream.read() == b"2" * (3 * MIB - 10)


@clause("SQL-05")
@pytest.mark.parametrize(
    "later", [b"small", b"2" * (2 * MIB + 5), b"3" * (7 * MIB), None], ids=["small", "big", "bigger", "deleted"]
)
def test_a_file_that_is_replaced_while_it_is_read_at_once_is_read_as_it_is_then(place, colour, later, monkeypatch):
    open_file = SqlBlobBackend.get

    async def open_and_lose(backend, *args):
        body = await open_file(backend, *args)
        if later is None:
            other.delete("folder/a")
        else:
            other.write("folder/a", later, overwrite=True)
        return body

    with opened(place.backend(), "folder", colour) as patient, opened(place.backend(), "", "sync") as other:
        monkeypatch.setattr(SqlBlobBackend, "get", open_and_lose)
        store = again(patient, retry=ONCE)
        for read, part in (
            (store.read_bytes, slice(None)),
            (lambda key: store.read_range(key, 3, 2 * MIB), slice(3, 3 + 2 * MIB)),
            (lambda key: store.read_range(key, 100), slice(100, None)),
        ):
            other.write("folder/a", b"1" * 3 * MIB, overwrite=True)
            if later is None:
                with pytest.raises(NotFound):
                    read("a")
            else:
                assert read("a") == later[part]
    assert place.litter() == []


OTHERS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mariadb": "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}


@clause("SQL-07")
def test_no_more_connections_than_the_pool_has(server):
    server.database = server.server.make_database()  # where nobody else connects
    with contextlib.closing(server.connect()) as watch, opened(server.backend(pool_size=3), "", "sync") as store:
        store.write("a", b"x")

        def work(number):
            for lap in range(6):
                store.write(f"{number}/{lap}", b"x")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        seen = []
        while any(thread.is_alive() for thread in threads):
            with contextlib.closing(watch.cursor()) as cursor:
                cursor.execute(OTHERS[server.kind])
                seen += cursor.fetchone()
        assert 2 <= max(seen) <= 3
        assert len(list(store.list_files(recursive=True))) == 73


@clause("SQL-07")
def test_a_pool_that_stays_busy_is_a_timeout(place):
    if place.kind != "sqlite":
        place.backend()  # the pool is the same for all
    with opened(place.backend(pool_size=1, timeout=0.3), "", "sync") as store:
        store.write("a", b"x")
        from sqlalchemy import Engine

        with contextlib.closing(store.unwrap(Engine).raw_connection()), pytest.raises(Timeout, match="were busy"):
            again(store, retry=ONCE).read_bytes("a")
        assert store.read_bytes("a") == b"x"


@clause("SQL-07")
def test_a_lock_that_stays_is_given_up_in_time(tmp_path, colour):
    place = place_of("sqlite", None, tmp_path)
    with opened(place.backend(timeout=0.3), "", colour) as store:
        store.write("a", b"1")
        once = again(store, retry=ONCE)
        with contextlib.closing(place.connect()) as holder:
            holder.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            with pytest.raises(ResourceLocked):
                once.write("a", b"2", overwrite=True)
            assert time.monotonic() - began < 5
            assert store.read_bytes("a") == b"1"  # readers do not wait for writers
            holder.execute("ROLLBACK")
        once.write("a", b"2", overwrite=True)


@clause("SQL-04")
def test_an_upload_that_was_swept_publishes_nothing(place):
    backend = place.backend()
    with opened(backend, "", "sync") as store:
        store.write("other", b"x")

        def swept():
            yield BIG
            assert place.litter() != []
            assert backend.cleanup(0) == 1
            yield BIG

        with pytest.raises(RemoteStoreError, match="nothing was published"):
            store.write("a", swept())
        assert not store.exists("a")
        assert place.litter() == []
        assert backend.cleanup(0) == 0
        assert store.unwrap(SqlBlobBackend).cleanup() == 0
