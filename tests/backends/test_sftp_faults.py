"""Servers that die, fall silent or lack something: a typed error in time, nothing published, and on it goes."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from remote_store import (
    BackendUnavailable,
    CapabilityNotSupported,
    RemoteStoreError,
    RetryPolicy,
    Store,
    Timeout,
)
from remote_store.backends.sftp import SFTPBackend
from remote_store.backends.sftp.channel import Channel
from remote_store.testing import clause
from remote_store.testing.faces import COLOURS, again, opened
from tests.backends.cutting import cuts_of
from tests.bad_input.conftest import unleaking
from tests.servers import Link, free_ports

ONCE = RetryPolicy(attempts=1)
TRANSPORTS = ["paramiko", "ssh"]
BIG = os.urandom(1 << 20) * 12


@pytest.fixture
def place(sshd):
    return sshd.options()


@pytest.fixture
def through(place, make_proxy, sshd, tmp_path):
    """Make a backend that reaches the server through a proxy."""

    def make(link=None, transport="paramiko", **options):
        proxy = make_proxy(sshd.port, link)
        options = place | {"port": proxy.port, "transport": transport} | options
        if transport == "ssh":
            known = tmp_path / "known_hosts"
            known.write_text(f"[127.0.0.1]:{proxy.port} {sshd.host_key}\n")
            options |= {"fingerprint": None, "known_hosts": known}
        return proxy, SFTPBackend(**options)

    return make


def drafts(options):
    found = [name for _, folders, files in os.walk(options["root"]) for name in folders + files]
    return [name for name in found if name.startswith(".remote-store-")]


@pytest.fixture
def cutting(through, monkeypatch):
    """A backend, and a list that says of each question to come whether the connection is reset before it."""
    proxy, backend = through()
    return backend, cuts_of(proxy, monkeypatch)


@clause("SFTP-08")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("colour", COLOURS)
def test_after_the_server_died_the_next_call_connects_anew(colour, transport, through):
    proxy, backend = through(transport=transport)
    with opened(backend, "", colour) as store:
        store.write("a", b"before")
        proxy.reset_all()
        assert store.read_bytes("a") == b"before"
        proxy.reset_all()
        store.write("b", b"new")  # may not be done twice, and is not: nothing was changed when it failed
        proxy.reset_all()
        store.delete("b")
        assert not store.exists("b")
        store.write("folder/c", b"x")
        proxy.reset_all()
        store.delete_folder("folder", recursive=True)
        assert not store.exists("folder")


@clause("SFTP-08", "PUB-01")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("after", [0, 1, 5000, 3_000_000, 11_000_000])
def test_a_server_that_dies_while_it_takes_a_file_publishes_nothing(after, transport, through, place):
    with Store(SFTPBackend(**place)) as direct:
        direct.write("folder/a", b"old")
        proxy, backend = through(transport=transport)
        with unleaking(), Store(backend, retry=ONCE) as store:
            assert store.read_bytes("folder/a") == b"old"
            so_far = proxy.bytes_up
            for write in (
                lambda: store.write("folder/a", BIG, overwrite=True),
                lambda: store.write("folder/a", iter([BIG[: 5 << 20], BIG[5 << 20 :]]), overwrite=True),
                lambda: store.write("new/b", BIG),
            ):
                proxy.link = Link(reset_after_up=so_far + after)
                with pytest.raises(BackendUnavailable) as lost:
                    write()
                assert lost.value.path in ("folder/a", "new/b")
                proxy.link = Link()
                so_far = 0
            assert [info.key for info in direct.list_files(recursive=True)] == ["folder/a"]
            assert store.read_bytes("folder/a") == b"old"
            store.write("folder/a", BIG, overwrite=True)
            assert direct.read_bytes("folder/a") == BIG


@clause("SFTP-08")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_server_that_dies_while_it_gives_a_file_is_an_error_and_then_not(transport, through, place):
    with Store(SFTPBackend(**place)) as direct:
        direct.write("a", BIG)
    proxy, backend = through(transport=transport)
    with unleaking(), Store(backend, retry=ONCE) as store:
        store.exists("a")
        proxy.link = Link(reset_after_down=3_000_000)
        with pytest.raises(RemoteStoreError) as lost:
            store.read_bytes("a")
        assert lost.value.retryable
        proxy.link = Link()
        assert store.read_bytes("a") == BIG
        with store.read("a") as stream:
            first = stream.read(1000)
            proxy.reset_all()
            with pytest.raises(RemoteStoreError):
                stream.read()
        assert first == BIG[:1000]
        patient = again(store, retry=RetryPolicy(base=0.0))
        with patient.read("a") as stream:  # taken up again where it broke
            first = stream.read(1 << 20)
            proxy.reset_all()
            assert first + stream.read() == BIG


@clause("SFTP-08", "SFTP-11")
def test_a_write_that_broke_anywhere_leaves_nothing_once_the_server_is_back(cutting, place):
    backend, cuts = cutting
    with unleaking(), Store(backend, retry=ONCE) as store:
        store.write("a", b"old")
        for write in (
            lambda: store.write("a", b"new", overwrite=True),
            lambda: store.write("deep/er/b", iter([BIG[: 5 << 20]]), overwrite=True),
        ):
            for number in range(8):
                for once_more in (False, True):  # while the draft is being removed
                    cuts[:] = [*[False] * number, True, once_more]
                    with suppress(BackendUnavailable):
                        write()
                    cuts.clear()
                    assert store.read_bytes("a") in (b"old", b"new")
                    assert drafts(place) == []


@clause("SFTP-08", "SFTP-11")
def test_a_tree_whose_deletion_broke_is_gone_or_whole(cutting, place):
    backend, cuts = cutting
    with unleaking(), Store(SFTPBackend(**place)) as direct, Store(backend, retry=ONCE) as store:
        files = [f"tree/{number % 3}/{number}" for number in range(9)]
        for number in range(12):
            for key in files:
                direct.write(key, b"x", overwrite=True)
            assert store.exists("tree")
            cuts[:] = [False] * number + [True]
            with suppress(BackendUnavailable):
                store.delete_folder("tree", recursive=True)
            cuts.clear()
            assert sorted(info.key for info in direct.list_files(recursive=True)) in ([], sorted(files))
            assert drafts(place) == []


@clause("SFTP-08")
def test_the_server_process_of_one_connection_is_killed(place, tmp_path):
    from tests.servers import OpenSSH

    with OpenSSH() as server, Store(SFTPBackend(**server.address.options()), retry=ONCE) as store:
        store.write("a", BIG)

        def content():
            yield BIG
            for pid in children_of(server._process.pid):
                with suppress(ProcessLookupError):  # the death of its child may have ended it
                    os.kill(pid, signal.SIGKILL)
            yield BIG

        with pytest.raises(BackendUnavailable):
            store.write("b", content())
        assert [info.key for info in store.list_files()] == ["a"]
        assert store.read_bytes("a") == BIG
        assert drafts({"root": server.address.folder}) == []


def children_of(pid):
    """Return the processes below one, those first that have none themselves."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, level = [], [pid]
    while level := [child for parent in level for child in parents.get(parent, [])]:
        found = level + found
    return found


