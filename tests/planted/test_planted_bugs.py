"""Every planted bug is found by the test that its row names, and that test passes without it."""

import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest

from remote_store.backends.local import LocalBackend
from remote_store.backends.memory import MemoryBackend
from remote_store.testing import Conformance
from remote_store.testing.bench import perform
from tests.planted.bugs import BUGS


class OnMemory(Conformance):
    many = 1010
    made = MemoryBackend

    def make_backend(self):
        return self.made()


class OnLocal(OnMemory):
    made = LocalBackend
    folder = None

    def make_backend(self):
        return self.made(self.folder / "root")

    def plant_links(self, store):
        beside = self.folder / "beside"
        beside.mkdir()
        (beside / "file").write_bytes(b"outside")
        store.write("folder/inside", b"inside")
        (self.folder / "root" / "link").symlink_to(beside / "file")
        (self.folder / "root" / "folder" / "link").symlink_to(beside)
        return self.outside()

    def outside(self):
        return {path.name: path.read_bytes() for path in (self.folder / "beside").iterdir()}

    def litter(self, backend):
        found = [name for _, _, names in os.walk(self.folder) for name in names]
        return [name for name in found if name.startswith((".remote-store-", "draft-"))]


def run_kit(backend: type, test: str) -> None:
    base = OnLocal if issubclass(backend, LocalBackend) else OnMemory
    folder = Path(tempfile.mkdtemp())
    try:
        perform(type("Planted", (base,), {"made": backend, "folder": folder}), test, "sync")
    finally:
        shutil.rmtree(folder)


@cache
def passes_without(base: type, test: str) -> bool:
    run_kit(base, test)
    return True


@pytest.mark.parametrize("name", list(BUGS))
def test_a_planted_bug_is_found_by_the_test_it_names(name):
    bug = BUGS[name]
    base = LocalBackend if issubclass(bug.backend, LocalBackend) else MemoryBackend
    assert passes_without(base, bug.found_by)
    try:
        with bug.plant():
            run_kit(bug.backend, bug.found_by)
    except LookupError as reason:
        if type(reason) is LookupError:
            pytest.fail(f"{bug.found_by} does not apply: {reason}")
    except (Exception, pytest.fail.Exception):  # noqa: BLE001  however the test fails, it has found the bug
        return
    else:
        pytest.fail(f"{bug.found_by} does not see it: {bug.says}")


def test_there_are_enough_of_them():
    assert len(BUGS) >= 20
