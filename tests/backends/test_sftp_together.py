"""Small files that threads write at the same time: in few messages, and each as if it were alone."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from remote_store import (
    AlreadyExists,
    BackendUnavailable,
    InvalidPath,
    PermissionDenied,
    RemoteStoreError,
    RetryPolicy,
    Store,
    Timeout,
)
from remote_store.backends.sftp import SFTPBackend, together
from remote_store.backends.sftp.channel import Channel
from remote_store.testing import clause
from tests.backends.cutting import cuts_of
from tests.bad_input.conftest import unleaking
from tests.servers import Link

ONCE = RetryPolicy(attempts=1)
DATA = bytes(range(256)) * 40


@pytest.fixture
def gathering(monkeypatch):
    """All that write at the same time gather; none goes alone."""
    monkeypatch.setattr(together, "ALONE", 0)
    monkeypatch.setattr(together, "PATIENCE", 0.5)


@pytest.fixture
def steps(monkeypatch):
    """How many questions went in each message."""
    sent, send = [], Channel.send

    def counted(channel, requests):
        sent.append(len(requests))
        return send(channel, requests)

    monkeypatch.setattr(Channel, "send", counted)
    return sent


def at_once(calls):
    """Make calls at the same time; return what each returned or raised."""
    start = threading.Barrier(len(calls))

    def made(call):
        start.wait()
        try:
            return call()
        except RemoteStoreError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(made, calls))


def hidden(options):
    found = [name for _, _, names in os.walk(options["root"]) for name in names]
    return [name for name in found if name.startswith(".remote-store-")]


def writing(store, key, data=DATA, **options):
    return lambda: store.write(key, data, **options)


@clause("SFTP-16", "PUB-01")
@pytest.mark.parametrize("server", ["sshd", "asyncssh"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_files_written_at_the_same_time_go_in_few_messages(server, overwrite, request, gathering, steps):
    options = request.getfixturevalue(server).options()
    with Store(SFTPBackend(**options)) as store:
        for lap in range(2 if overwrite else 1):
            store.write("folder/first", b"", overwrite=True)
            steps.clear()
            contents = [b"%d of %d" % (number, lap) * number for number in range(together.MOST)]
            calls = [writing(store, f"folder/{n}", data, overwrite=overwrite) for n, data in enumerate(contents)]
            written = at_once(calls)
            assert len(steps) <= 5  # looks, drafts, contents, later times where files are replaced, names
            assert max(steps) >= 2 * together.MOST
            assert [result.size for result in written] == [len(data) for data in contents]
            assert [data for _, data in store.read_many(f"folder/{n}" for n in range(together.MOST))] == contents
            assert [store.head(result.path).etag for result in written] == [result.etag for result in written]
        assert hidden(options) == []


@clause("SFTP-16", "WRITE-01", "EXCL-01")
def test_each_is_written_or_refused_as_it_would_be_alone(sshd, gathering):
    options = sshd.options()
    with Store(SFTPBackend(**options)) as store:
        store.write("old", b"old")
        store.write("folder/in", b"x")
        before = store.head("old").etag
        results = at_once(
            [
                writing(store, "new"),
                writing(store, "old"),
                writing(store, "folder"),
                writing(store, "deep/er/new"),
                writing(store, "old/below"),
                writing(store, ".remote-store-0123456789abcdef.part"),
                writing(store, "folder/in", b"other", overwrite=True),
                writing(store, "empty", b""),
            ]
        )
        new, old, folder, deep, below, draft, inside, empty = results
        assert (new.size, str(deep.path), inside.size, empty.size) == (len(DATA), "deep/er/new", 5, 0)
        for error, kind, key in ((old, AlreadyExists, "old"), (folder, InvalidPath, "folder")):
            assert isinstance(error, kind)
            assert error.path == key
        assert [type(below), type(draft)] == [InvalidPath, InvalidPath]
        assert store.head("old").etag == before
        assert store.read_bytes("folder/in") == b"other"
        assert hidden(options) == []


@clause("SFTP-16", "EXCL-01", "SFTP-14")
def test_of_those_that_write_one_key_one_creates_it_and_each_version_is_another(sshd, gathering):
    with Store(SFTPBackend(**sshd.options())) as store:
        made = at_once([writing(store, "a", b"%d" % number) for number in range(8)])
        assert sum(not isinstance(result, AlreadyExists) for result in made) == 1
        first = store.head("a").etag
        store.write("a", store.read_bytes("a"), overwrite=True)
        assert store.head("a").etag != first


@clause("SFTP-16", "SFTP-06")
def test_a_folder_without_rights_refuses_its_own_files_only(sshd, gathering):
    options = sshd.options()
    with Store(SFTPBackend(**options)) as store:
        store.write("open/a", b"x")
        store.write("closed/a", b"x")
        (Path(options["root"]) / "closed").chmod(0o500)
        results = at_once([writing(store, f"{folder}/new") for folder in ("open", "closed")])
        assert results[0].size == len(DATA)
        assert isinstance(results[1], PermissionDenied)
        assert results[1].path == "closed/new"


@clause("SFTP-16", "SFTP-08", "SFTP-11")
def test_a_connection_that_breaks_at_any_step_leaves_each_file_whole_or_absent(
    sshd, make_proxy, gathering, monkeypatch
):
    options = sshd.options()
    proxy = make_proxy(sshd.port)
    cuts = cuts_of(proxy, monkeypatch)
    monkeypatch.setattr(together, "MOST", 6)
    with unleaking(), Store(SFTPBackend(**options | {"port": proxy.port}), retry=ONCE) as store:
        store.write("first", b"")
        for step in range(6):
            for once_more in (False, True):  # while the drafts are being removed
                cuts[:] = [*[False] * step, True, once_more]
                keys = [f"{step}-{once_more}-{number}" for number in range(6)]
                results = at_once([writing(store, key) for key in keys])
                cuts.clear()
                for key, result in zip(keys, results, strict=True):
                    if isinstance(result, RemoteStoreError):
                        assert isinstance(result, BackendUnavailable)
                        assert result.path == key
                    assert not store.exists(key) or store.read_bytes(key) == DATA
                    assert isinstance(result, RemoteStoreError) or store.exists(key)
                assert hidden(options) == []


@clause("SFTP-16", "SFTP-09")
def test_a_server_that_falls_silent_is_a_timeout_for_each(sshd, make_proxy, gathering):
    options = sshd.options(read_timeout=2.0)
    proxy = make_proxy(sshd.port)
    with Store(SFTPBackend(**options | {"port": proxy.port}), retry=ONCE) as store:
        store.write("first", b"")
        proxy.link = Link(stall_after_down=0)
        results = at_once([writing(store, f"{number}") for number in range(6)])
        assert {type(result) for result in results} == {Timeout}
        assert sorted(result.path for result in results) == [f"{number}" for number in range(6)]
        proxy.link = Link()
        with suppress(BackendUnavailable):  # the old connection may still be the one at hand
            store.exists("first")
        assert not any(store.exists(f"{number}") for number in range(6))
        assert hidden(options) == []


@clause("SFTP-16", "SFTP-10")
def test_whoever_is_interrupted_while_it_writes_for_others_leaves_them_their_own_way(sshd, gathering, monkeypatch):
    options = sshd.options()
    with Store(SFTPBackend(**options)) as store:
        store.write("first", b"")
        looked = together._begin

        def interrupted(*args):
            looked(*args)
            raise KeyboardInterrupt

        monkeypatch.setattr(together, "_begin", interrupted)
        seen = []

        def made(number):
            try:
                seen.append(str(store.write(f"{number}", DATA).path))
            except KeyboardInterrupt:
                seen.append("interrupted")

        threads = [threading.Thread(target=made, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen.count("interrupted") >= 1
        assert all(store.read_bytes(path) == DATA for path in seen if path != "interrupted")
        assert hidden(options) == []
