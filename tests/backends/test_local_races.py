"""Several processes on one local store: one winner, no lost update, no torn read."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import remote_store
from remote_store import AlreadyExists, NotFound, Store
from remote_store.backends.local import LocalBackend
from tests.backends.local_racer import count

RACER = Path(__file__).parent / "local_racer.py"
SOURCES = {**os.environ, "PYTHONPATH": str(Path(remote_store.__file__).parents[1])}


@pytest.fixture
def store(tmp_path):
    with Store(LocalBackend(tmp_path)) as store:
        yield store


@pytest.fixture
def race(tmp_path):
    """Start processes with their tasks at one moment, and return the numbers that they print."""

    def start(*tasks):
        (tmp_path / "ready").mkdir()
        racers = []
        for letter, (task, rounds) in zip("abcdefgh", tasks, strict=False):
            command = [sys.executable, RACER, tmp_path, task, letter, str(rounds)]
            racers.append(subprocess.Popen(command, env=SOURCES, stdout=subprocess.PIPE, text=True))
        try:
            while len(list((tmp_path / "ready").iterdir())) < len(tasks):
                assert all(racer.poll() is None for racer in racers)
                time.sleep(0.005)
            (tmp_path / "go").touch()
            answers = [racer.communicate(timeout=120)[0] for racer in racers]
        finally:
            for racer in racers:
                racer.kill()
                racer.communicate()
        assert all(racer.returncode == 0 for racer in racers)
        return [int(answer) for answer in answers]

    return start


def drafts(root):
    return list(root.rglob(".remote-store-*"))


def test_eight_processes_that_create_one_file_have_one_winner(store, race, tmp_path):
    rounds = 40
    wins = race(*[("create", rounds)] * 8)
    assert sum(wins) == rounds
    assert len(list(store.list_files("created"))) == rounds
    assert drafts(tmp_path) == []


def test_a_counter_swapped_by_eight_processes_loses_nothing(store, race, tmp_path):
    store.write_text("counter", "0")
    rounds = 40
    race(*[("count", rounds)] * 8)
    assert store.read_text("counter") == str(8 * rounds)
    assert drafts(tmp_path) == []


def test_readers_never_see_a_part_of_a_write(store, race, tmp_path):
    store.write("shared", b"a0" * 100_000)
    torn = race(("overwrite", 150), ("overwrite", 150), ("read", 300), ("read", 300))
    assert torn[2:] == [0, 0]
    assert drafts(tmp_path) == []


def test_a_file_is_moved_by_one_of_eight_processes(store, race, tmp_path):
    rounds = 60
    for number in range(rounds):
        store.write(f"pool/{number}", b"x")
    wins = race(*[("move", rounds)] * 8)
    assert sum(wins) == rounds
    assert len(list(store.list_files("taken", recursive=True))) == rounds
    assert list(store.list_files("pool")) == []


def test_writers_outlive_those_who_delete_their_folder(store, race, tmp_path):
    race(*[("churn", 100)] * 4)
    store.delete_folder("churn", recursive=True, missing_ok=True)
    assert drafts(tmp_path) == []


@pytest.mark.parametrize("threads", [16])
def test_a_counter_swapped_by_many_threads_of_one_store_loses_nothing(store, threads):
    store.write_text("counter", "0")

    workers = [threading.Thread(target=count, args=(store, "", 10)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert store.read_text("counter") == str(threads * 10)


def test_moves_between_two_folders_in_both_directions_do_not_block_each_other(store):
    def work(name, here, there):
        for number in range(100):
            store.write(f"{here}/{name}{number}", b"x")
            store.move(f"{here}/{name}{number}", f"{there}/{name}{number}")

    routes = [("one", "a", "b"), ("two", "b", "a"), ("three", "a", "c"), ("four", "c", "b")]
    workers = [threading.Thread(target=work, args=route, daemon=True) for route in routes]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert not any(worker.is_alive() for worker in workers)
    assert len(list(store.list_files(recursive=True))) == 400


def test_an_open_reader_stays_with_its_version(store):
    store.write("f", b"1" * 1_000_000)
    with store.read("f") as reader:
        assert reader.read(10) == b"1" * 10
        store.write("f", b"2" * 1_000_000, overwrite=True)
        store.delete("f")
        assert set(reader.read()) == {ord("1")}
    with pytest.raises(NotFound):
        store.read("f")


def test_a_file_that_appears_while_another_is_written_in_parts_stays(store, tmp_path):
    def write_behind(key):
        with store.open_atomic(key) as file:
            file.write(b"1" * 3_000_000)
            store.write(key, b"other")

    with pytest.raises(AlreadyExists):
        write_behind("f")
    assert store.read_bytes("f") == b"other"
    assert drafts(tmp_path) == []


def test_a_forked_child_neither_publishes_nor_drops_what_its_parent_writes(tmp_path):
    script = """
import os, sys
from remote_store import Store
from remote_store.backends.local import LocalBackend
store = Store(LocalBackend(sys.argv[1]))
with store.open_atomic("f") as file:
    file.write(b"x" * 3_000_000)
    child = os.fork()
    if not child:
        sys.exit(0)  # its copy of the writer is collected
    assert os.waitpid(child, 0)[1] == 0
assert store.get_file_info("f").size == 3_000_000
"""
    subprocess.run([sys.executable, "-c", script, tmp_path], env=SOURCES, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
