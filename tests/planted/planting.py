"""What a planted bug is, and how the test that it names is run, with the bug and without it."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from remote_store.backends.local import LocalBackend
from remote_store.backends.memory import MemoryBackend
from remote_store.testing import Conformance
from remote_store.testing.bench import perform
from tests.servers.plugin import DESK


class Bug(NamedTuple):
    """One bug: in a backend (a subclass of it) or anywhere else (a patch), and what has to find it."""

    says: str
    found_by: str
    """A test of the conformance kit by its name, or any other as pytest names it: ``tests/…::test_…``."""
    backend: type[Any] = MemoryBackend
    plant: Callable[[], AbstractContextManager[None]] = nullcontext
    where: str = ""

    @property
    def place(self) -> str:
        """Where the bug is, as the table says it."""
        if self.where:
            return self.where
        if issubclass(self.backend, LocalBackend):
            return "local"
        return "kernel" if self.backend is MemoryBackend else "memory"


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


class OnS3(Conformance):
    many = 12
    lane = "obstore"
    endpoint = bucket = None

    def make_backend(self):
        from remote_store.backends.s3 import S3Backend

        keys = {"access_key": self.endpoint.access_key, "secret_key": self.endpoint.secret_key}
        return S3Backend(self.bucket, endpoint_url=self.endpoint.endpoint_url, lane=self.lane, **keys)

    def make_root(self):
        return Path(tempfile.mktemp()).name  # noqa: S306  a name is all that is wanted


def run_kit(bug: Bug, backend: type[Any], request: pytest.FixtureRequest) -> None:
    """Run a test of the kit; raises what it raises.

    Raises:
        LookupError: it is not applicable to the backend.
    """
    if bug.place.startswith("s3"):
        lane = "boto3" if bug.place == "s3, boto3" else "obstore"
        endpoint, bucket = request.getfixturevalue("seaweedfs"), request.getfixturevalue("seaweedfs_bucket")
        facts = {"endpoint": endpoint, "bucket": bucket, "lane": lane}
        perform(type("Planted", (OnS3,), facts), bug.found_by, "sync")
        return
    folder = Path(tempfile.mkdtemp())
    base = OnLocal if issubclass(backend, LocalBackend) else OnMemory
    try:
        perform(type("Planted", (base,), {"made": backend, "folder": folder}), bug.found_by, "sync")
    finally:
        shutil.rmtree(folder)


class Nested:
    """A plugin for a run of one test inside this process: it shares the servers, and plants the bug around the test."""

    def __init__(self, desk: Any, plant: Callable[[], AbstractContextManager[None]]) -> None:
        self._desk = desk
        self._plant = plant
        self.failed: list[str] = []
        self.passed = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[DESK] = self._desk

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        with self._plant():
            return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(f"{report.nodeid} ({report.when})")
        elif report.when == "call" and report.passed:
            self.passed += 1


def run_test(node: str, plant: Callable[[], AbstractContextManager[None]], config: pytest.Config) -> Nested:
    """Run a test of this repository until it fails, and return what became of it."""
    nested = Nested(config.stash[DESK], plant)
    quiet = ["-q", "-x", "--no-header", "--no-summary", "-p", "no:randomly", "-p", "no:cacheprovider"]
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        pytest.main([*quiet, str(config.rootpath / node)], plugins=[nested])
    return nested
