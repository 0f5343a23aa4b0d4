"""What else a disk may hold or do: odd names, pipes, denied folders, other disks."""

import errno
import json
import logging
import os
import random
import shutil
import socket
import string
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import remote_store
from remote_store import (
    DirectoryNotEmpty,
    InvalidPath,
    NotFound,
    RemoteStoreError,
    Store,
)
from remote_store.aio import AsyncStore
from remote_store.backends.local import LocalBackend, walk
from remote_store.testing import clause
from tests.backends.local_steps import held_below

DENIED = Path(__file__).parent / "local_denied.py"
SOURCES = {**os.environ, "PYTHONPATH": str(Path(remote_store.__file__).parents[1])}


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


@pytest.fixture
def store(root):
    with Store(LocalBackend(root)) as store:
        yield store


ODD = [b"not \xff utf-8", b"new\nline", b"tab\t", b"back\\slash", b"del\x7f", "c1 \x85".encode()]


def test_names_that_are_no_keys_are_left_out_and_counted_once(root, store, caplog):
    store.write("a/f", b"x")
    store.write("ünï/f", b"x")
    for name in ODD:
        Path(os.fsdecode(os.fsencode(root) + b"/a/" + name)).write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(root) + b"/folder \xff")).mkdir()
    (root / "C:drive").write_bytes(b"x")
    (root / "a" / "C:drive").write_bytes(b"x")
    (root / "a" / "ab:c").write_bytes(b"x")
    with caplog.at_level(logging.WARNING, "remote_store"):
        assert [info.key for info in store.list_files(recursive=True)] == ["a/ab:c", "a/f", "ünï/f"]
    assert len(caplog.messages) == 1
    assert f"{len(ODD) + 3} names" in caplog.messages[0]
    assert caplog.messages[0].isprintable()
    assert [entry.key for entry in store.iter_children()] == ["a", "ünï"]
    store.delete_folder("a", recursive=True)
    assert not (root / "a").exists()


@clause("LIST-16", "FACT-04", "DEL-11", "DEL-10")
def test_a_folder_of_what_no_key_can_name_stands_and_shows_nothing(root, store):
    (root / "a" / "x").mkdir(parents=True)
    (root / "a" / "x" / "back\\slash").write_bytes(b"x")
    assert [entry.key for entry in store.iter_children("a")] == ["a/x"]
    assert store.is_folder("a/x")
    assert list(store.iter_children("a/x")) == []
    assert store.get_folder_info("a/x").file_count == 0
    with pytest.raises(DirectoryNotEmpty):
        store.delete_folder("a/x")
    store.delete_folder("a/x", recursive=True)
    assert not store.exists("a/x")


@clause("LIST-05", "KEY-08", "SCOPE-02")
def test_every_key_that_a_child_lists_opens_its_file_also_where_keys_end(root, store):
    folder = root
    for _ in range(9):
        folder = folder / ("d" * 100)
    folder.mkdir(parents=True)
    (folder / ("f" * (1024 - 909))).write_bytes(b"x")
    (folder / ("f" * (1025 - 909))).write_bytes(b"x")
    below = "/".join(["d" * 100] * 5)
    for start in ("", below, f"{below}/{'/'.join(['d' * 100] * 4)}"):
        child = store.child(start)
        (entry,) = child.list_files(recursive=True)
        assert child.read_bytes(entry.key) == b"x"
    assert [entry.key for entry in store.list_files(start)] == [f"{start}/{'f' * 115}"]


def test_a_tree_deeper_than_any_key_is_left_out_and_can_be_deleted(root, store, caplog):
    store.write("a/f", b"x")
    fd = os.open(root / "a", os.O_RDONLY)
    for _ in range(300):
        os.mkdir("deeper", dir_fd=fd)
        below = os.open("deeper", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("f", os.O_CREAT, dir_fd=fd))
    os.close(fd)
    with caplog.at_level(logging.WARNING, "remote_store"):
        assert [info.key for info in store.list_files(recursive=True)] == ["a/f"]
    assert "1 names" in caplog.messages[0]
    store.delete_folder("a", recursive=True)
    assert not (root / "a").exists()