@clause("SFTP-09", "DEADLINE-01")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("colour", COLOURS)
def test_a_server_that_falls_silent_is_a_timeout(colour, transport, through, place):
    with Store(SFTPBackend(**place)) as direct:
        direct.write("a", BIG)
    proxy, backend = through(transport=transport, read_timeout=0.3)
    with opened(backend, "", colour) as store:
        once = again(store, retry=ONCE)
        for call in (
            lambda: once.read_bytes("a"),
            lambda: once.write("b", BIG),
            lambda: list(once.list_files()),
            lambda: once.exists("a"),
        ):
            assert store.exists("a")
            proxy.link = Link(stall_after_down=0, stall_after_up=0)
            began = time.monotonic()
            with pytest.raises(Timeout) as silent:
                call()
            assert time.monotonic() - began < 6
            assert silent.value.retryable
            assert silent.value.path in ("a", "b", "")
            proxy.link = Link()
            proxy.reset_all()
        assert once.read_bytes("a") == BIG
        assert not once.exists("b")


@clause("SFTP-09", "SFTP-11")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_draft_of_a_server_that_fell_silent_goes_with_the_next_connection(transport, through, place):
    proxy, backend = through(transport=transport, read_timeout=0.3)
    with Store(backend, retry=ONCE) as store:

        def content():
            yield BIG
            assert len(drafts(place)) == 1
            proxy.link = Link(stall_after_down=0, stall_after_up=0)
            yield BIG

        with pytest.raises(Timeout):
            store.write("a", content())
        proxy.link = Link()
        proxy.reset_all()
        assert not store.exists("a")  # what was left to the connection goes before this question
        assert drafts(place) == []


