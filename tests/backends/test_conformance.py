"""Every backend under the conformance kit, in both colours."""

from remote_store.backends.memory import MemoryBackend
from remote_store.testing import Conformance


class TestMemory(Conformance):
    def make_backend(self):
        return MemoryBackend()
