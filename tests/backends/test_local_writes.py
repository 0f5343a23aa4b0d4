"""Local writes: killed, refused or starved at any step, they leave all-old or all-new bytes and nothing else."""

import errno
import json
import os
import resource
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import remote_store
from remote_store import (
    AlreadyExists,
    CapabilityNotSupported,
    InvalidPath,
    NotFound,
    PreconditionFailed,
    RemoteStoreError,
    RetryPolicy,
    Store,
)
from remote_store.backends.local import LocalBackend, beneath, publish
from tests.backends import local_steps
from tests.backends.local_steps import drafts, held_below

SCRIPTS = Path(__file__).parent
SOURCES = {**os.environ, "PYTHONPATH": str(Path(remote_store.__file__).parents[1])}
ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


@pytest.fixture
def store(root):
    with Store(LocalBackend(root), retry=ONCE) as store:
        yield store


def abandon(store, key):
    """Begin a big file, and raise before it is published."""
    with store.open_atomic(key) as file:
        file.write(b"x" * 3_000_000)
        raise KeyError(key)


def result_of(call, tmp_path):
    """Return what a store shows after the call, undisturbed."""
    whole = tmp_path / "whole"
    local_steps.lay_out(whole)
    store = Store(LocalBackend(whole))
    local_steps.CALLS[call](store)
    return local_steps.seen(store)


@pytest.mark.parametrize("durable", ["durable", "quick"])
@pytest.mark.parametrize("call", local_steps.CALLS)
def test_a_killed_call_leaves_all_old_or_all_new(tmp_path, call, durable):
    script = [sys.executable, SCRIPTS / "local_steps.py", tmp_path, call, durable]
    deaths = json.loads(subprocess.run(script, env=SOURCES, check=True, stdout=subprocess.PIPE).stdout)
    assert len(deaths) > 4
    new = result_of(call, tmp_path)
    for step, death in enumerate(deaths, 1):
        files = {key: bytes.fromhex(content) for key, content in death["files"].items()}
        assert files in (local_steps.OLD, new), (step, files)
        assert len(death["hidden"]) <= 1, step
        assert death["kept"] == death["hidden"], step
        assert death["swept"] == len(death["hidden"]), step
        assert death["left"] == [], step
    if call not in ("delete", "move", "move_new"):
        assert any(death["hidden"] for death in deaths)


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EMFILE], ids=errno.errorcode.get)
@pytest.mark.parametrize("call", local_steps.CALLS)
def test_a_call_that_fails_at_any_step_leaves_nothing_behind(tmp_path, call, code, durable):
    new = result_of(call, tmp_path)
    failed = step = 0
    while True:
        step += 1
        root = tmp_path / str(step)
        local_steps.lay_out(root)
        store = Store(LocalBackend(root, durable=durable), retry=ONCE)
        count, came, told = 0, None, ("local", False, False)

        def before(name, step=step):
            nonlocal count, came
            count += 1
            if count == step:
                came = name
                if name not in ("close", "unlink", "rmdir"):  # what fails to be undone cannot be undone
                    raise OSError(code, os.strerror(code))

        opened = held_below(root)
        try:
            with local_steps.watched(before):
                local_steps.CALLS[call](store)
        except RemoteStoreError as error:
            failed += 1
            told = (error.backend, error.path is None, error.__cause__ is None)
        assert told == ("local", False, False), (step, came)
        if came is None:
            break
        assert held_below(root) == opened, (step, came)
        assert drafts(root) == [], (step, came)
        files = local_steps.seen(store)
        if call == "delete_tree":  # what could not be deleted is still there
            assert new.items() <= files.items() <= local_steps.OLD.items(), (step, came, files)
        else:
            assert files in (local_steps.OLD, new), (step, came, files)
        if files == local_steps.OLD:
            assert sorted(path.name for path in root.iterdir()) == ["f", "g", "tree"], (step, came)
    assert failed > 3


def test_a_full_disk_is_reported_and_leaves_no_trace(tmp_path):
    script = [sys.executable, SCRIPTS / "local_full_disk.py", tmp_path]
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    done = subprocess.run([*unshare, *script], env=SOURCES, check=True, stdout=subprocess.PIPE)
    outcome = json.loads(done.stdout)
    assert outcome["kinds"] == ["BackendUnavailable"] * 4
    assert all("no space" in message for message in outcome["messages"])
    assert outcome["names"] == ["f"]
    assert outcome["content"] == "old"
    assert outcome["after"] == "new"


