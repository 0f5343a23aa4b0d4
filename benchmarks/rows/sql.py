"""Files in a SQLite database: remote-store in both colours against sqlite3, SQLAlchemy Core and 0.33."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.figures import OURS, at_most, figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Check, Figure
    from benchmarks.ground import Ground

BIG = 64 << 20
SMALL: dict[str, float] = {"write 1 KB": 150, "read 1 KB": 60}


def figures(ground: Ground) -> Iterator[Figure]:
    root = ground.folder / "sql"
    root.mkdir(exist_ok=True)
    config = {"root": str(root), "many": 10_000, "big_size": BIG}
    for call, limit in SMALL.items():
        outcome = ground.contest(contenders(config, call))
        yield figure("sql", call, "wall_us", outcome, bare="sqlite3", checks=[at_most(limit, "us")])
        yield figure("sql", f"{call}, CPU", "cpu_us", outcome, bare="sqlite3")
    for call in ("stream down", "stream up"):
        outcome = ground.contest(contenders(config, call), rounds=5, count=1)
        checks: list[Check] = [at_most(35_000, "us")] if call == "stream down" else []
        yield figure("sql", f"64 MB {call}", "wall_us", outcome, bare="sqlite3", checks=checks)
        yield figure("sql", f"64 MB {call}, CPU", "cpu_us", outcome, bare="sqlite3")
    outcome = ground.contest(contenders(config, "list"), rounds=5, count=1)
    yield figure("sql", "list 10k, CPU", "cpu_us", outcome, unit="CPU us a file", bare="sqlite3")


def contenders(config: dict[str, Any], operation: str) -> dict[str, tuple[str, str, dict[str, Any], str]]:
    return {
        OURS: ("ours", "sql", config, f"ours {operation}"),
        "ours async": ("ours", "sql", config, f"async {operation}"),
        "sqlite3": ("ours", "sql", config, f"sqlite3 {operation}"),
        "SQLAlchemy": ("ours", "sql", config, f"core {operation}"),
        "0.33": ("sql", "sql_published", config, operation),
    }