@clause("SFTP-09", "DEADLINE-01")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("says", [b"", b"SSH-2.0-Silent\r\n"])
def test_a_server_that_never_greets_is_a_timeout(says, transport):
    with unleaking(), silence(says) as port:
        options = {"port": port, "user": "me", "connect_timeout": 1, "transport": transport}
        if transport == "paramiko":
            options["password"] = "x"
        with Store(SFTPBackend("127.0.0.1", **options), retry=ONCE) as store:
            error = timed(store)
            assert isinstance(error, Timeout | BackendUnavailable)
            assert error.retryable
            with ThreadPoolExecutor(8) as threads:  # all hear of the one failure
                began = time.monotonic()
                assert all(threads.map(timed, [store] * 8))
            assert time.monotonic() - began < 6


def timed(store):
    began = time.monotonic()
    with pytest.raises(RemoteStoreError) as raised:
        store.exists("a")
    assert time.monotonic() - began < 6
    return raised.value


@contextmanager
def silence(says):
    """A port where somebody takes connections, says one thing and then nothing any more."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as held:

        def greet():
            with suppress(OSError):
                while True:
                    held.enter_context(listener.accept()[0]).send(says)

        greeting = threading.Thread(target=greet)
        greeting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            greeting.join()


@clause("SFTP-09")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_server_that_is_not_there_is_unavailable(transport):
    options = {"transport": transport} | ({"password": "x"} if transport == "paramiko" else {})
    backend = SFTPBackend("127.0.0.1", port=free_ports(1)[0], user="me", **options)
    with unleaking(), Store(backend, retry=ONCE) as store, pytest.raises(BackendUnavailable) as dead:
        store.exists("a")
    assert dead.value.retryable
    assert "cannot be reached" in dead.value.message


WRITER = """
import sys
from remote_store import Store
from remote_store.backends.sftp import SFTPBackend
host, port, user, key, pin, root = sys.argv[1:]
store = Store(SFTPBackend(host, port=int(port), user=user, key_file=key, fingerprint=pin, root=root))
def content():
    yield bytes(9 << 20)
    print("under way", flush=True)
    sys.stdin.read()
