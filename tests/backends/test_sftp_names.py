"""What a server and its users can put in the way: links, hostile names, special files, missing rights."""

import logging
import os
import socket
from pathlib import Path

import pytest

from remote_store import (
    ContainerNotFound,
    InvalidPath,
    NotFound,
    PermissionDenied,
    RemoteStoreError,
    RetryPolicy,
    Store,
)
from remote_store.backends.sftp import SFTPBackend
from remote_store.testing import clause
from remote_store.testing.faces import COLOURS, opened


@pytest.fixture(params=["sshd", "asyncssh"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def place(server):
    options = server.options()
    folder = Path(options["root"])
    return options, folder


@pytest.fixture(params=COLOURS)
def store(request, place):
    with opened(SFTPBackend(**place[0]), "", request.param) as store:
        yield store


@clause("SFTP-04", "SCOPE-05")
def test_links_that_leave_the_root_are_refused_by_every_call(store, place, server):
    _, folder = place
    outside = folder.with_name(f"{folder.name}-outside")
    outside.mkdir()
    (outside / "file").write_bytes(b"outside")
    for path in (outside, outside / "file"):
        server.own(path)
    store.write("sub/inside", b"inside")
    (folder / "out").symlink_to(outside)
    (folder / "up").symlink_to("../" + outside.name)
    (folder / "away").symlink_to(outside / "file")
    (folder / "sub" / "out").symlink_to(outside)
    for key in ("out", "up", "sub/out"):
        calls = [
            lambda key=key: store.read_bytes(f"{key}/file"),
            lambda key=key: store.exists(f"{key}/file"),
            lambda key=key: store.write(f"{key}/new", b"x"),
            lambda key=key: store.write(f"{key}/file", b"x", overwrite=True),
            lambda key=key: store.write(f"{key}/deep/er/new", b"x"),
            lambda key=key: store.write(f"{key}/new", iter([bytes(5 << 20)])),
            lambda key=key: store.write_many({f"{key}/1": b"x", f"{key}/2": b"x"}),
            lambda key=key: list(store.list_files(key, recursive=True)),
            lambda key=key: list(store.iter_children(key)),
            lambda key=key: store.copy(f"{key}/file", "copied"),
            lambda key=key: store.copy("sub/inside", f"{key}/copied"),
            lambda key=key: store.move(f"{key}/file", "moved"),
            lambda key=key: store.move("sub/inside", f"{key}/moved"),
            lambda key=key: store.delete(f"{key}/file"),
            lambda key=key: store.delete_many([f"{key}/file"]),
            lambda key=key: store.delete_folder(f"{key}/deep", recursive=True),
            lambda key=key: list(store.read_many([f"{key}/file"])),
            lambda key=key: store.read_seekable(f"{key}/file"),
        ]
        for number, call in enumerate(calls):
            with pytest.raises(PermissionDenied, match="outside") as refused:
                call()
            assert refused.value.path is not None, number
    with pytest.raises(PermissionDenied):
        store.read_bytes("away")
    assert [info.key for info in store.list_files(recursive=True)] == ["sub/inside"]
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"file": b"outside"}
    store.delete_folder("out", recursive=True)  # the link itself
    store.delete("away")
    store.delete_folder("sub", recursive=True)
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"file": b"outside"}
    assert sorted(path.name for path in folder.iterdir()) == ["up"]


@clause("SFTP-04")
def test_links_that_stay_inside_are_followed(store, place):
    _, folder = place
    store.write("real/file", b"data")
    (folder / "link").symlink_to("real")
    (folder / "alias").symlink_to("real/file")
    assert store.read_bytes("link/file") == store.read_bytes("alias") == b"data"
    assert [info.key for info in store.list_files(recursive=True)] == ["alias", "real/file"]
    assert [entry.key for entry in store.list_folders()] == ["link", "real"]
    store.write("alias", b"own", overwrite=True)  # takes the place of the link
    assert store.read_bytes("real/file") == b"data"
    store.write("link/new", b"through")
    assert store.read_bytes("real/new") == b"through"


