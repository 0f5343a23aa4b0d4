"""The marks of a test: which clauses it proves, and what a backend needs for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from remote_store.backend import Traits
    from remote_store.capabilities import Capability

T = TypeVar("T", bound=Callable[..., Any])

__all__ = ["NOT_APPLICABLE", "clause", "lacking", "needs", "traits_of"]

NOT_APPLICABLE = "not applicable: "
"""How the reason of a test begins that a backend does not have to pass."""


def clause(*ids: str) -> Callable[[T], T]:
    """Name the clauses of the contract that a test proves."""
    return pytest.mark.clause(*ids)


def needs(*capabilities: Capability, hierarchical: bool | None = None) -> Callable[[T], T]:
    """Say what a test needs: capabilities, and real folders (True), none (False) or either (None)."""
    return pytest.mark.needs(*capabilities, hierarchical=hierarchical)


def traits_of(store: Any) -> Traits:
    """Return the traits of a store's backend, asked for where they show only with the first call."""
    from remote_store.backend import Backend

    backend: Backend = store.unwrap(Backend)
    if backend.traits.hierarchical is None:
        store.ping()
    return backend.traits


def lacking(marks: list[pytest.Mark], store: Any) -> str | None:
    """Return why the marks make a test not applicable to a store, or None."""
    traits = traits_of(store)
    for mark in marks:
        if mark.name != "needs":
            continue
        for need in mark.args:
            if need not in store.capabilities:
                return f"{NOT_APPLICABLE}{traits.name} has no {need.name}"
        hierarchical = mark.kwargs.get("hierarchical")
        if hierarchical is not None and hierarchical is not traits.hierarchical:
            return f"{NOT_APPLICABLE}{traits.name} {'has no real folders' if hierarchical else 'has real folders'}"
    return None