def test_a_file_size_limit_is_reported_and_leaves_no_trace(root, store):
    store.write("f", b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(RemoteStoreError, match="larger than"):
            store.write("f", b"x" * 200_000, overwrite=True)
        with pytest.raises(RemoteStoreError, match="larger than"):
            store.write("f", [b"x" * (1 << 20)] * 3, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.read_bytes("f") == b"old"
    assert [path.name for path in root.iterdir()] == ["f"]


def test_a_process_out_of_descriptors_says_so(store):
    store.write("f", b"x")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(int(path.name) for path in Path("/proc/self/fd").iterdir()), hard))
    held = []
    try:
        while True:
            try:
                held.append(os.dup(0))
            except OSError:
                break
        for call in (store.read_bytes, store.exists, store.delete):
            with pytest.raises(RemoteStoreError, match="too many files"):
                call("f")
        with pytest.raises(RemoteStoreError, match="too many files"):
            list(store.list_files())
    finally:
        for fd in held:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert store.read_bytes("f") == b"x"


def test_no_call_leaves_a_descriptor_open(root, store):
    before = held_below(root)
    store.write("a/f", b"x" * 1000)
    store.write("a/big", b"x" * 1_000_000)
    with store.read("a/big") as reader:
        assert len(held_below(root)) == len(before) + 1
        reader.read(10)
    assert len(list(store.list_files(recursive=True))) == 2
    unfinished = store.list_files(recursive=True)
    next(unfinished)
    for call in (
        lambda: store.write("a/f", b"y"),
        lambda: store.write("a", b"y"),
        lambda: store.write("a/f/g", b"y"),
        lambda: store.write("a/f", b"y", if_match="other"),
        lambda: store.read("a"),
        lambda: store.read("nothing"),
        lambda: store.copy("a/f", "a/big"),
        lambda: store.move("a/f", "a/big"),
        lambda: store.delete("a"),
        lambda: store.delete_folder("a"),
    ):
        with pytest.raises(RemoteStoreError):
            call()
    with pytest.raises(KeyError):
        abandon(store, "a/new")
    store.move("a/f", "b/f")
    store.copy("b/f", "c/f")
    store.delete_folder("a", recursive=True)
    store.delete_many(["b/f", "c/f"])
    assert held_below(root) == before
    assert drafts(root) == []


def test_a_refused_write_makes_no_folders(root, store):
    store.write("f", b"x")
    with pytest.raises(PreconditionFailed):
        store.write("a/b/c", b"x", if_match="etag")
    with pytest.raises(NotFound):
        store.copy("nothing", "a/b/c")
    with pytest.raises(NotFound):
        store.move("nothing", "a/b/c")
    with pytest.raises(KeyError):
        abandon(store, "a/b/c")
    assert [path.name for path in root.iterdir()] == ["f"]


def test_every_publication_has_an_etag_of_its_own(store):
    etags = {store.write("f", b"same", overwrite=True).etag for _ in range(500)}
    for _ in range(500):
        store.delete("f")
        etags.add(store.write("f", b"same").etag)
    assert len(etags) == 1000


def test_a_file_from_the_future_gets_a_later_time_still(root, store):
    store.write("f", b"old")
    future = time.time_ns() + 10**15
    os.utime(root / "f", ns=(future, future))
    before = store.head("f").etag
    assert store.write("f", b"new", overwrite=True).etag != before
    assert (root / "f").stat().st_mtime_ns == future + 1


@pytest.mark.parametrize("size", [10, 100_000, 3_000_000])
def test_a_new_file_has_the_mode_of_the_umask_and_a_replaced_one_keeps_its_own(root, store, size):
    content = [b"x" * (1 << 20)] * 3 if size > 1 << 20 else b"x" * size
    old = os.umask(0o027)
    try:
        store.write("new", content)
        store.write("kept", b"old")
        for mode in (0o600, 0o664, 0o400):
            (root / "kept").chmod(mode)
            store.write("kept", content, overwrite=True)
            assert stat.S_IMODE((root / "kept").stat().st_mode) == mode
        store.copy("new", "kept", overwrite=True)
    finally:
        os.umask(old)
    assert stat.S_IMODE((root / "new").stat().st_mode) == 0o640
    assert stat.S_IMODE((root / "kept").stat().st_mode) == 0o400


def test_a_replaced_file_keeps_its_owner(root, store):
    store.write("f", b"old")
    if os.geteuid() == 0:
        os.chown(root / "f", 1234, 1234)
    owner = (root / "f").stat()
    store.write("f", b"new", overwrite=True)
    assert (root / "f").stat().st_uid == owner.st_uid
    assert (root / "f").stat().st_gid == owner.st_gid


