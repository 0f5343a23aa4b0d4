"""One SFTP store for many: threads, forked and spawned processes, few channels."""

import gc
import multiprocessing
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from remote_store import AlreadyExists, RemoteStoreError, RetryPolicy, Store
from remote_store.backends.sftp import SFTPBackend, session
from remote_store.testing import clause
from tests.backends.test_s3_processes import in_child
from tests.bad_input.conftest import unleaking

TRANSPORTS = ["paramiko", "ssh"]


@pytest.fixture(params=TRANSPORTS)
def backend(request, sshd, tmp_path):
    if request.param == "paramiko":
        return SFTPBackend(**sshd.options())
    known = tmp_path / "known_hosts"
    known.write_text(f"[{sshd.host}]:{sshd.port} {sshd.host_key}\n")
    return SFTPBackend(**sshd.options(fingerprint=None, known_hosts=known, transport="ssh"))


@clause("SFTP-10")
def test_sixteen_threads_share_one_store(backend):
    with unleaking(), Store(backend, retry=RetryPolicy(attempts=1)) as store:

        def work(number):
            data = os.urandom(1000 * number * number)
            for lap in range(6):
                store.write(f"{number}/{lap}", data)
                assert store.read_bytes(f"{number}/{lap}") == data
                assert len(list(store.list_files(f"{number}"))) == lap + 1
                store.write("shared", data, overwrite=True)
                with store.read("shared") as stream:
                    assert len(stream.read()) % 1000 == 0
            store.move(f"{number}/0", f"{number}/moved")
            store.delete(f"{number}/1")
            return True

        with ThreadPoolExecutor(16) as threads:
            assert all(threads.map(work, range(16)))
        assert len(list(store.list_files(recursive=True))) == 16 * 5 + 1


@clause("SFTP-10")
def test_busy_channels_are_joined_by_others_up_to_the_limit(sshd, monkeypatch):
    monkeypatch.setattr(session, "_BUSY", 0)
    for channels in (1, 3):
        backend = SFTPBackend(**sshd.options(channels=channels))
        with unleaking(), Store(backend) as store:
            with ThreadPoolExecutor(8) as threads:
                list(threads.map(lambda number: store.write(f"{number}", b"x" * 100_000), range(40)))
            assert len(backend._session._channels) == channels
            assert len(list(store.list_files())) == 40


@clause("SFTP-10")
def test_a_server_that_allows_few_channels_is_served_over_those(sshd, monkeypatch):
    monkeypatch.setattr(session, "_BUSY", 0)
    backend = SFTPBackend(**sshd.options(channels=16))  # the server takes ten
    with unleaking(), Store(backend, retry=RetryPolicy(attempts=1)) as store:
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(lambda number: store.write(f"{number}", b"x" * 1000), range(100)))
        assert len(backend._session._channels) <= 10
        assert len(list(store.list_files())) == 100


@clause("SFTP-10", "EXCL-01")
def test_of_sixteen_racing_writers_one_wins(backend):
    with Store(backend) as store:

        def write(number):
            try:
                store.write("a", b"%d" % number)
            except AlreadyExists:
                return None
            return number

        for _ in range(10):
            with ThreadPoolExecutor(16) as threads:
                winners = [number for number in threads.map(write, range(16)) if number is not None]
            assert [b"%d" % winner for winner in winners] == [store.read_bytes("a")]
            store.delete("a")


@clause("SFTP-10", "EXCL-01", "ERR-01")
def test_a_name_that_comes_and_goes_is_free_or_taken_and_nothing_else(sshd):
    with Store(SFTPBackend(**sshd.options())) as store:
        store.write("source", b"x")
        takes = [
            lambda: store.write("lock", b"x"),
            lambda: store.copy("source", "lock"),
            lambda: store.write("lock", iter([bytes(5 << 20)])),
        ]

        def work(number):
            taken = 0
            for lap in range(20):
                try:
                    takes[(number + lap) % 8 // 3]()
                except AlreadyExists:
                    continue
                store.delete("lock")
                taken += 1
            return taken

        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(work, range(8)))
        assert not store.exists("lock")


