"""S3 stores across processes and threads."""

import multiprocessing
import os
import pickle
import threading

import pytest

from remote_store import Store

DEADLINE = 30


def in_child(work):
    """Run a function in a forked child and return whether it ended well within the deadline."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    timer = threading.Timer(DEADLINE, os.kill, (child, 9))
    timer.start()
    _, status = os.waitpid(child, 0)
    timer.cancel()
    return os.waitstatus_to_exitcode(status)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_uses_the_store_its_parent_used(backend_of, root):
    with Store(backend_of(), root) as store:
        store.write("parent", b"before")
        assert store.read_bytes("parent") == b"before"
        assert list(store.list_files())

        def work():
            assert store.read_bytes("parent") == b"before"
            store.write("child", b"from the child")
            assert len(list(store.list_files())) == 2
            other = pickle.loads(pickle.dumps(store))
            assert other.exists("child")
            other.close()
            store.close()

        assert in_child(work) == 0
        # The parent's connections are whole.
        assert store.read_bytes("child") == b"from the child"
        store.delete("child")


def in_spawned(store, results):
    store.write("spawned", b"data")
    results.put(store.read_bytes("spawned"))


def test_a_spawned_process_receives_the_store(backend_of, root):
    context = multiprocessing.get_context("spawn")
    with Store(backend_of(), root) as store:
        results = context.Queue()
        process = context.Process(target=in_spawned, args=(store, results))
        process.start()
        assert results.get(timeout=60) == b"data"
        process.join()
        assert store.read_bytes("spawned") == b"data"
        results.close()
        results.join_thread()


def test_sixteen_threads_share_a_store(backend_of, root):
    with Store(backend_of(), root) as store:
        failures = []

        def work(number):
            try:
                store.write(f"{number}", str(number).encode() * 1000)
                assert store.read_bytes(f"{number}") == str(number).encode() * 1000
                assert any(entry.key == f"{number}" for entry in store.list_files())
            except BaseException as error:  # noqa: BLE001  the test's thread raises it
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
