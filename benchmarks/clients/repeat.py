"""A call made into an operation that repeats it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def repeated(call: Callable[[], Any]) -> Callable[[int], None]:
    def operation(count: int) -> None:
        for _ in range(count):
            call()

    return operation
