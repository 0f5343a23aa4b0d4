"""Tables shared by processes: races with one winner, writers that are killed, forks, pickles, constant memory."""

import contextlib
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import remote_store
from remote_store import AlreadyExists, PreconditionFailed, Store
from remote_store.testing import clause
from tests.backends.sql_places import KINDS, place_of

MIB = 1 << 20
RACERS = 8
SOURCE = str(Path(remote_store.__file__).parents[1])


@pytest.fixture(params=KINDS)
def place(request, tmp_path):
    return place_of(request.param, request, tmp_path)


def race(backend, work):
    """Let processes do the same work at once, and return what each answered."""
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(RACERS), context.Queue()
    racers = [context.Process(target=_racer, args=(backend, work, number, start, answers)) for number in range(RACERS)]
    for racer in racers:
        racer.start()
    found = [answers.get(timeout=120) for _ in racers]
    for racer in racers:
        racer.join()
    answers.close()
    answers.join_thread()
    return [answer for _, answer in sorted(found, key=lambda pair: pair[0])]


def _racer(backend, work, number, start, answers):
    with Store(backend) as store:
        store.exists("x")
        start.wait()
        try:
            answers.put((number, work(store, number)))
        except Exception as error:  # noqa: BLE001  the test judges it
            answers.put((number, repr(error)))


def compete(store, number):
    """Create files, small and big, move one, and bump a counter."""
    won = []
    for name, content in (("small", bytes([number])), ("big", [bytes([number]) * MIB, b"end"])):
        for lap in range(3):
            with contextlib.suppress(AlreadyExists):
                store.write(f"race/{name}/{lap}", content)
                won.append(f"{name}/{lap}")
    store.write(f"mine/{number}", bytes([number]))
    with contextlib.suppress(AlreadyExists):
        store.move(f"mine/{number}", "taken")
        won.append("taken")
    for _ in range(5):
        while True:
            seen, value = store.head("counter"), int(store.read_bytes("counter"))
            with contextlib.suppress(PreconditionFailed):
                store.write("counter", b"%d" % (value + 1), if_match=seen.etag)
                break
    for lap in range(4):  # small and big versions over each other
        store.write("hot", bytes([number]) * (MIB + 7 if (lap + number) % 2 else 100), overwrite=True)
        assert len(set(store.read_bytes("hot"))) == 1
    return won


@clause("SQL-02")
def test_eight_processes_have_one_winner_each_time(place):
    with Store(place.backend()) as store:
        store.write("counter", b"0")
        answers = race(place.backend(), compete)
        assert [answer for answer in answers if not isinstance(answer, list)] == []
        won = sorted(name for answer in answers for name in answer)
        assert won == sorted([*[f"{name}/{lap}" for name in ("small", "big") for lap in range(3)], "taken"])
        for number, answer in enumerate(answers):
            for name in answer:
                content = store.read_bytes("taken" if name == "taken" else f"race/{name}")
                assert content.removesuffix(b"end") == bytes([number]) * len(content.removesuffix(b"end"))
        assert store.read_bytes("counter") == b"%d" % (5 * RACERS)
        assert len(set(store.read_bytes("hot"))) == 1
    assert place.litter() == []


@pytest.fixture
def hasty():
    """Let threads take turns far more often than they do."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@clause("SQL-08")
@pytest.mark.parametrize("kind", KINDS)
def test_first_writes_that_race_all_succeed(kind, request, tmp_path, hasty):
    def write(store, number, start):
        start.wait(timeout=60)
        store.write(str(number), b"%d" % number)

    for lap in range(40 if kind == "sqlite" else 4):
        (folder := tmp_path / str(lap)).mkdir()
        start = threading.Barrier(RACERS)
        with Store(place_of(kind, request, folder).backend()) as store, ThreadPoolExecutor(RACERS) as pool:
            for future in [pool.submit(write, store, number, start) for number in range(RACERS)]:
                future.result(timeout=60)
            assert [store.read_bytes(str(number)) for number in range(RACERS)] == [b"%d" % n for n in range(RACERS)]


WRITER = """
import pickle, sys
from remote_store import Store
backend = pickle.loads(bytes.fromhex(sys.argv[1]))
def content():
    for number in range(1000):
        print(number, flush=True)
        yield bytes([number % 251]) * (1 << 20)
