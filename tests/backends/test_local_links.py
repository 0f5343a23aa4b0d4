"""Links below a local root: those that stay inside work, no other leads anywhere, whatever is swapped meanwhile."""

import logging
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from remote_store import AlreadyExists, NotFound, PermissionDenied, PreconditionFailed, RemoteStoreError, Store
from remote_store.backends.local import LocalBackend, beneath

ROUNDS = 1500


@pytest.fixture(params=["by openat2", "segment by segment"])
def root(request, tmp_path, monkeypatch):
    """A root with a file outside beside it, opened in each of the two ways."""
    if request.param == "segment by segment":
        monkeypatch.setattr(beneath, "_openat2", None)
    else:
        assert beneath._openat2 is not None, "this kernel has no openat2; run the tests on Linux 5.6 or later"
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    root = tmp_path / "root"
    (root / "real" / "deep").mkdir(parents=True)
    (root / "real" / "f").write_bytes(b"inside")
    (root / "real" / "deep" / "g").write_bytes(b"deeper")
    return root


@pytest.fixture
def outside(root):
    return root.parent / "outside"


@pytest.fixture
def store(root):
    with Store(LocalBackend(root)) as store:
        yield store


@pytest.fixture(params=["relative", "absolute"])
def escape(request, root, outside):
    """A link at ``d`` to the folder outside, and one at ``l`` to the file in it."""
    base = "../outside" if request.param == "relative" else str(outside)
    (root / "d").symlink_to(base)
    (root / "l").symlink_to(f"{base}/secret")
    return root


OUTWARD = {
    "read through a folder": lambda store: store.read_bytes("d/secret"),
    "read a file": lambda store: store.read_bytes("l"),
    "open a stream": lambda store: store.read("d/secret"),
    "read a range": lambda store: store.read_range("l", 0, 3),
    "seek": lambda store: store.read_seekable("l"),
    "ask for facts": lambda store: store.get_file_info("d/secret"),
    "ask for existence": lambda store: store.exists("d/secret"),
    "ask for absence": lambda store: store.exists("d/nothing"),
    "ask whether it is a folder": lambda store: store.is_folder("d"),
    "sum": lambda store: store.get_folder_info("d"),
    "list": lambda store: list(store.list_files("d")),
    "list below": lambda store: list(store.list_files("d", recursive=True)),
    "list folders": lambda store: list(store.list_folders("d")),
    "glob": lambda store: list(store.glob("d/*")),
    "write": lambda store: store.write("d/new", b"x"),
    "write below": lambda store: store.write("d/e/new", b"x"),
    "overwrite": lambda store: store.write("d/secret", b"x", overwrite=True),
    "write in parts": lambda store: store.write("d/new", [b"x" * (1 << 20)] * 3),
    "delete": lambda store: store.delete("d/secret"),
    "delete many": lambda store: store.delete_many(["d/secret"]),
    "delete a folder below": lambda store: store.delete_folder("d/deep", recursive=True),
    "delete an empty folder below": lambda store: store.delete_folder("d/deep"),
    "copy out": lambda store: store.copy("real/f", "d/f"),
    "copy in": lambda store: store.copy("l", "stolen"),
    "move out": lambda store: store.move("real/f", "d/f"),
    "move in": lambda store: store.move("d/secret", "stolen"),
    "move a link in": lambda store: store.move("l", "stolen"),
}


@pytest.mark.parametrize("call", OUTWARD.values(), ids=OUTWARD)
def test_no_call_follows_a_link_out_of_the_root(escape, outside, store, call):
    with pytest.raises(PermissionDenied, match="outside the store") as caught:
        call(store)
    assert caught.value.backend == "local"
    assert str(outside) not in str(caught.value)
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_bytes() == b"secret"
    assert not (escape / "stolen").exists()


def test_a_link_may_climb_as_long_as_it_stays_inside(root, store):
    (root / "real" / "deep" / "up").symlink_to("../../real/f")
    assert store.read_bytes("real/deep/up") == b"inside"


