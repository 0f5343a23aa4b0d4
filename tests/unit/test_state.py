"""No hidden state: forks, spawned processes, threads that end, memory that stays."""

import multiprocessing
import threading
import tracemalloc

import pytest

from remote_store import ContainerNotFound, NotFound, Store
from remote_store.backends.local import LocalBackend
from remote_store.backends.memory import MemoryBackend
from remote_store.testing import clause


def work(store, connection):
    """Use a store in another process and tell what was seen."""
    store.write("child", b"from the child")
    connection.send((store.read_bytes("parent"), [entry.key for entry in store.list_files()]))
    connection.close()


@clause("STATE-03", "LIFE-04")
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_store_works_in_another_process(tmp_path, method):
    context = multiprocessing.get_context(method)
    with Store(LocalBackend(tmp_path)) as store:
        store.write("parent", b"from the parent")
        here, there = context.Pipe()
        process = context.Process(target=work, args=(store, there))
        process.start()
        there.close()
        assert here.poll(60)
        assert here.recv() == (b"from the parent", ["child", "parent"])
        process.join(60)
        assert process.exitcode == 0
        assert store.read_bytes("child") == b"from the child"


@clause("STREAM-04", "MANY-03")
def test_no_thread_outlives_the_call_that_made_it(tmp_path):
    for backend in (MemoryBackend(), LocalBackend(tmp_path)):
        before = threading.active_count()
        with Store(backend) as store:
            for number in range(20):
                store.write(f"{number}", b"x")
            many = store.read_many([str(number) for number in range(20)])
            next(many)
            many.close()
            store.delete_many(entry.path for entry in store.list_files())
        assert threading.active_count() == before


@clause("STREAM-09")
def test_a_big_file_passes_in_constant_memory(tmp_path):
    size, piece = 96 << 20, bytes(1 << 20)
    tracemalloc.start()
    try:
        with Store(LocalBackend(tmp_path)) as store:
            store.write("big", (piece for _ in range(size // len(piece))))
            with store.read("big") as stream:
                assert sum(map(len, stream.chunks())) == size
            store.copy("big", "copy")
            with store.open_atomic("block") as file:
                for _ in range(size // len(piece)):
                    file.write(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20


@clause("ABSENT-02")
def test_a_missing_root_folder_is_named_by_every_call(tmp_path):
    store = Store(LocalBackend(tmp_path / "no such root", create=False))
    calls = [
        lambda: store.read_bytes("a"),
        lambda: store.head("a"),
        lambda: store.exists("a"),
        lambda: store.is_file("a"),
        lambda: store.is_folder("a"),
        lambda: store.write("a", b""),
        lambda: store.delete("a", missing_ok=True),
        lambda: store.delete_many(["a"]),
        lambda: store.delete_folder("a", recursive=True, missing_ok=True),
        lambda: list(store.list_files()),
        lambda: list(store.list_files("a", recursive=True)),
        store.get_folder_info,
        store.ping,
        lambda: store.copy("a", "b"),
        lambda: store.move("a", "b"),
    ]
    for call in calls:
        with pytest.raises(ContainerNotFound, match="no such root") as caught:
            call()
        assert isinstance(caught.value, NotFound)
        assert caught.value.backend == "local"