@clause("SFTP-05")
@pytest.mark.parametrize("colour", COLOURS)
def test_hostile_names_in_a_listing_never_become_keys(colour, asyncssh, caplog):
    with opened(SFTPBackend(**asyncssh.options()), "", colour) as store:
        store.write("hostile/good", b"x")
        with caplog.at_level(logging.WARNING, "remote_store"):
            for recursive in (False, True):
                assert [info.key for info in store.list_files("hostile", recursive=recursive)] == ["hostile/good"]
            assert [entry.key for entry in store.iter_children("hostile")] == ["hostile/good"]
        assert "names that are no valid keys" in caplog.text
        assert "escaped" not in caplog.text
        with pytest.raises(RemoteStoreError):  # it claims for ever to hold something
            store.delete_folder("hostile")
        store.delete_folder("hostile", recursive=True)
        assert not store.exists("hostile")


@clause("SFTP-05")
def test_names_that_no_key_has_are_left_out(store, place):
    _, folder = place
    store.write("good", b"x")
    store.write("sub/good", b"x")
    for name in (b"line\nfeed", b"back\\slash", b"\xff\xfe", b"tab\t", b"C:drive"):
        for parent in (folder, folder / "sub"):
            Path(os.fsdecode(os.fsencode(parent) + b"/" + name)).write_bytes(b"odd")
    assert [info.key for info in store.list_files()] == ["good"]
    assert [info.key for info in store.list_files("sub")] == ["sub/good"]
    assert [info.key for info in store.list_files(recursive=True)] == ["good", "sub/good"]


@clause("SFTP-04")
def test_pipes_and_sockets_are_no_files_and_hang_nobody(store, place, server):
    _, folder = place
    store.write("file", b"x")
    os.mkfifo(folder / "pipe")
    server.own(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(folder / "socket"))
    for name in ("pipe", "socket"):
        for call in (store.read_bytes, store.get_file_info, lambda key: store.copy(key, "copy")):
            with pytest.raises(NotFound, match="pipe, socket or device"):
                call(name)
        with pytest.raises(NotFound):
            list(store.read_many([name, name]))
    assert [info.key for info in store.list_files()] == ["file"]


@clause("SFTP-06", "ABSENT-01")
def test_one_denied_folder_is_an_error_and_not_silently_missing(store, place):
    _, folder = place
    store.write("open/a", b"1")
    store.write("shut/b", b"2")
    (folder / "shut").chmod(0)
    try:
        calls = [
            (lambda: store.read_bytes("shut/b"), "shut/b"),
            (lambda: store.exists("shut/b"), "shut/b"),
            (lambda: store.write("shut/c", b"x"), "shut/c"),
            (lambda: store.delete("shut/b"), "shut/b"),
            (lambda: list(store.list_files("shut")), "shut"),
            (lambda: store.copy("shut/b", "copied"), "shut/b"),
        ]
        for call, key in calls:
            with pytest.raises(PermissionDenied) as denied:
                call()
            assert denied.value.path == key
        for call in (
            lambda: list(store.list_files(recursive=True)),
            store.get_folder_info,
            lambda: list(store.glob("**")),
        ):
            with pytest.raises(PermissionDenied, match="'shut' below it may not be read"):
                call()
        with pytest.raises(PermissionDenied):
            store.delete_folder("shut", recursive=True)
        assert store.read_bytes("open/a") == b"1"
    finally:
        for path in folder.iterdir():
            path.chmod(0o755)
    assert store.read_bytes("shut/b") == b"2"
    assert sorted(path.name for path in folder.iterdir()) == ["open", "shut"]


