"""Many small objects 20 ms away, 32 at once: how much of the ideal 1,600 a second is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.figures import OURS, figure, share_of_ideal
from benchmarks.s3_ground import BRISK, contenders, fast_s3, through

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Figure
    from benchmarks.ground import Ground

LATENCY = 0.02
AT_ONCE = 32
IDEAL = AT_ONCE / LATENCY


def figures(ground: Ground) -> Iterator[Figure]:
    where = through(ground, fast_s3(ground), latency=LATENCY)
    rounds, count = (2, 320) if ground.quick else (3, 640)
    threads = contenders(where, "get_many", BRISK if ground.quick else None)
    awaited = contenders(where, "aget_many", (OURS, "obstore"))
    faces = {
        "read_many": {**threads, "obstore": awaited["obstore"]},
        "AsyncStore gather": awaited,
    }
    for face, wanted in faces.items():
        outcome = ground.contest(wanted, rounds=rounds, count=count)
        checks = [share_of_ideal(IDEAL, 0.85)]
        yield figure("latency", f"get 10 KB x32, {face}", "rate", outcome, bare="obstore", checks=checks)
