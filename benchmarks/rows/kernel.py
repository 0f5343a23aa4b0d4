"""What a call costs in our own code: Store over memory against the bare backend coroutine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.figures import figure, over

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Figure
    from benchmarks.ground import Ground


def figures(ground: Ground) -> Iterator[Figure]:
    for call in ("exists", "head", "read", "write", "child exists"):
        wanted = {name: ("ours", "kernel", {}, f"{name} {call}") for name in ("ours", "bare")}
        checks = [over("bare", 4, "us")]
        yield figure("kernel", call, "cpu_us", ground.contest(wanted), bare="bare", checks=checks)
