"""A lake on S3 20 ms away: native routes against the engine alone, the fallback against native, and requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.contest import Absent
from benchmarks.figures import OURS, Figure, at_most, figure, times
from benchmarks.s3_ground import Gate, port_of, real_s3, through

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.ground import Ground

QUERIES = ("2 columns of 1 partition", "sum of 1 column", "everything")


def figures(ground: Ground) -> Iterator[Figure]:
    partitions, rows = (8, 20_000) if ground.quick else (30, 100_000)
    near = {**real_s3(ground), "partitions": partitions, "rows": rows}
    ground.worker("ours", "lake", near).sample("write", 1)
    far = through(ground, near, latency=0.02)
    rounds = 3 if ground.quick else 7
    for query in QUERIES:
        for engine in ("polars", "pyarrow"):
            alone = {OURS: _operation(far, f"{engine} ours", query), engine: _operation(far, f"{engine} alone", query)}
            outcome = ground.contest(alone, rounds=rounds, count=1)
            name = f"{engine}, {query}"
            yield figure("lake", name, "seconds", outcome, bare=engine, checks=[times(engine, 1.05)])
        both = {OURS: _operation(far, "fallback", query), "native": _operation(far, "pyarrow ours", query)}
        outcome = ground.contest(both, rounds=rounds, count=1)
        yield figure("lake", f"fallback, {query}", "seconds", outcome, bare="native", checks=[times("native", 1.5)])
    yield _requests(ground, near, partitions)


def _operation(where: dict[str, Any], route: str, query: str) -> tuple[str, str, dict[str, Any], str]:
    return ("ours", "lake", where, f"{route}: {query}")


def _requests(ground: Ground, near: dict[str, Any], partitions: int) -> Figure:
    """Count what reading everything asks for; the table has a file a partition, and a page or two to find them."""
    gate = ground.started(Gate, port_of(near))
    worker = ground.worker("ours", "lake", {**near, "endpoint": f"http://127.0.0.1:{gate.port}"})
    counts: dict[str, list[float]] = {}
    absent: dict[str, str] = {}
    for name, route in (
        (OURS, "fallback"),
        ("polars, ours", "polars ours"),
        ("polars", "polars alone"),
        ("pyarrow, ours", "pyarrow ours"),
        ("pyarrow", "pyarrow alone"),
    ):
        before = len(gate.requests())
        try:
            worker.sample(f"{route}: everything", 1)
        except Absent as why:
            absent[name] = str(why)
            continue
        counts[name] = [float(len(gate.requests()) - before)]
    check = at_most(partitions + 2, "requests: files + pages")
    return Figure("lake", "requests to read everything", "requests", counts, checks=[check], absent=absent)
