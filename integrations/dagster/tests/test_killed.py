"""A run that is killed while it writes leaves nothing that could be taken for its value."""

import hashlib
import multiprocessing
import os
import signal

import pytest

from integrations.dagster.tests import killed
from remote_store import NotFound, Store
from remote_store.testing import clause


@pytest.fixture(scope="module")
def processes():
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["dagster", "pyarrow.parquet", "dagster_remote_store"])
    return made


@pytest.fixture(params=["local", "s3"])
def place(request, tmp_path):
    """A backend's name and options, and a store to look at it."""
    if request.param == "local":
        options = {"root": str(tmp_path / "data")}
    else:
        server = request.getfixturevalue("seaweedfs")
        options = {
            "bucket": server.make_bucket(),
            "endpoint_url": server.endpoint_url,
            "region": server.region,
            "access_key": server.access_key,
            "secret_key": server.secret_key,
        }
    from remote_store.ext.pydantic import model_of

    with model_of(request.param)(**options).to_store("values") as store:
        yield (request.param, options), store


def kill_at(processes, backend, number, look):
    """Let the run come to a piece, look, kill it, and look again."""
    ready, sender = processes.Pipe(duplex=False)
    waiter, go = processes.Pipe(duplex=False)
    child = processes.Process(target=killed.run, args=(backend, sender, waiter))
    child.start()
    sender.close()
    waiter.close()
    try:
        while True:
            assert ready.poll(60), "the run did not come that far"
            if ready.recv() == number:
                break
            go.send(None)
        look()
        os.kill(child.pid, signal.SIGKILL)
    finally:
        child.kill()
        child.join()
    look()


def digest(store: Store) -> str:
    return hashlib.sha256(store.read_bytes(killed.KEY)).hexdigest()


@clause("DAG-10")
@pytest.mark.xdist_group("killed")
def test_a_killed_run_leaves_no_part_and_the_next_gives_the_same_bytes(processes, place):
    backend, store = place

    def nothing_there():
        with pytest.raises(NotFound):
            store.read_bytes(killed.KEY)
        assert not list(store.list_files())

    for number in range(5):
        kill_at(processes, backend, 2 * number + 1, nothing_there)
    killed.run(backend)
    whole = digest(store)

    def old_there():
        assert digest(store) == whole

    for number in range(5):
        kill_at(processes, backend, 2 * number, old_there)
    killed.run(backend)
    assert digest(store) == whole
    assert [info.key for info in store.list_files()] == [killed.KEY]
