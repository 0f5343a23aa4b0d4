"""Small objects on S3, and listings: CPU of the client an operation, and the requests it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.contest import Absent
from benchmarks.figures import at_most, better_than, figure, times
from benchmarks.s3_ground import BRISK, Gate, contenders, fast_s3, port_of, real_s3, seed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from benchmarks.figures import Figure
    from benchmarks.ground import Ground


def figures(ground: Ground) -> Iterator[Figure]:
    fast, real = fast_s3(ground), real_s3(ground)
    asked = _requests(ground, real, ("get", "put", "head"))
    for name, where in (("nginx", fast), ("SeaweedFS", real)):
        for operation in ("get", "put", "head"):
            if name == "SeaweedFS" and operation == "head" and ground.quick:
                continue
            made = figure(
                "s3",
                f"{operation} 10 KB, {name}",
                "cpu_us",
                ground.contest(contenders(where, operation, BRISK if ground.quick else None)),
                bare="obstore",
                checks=[times("obstore", 1.15), better_than("boto3", 7), better_than("0.33", 10)],
                note="requests an operation: " + asked[operation],
            )
            yield made
    yield listing(ground, real)


def listing(ground: Ground, real: Mapping[str, Any]) -> Figure:
    total = 5_000 if ground.quick else 50_000
    seed({**real}, [f"many/{number:06}" for number in range(total)], 1)
    where = {**real, "prefix": "many"}
    return figure(
        "s3",
        f"list {total // 1000}k keys, SeaweedFS",
        "cpu_us",
        ground.contest(contenders(where, "count", BRISK if ground.quick else None), rounds=3, count=1),
        unit="CPU us a key",
        bare="obstore",
        checks=[times("obstore", 1.2), at_most(6, "us a key")],
    )


def _requests(ground: Ground, real: Mapping[str, Any], operations: tuple[str, ...]) -> dict[str, str]:
    """Count what each contender asks the server for in ten operations, after a first one."""
    gate = ground.started(Gate, port_of(real))
    where = {**real, "endpoint": f"http://127.0.0.1:{gate.port}"}
    told: dict[str, str] = {}
    for operation in operations:
        counts = {}
        for name, (environment, module, config, _) in contenders(where, operation).items():
            try:
                worker = ground.worker(environment, module, config)
                worker.sample(operation, 1)
                before = len(gate.requests())
                worker.sample(operation, 10)
                counts[name] = (len(gate.requests()) - before) / 10
            except Absent:
                continue
        told[operation] = ", ".join(f"{name} {count:g}" for name, count in counts.items())
    return told
