"""The root of a local store: made, missing, replaced, relative, behind a very long path."""

import logging
import os
import pathlib
import pickle
import shutil
from pathlib import Path

import pytest

from remote_store import ContainerNotFound, NotFound, Store
from remote_store.backends.local import LocalBackend
from remote_store.testing import clause


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


@pytest.fixture
def store(root):
    with Store(LocalBackend(root)) as store:
        yield store


@clause("ABSENT-04", "FACT-06")
def test_the_root_is_made_by_the_first_write_and_named_by_what_fails_before(root, store, caplog):
    with caplog.at_level(logging.WARNING, "remote_store"):
        assert list(store.list_files()) == list(store.iter_children("a")) == []
        assert store.get_folder_info().file_count == 0
        assert store.exists("")
        assert not store.exists("f")
        store.delete("f", missing_ok=True)
        store.delete_many(["f", "a/g"])
    assert caplog.messages == [f"the root folder {str(root)!r} is missing; the first write makes it"]
    for call in ("read", "facts", "delete", "copy", "move", "delete folder"):
        with pytest.raises(NotFound, match="first write makes it") as caught:
            ANY_CALL[call](store)
        assert repr(str(root)) in caught.value.message
        assert type(caught.value) is NotFound
    for place in (store, store.child("a/b")):
        with pytest.raises(ContainerNotFound, match="root folder"):
            place.ping()
    assert not root.exists()
    store.write("a/f", b"x")
    assert (root / "a" / "f").read_bytes() == b"x"
    store.ping()
    store.child("not/yet").ping()


@clause("ABSENT-05")
@pytest.mark.parametrize("call", ["write", "write in parts"])
def test_a_root_that_cannot_be_made_is_named(tmp_path, call):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere" / "below")
    for root in (tmp_path / "file" / "root", tmp_path / "file", tmp_path / "link", Path("/proc/no/root")):
        with pytest.raises(ContainerNotFound) as caught:
            ANY_CALL[call](Store(LocalBackend(root)))
        assert repr(str(root)) in caught.value.message
        with pytest.raises(ContainerNotFound):
            Store(LocalBackend(root)).ping()
    assert not (tmp_path / "nowhere").exists()


ANY_CALL = {
    "read": lambda store: store.read("f"),
    "facts": lambda store: store.get_file_info("f"),
    "exists": lambda store: store.exists("f"),
    "exists at all": lambda store: store.exists(""),
    "list": lambda store: list(store.list_files()),
    "list below": lambda store: list(store.list_files("a/b")),
    "write": lambda store: store.write("a/f", b"x"),
    "write in parts": lambda store: store.write("f", [b"x" * (1 << 20)] * 3),
    "swap": lambda store: store.write("f", b"x", if_match="etag"),
    "delete": lambda store: store.delete("f"),
    "delete if there": lambda store: store.delete("f", missing_ok=True),
    "delete many": lambda store: store.delete_many(["f", "g"]),
    "delete folder": lambda store: store.delete_folder("a", recursive=True),
    "delete folder if there": lambda store: store.delete_folder("a", recursive=True, missing_ok=True),
    "copy": lambda store: store.copy("f", "g"),
    "move": lambda store: store.move("f", "g"),
    "ping": lambda store: store.ping(),
    "sum": lambda store: store.get_folder_info(),
    "clean up": lambda store: store.unwrap(LocalBackend).cleanup(),
}


@pytest.mark.parametrize("call", ANY_CALL.values(), ids=ANY_CALL)
def test_a_root_that_must_be_there_is_named_when_it_is_not(root, call):
    with pytest.raises(ContainerNotFound, match="root") as caught:
        call(Store(LocalBackend(root, create=False)))
    assert repr(str(root)) in caught.value.message
    assert not root.exists()


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("name", ["read", "exists", "list", "write", "ping"])
def test_a_root_that_is_a_file_is_named(root, name, create):
    root.write_bytes(b"x")
    with pytest.raises(ContainerNotFound, match="not a folder"):
        ANY_CALL[name](Store(LocalBackend(root, create=create)))


def test_a_root_that_is_replaced_is_noticed_by_the_next_call(root, store):
    store.write("a/f", b"old")
    root.rename(root.with_name("away"))
    assert not store.exists("a/f")
    store.write("a/f", b"new")
    assert (root / "a" / "f").read_bytes() == b"new"
    assert (root.with_name("away") / "a" / "f").read_bytes() == b"old"
    shutil.rmtree(root)
    assert not store.exists("a/f")
    store.write("a/f", b"newer")
    assert store.read_bytes("a/f") == b"newer"


def test_a_relative_root_is_fixed_when_the_backend_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    backend = LocalBackend("data")
    assert backend == LocalBackend(Path("data")) == LocalBackend(tmp_path / "data", create=True)
    assert hash(backend) == hash(LocalBackend(tmp_path / "data"))
    assert backend != LocalBackend("data", durable=True)
    copy = pickle.dumps(Store(backend))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store = pickle.loads(copy)
    store.write("f", b"x")
    assert (tmp_path / "data" / "f").read_bytes() == b"x"
    assert store.unwrap(pathlib.Path) == tmp_path / "data"
    assert store.native_path("f") == str(tmp_path / "data" / "f")
    assert store.to_key(str(tmp_path / "data" / "f")) == "f"
    assert repr(backend) == f"LocalBackend({str(tmp_path / 'data')!r})"


@pytest.mark.parametrize(("root", "kind"), [("", ValueError), ("a\0b", ValueError), (b"a", TypeError), (3, TypeError)])
def test_a_root_that_is_no_path_is_refused(root, kind):
    with pytest.raises(kind, match="root"):
        LocalBackend(root)


def test_the_whole_file_system_can_be_a_root(tmp_path):
    store = Store(LocalBackend("/"))
    (tmp_path / "f").write_bytes(b"x")
    key = str(tmp_path / "f")[1:]
    assert store.read_bytes(key) == b"x"
    assert store.native_path(key) == str(tmp_path / "f")
    assert store.to_key(str(tmp_path / "f")) == key
    assert [info.key for info in store.list_files(str(tmp_path)[1:])] == [key]


def test_a_very_long_root_works(tmp_path):
    deep = tmp_path
    here = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(17):
            Path("d" * 250).mkdir()
            os.chdir("d" * 250)
            deep = deep / ("d" * 250)
        os.chdir(tmp_path)
        store = Store(LocalBackend("/".join([str(tmp_path), *["d" * 250] * 15])))
        key = f"{'d' * 250}/{'d' * 250}/f"
        store.write(key, b"x")  # as one path it would be longer than the kernel takes
        assert store.read_bytes(key) == b"x"
        assert [info.key for info in store.list_files(recursive=True)] == [key]
        store.delete(key)
    finally:
        os.chdir(here)
