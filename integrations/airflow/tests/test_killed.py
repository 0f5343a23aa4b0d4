"""SIGKILL while a task writes: nothing of it is read, and the next try over what it left gives the same bytes."""

import os
import signal
import time
from functools import partial
from urllib.parse import urlsplit

import pytest

from airflow_provider_remote_store.hooks import RemoteStoreHook
from airflow_provider_remote_store.operators import RemoteStoreOperator
from remote_store.testing import clause
from tests.servers.proxy import Link

SIZE = 16_000_000
KILLS = 10
PATIENCE = 60.0  # seconds for one task to begin its write


def do(action, **arguments):
    given = {"remote_store_conn_id": "lake", "overwrite": True, **arguments}
    return RemoteStoreOperator(task_id="t", action=action, **given).execute({})


def killed(task, in_the_middle):
    """Run a task in a process and kill it in the middle; False if it was done before."""
    child = os.fork()
    if child == 0:  # pragma: no cover  killed
        try:
            task()
        finally:
            os._exit(0)
    until = time.monotonic() + PATIENCE
    while not in_the_middle():
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        assert time.monotonic() < until, "the task did not begin to write"
        time.sleep(0.001)  # lets the proxy have its turn
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


@pytest.fixture
def content():
    return os.urandom(SIZE)


@pytest.fixture
def folders(lake, tmp_path, connect):
    """Two stores and the worker's folder: lake, other and worker."""
    connect("other", backend="local", root=str(tmp_path / "other"))
    made = {"lake": lake, "other": tmp_path / "other", "worker": tmp_path / "worker"}
    for folder in made.values():
        folder.mkdir()
    return made


@clause("AIR-10")
@pytest.mark.parametrize(
    ("action", "arguments", "where"),
    [
        ("put", {"path": "new"}, ("worker", "lake")),
        ("get", {"path": "big"}, ("lake", "worker")),
        ("copy", {"path": "big", "target_path": "new"}, ("lake", "lake")),
        ("copy", {"path": "big", "target_path": "new", "target_conn_id": "other"}, ("lake", "other")),
        ("move", {"path": "big", "target_path": "new", "target_conn_id": "other"}, ("lake", "other")),
    ],
)
def test_a_killed_task_leaves_nothing_readable_and_the_next_try_the_whole(folders, content, action, arguments, where):
    """Every second time in place of an older file, which stays; the drafts of the killed are left lying."""
    local = {"put": {"local_path": folders["worker"] / "big"}, "get": {"local_path": folders["worker"] / "new"}}
    task = partial(do, action, **arguments, **local.get(action, {}))
    big, new = folders[where[0]] / "big", folders[where[1]] / "new"
    kills = 0
    for number in range(4 * KILLS):
        big.write_bytes(content)
        new.unlink(missing_ok=True)
        if number % 2:
            new.write_bytes(b"older")
        left = drafts(new.parent)
        if killed(task, lambda: drafts(new.parent) > left) and drafts(new.parent) > left:  # noqa: B023
            kills += 1
            assert big.read_bytes() == content
            assert (new.read_bytes() == b"older") if number % 2 else not new.exists()
            task()
            assert new.read_bytes() == content
            assert big.exists() == (action != "move")
        if kills == KILLS:
            break
    assert kills == KILLS
    assert len(drafts(new.parent)) == KILLS


def drafts(folder):
    return set(folder.glob(".remote-store-*"))


@pytest.fixture
def slow(bucket, connect, seaweedfs, make_proxy):
    """The network between the connection `slow` and the same bucket."""
    proxy = make_proxy(urlsplit(seaweedfs.endpoint_url).port)
    model = RemoteStoreHook("bucket").get_model()
    keys = {"access_key": seaweedfs.access_key, "secret_key": seaweedfs.secret_key, "region": seaweedfs.region}
    address = {"endpoint_url": f"http://127.0.0.1:{proxy.port}", "bucket": model.backend.bucket, "folder": model.root}
    connect("slow", backend="s3", **address, **keys)
    return proxy


@clause("AIR-10")
def test_a_task_killed_on_its_way_to_s3_leaves_nothing_readable(folders, content, bucket, slow):
    """The network stands still in the middle, a little later each time."""

    def send(to):
        do("copy", path="big", target_path="new", target_conn_id=to)

    (folders["lake"] / "big").write_bytes(content)
    for number in range(KILLS):
        bucket.delete("new", missing_ok=True)
        if number % 2:
            bucket.write("new", b"older")
        middle = 500_000 * (number + 1)
        slow.link = Link(stall_after_up=middle)
        arrived = slow.bytes_up + middle
        assert killed(partial(send, "slow"), lambda: slow.bytes_up >= arrived)  # noqa: B023
        assert (bucket.read_bytes("new") == b"older") if number % 2 else not bucket.exists("new")
        send("bucket")
        assert bucket.read_bytes("new") == content
