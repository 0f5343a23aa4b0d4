"""What the resident set grows by at its highest: 1 GiB streamed each way, a million keys, a folder of 100,000."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.environments import ROOT
from benchmarks.figures import OURS, at_most, figure
from benchmarks.rows.local import contenders as local_contenders
from benchmarks.rows.local import folder
from benchmarks.s3_ground import BIG, BUCKET, FastS3, config, contenders, fast_s3, real_s3
from tests.servers.process import LOOPBACK, Server, accepts, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from benchmarks.figures import Check, Figure
    from benchmarks.ground import Ground

STREAMERS = (OURS, "ours, boto3 lane", "obstore", "boto3", "pyarrow", "0.33")
FEW = (OURS, "obstore")


class FakeListing(Server):
    """The stub that lists a bucket of so many keys."""

    name = "fake-listing"
    program = "python"
    install = "Python"

    def __init__(self, total: int) -> None:
        super().__init__()
        self._total = total

    def command(self) -> list[str]:
        (self.port,) = free_ports(1)
        return ["-m", "benchmarks.fake_listing", str(self.port), str(self._total)]

    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(ROOT)}

    def is_ready(self) -> bool:
        return accepts(self.port)

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


def figures(ground: Ground) -> Iterator[Figure]:
    size = (128 if ground.quick else 1024) << 20
    streamers = FEW if ground.quick else STREAMERS
    title = f"{size >> 20} MiB"

    def grown(name: str, wanted: Mapping[str, Any], *checks: Check) -> Figure:
        # One round: what a process keeps of a first one, it would not grow by in a second one.
        ground.warm(wanted)
        return figure("memory", name, "grown_mib", ground.contest(wanted, rounds=1, count=1), checks=list(checks))

    fast = {**fast_s3(ground), "big": "big/long", "big_up": "big/long-up", "big_size": size}
    with (Path(ground.server(FastS3).folder) / BUCKET / "big/long").open("wb") as file:
        file.truncate(size)
    real = {**real_s3(ground), "big": BIG, "big_up": "big/long-up", "big_size": size}
    streamed = at_most(64, "MiB")
    yield grown(f"stream {title} down, nginx", contenders(fast, "stream_down", streamers), streamed)
    yield grown(f"stream {title} up, nginx", contenders(fast, "stream_up", streamers), streamed)
    yield grown(f"stream {title} up, SeaweedFS", contenders(real, "stream_up", FEW), streamed)
    local = {**folder(ground), "big_size": size}
    with (Path(local["root"]) / "big").open("wb") as file:
        file.truncate(size)
    for way in ("down", "up"):
        yield grown(f"stream {title} {way}, local", local_contenders(local, f"stream {way}"), streamed)
    listed = at_most(50, "MiB")
    yield grown(f"list {local['many']:,} files, local", local_contenders(local, "list with stat"), listed)
    yield from listing(ground, listed)


def listing(ground: Ground, check: Check) -> Iterator[Figure]:
    total = 50_000 if ground.quick else 1_000_000
    where = {**config(ground.server(FakeListing, total)), "prefix": "many"}
    # The slower clients would take minutes for a million.
    wanted = contenders(where, "count", (OURS, "obstore", "pyarrow"))
    ground.warm(wanted)
    outcome = ground.contest(wanted, rounds=1, count=1)
    yield figure("memory", f"list {total:,} keys, a stub", "grown_mib", outcome, checks=[check])
    yield figure("s3", f"list {total:,} keys, a stub", "cpu_us", outcome, unit="CPU us a key", bare="obstore")