def test_a_link_that_climbs_out_and_comes_back_is_refused(root, store):
    (root / "boomerang").symlink_to("../root/real/f")
    with pytest.raises(PermissionDenied):
        store.read_bytes("boomerang")


@pytest.mark.parametrize("absolute", [False, True])
def test_links_inside_work_for_reading_and_listing(root, store, absolute):
    (root / "l").symlink_to(root / "real" / "f" if absolute else "real/f")
    (root / "d").symlink_to(root / "real" if absolute else "real")
    assert store.read_bytes("l") == b"inside"
    assert store.get_file_info("l").size == 6
    assert store.read_bytes("d/deep/g") == b"deeper"
    assert store.is_folder("d")
    assert [info.key for info in store.list_files("d")] == ["d/f"]
    assert [info.key for info in store.list_files("d", recursive=True)] == ["d/deep/g", "d/f"]


def test_a_listing_shows_links_as_what_they_point_to(root, store):
    (root / "l").symlink_to("real/f")
    (root / "d").symlink_to("real")
    shown = [(type(entry).__name__, entry.key) for entry in store.iter_children()]
    assert shown == [("FolderEntry", "d"), ("FileInfo", "l"), ("FolderEntry", "real")]
    assert {info.key: info.size for info in store.list_files()} == {"l": 6}


def test_a_recursive_listing_does_not_enter_linked_folders(root, store):
    (root / "real" / "round").symlink_to("..")
    (root / "d").symlink_to("real")
    assert [info.key for info in store.list_files(recursive=True)] == ["real/deep/g", "real/f"]


def test_a_listing_leaves_out_links_to_nowhere_and_says_so_once(escape, store, caplog):
    (escape / "dangling").symlink_to("nothing")
    (escape / "real" / "circle").symlink_to("circle")
    with caplog.at_level(logging.WARNING, "remote_store"):
        assert [info.key for info in store.list_files(recursive=True)] == ["real/deep/g", "real/f"]
    assert len(caplog.messages) == 1
    assert "4 links" in caplog.messages[0]


@pytest.mark.parametrize("target", ["nothing", "circle", "real/f/below"])
def test_a_link_to_nowhere_is_absent(root, store, target):
    (root / "circle").symlink_to(target)
    assert not store.exists("circle")
    with pytest.raises(NotFound):
        store.read_bytes("circle")


def test_writing_onto_a_link_replaces_the_link(escape, outside, store):
    (escape / "m").symlink_to("real/f")
    with pytest.raises(AlreadyExists):
        store.write("l", b"new")
    store.write("l", b"new", overwrite=True)
    store.write("m", b"new", overwrite=True)
    assert not (escape / "l").is_symlink()
    assert store.read_bytes("l") == store.read_bytes("m") == b"new"
    assert (outside / "secret").read_bytes() == b"secret"
    assert store.read_bytes("real/f") == b"inside"


def test_copying_and_moving_onto_a_link_replaces_the_link(escape, outside, store):
    store.copy("real/f", "l", overwrite=True)
    assert store.read_bytes("l") == b"inside"
    (escape / "m").symlink_to("../outside/secret")
    store.move("real/f", "m", overwrite=True)
    assert store.read_bytes("m") == b"inside"
    assert (outside / "secret").read_bytes() == b"secret"


def test_if_match_does_not_vouch_for_a_link(root, store):
    (root / "l").symlink_to("real/f")
    etag = store.head("l").etag
    with pytest.raises(PreconditionFailed, match="link"):
        store.write("l", b"new", if_match=etag)
    with pytest.raises(PreconditionFailed, match="link"):
        store.delete("l", if_match=etag)


def test_deleting_a_link_deletes_the_link(escape, outside, store):
    (escape / "m").symlink_to("real/f")
    for key in ("l", "m"):
        store.delete(key)
        assert not os.path.lexists(escape / key)
    assert (outside / "secret").read_bytes() == b"secret"
    assert store.read_bytes("real/f") == b"inside"


@pytest.mark.parametrize("target", ["real", "../outside"])
def test_deleting_a_linked_folder_deletes_the_link(root, outside, store, target):
    (root / "d").symlink_to(target)
    store.delete_folder("d", recursive=True)
    assert not os.path.lexists(root / "d")
    assert store.read_bytes("real/f") == b"inside"
    assert (outside / "secret").exists()


