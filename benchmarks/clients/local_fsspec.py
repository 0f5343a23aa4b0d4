"""fsspec's local file system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fsspec

from benchmarks.clients.repeat import repeated

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = b"x" * 1024


def operations(config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    root = config["root"]
    files = fsspec.filesystem("file", use_listings_cache=False)
    small, target = f"{root}/folder/small", f"{root}/folder/target"

    def write() -> None:
        with files.transaction, files.open(target, "wb") as file:  # a transaction is what makes it atomic
            file.write(DATA)

    def listed(count: int) -> int:
        return sum(len(files.ls(f"{root}/many", detail=True)) for _ in range(count))

    return {
        "exists": repeated(lambda: files.exists(small)),
        "stat": repeated(lambda: files.info(small)),
        "read 1 KB": repeated(lambda: files.cat_file(small)),
        "atomic write 1 KB": repeated(write),
        "list with stat": listed,
    }
