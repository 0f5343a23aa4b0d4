"""One big object on S3, 20 ms away over connections of 80 MB/s each, and on loopback as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import OURS, figure, share_of, share_of_ideal
from benchmarks.s3_ground import BIG, BRISK, BUCKET, FastS3, contenders, fast_s3, through

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from benchmarks.figures import Figure
    from benchmarks.ground import Ground

MB = 1_000_000
BANDWIDTH = 80 * MB
STREAMS = 8


def figures(ground: Ground) -> Iterator[Figure]:
    near = fast_s3(ground)
    size = (32 if ground.quick else 128) << 20
    with (Path(ground.server(FastS3).folder) / BUCKET / BIG).open("wb") as file:
        file.truncate(size)
    near = {**near, "big": BIG, "big_up": "big/up", "big_size": size}
    far = through(ground, near, latency=0.02, bandwidth=BANDWIDTH)
    ideal = size / (STREAMS * BANDWIDTH)
    for where, streams in ((far, STREAMS), (near, 1)):
        ground.warm(_with_streams(where, "down", streams, brisk=ground.quick))
    for operation in ("down", "up"):
        yield figure(
            "big",
            f"{size >> 20} MB {operation}, 20 ms, 80 MB/s a stream",
            "seconds",
            ground.contest(
                _with_streams(far, operation, STREAMS, brisk=ground.quick), rounds=2 if ground.quick else 3, count=1
            ),
            bare="curl x8",
            checks=[share_of_ideal(ideal, 0.6, cost=True)],
            note="the proxy between takes its share: what curl reaches is what can be reached here",
        )
    for operation in ("down", "up"):
        yield figure(
            "big",
            f"{size >> 20} MB {operation}, 0 ms",
            "seconds",
            ground.contest(
                _with_streams(near, operation, 1, brisk=ground.quick), rounds=3 if ground.quick else 5, count=1
            ),
            bare="curl",
            checks=[share_of("curl", 0.8)],
        )


def _with_streams(
    where: Mapping[str, Any], operation: str, streams: int, *, brisk: bool
) -> dict[str, tuple[str, str, Any, str]]:
    name = "curl" if streams == 1 else f"curl x{streams}"
    bare = ("ours", "s3", {**where, "client": "curl", "streams": streams}, operation)
    wanted = contenders(where, operation, BRISK if brisk else None)
    streamed = contenders(where, f"stream_{operation}", (OURS, "obstore"))
    return {**wanted, name: bare, **{f"{one}, streamed": spec for one, spec in streamed.items()}}