@pytest.mark.parametrize("key", [".remote-store-x", "a/.remote-store-0.tmp", ".remote-store-a/f"])
def test_names_of_drafts_are_no_keys(root, store, key):
    (root / key).parent.mkdir(parents=True)
    (root / key).write_bytes(b"x")
    for call in (
        store.read,
        store.exists,
        store.is_file,
        store.get_file_info,
        store.delete,
        lambda key: store.write(key, b"y", overwrite=True),
        lambda key: store.copy(key, "copy"),
        lambda key: store.move("copy", key),
        lambda key: list(store.list_files(key)),
    ):
        with pytest.raises(InvalidPath, match="kept for"):
            call(key)
    assert list(store.list_files(recursive=True)) == []
    assert not any(entry.name.startswith(".") for entry in store.iter_children())


def test_cleanup_spares_young_drafts_living_writers_and_other_files(root, store):
    backend = store.unwrap(LocalBackend)
    assert backend.cleanup() == 0
    store.write("a/f", b"x")
    dead, young = root / "a" / ".remote-store-00000000000000aa.tmp", root / ".remote-store-00000000000000bb.tmp"
    other = root / "a" / ".remote-store-notes"
    for path in (dead, young, other):
        path.write_bytes(b"x")
    for path in (dead, other):
        os.utime(path, (0, 0))
    with store.open_atomic("a/b") as file:
        file.write(b"x" * 3_000_000)
        (living,) = (path for path in (root / "a").glob(".remote-store-*.tmp") if path != dead)
        os.utime(living, (0, 0))
        assert backend.cleanup() == 1
    assert store.get_file_info("a/b").size == 3_000_000
    assert not dead.exists()
    assert young.exists()
    assert other.exists()
    assert backend.cleanup(older_than=-1) == 1
    with pytest.raises(TypeError):
        backend.cleanup(older_than="1")


def test_a_folder_that_holds_only_dead_drafts_can_be_deleted(root, store):
    store.write("a/f", b"x")
    store.delete("a/f")
    dead = root / "a" / ".remote-store-00000000000000aa.tmp"
    dead.write_bytes(b"x")
    os.utime(dead, (0, 0))
    store.delete_folder("a")
    assert not (root / "a").exists()


def test_a_write_survives_the_deletion_of_its_folder(root, store, monkeypatch):
    make, calls = os.open, 0

    def race(path, flags, *args, **options):
        nonlocal calls
        if flags & os.O_CREAT and calls < 3:
            calls += 1
            (root / "a").rmdir()
        return make(path, flags, *args, **options)

    monkeypatch.setattr(os, "open", race)
    store.write("a/f", b"x")
    assert calls == 3
    assert store.read_bytes("a/f") == b"x"


@pytest.fixture(params=["links", "locks"])
def poor(request, monkeypatch):
    """A system without renameat2, and one without hard links too."""
    monkeypatch.setattr(beneath, "_renameat2", None)
    if request.param == "locks":

        def refuse(*args, **options):
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("poor")
def test_exclusive_creation_holds_on_poor_file_systems(root, store):
    store.write("f", b"first")
    store.write("g", [b"x" * (1 << 20)] * 3)
    with pytest.raises(AlreadyExists):
        store.write("f", b"second")
    with pytest.raises(AlreadyExists):
        store.copy("g", "f")
    with pytest.raises(AlreadyExists):
        store.move("g", "f")
    store.move("f", "h")
    assert store.read_bytes("h") == b"first"
    assert sorted(path.name for path in root.iterdir()) == ["g", "h"]


def test_without_locks_nothing_is_promised_that_needs_them(store, monkeypatch):
    def refuse(*args):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    etag = store.write("f", b"old").etag
    monkeypatch.setattr(publish.fcntl, "flock", refuse)
    store.write("f", b"new", overwrite=True)
    with pytest.raises(CapabilityNotSupported, match="no locks"):
        store.write("f", b"x", if_match=etag)
    with pytest.raises(CapabilityNotSupported, match="no locks"):
        store.delete("f", if_match=etag)
    assert store.read_bytes("f") == b"new"


def test_a_folder_locked_for_ever_is_reported(root, store, monkeypatch):
    import fcntl

    store.write("f", b"old")
    monkeypatch.setattr(publish, "_PATIENCE", 0.05)
    fd = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        with pytest.raises(remote_store.ResourceLocked) as caught:
            store.write("f", b"new", overwrite=True)
        assert caught.value.retryable
        assert store.read_bytes("f") == b"old"
    finally:
        os.close(fd)
    store.write("f", b"new", overwrite=True)
