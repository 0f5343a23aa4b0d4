"""Every backend, in both colours, answers random operations as the verified model does."""

import tempfile

import pytest

from remote_store.backends.local import LocalBackend
from remote_store.backends.memory import MemoryBackend
from remote_store.testing.machine.reference import MemoryTree
from tests.backends.slim import FlatBackend, HierarchicalBackend, ReadableBackend
from tests.oracle.machines import Compared


class TestMemory(Compared):
    fresh = True

    def make_backend(self):
        return MemoryBackend()


class TestMemoryTree(Compared):
    """The reference that third parties compare hierarchical backends with."""

    fresh = True

    def make_backend(self):
        return MemoryTree()


class TestLocal(Compared):
    fresh = True

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.folder = tmp_path

    def make_backend(self):
        return LocalBackend(tempfile.mkdtemp(dir=self.folder))


class TestSlimFlat(Compared):
    fresh = True

    def make_backend(self):
        return FlatBackend()


class TestSlimHierarchical(Compared):
    fresh = True

    def make_backend(self):
        return HierarchicalBackend()


class TestReadable(Compared):
    """It cannot write or list: files are planted, and reads compared."""

    fresh = True

    def make_backend(self):
        return ReadableBackend()

    def plant(self, store, files):
        store.unwrap(ReadableBackend).files.update(files)