@pytest.fixture(params=["pipe", "socket"])
def special(request, root, store):
    """A thing at ``s`` that is neither file nor folder; opening it plainly would block or fail."""
    store.write("f", b"x")
    if request.param == "pipe":
        os.mkfifo(root / "s")
        yield
        return
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(root)  # the name of a socket may be no longer than 108 bytes
    try:
        listener.bind("s")
    finally:
        os.chdir(here)
    yield
    listener.close()


@pytest.mark.usefixtures("special")
def test_what_is_neither_file_nor_folder_is_absent(root, store):
    assert not store.exists("s")
    assert not store.is_file("s")
    assert [info.key for info in store.list_files()] == ["f"]
    for call in (store.read_bytes, store.get_file_info, store.delete):
        with pytest.raises(NotFound, match="not a file"):
            call("s")
    with pytest.raises(NotFound):
        store.copy("s", "t")
    with pytest.raises(NotFound):
        store.move("s", "t")
    with pytest.raises(InvalidPath):
        store.write("s/below", b"x")
    assert (root / "s").exists()
    store.write("s", b"x", overwrite=True)
    assert store.read_bytes("s") == b"x"


def names(count, seed):
    rng = random.Random(seed)
    letters = string.ascii_letters + string.digits + " !#$%&'()+,-.;=@[]^_`{}~éß✓"
    return {"".join(rng.choices(letters, k=rng.randint(1, 6))).strip(" .") or "x" for _ in range(count)}


@pytest.mark.parametrize("page", [1, 2, 7, 1000])
def test_listings_come_in_the_order_of_keys_whatever_the_page(root, store, monkeypatch, page):
    from remote_store._ops import listing

    monkeypatch.setattr(listing, "PAGE", page)
    made = set()
    for folder in ("", "a/", "a b/", "a-b/", "a/b/", "a.b/c/"):
        for name in names(12, folder):
            path = root / folder / name
            if not os.path.lexists(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"12345")
                made.add(folder + name)
    listed = list(store.list_files(recursive=True))
    assert [info.key for info in listed] == sorted(made)
    assert {info.size for info in listed} == {5}
    children = [entry.key + "/" * (type(entry).__name__ == "FolderEntry") for entry in store.iter_children()]
    assert children == sorted({key.partition("/")[0] + key.partition("/")[1] for key in made})


def test_a_listing_survives_what_vanishes_under_it(root, store, monkeypatch):
    from remote_store._ops import listing

    monkeypatch.setattr(listing, "PAGE", 2)
    for folder in "abc":
        for name in "12345":
            store.write(f"{folder}/{name}", b"x")
    found = store.list_files(recursive=True)
    assert next(found).key == "a/1"
    shutil.rmtree(root / "a")
    (root / "b" / "2").unlink()
    assert [info.key for info in found] == ["a/2", "b/1", "b/3", "b/4", "b/5", *(f"c/{name}" for name in "12345")]
    found = store.list_files(recursive=True)
    next(found)
    shutil.rmtree(root)
    assert [info.key for info in found] == ["b/3"]


def test_a_folder_of_many_files_is_listed_within_little_memory(root, store):
    import tracemalloc

    root.mkdir()
    fd = os.open(root, os.O_RDONLY)
    for number in range(10_000):
        os.close(os.open(f"file-{number * 7919 % 10_000:06}.parquet", os.O_CREAT, dir_fd=fd))
    os.close(fd)
    tracemalloc.start()
    try:
        assert sum(1 for _ in store.list_files()) == 10_000
        assert tracemalloc.get_traced_memory()[1] < 5 << 20
    finally:
        tracemalloc.stop()


