"""A machine in trouble: folders that may not be read or written, disks that are full, files that may not grow."""

import json
import os
import resource
import subprocess
import sys

import pytest

from remote_store import BackendUnavailable, PermissionDenied, RemoteStoreError, Store
from remote_store.backends.local import LocalBackend
from tests.bad_input.calls import CALLS, FILE
from tests.bad_input.conftest import unleaking

MIB = 1 << 20

# Root may do everything, so it gives that up first; /bin/sh runs what needs a mount of its own.
UNPRIVILEGED = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
PRIVATE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--user", "--map-root-user"]

PROBE = """
import json, sys
from remote_store import RemoteStoreError, Store
from tests.bad_input.calls import CALLS
from tests.bad_input.test_arguments import attempt

store = Store.from_uri("file:" + sys.argv[1])
seen = {}
for method in sys.argv[2:]:
    try:
        attempt(store, method, CALLS[method])
        seen[method] = None
    except RemoteStoreError as error:
        seen[method] = [type(error).__name__, error.path, error.retryable, error.message]
print(json.dumps(seen))
"""


def probe(folder, methods, *, before=()):
    """Make calls on a folder in a process of its own, and return what each raised."""
    command = [*before, sys.executable, "-c", PROBE, str(folder), *methods]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path):
    Store(LocalBackend(tmp_path)).write(FILE, b"0123456789")
    yield tmp_path
    (tmp_path / "folder").chmod(0o755)


READS = ["read_bytes", "read_range", "get_file_info", "head", "exists", "is_file", "list_files", "iter_children"]
WRITES = ["write", "write_atomic", "open_atomic", "write_text", "write_many", "copy", "move", "delete", "delete_many"]


@pytest.mark.parametrize(("mode", "methods"), [(0o000, READS + WRITES), (0o555, WRITES)], ids=["closed", "readonly"])
def test_a_denied_folder_is_permission_denied_and_nothing_changes(folder, mode, methods):
    (folder / "folder").chmod(mode)
    seen = probe(folder, methods, before=UNPRIVILEGED if os.geteuid() == 0 else ())
    (folder / "folder").chmod(0o755)
    for method, refused in seen.items():
        assert refused is not None, method
        kind, path, retryable, message = refused
        assert (kind, retryable) == ("PermissionDenied", False), (method, refused)
        assert path in {FILE, "folder", "folder/copy", "folder/moved"}, (method, refused)
        assert "owner and mode" in message or "refused" in message
    assert [path.name for path in (folder / "folder").iterdir()] == ["file.bin"]
    assert (folder / FILE).read_bytes() == b"0123456789"


FULL = """
import sys
from pathlib import Path
from remote_store import Store
from remote_store.backends.local import LocalBackend

folder = Path(sys.argv[1])
store = Store(LocalBackend(folder))
store.write("old", b"old")
content = {"bytes": bytes(2 << 20), "chunks": [bytes(1 << 19)] * 4}
for how in content:
    for overwrite in (False, True):
        try:
            store.write("old" if overwrite else "new", content[how], overwrite=overwrite)
            print("published")
        except Exception as error:
            print(type(error).__name__, error.retryable, error.path, error.message)
        assert store.read_bytes("old") == b"old"
        assert [path.name for path in folder.iterdir()] == ["old"], list(folder.iterdir())
store.write("small", b"1")
"""


def test_a_full_disk_publishes_nothing_and_the_store_goes_on(tmp_path):
    script = 'mount -t tmpfs -o size=1m none "$1" && exec "$2" -c "$3" "$1"'
    command = [*PRIVATE, "sh", "-c", script, "sh", str(tmp_path), sys.executable, FULL]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    for line, name in zip(lines, ["new", "old"] * 2, strict=True):
        assert line.startswith(f"BackendUnavailable False {name} no space is left"), line


def test_a_file_that_may_not_grow_publishes_nothing(tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))

    command = [sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, preexec_fn=limit)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        assert line.startswith("RemoteStoreError False"), line
        assert "larger" in line


def test_too_many_open_files_is_unavailable_and_passes(tmp_path):
    store = Store(LocalBackend(tmp_path))
    store.write(FILE, b"0123456789")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with unleaking():
        held = [os.open(os.devnull, os.O_RDONLY)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (held[0] + 1, hard))
        try:
            for attempt_one in (
                lambda: store.read_bytes(FILE),
                lambda: store.write(FILE, b"new", overwrite=True),
                lambda: list(store.list_files(recursive=True)),
            ):
                with pytest.raises(BackendUnavailable, match="too many files are open"):
                    attempt_one()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            os.close(held[0])
        assert store.read_bytes(FILE) == b"0123456789"
        assert [path.name for path in (tmp_path / "folder").iterdir()] == ["file.bin"]


def test_a_local_file_to_write_from_that_cannot_be_opened_is_typed(tmp_path):
    store = Store.from_uri("memory:")
    with pytest.raises(FileNotFoundError) as missing:
        store.write("a", tmp_path / "none")
    assert isinstance(missing.value, RemoteStoreError)
    with pytest.raises(RemoteStoreError, match="directory"):
        store.write("a", tmp_path)
    assert not store.exists("a")


def test_every_call_of_the_table_is_tried_somewhere():
    assert {*READS, *WRITES} <= CALLS.keys()
    assert issubclass(PermissionDenied, PermissionError)
