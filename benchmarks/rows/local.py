"""Local files: remote-store against the bare system calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.figures import OURS, at_most, figure, times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Figure
    from benchmarks.ground import Ground

CHECKS = {
    "exists": at_most(8, "us"),
    "stat": at_most(10, "us"),
    "read 1 KB": at_most(14, "us"),
    "atomic write 1 KB": times("raw", 1.2),
}
MANY = 100_000


def figures(ground: Ground) -> Iterator[Figure]:
    config = folder(ground)
    for call, check in CHECKS.items():
        outcome = ground.contest(contenders(config, call))
        if "write" not in call:
            yield figure("local", call, "cpu_us", outcome, bare="raw", checks=[check])
            continue
        # Most of an atomic write is waiting for the file system's journal, so its target is one of time.
        yield figure("local", call, "wall_us", outcome, bare="raw", checks=[check])
        yield figure("local", f"{call}, CPU", "cpu_us", outcome, bare="raw")
    outcome = ground.contest(contenders(config, "list with stat"), rounds=3, count=1)
    name = f"list {config['many'] // 1000}k with stat"
    yield figure("local", name, "cpu_us", outcome, unit="CPU us a file", bare="raw", checks=[times("raw", 1.4)])


def contenders(config: dict[str, Any], operation: str) -> dict[str, tuple[str, str, dict[str, Any], str]]:
    return {
        OURS: ("ours", "local", config, f"ours {operation}"),
        "raw": ("ours", "local", config, f"raw {operation}"),
        "fsspec": ("s3fs", "local_fsspec", config, operation),
        "0.33": ("published", "local_published", config, operation),
    }


def folder(ground: Ground) -> dict[str, Any]:
    """Make the folder that all work in."""
    root = ground.folder / "local"
    many = 10_000 if ground.quick else MANY
    if not root.exists():
        (root / "folder").mkdir(parents=True)
        (root / "folder" / "small").write_bytes(b"x" * 1024)
        (root / "many").mkdir()
        for number in range(many):
            (root / "many" / f"file-{number:06}.bin").touch()
    return {"root": str(root), "many": many, "big_size": 0}