@clause("ABSENT-05", "ERR-01")
def test_a_denied_folder_never_vanishes_and_nothing_is_changed():
    # Not in pytest's own folder, which nobody else may enter.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        command = [sys.executable, DENIED, f"{folder}/root"]
        outcome = json.loads(subprocess.run(command, env=SOURCES, check=True, stdout=subprocess.PIPE).stdout)
        for path in Path(folder, "root").iterdir():
            path.chmod(0o755)
    assert outcome.pop("no root named")
    assert outcome.pop("hidden root named")
    told = {name: kind for name, kind in outcome.items() if name not in ("message", "facts", "names", "shown")}
    assert set(told.values()) == {"PermissionDenied"}, told
    assert "'denied'" in outcome["message"]
    assert outcome["facts"] == 1
    assert outcome["names"] == ["denied", "open", "secret", "shown"]
    assert outcome["shown"] == {"shown/f": "x"}


def test_a_durable_store_does_all_that_another_does(root):
    store = Store(LocalBackend(root, durable=True))
    etag = store.write("a/b/f", b"1").etag
    store.write("a/b/f", b"2", if_match=etag)
    store.write("a/big", [b"x" * (1 << 20)] * 3)
    store.copy("a/b/f", "c/f")
    store.move("c/f", "d/f")
    store.delete("a/b/f")
    store.delete_folder("a/b")
    store.delete_folder("a", recursive=True)
    assert [info.key for info in store.list_files(recursive=True)] == ["d/f"]


def test_a_copy_between_file_systems_that_cannot_do_it_for_us_moves_the_bytes(root, store, monkeypatch):
    def refuse(*args):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "copy_file_range", refuse)
    content = os.urandom(3_000_000)
    store.write("f", content)
    store.copy("f", "g")
    assert store.read_bytes("g") == content


def test_a_move_between_file_systems_copies_and_deletes(root, store, monkeypatch):
    from remote_store.backends.local import publish

    rename = os.rename

    def refuse(source, target, **options):
        if not os.fsdecode(source).startswith(".remote-store-"):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, target, **options)

    monkeypatch.setattr(os, "rename", refuse)
    monkeypatch.setattr(publish, "rename_exclusive", lambda source, name, *rest: refuse(name, name))
    content = os.urandom(300_000)
    store.write("f", content, overwrite=True)
    store.move("f", "a/g", overwrite=True)
    assert store.read_bytes("a/g") == content
    assert not store.exists("f")


def test_folders_stay_when_their_last_file_goes(root, store):
    store.write("a/b/f", b"x")
    store.delete("a/b/f")
    assert store.is_folder("a/b")
    with pytest.raises(DirectoryNotEmpty):
        store.delete_folder("a")
    store.delete_folder("a/b")
    store.delete_folder("a")
    assert not store.exists("a")


async def use(store):
    await store.write("a/f", b"x" * 1000)
    await store.write("a/big", b"x" * 1_000_000)
    async with await store.read("a/big") as reader:
        content = await reader.read()
    keys = [info.key async for info in store.list_files(recursive=True)]
    await store.delete_folder("a", recursive=True)
    return len(content), keys


def test_the_async_face_leaves_nothing_open(root):
    import asyncio

    async def work():
        async with AsyncStore(LocalBackend(root)) as store:
            await use(store)
            before = held_below(root)
            assert await use(store) == (1_000_000, ["a/big", "a/f"])
            assert held_below(root) == before

    asyncio.run(work())


def test_an_error_shows_neither_the_hidden_root_of_a_child_nor_another_key(root, store):
    store.write("hidden/f", b"x")
    child = store.child("hidden")
    for call in (lambda: child.read("nothing"), lambda: child.write("f", b"x"), lambda: child.write("f/g", b"x")):
        with pytest.raises(RemoteStoreError) as caught:
            call()
        assert "hidden" not in str(caught.value)


def test_the_order_of_hidden_names_matches_what_a_listing_cuts_out():
    assert walk._AFTER_PREFIX > walk.PREFIX + "\U0010ffff"
    assert not walk._AFTER_PREFIX.startswith(walk.PREFIX)
