"""SIGKILL while a result is being kept: nothing of it is read, and the next run gives the same bytes each time."""

import os
import signal
import time
import uuid

from prefect import flow, task
from prefect.serializers import JSONSerializer

from remote_store.testing import clause

SIZE = 30_000_000
KILLS = 10
PATIENCE = 60.0  # seconds for one run to begin its write


@task(persist_result=True, result_storage_key="big", result_serializer=JSONSerializer())
def big():
    return "x" * SIZE


def run(name):
    """Run the flow in this process."""

    @flow(result_storage=name)
    def once():
        return big(return_state=True).is_completed()

    return once()


def forked(name):
    child = os.fork()
    if child == 0:  # pragma: no cover  killed
        try:
            run(name)
        finally:
            os._exit(0)
    return child


def drafts(folder):
    return set(folder.glob(".remote-store-*"))


def kill_in_the_write(child, folder):
    """Kill a process when the first part of its file is there; say whether the file was still unfinished."""
    left = drafts(folder)
    until = time.monotonic() + PATIENCE
    while not drafts(folder) > left:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        assert time.monotonic() < until, "the run did not begin to write"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return drafts(folder) > left


@clause("PRE-08")
def test_a_killed_run_leaves_nothing_readable_and_the_next_gives_the_same_bytes(prefect_server, block, folder):
    name = f"b{uuid.uuid4().hex}"
    block.save(name)
    folder.mkdir()
    run(f"remote-store/{name}")
    first = block.read_path("big")
    assert len(first) > SIZE
    killed = 0
    for _ in range(4 * KILLS):
        (folder / "big").unlink()
        if kill_in_the_write(forked(f"remote-store/{name}"), folder):
            killed += 1
            assert not (folder / "big").exists()
            assert run(f"remote-store/{name}")
        assert block.read_path("big") == first
        if killed == KILLS:
            break
    assert killed == KILLS
    assert len(drafts(folder)) == KILLS
