"""Files over HTTP: CPU of the client an operation, and the requests it makes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contest import Absent
from benchmarks.figures import better_than, figure, times
from benchmarks.s3_ground import Gate
from tests.servers.web import NginxWeb

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.figures import Figure
    from benchmarks.ground import Ground

# name in the table -> environment, client
CONTENDERS = {
    "ours": ("ours", "ours"),
    "http.client": ("ours", "bare"),
    "ours, awaited": ("ours", "awaited"),
    "ours, threads": ("ours", "threads"),
    "httpx": ("ours", "httpx"),
    "async httpx": ("ours", "async httpx"),
    "requests": ("ours", "requests"),
    "obstore": ("ours", "obstore"),
    "fsspec": ("s3fs", "fsspec"),
    "0.33": ("published", "published"),
}
NAMES = {"get": "get 10 KB", "part": "100 bytes of 10 KB", "head": "head", "stream": "stream {} MB"}


def figures(ground: Ground) -> Iterator[Figure]:
    web = ground.server(NginxWeb)
    size, big = 10_000, (16 if ground.quick else 128) << 20
    (Path(web.folder) / "small").write_bytes(bytes(size))
    (Path(web.folder) / "big").write_bytes(bytes(big))
    where = {"url": f"{web.url}/plain", "small": "small", "size": size, "big": "big", "big_size": big}
    asked = _requests(ground, where)
    for operation, name in NAMES.items():
        options: dict[str, Any] = {"count": 1} if operation == "stream" else {}
        yield figure(
            "http",
            name.format(big >> 20),
            "cpu_us",
            ground.contest(contenders(where, operation), **options),
            bare="http.client",
            checks=[times("http.client", 1.0), better_than("0.33", 3)],
            note=f"requests an operation: {asked[operation]}",
        )


def contenders(where: Mapping[str, Any], operation: str) -> dict[str, tuple[str, str, Any, str]]:
    return {
        name: (environment, "http", {**where, "client": client}, operation)
        for name, (environment, client) in CONTENDERS.items()
    }


def _requests(ground: Ground, where: Mapping[str, Any]) -> dict[str, str]:
    """Count what each contender asks the server for in three operations, after a first one."""
    gate = ground.started(Gate, int(where["url"].split(":")[2].partition("/")[0]))
    gated = {**where, "url": f"http://127.0.0.1:{gate.port}/plain"}
    told = {}
    for operation in NAMES:
        counts = {}
        for name, (environment, module, config, _) in contenders(gated, operation).items():
            try:
                worker = ground.worker(environment, module, config)
                worker.sample(operation, 1)
                before = len(gate.requests())
                worker.sample(operation, 3)
                counts[name] = (len(gate.requests()) - before) / 3
            except Absent:
                continue
        told[operation] = ", ".join(f"{name} {count:.3g}" for name, count in counts.items())
    return told