@clause("SFTP-10")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_connections_of_its_own(backend):
    with Store(backend, retry=RetryPolicy(attempts=1)) as store:
        data = os.urandom(20 << 20)
        store.write("parent", data)
        stream = store.read("parent")
        assert stream.read(1000) == data[:1000]

        def work():
            with pytest.raises(RemoteStoreError):
                stream.read()  # its handle is the parent's
            assert store.read_bytes("parent") == data
            store.write("child", b"from the child")
            other = pickle.loads(pickle.dumps(store))
            assert other.exists("child")
            other.close()
            store.close()

        assert in_child(work) == 0
        assert stream.read() == data[1000:]
        stream.close()
        assert store.read_bytes("child") == b"from the child"
        store.write("parent", b"after", overwrite=True)


@clause("SFTP-10")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_in_the_middle_of_a_write_leaves_it_to_the_parent(backend):
    with Store(backend) as store:

        def content():
            yield os.urandom(5 << 20)
            assert in_child(lambda: store.write("b", b"child")) == 0
            yield b"end"

        assert store.write("a", content()).size == (5 << 20) + 3
        assert store.read_bytes("b") == b"child"


def in_spawned(store, results):
    store.write("spawned", b"data")
    results.put(store.read_bytes("spawned"))


@clause("SFTP-10")
def test_a_spawned_process_receives_the_store(backend):
    context = multiprocessing.get_context("spawn")
    with Store(backend) as store:
        results = context.Queue()
        process = context.Process(target=in_spawned, args=(store, results))
        process.start()
        assert results.get(timeout=60) == b"data"
        process.join()
        assert store.read_bytes("spawned") == b"data"
        results.close()
        results.join_thread()


@clause("SFTP-10")
def test_closing_while_others_work_ends_their_calls(backend):
    with unleaking():
        store = Store(backend)
        store.write("a", b"x" * 1_000_000)
        started = threading.Barrier(5)

        def work(_):
            started.wait()
            try:
                while True:
                    store.read_bytes("a")
            except RemoteStoreError as error:
                return error

        with ThreadPoolExecutor(4) as threads:
            ends = threads.map(work, range(4))
            started.wait()
            store.close()
            assert all(isinstance(end, RemoteStoreError) for end in ends)


@clause("MANY-01", "MANY-02", "MANY-05")
@pytest.mark.parametrize("server", ["sshd", "asyncssh"])
def test_many_files_are_read_in_batches_in_order(server, request):
    options = request.getfixturevalue(server).options()
    with Store(SFTPBackend(**options)) as store:
        files = {f"f/{number}": os.urandom(number * 997 % 5000) for number in range(150)}
        files |= {"f/big": os.urandom(3 << 20), "f/empty": b""}
        for key, data in files.items():
            store.write(key, data)
        Path(options["root"], "f/odd").symlink_to("big")
        wanted = [*files, "f/big", "f/empty", "f/7"]
        assert list(store.read_many(wanted)) == [(key, files[key]) for key in wanted]
        assert list(store.child("f").read_many(["7", "odd"])) == [("7", files["f/7"]), ("odd", files["f/big"])]
        got = []
        many = store.read_many([*wanted, "f/missing", "f/1"])
        with pytest.raises(FileNotFoundError) as missing:
            got.extend(key for key, _ in many)
        assert got == wanted
        assert missing.value.path == "f/missing"


@clause("SFTP-10")
def test_a_store_that_is_dropped_lets_go_of_its_connection(backend):
    with unleaking():
        store = Store(backend.__class__(*backend._made[0], **backend._made[1]))
        store.write("a", os.urandom(3 << 20))
        stream = store.read("a")
        assert len(stream.read(1000)) == 1000
        del store
        gc.collect()
        assert len(stream.read()) == (3 << 20) - 1000  # the stream keeps what it needs
        del stream


@clause("SFTP-11", "PUB-06")
def test_a_dropped_writer_is_gone_when_the_store_is_closed(sshd):
    options = sshd.options()
    with Store(SFTPBackend(**options)) as store:
        file = store.open_atomic("new/a").__enter__()
        file.write(os.urandom(9 << 20))
        assert len(list(Path(options["root"], "new").iterdir())) == 1
        del file
        gc.collect()
    assert not Path(options["root"]).exists()
