"""Layers: one coroutine of the shape ``layer(op, call)`` around every call that reaches a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from remote_store.layers.errors import Errors
from remote_store.layers.limits import Limits
from remote_store.layers.readonly import ReadOnly
from remote_store.layers.retry import Retry, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from remote_store.backend import Op

T = TypeVar("T")

__all__ = ["Errors", "Layer", "Limits", "ReadOnly", "Retry", "RetryPolicy"]


class Layer(Protocol):
    """Wraps calls: look at ``op``, await ``call()`` once, more often or never, and return or raise.

    A layer with an attribute ``removes`` (a set of Capability) takes those away from the store that wears it.
    One with a true attribute ``inside_retry`` sees each try of a call; others see it once, however often it is tried.
    """

    async def __call__(self, op: Op, call: Callable[[], Awaitable[T]]) -> T:
        """Do the call in this layer's way."""
