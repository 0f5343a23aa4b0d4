"""Small files that one call writes: in few messages, and each as if it were alone."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
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
from remote_store._ops.write_many import TOGETHER
from remote_store.backends.sftp import SFTPBackend, together
from remote_store.backends.sftp.channel import Channel
from remote_store.testing import clause
from tests.backends.cutting import cuts_of
from tests.bad_input.conftest import unleaking
from tests.servers import Link
from tests.servers.sftp import OpenSSH

ONCE = RetryPolicy(attempts=1)
DATA = bytes(range(256)) * 40


@pytest.fixture
def steps(monkeypatch):
    """How many questions went in each message."""
    sent, send = [], Channel.send

    def counted(channel, requests):
        sent.append(len(requests))
        return send(channel, requests)

    monkeypatch.setattr(Channel, "send", counted)
    return sent


@pytest.fixture(params=[64, 2])
def group(request, monkeypatch):
    """In how many messages each step of six files goes."""
    monkeypatch.setattr(together, "_GROUP", request.param)
    return -(-6 // request.param)


def hidden(options):
    found = [name for _, _, names in os.walk(options["root"]) for name in names]
    return [name for name in found if name.startswith(".remote-store-")]


def outcome_of(store, files):
    try:
        return store.write_many(files)
    except RemoteStoreError as error:
        return error


def found_in(store, keys):
    return {key: store.read_bytes(key) for key in keys if store.exists(key)}


@clause("SFTP-16", "MANY-06")
@pytest.mark.parametrize("server", ["sshd", "asyncssh"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_many_files_go_in_few_messages(server, overwrite, request, steps):
    options = request.getfixturevalue(server).options()
    with Store(SFTPBackend(**options)) as store:
        store.write("folder/first", b"")
        for lap in range(2 if overwrite else 1):
            files = {f"folder/{number}": b"%d of %d" % (number, lap) * number for number in range(TOGETHER)}
            steps.clear()
            written = store.write_many(files, overwrite=overwrite)
            groups = TOGETHER // together._GROUP
            assert len(steps) <= 5 * groups  # looks, drafts, contents, later times where files are replaced, names
            assert max(steps) >= 2 * together._GROUP
            assert [(result.key, result.size) for result in written] == [(key, len(files[key])) for key in files]
            assert found_in(store, files) == files
            assert [store.head(result.key).etag for result in written] == [result.etag for result in written]
        assert hidden(options) == []


@clause("SFTP-16")
def test_a_server_that_opens_few_files_is_asked_for_no_more():
    def work(part):
        files = {f"{part}/{number}": b"%d" % number for number in range(300)}
        store.write_many(files)
        return dict(store.read_many(files)) == files

    with OpenSSH() as server:
        server.may_open(64)
        options = server.address.options()
        with Store(SFTPBackend(**options, channels=1), retry=ONCE) as store, ThreadPoolExecutor(4) as pool:
            assert all(pool.map(work, range(4)))
        assert hidden(options) == []


@clause("SFTP-16", "SFTP-07")
def test_folders_and_the_root_are_made_on_the_way(sshd, steps):
    options = sshd.options()
    with Store(SFTPBackend(**options)) as store:
        files = {f"{number % 3}/deep/{number}": b"%d" % number for number in range(30)}
        store.exists("before")
        steps.clear()
        store.write_many(files)
        assert len(steps) < len(files)
        assert found_in(store, files) == files
        assert hidden(options) == []


@clause("SFTP-16", "MANY-10", "EXCL-01")
@pytest.mark.parametrize("key", ["old", "folder", "old/below", ".remote-store-0123456789abcdef.tmp"])
def test_one_that_is_refused_says_why_and_keeps_none_back(sshd, group, key):
    options = sshd.options()
    with Store(SFTPBackend(**options)) as store:
        store.write("old", b"old")
        store.write("folder/in", b"x")
        before = store.head("old").etag
        with pytest.raises((AlreadyExists, InvalidPath)) as refused:
            store.write_many([("a", DATA), ("new/b", b""), (key, DATA), ("c", DATA)])
        assert refused.value.path == key
        assert type(refused.value) is (AlreadyExists if key == "old" else InvalidPath)
        assert found_in(store, ["a", "new/b", "c", "old"]) == {"a": DATA, "new/b": b"", "c": DATA, "old": b"old"}
        assert store.head("old").etag == before
        assert hidden(options) == []


@clause("SFTP-16", "SFTP-14")
def test_versions_that_replace_others_come_a_second_later_with_the_old_rights(sshd, group):
    options = sshd.options()
    with Store(SFTPBackend(**options)) as store:
        old = store.write_many({"a": b"1", "b": b"1"})
        (Path(options["root"]) / "a").chmod(0o640)
        new = store.write_many({"a": b"2", "b": b"2"}, overwrite=True)
        assert all(later.etag != earlier.etag for later, earlier in zip(new, old, strict=True))
        assert stat.S_IMODE((Path(options["root"]) / "a").stat().st_mode) == 0o640


@clause("SFTP-16", "SFTP-06")
def test_a_folder_without_rights_refuses_its_own_files_only(sshd, group):
    options = sshd.options()
    with Store(SFTPBackend(**options)) as store:
        store.write_many({"open/a": b"x", "closed/a": b"x"})
        (Path(options["root"]) / "closed").chmod(0o500)
        with pytest.raises(PermissionDenied) as refused:
            store.write_many({"closed/new": DATA, "open/new": DATA})
        assert refused.value.path == "closed/new"
        assert store.read_bytes("open/new") == DATA
        assert hidden(options) == []


@clause("SFTP-16", "SFTP-08", "SFTP-11")
@pytest.mark.parametrize("folder", ["", "new/"])
def test_a_connection_that_breaks_at_any_step_leaves_each_file_whole_or_absent(
    sshd, make_proxy, group, monkeypatch, folder
):
    options = sshd.options()
    proxy = make_proxy(sshd.port)
    cuts = cuts_of(proxy, monkeypatch)
    failures = 0
    with unleaking(), Store(SFTPBackend(**options | {"port": proxy.port}), retry=ONCE) as store:
        store.write("first", b"")
        for step in range((9 if folder else 6) * group):
            for once_more in (False, True):  # while the drafts are being removed
                cuts[:] = [*[False] * step, True, once_more]
                keys = [f"{folder}{step}-{once_more}/{number}" for number in range(6)]
                ended = outcome_of(store, dict.fromkeys(keys, DATA))
                cuts.clear()
                there = found_in(store, keys)
                assert set(there.values()) <= {DATA}
                assert len(there) == len(keys) or isinstance(ended, BackendUnavailable)
                if not isinstance(ended, list):
                    failures += 1
                    assert ended.path == keys[0]
                assert hidden(options) == []
    assert failures > 8


@clause("SFTP-16", "SFTP-08")
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_batch_is_repeated_where_that_does_no_harm(sshd, make_proxy, monkeypatch, overwrite):
    options = sshd.options()
    proxy = make_proxy(sshd.port)
    cuts = cuts_of(proxy, monkeypatch)
    with Store(SFTPBackend(**options | {"port": proxy.port}), retry=RetryPolicy(base=0.01)) as store:
        store.write("f/first", b"")
        for step in range(4):
            cuts[:] = [*[False] * step, True]
            files = dict.fromkeys([f"f/{step}-{number}" for number in range(6)], DATA)
            if step == 3 and not overwrite:  # the names were asked for
                with pytest.raises(BackendUnavailable):
                    store.write_many(files)
            else:
                assert len(store.write_many(files, overwrite=overwrite)) == 6
                assert found_in(store, files) == files
            cuts.clear()
        assert hidden(options) == []


@clause("SFTP-16", "SFTP-09")
def test_a_server_that_falls_silent_is_a_timeout_and_nothing_is_there(sshd, group, make_proxy):
    options = sshd.options(read_timeout=2.0)
    proxy = make_proxy(sshd.port)
    files = dict.fromkeys(map(str, range(6)), DATA)
    with Store(SFTPBackend(**options | {"port": proxy.port}), retry=ONCE) as store:
        store.write("first", b"")
        proxy.link = Link(stall_after_down=0)
        with pytest.raises(Timeout) as silent:
            store.write_many(files)
        assert silent.value.path == "0"
        proxy.link = Link()
        try:
            store.exists("first")
        except BackendUnavailable:  # the old connection may still have been the one at hand
            store.exists("first")
        assert found_in(store, files) == {}
        assert hidden(options) == []


@clause("SFTP-16", "SFTP-11")
@pytest.mark.parametrize("step", ["_open_all", "_fill", "_name"])
def test_an_interruption_leaves_nothing_behind(sshd, group, monkeypatch, step):
    options = sshd.options()
    taken = getattr(together._Group, step)

    def interrupted(group, *args):
        yield from taken(group, *args)
        raise KeyboardInterrupt

    monkeypatch.setattr(together._Group, step, interrupted)
    files = dict.fromkeys(map(str, range(6)), DATA)
    with Store(SFTPBackend(**options)) as store:
        with pytest.raises(KeyboardInterrupt):
            store.write_many(files)
        monkeypatch.undo()
        assert found_in(store, files) == (files if step == "_name" else {})
        assert hidden(options) == []


@clause("SFTP-16", "SFTP-12", "SFTP-13")
@pytest.mark.parametrize("way", ["durable", "plain"])
def test_stores_that_write_another_way_write_each_alone(sshd, steps, way):
    options = sshd.options(**{way: True})
    with Store(SFTPBackend(**options)) as store:
        files = dict.fromkeys(map(str, range(6)), DATA)
        store.write_many(files)
        assert max(steps) < len(files)
        assert found_in(store, files) == files


@clause("SFTP-16", "MANY-06")
def test_a_server_without_the_additions_takes_many_files_too(sshd, monkeypatch):
    monkeypatch.setattr(Channel, "offers", lambda _, extension: extension == b"limits@openssh.com")
    with Store(SFTPBackend(**sshd.options(plain=True))) as store:
        files = dict.fromkeys(map(str, range(6)), DATA)
        assert together.put_many(store.unwrap(SFTPBackend)._tree, list(files.items()), None) == [None] * 6
        store.write_many(files)
        assert found_in(store, files) == files


@clause("SFTP-16", "SFTP-10", "EXCL-01")
def test_of_two_that_write_the_same_files_each_file_has_one_maker(sshd, group):
    with Store(SFTPBackend(**sshd.options())) as store:
        store.write("f/first", b"")
        contents = [dict.fromkeys([f"f/{number}" for number in range(20)], b"%d" % maker) for maker in range(4)]

        with ThreadPoolExecutor(4) as threads:
            results = list(threads.map(lambda files: outcome_of(store, files), contents))
        assert all(isinstance(result, AlreadyExists | list) for result in results)
        assert set(found_in(store, contents[0]).values()) <= {b"0", b"1", b"2", b"3"}
        assert len(found_in(store, contents[0])) == 20