def test_deleting_a_tree_deletes_links_in_it_and_nothing_behind_them(escape, outside, store):
    (escape / "real" / "out").symlink_to("../../outside")
    (escape / "real" / "deep" / "up").symlink_to("..")
    store.delete_folder("real", recursive=True)
    assert not (escape / "real").exists()
    assert (outside / "secret").read_bytes() == b"secret"


def test_moving_a_link_moves_the_bytes_it_stands_for(root, store):
    (root / "l").symlink_to("real/f")
    store.move("l", "elsewhere/f")
    assert store.read_bytes("elsewhere/f") == b"inside"
    assert not os.path.lexists(root / "l")
    assert store.read_bytes("real/f") == b"inside"


def test_moving_between_two_names_of_one_file_leaves_one(root, store):
    os.link(root / "real" / "f", root / "twin")
    store.move("twin", "real/f", overwrite=True)
    assert not (root / "twin").exists()
    assert store.read_bytes("real/f") == b"inside"


def test_writing_through_a_linked_folder_stays_inside(root, store):
    (root / "d").symlink_to("real")
    store.write("d/new/file", b"x")
    assert (root / "real" / "new" / "file").read_bytes() == b"x"


def test_a_root_behind_a_link_is_the_users_own_choice(root, tmp_path):
    (tmp_path / "way").symlink_to(root)
    store = Store(LocalBackend(tmp_path / "way"))
    assert store.read_bytes("real/f") == b"inside"
    store.write("new", b"x")
    (root / "real" / "absolute").symlink_to(tmp_path / "way" / "new")
    assert store.read_bytes("real/absolute") == b"x"
    assert [info.key for info in store.list_files()] == ["new"]


FLIPPER = """
import ctypes, sys
rename, (one, other) = ctypes.CDLL(None).renameat2, map(str.encode, sys.argv[1:])
assert rename(-100, one, -100, other, 2) == 0  # RENAME_EXCHANGE: swaps two names in one step
print("on", flush=True)
while True:
    rename(-100, one, -100, other, 2)
"""


@contextmanager
def flipping(root):
    """Let another process make ``d`` a folder and a link to the outside in turn, as fast as it can."""
    (root / "real").rename(root / "d")
    (root / "d" / "secret").write_bytes(b"public")
    (root / "way").symlink_to("../outside")
    flipper = subprocess.Popen([sys.executable, "-c", FLIPPER, root / "d", root / "way"], stdout=subprocess.PIPE)
    with flipper:
        try:
            assert flipper.stdout.readline() == b"on\n"
            yield
        finally:
            flipper.kill()


RACED = {
    "read": lambda store, n: store.read_bytes("d/secret"),
    "facts": lambda store, n: store.get_file_info("d/secret"),
    "list": lambda store, n: [info.key for info in store.list_files("d", recursive=True)],
    "walk": lambda store, n: [info.key for info in store.list_files(recursive=True)],
    "write": lambda store, n: store.write(f"d/new-{n % 5}", b"x", overwrite=True),
    "create": lambda store, n: store.write(f"d/fresh/{n}", b"x"),
    "delete": lambda store, n: store.delete("d/secret"),
    "copy": lambda store, n: store.copy("d/secret", f"copies/{n}"),
    "move": lambda store, n: store.move("d/secret", f"moved/{n}"),
    "delete tree": lambda store, n: store.delete_folder("d/deep", recursive=True),
}


@pytest.mark.parametrize("call", RACED.values(), ids=RACED)
def test_no_call_is_led_outside_by_a_swap(root, outside, store, call):
    answers = []
    with flipping(root):
        for number in range(ROUNDS):
            try:
                answers.append(call(store, number))
            except RemoteStoreError as error:
                answers.append(error)
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_bytes() == b"secret"
    assert b"secret" not in answers
    for folder in ("copies", "moved"):
        assert all(path.read_bytes() == b"public" for path in root.glob(f"{folder}/*"))
