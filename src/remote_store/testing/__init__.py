"""The conformance kit: proves that a backend keeps the contract, in both colours; random operations; and faults.

    from remote_store.testing import Conformance

    class TestRedis(Conformance):
        def make_backend(self):
            return RedisBackend("redis://localhost")

Run it with pytest, and with ``-p remote_store.testing.plugin`` for the report a clause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from remote_store.testing.chaos import Chaos
    from remote_store.testing.conformance import Conformance
    from remote_store.testing.machine import Machine
    from remote_store.testing.marks import clause, needs

# Late, so that pytest can rewrite the assertions of the tests, and so that Chaos works without pytest.
_HOMES = {"Chaos": "chaos", "Conformance": "conformance", "Machine": "machine", "clause": "marks", "needs": "marks"}

__all__ = ["Chaos", "Conformance", "Machine", "clause", "needs"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'remote_store.testing' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"remote_store.testing.{_HOMES[name]}"), name)