with Store(backend) as store:
    store.write("a", content(), overwrite=True)
"""


@clause("SQL-04")
def test_a_writer_that_is_killed_publishes_nothing_and_is_swept(place):
    backend = place.backend()
    with Store(backend) as store:
        store.write("a", b"old")
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, pickle.dumps(backend).hex()],
            env={**os.environ, "PYTHONPATH": SOURCE},
            stdout=subprocess.PIPE,
        )
        with writer:
            for line in writer.stdout:
                if int(line) == 5:
                    writer.send_signal(signal.SIGKILL)
                    break
        assert store.read_bytes("a") == b"old"
        assert [entry.key for entry in store.list_files(recursive=True)] == ["a"]
        assert place.litter() != []
        assert backend.cleanup() == 0  # it may still be at work, for all that is known
        assert backend.cleanup(0) == 1
        assert place.litter() == []
        assert place.rows(f"SELECT object FROM {place.table}_chunks") == []  # noqa: S608  named here
        store.write("a", b"new", overwrite=True)
        assert store.read_bytes("a") == b"new"


@clause("STATE-03")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_connections_of_its_own(place):
    with Store(place.backend()) as store:
        store.write("parent", b"x" * 2 * MIB)
        child = os.fork()
        if not child:
            code = 1
            try:
                assert store.read_bytes("parent") == b"x" * 2 * MIB
                store.write("child", b"from the child")
                other = pickle.loads(pickle.dumps(store))
                assert other.exists("child")
                code = 0
            finally:
                os._exit(code)
        timer = threading.Timer(60, os.kill, (child, signal.SIGKILL))
        timer.start()
        _, status = os.waitpid(child, 0)
        timer.cancel()
        assert os.waitstatus_to_exitcode(status) == 0
        assert store.read_bytes("child") == b"from the child"
        store.delete("child")


STREAMER = """
import asyncio, json, pickle, sys
from remote_store import Store
from remote_store.aio import AsyncStore

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

backend, colour, mib = pickle.loads(bytes.fromhex(sys.argv[1])), sys.argv[2], int(sys.argv[3])
piece = bytes(range(256)) * 4096

def content():
    for _ in range(mib):
        yield piece

async def awaited():
    async with AsyncStore(backend) as store:
        await store.write("warm", iter([piece, piece]), overwrite=True)
        await store.read_bytes("warm")
        base = peak()
        await store.write("big", content(), overwrite=True)
        up, size = peak(), 0
        async with await store.read("big") as reader:
            while data := await reader.read(1 << 20):
                size += len(data)
        return base, up, peak(), size

def plain():
    with Store(backend) as store:
        store.write("warm", iter([piece, piece]), overwrite=True)
        store.read_bytes("warm")
        base = peak()
        store.write("big", content(), overwrite=True)
        up, size = peak(), 0
        with store.read("big") as reader:
            for data in reader.chunks():
                size += len(data)
        return base, up, peak(), size

print(json.dumps(asyncio.run(awaited()) if colour == "async" else plain()))
"""


@clause("STREAM-09")
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_big_stream_passes_in_constant_memory(place, colour):
    mib = 96 if place.kind == "mariadb" else 256  # its writes are the slow ones
    done = subprocess.run(
        [sys.executable, "-c", STREAMER, pickle.dumps(place.backend()).hex(), colour, str(mib)],
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        check=True,
        timeout=120,
    )
    base, up, down, size = json.loads(done.stdout)
    assert size == mib * MIB
    assert up - base < 48, (base, up, down)
    assert down - base < 48, (base, up, down)
