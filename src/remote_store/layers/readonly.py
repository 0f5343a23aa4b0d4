"""ReadOnly: a store that shows everything and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from remote_store.capabilities import Capability
from remote_store.errors import PermissionDenied

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from remote_store.backend import Op

T = TypeVar("T")

__all__ = ["ReadOnly"]


class ReadOnly:
    """Takes away every capability that changes something, and stops such a call that comes all the same."""

    removes: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.WRITE,
            Capability.DELETE,
            Capability.MOVE,
            Capability.COPY,
            Capability.ATOMIC_WRITE,
            Capability.ATOMIC_MOVE,
            Capability.EXCLUSIVE_CREATE,
            Capability.COMPARE_AND_SWAP,
            Capability.USER_METADATA,
            Capability.WRITE_RESULT_NATIVE,
            Capability.SERVER_COPY,
        }
    )

    async def __call__(self, op: Op, call: Callable[[], Awaitable[T]]) -> T:
        if op.writes:
            raise PermissionDenied("this store is read-only", path=op.key)
        return await call()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ReadOnly)

    def __hash__(self) -> int:
        return hash(ReadOnly)

    def __repr__(self) -> str:
        return "ReadOnly()"