store.write("folder/a", content(), overwrite=True)
"""


@clause("SFTP-11", "PUB-01")
def test_a_killed_writer_leaves_a_hidden_draft_that_cleanup_deletes(place, sshd):
    with Store(SFTPBackend(**place)) as store:
        store.write("folder/a", b"old")
        arguments = [sshd.host, str(sshd.port), sshd.user, sshd.key_file, sshd.fingerprint, place["root"]]
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, *arguments],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with writer:
            assert writer.stdout.readline() == b"under way\n"
            writer.kill()
        assert store.read_bytes("folder/a") == b"old"
        assert [info.key for info in store.list_files(recursive=True)] == ["folder/a"]
        assert len(drafts(place)) == 1
        backend = store.unwrap(SFTPBackend)
        assert backend.cleanup() == 0  # it could be alive
        assert backend.cleanup(older_than=-10) == 1
        assert drafts(place) == []
        assert backend.cleanup(older_than=-10) == 0
        with pytest.raises(TypeError):
            backend.cleanup(older_than="1")


@clause("SFTP-11")
def test_cleanup_sweeps_hidden_folders_and_empties_what_seems_empty(place, sshd):
    with Store(SFTPBackend(**place)) as store:
        store.write("folder/a", b"x")
        hidden = Path(place["root"], ".remote-store-0123456789abcdef.tmp")
        (hidden / "deep").mkdir(parents=True)
        (hidden / "deep" / "file").write_text("x")
        left = Path(place["root"], "folder", ".remote-store-fedcba9876543210.tmp")
        left.write_text("x")
        for path in (hidden, hidden / "deep", hidden / "deep" / "file", left):
            sshd.own(path)
        store.delete("folder/a")
        with pytest.raises(RemoteStoreError):
            store.delete_folder("folder")  # the draft may be a living writer's
        os.utime(left, (0, 0))
        store.delete_folder("folder")
        os.utime(hidden, (0, 0))
        assert store.unwrap(SFTPBackend).cleanup() == 1
        assert list(Path(place["root"]).iterdir()) == []


@clause("SFTP-12")
def test_a_durable_write_is_synchronised_and_a_server_that_cannot_is_refused(place, monkeypatch):
    asked = []
    send = Channel.send

    def watched(channel, requests):
        asked.extend(bytes(request.body[4:21]) for request in requests if request.kind == 200)
        return send(channel, requests)

    monkeypatch.setattr(Channel, "send", watched)
    with Store(SFTPBackend(**place, durable=True)) as store:
        store.write("a", b"x")
        store.write("a", iter([BIG]), overwrite=True)
        assert asked.count(b"fsync@openssh.com") == 2
        without(monkeypatch, b"fsync@openssh.com")
        with pytest.raises(CapabilityNotSupported, match="fsync"):
            store.write("b", b"x")
        assert not store.exists("b")


def without(monkeypatch, *extensions):
    """Let servers lack something from now on."""
    offers = Channel.offers
    monkeypatch.setattr(Channel, "offers", lambda channel, name: name not in extensions and offers(channel, name))


@clause("SFTP-13")
def test_a_server_that_cannot_replace_in_one_step_is_refused_unless_plain(place, monkeypatch):
    without(monkeypatch, b"posix-rename@openssh.com", b"hardlink@openssh.com", b"copy-data", b"fsync@openssh.com")
    with Store(SFTPBackend(**place), retry=ONCE) as store:
        with pytest.raises(CapabilityNotSupported, match="plain=True"):
            store.write("a", b"x")
        with pytest.raises(CapabilityNotSupported, match="plain=True"):
            store.write("a", iter([BIG]), overwrite=True)
        assert drafts(place) == []
    with Store(SFTPBackend(**place, plain=True), retry=ONCE) as store:
        assert {"ATOMIC_WRITE", "EXCLUSIVE_CREATE", "ATOMIC_MOVE"}.isdisjoint({one.name for one in store.capabilities})
        store.write("a", b"one")
        with pytest.raises(RemoteStoreError):
            store.write("a", b"two")
        store.write("a", BIG, overwrite=True)
        store.copy("a", "b")
        store.move("b", "c")
        store.move("a", "c", overwrite=True)
        assert store.read_bytes("c") == BIG
        assert [info.key for info in store.list_files()] == ["c"]
        assert drafts(place) == []


@clause("SFTP-14")
@pytest.mark.parametrize("server", ["sshd", "asyncssh"])
def test_a_version_has_a_later_second_and_the_permissions_of_the_old_one(server, request):
    options = request.getfixturevalue(server).options()
    with Store(SFTPBackend(**options)) as store:
        first = store.write("a", b"1")
        Path(options["root"], "a").chmod(0o640)
        seen = {first.etag}
        for content in (b"2", iter([b"3" * (5 << 20)]), b"4"):
            result = store.write("a", content, overwrite=True)
            assert result.etag == store.head("a").etag
            assert result.modified == store.head("a").modified
            seen.add(result.etag)
        assert len(seen) == 4
        assert Path(options["root"], "a").stat().st_mode & 0o777 == 0o640
