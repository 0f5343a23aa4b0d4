"""The published remote-store 0.33 on a SQLite file, by its documented interface."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.clients.repeat import repeated
from benchmarks.clients.s3 import Pieces, pieces
from benchmarks.clients.sql import DATA, fill
from remote_store import Store
from remote_store.backends import SQLBlobBackend

if TYPE_CHECKING:
    from collections.abc import Callable


def operations(config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    file = Path(config["root"]) / "published.db"
    fresh = not file.exists()
    store = Store(SQLBlobBackend(url=f"sqlite:///{file}"))
    if fresh:
        fill(store.write, config)

    def down(count: int) -> None:
        for _ in range(count):
            with store.read("big") as stream:
                while stream.read(1 << 20):
                    pass

    def up(count: int) -> None:
        for _ in range(count):
            store.write("target", Pieces(pieces(config["big_size"])).buffered(), overwrite=True)

    return {
        "write 1 KB": repeated(lambda: store.write("small", DATA, overwrite=True)),
        "read 1 KB": repeated(lambda: store.read_bytes("small")),
        "stream down": down,
        "stream up": up,
        "list": lambda count: sum(sum(1 for _ in store.list_files("many")) for _ in range(count)),
    }