@clause("SFTP-06")
def test_a_folder_that_may_not_be_written_is_permission_denied(store, place):
    _, folder = place
    store.write("fixed/a", b"1")
    (folder / "fixed").chmod(0o555)
    try:
        for call in (
            lambda: store.write("fixed/a", b"2", overwrite=True),
            lambda: store.write("fixed/new/b", b"2"),
            lambda: store.delete("fixed/a"),
            lambda: store.move("fixed/a", "moved"),
            lambda: store.delete_folder("fixed", recursive=True),
        ):
            with pytest.raises(PermissionDenied):
                call()
        assert store.read_bytes("fixed/a") == b"1"
        assert not store.exists("moved")
        assert [info.key for info in store.list_files(recursive=True)] == ["fixed/a"]
    finally:
        (folder / "fixed").chmod(0o755)


@clause("SFTP-07")
def test_a_root_that_must_be_there_is_named_when_it_is_missing(place):
    options, folder = place
    once = RetryPolicy(attempts=1)
    with Store(SFTPBackend(**options, create=False), retry=once) as store:
        for call in (
            lambda: store.exists("a"),
            lambda: store.read_bytes("a"),
            lambda: store.write("a", b""),
            lambda: store.write("f/a", b""),
            lambda: list(store.list_files()),
            lambda: store.delete("a", missing_ok=True),
            lambda: store.delete_many(["a"]),
            lambda: store.delete_folder("a", missing_ok=True),
            lambda: store.move("a", "b"),
            store.ping,
        ):
            with pytest.raises(ContainerNotFound, match=folder.name):
                call()
    assert not folder.exists()
    folder.parent.joinpath(f"{folder.name}-file").write_text("x")
    of_a_file = SFTPBackend(**options | {"root": f"{options['root']}-file"})
    with Store(of_a_file, retry=once) as store, pytest.raises(ContainerNotFound, match="is not a folder"):
        store.exists("a")


@clause("SFTP-07")
def test_a_root_is_made_with_the_first_file_and_follows_a_link(place, server, caplog):
    options, folder = place
    with Store(SFTPBackend(**options | {"root": f"{folder}/deep/er"})) as store:
        with pytest.raises(NotFound, match="is missing; the first write makes it"):
            store.read_bytes("a")
        with caplog.at_level(logging.WARNING, "remote_store"):
            assert list(store.list_files(recursive=True)) == list(store.list_files()) == []
        assert caplog.text.count("is missing; the first write makes it") == 1
        with pytest.raises(ContainerNotFound, match="is missing"):
            store.ping()
        assert not folder.exists()
        store.write("a", b"x")
        assert (folder / "deep/er/a").read_bytes() == b"x"
    linked = folder.with_name(f"{folder.name}-link")
    linked.symlink_to(folder / "deep")
    with Store(SFTPBackend(**options | {"root": str(linked)})) as store:
        assert store.read_bytes("er/a") == b"x"
        assert [info.key for info in store.list_files(recursive=True)] == ["er/a"]


@clause("SFTP-07")
def test_a_root_that_the_server_refuses_to_make_is_named(place, server):
    options, folder = place
    shut = folder.with_name(f"{folder.name}-shut")
    shut.mkdir()
    server.own(shut)
    shut.chmod(0o500)
    says = f"the root folder '{shut}/in' is missing, and the server refuses to make it"
    with Store(SFTPBackend(**options | {"root": f"{shut}/in"})) as store:
        with pytest.raises(PermissionDenied, match=says):
            store.write("a", b"x")
        with pytest.raises(PermissionDenied, match=says), store.open_atomic("b") as file:
            file.write(b"x")


@clause("PUB-04")
def test_names_of_drafts_are_no_keys(store):
    for key in (".remote-store-x", "a/.remote-store-0123456789abcdef.tmp/b"):
        for call in (store.read_bytes, store.exists, lambda key: store.write(key, b"")):
            with pytest.raises(InvalidPath):
                call(key)
    with pytest.raises(InvalidPath):
        list(store.read_many([".remote-store-x", ".remote-store-y"]))
    with pytest.raises(InvalidPath):
        store.delete_many([".remote-store-x"])
