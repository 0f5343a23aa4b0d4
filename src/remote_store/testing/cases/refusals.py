"""What a store cannot do, it says before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from remote_store.capabilities import Capability
from remote_store.errors import CapabilityNotSupported, PermissionDenied
from remote_store.layers.readonly import ReadOnly
from remote_store.testing.bench import Bench
from remote_store.testing.cases.tables import CALLS, Watch
from remote_store.testing.faces import again
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from remote_store.store import Store


class Without:
    """A layer that takes one capability away."""

    def __init__(self, *removes: Capability) -> None:
        self.removes = frozenset(removes)

    async def __call__(self, op: object, call: object) -> object:
        return await call()  # type: ignore[operator]


class Refusals(Bench):
    @clause("CAP-02", "ERR-01", "ERR-02")
    def test_a_missing_capability_is_named_before_any_call(self, store: Store) -> None:
        seen: list[str] = []
        for missing in Capability:
            lesser = again(store, layers=[Without(missing), Watch(seen)])
            assert not lesser.supports(missing)
            for entry in CALLS:
                others = set(entry.needs) - {missing}
                if missing not in entry.needs or not store.capabilities.issuperset(others):
                    continue
                if missing in (Capability.READ, Capability.METADATA):
                    continue  # a backend without them is none
                with pytest.raises(CapabilityNotSupported, match=missing.name) as caught:
                    entry.make(lesser, "a")
                assert caught.value.backend, entry.name
                assert not caught.value.retryable
        assert seen == []

    @clause("LAYER-03", "CAP-03")
    def test_a_read_only_store_changes_nothing(self, store: Store) -> None:
        self.plant(store, {"a": b"1"})
        seen: list[str] = []
        shown = again(store, layers=[ReadOnly(), Watch(seen)])
        changing = {Capability.WRITE, Capability.DELETE, Capability.MOVE, Capability.COPY, Capability.ATOMIC_WRITE}
        assert not shown.capabilities & changing
        for entry in CALLS:
            if changing.intersection(entry.needs):
                with pytest.raises((CapabilityNotSupported, PermissionDenied)):
                    entry.make(shown, "a")
        assert seen == []
        assert shown.read_bytes("a") == b"1"
        assert shown.exists("a")

    @clause("LAYER-05")
    @needs(Capability.WRITE)
    def test_children_wear_the_layers_of_their_parent(self, store: Store) -> None:
        child = again(store, layers=[ReadOnly()]).child("a")
        assert not child.supports(Capability.WRITE)
        with pytest.raises(CapabilityNotSupported):
            child.write("b", b"")
        assert again(store, layers=[ReadOnly()]) != store
        assert again(store, layers=[ReadOnly()]) == again(store, layers=[ReadOnly()])
