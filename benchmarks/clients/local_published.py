"""The published remote-store 0.33 on a local folder, by its documented interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.clients.repeat import repeated
from benchmarks.clients.s3 import Pieces, pieces
from remote_store import Store
from remote_store.backends import LocalBackend

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = b"x" * 1024


def operations(config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    store = Store(LocalBackend(root=config["root"]))

    def listed(count: int) -> int:
        return sum(sum(1 for _ in store.list_files("many")) for _ in range(count))

    def stream_down(count: int) -> None:
        for _ in range(count):
            with store.read("big") as stream:
                while stream.read(1 << 20):
                    pass

    def stream_up(count: int) -> None:
        for _ in range(count):
            store.write("big-target", Pieces(pieces(config["big_size"])).buffered(), overwrite=True)

    return {
        "exists": repeated(lambda: store.exists("folder/small")),
        "stat": repeated(lambda: store.get_file_info("folder/small")),
        "read 1 KB": repeated(lambda: store.read_bytes("folder/small")),
        "atomic write 1 KB": repeated(lambda: store.write_atomic("folder/target", DATA, overwrite=True)),
        "list with stat": listed,
        "stream down": stream_down,
        "stream up": stream_up,
    }
