"""What is measured of an SFTP client: one big file each way, many small ones, and single calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.clients.repeat import repeated

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = b"x" * 10240


class Client(Protocol):
    """A client over the folder of the contest."""

    def get(self, name: str) -> bytes: ...

    def put(self, name: str, data: bytes) -> None: ...

    def exists(self, name: str) -> bool: ...


def operations(client: Any, config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    """Return the operations of a client; `get_many` and `put_many` are its own where it has them."""
    big = bytes(bytearray(range(256))) * (config["big_size"] >> 8)
    names = [f"small/{number}" for number in range(config["many"])]

    def down(count: int) -> None:
        for _ in range(count):
            assert len(client.get("big")) == len(big)

    def up(count: int) -> None:
        for _ in range(count):
            client.put(f"{config['own']}/big", big)

    def get_many(count: int) -> int:
        for _ in range(count):
            found = client.get_many(names) if hasattr(client, "get_many") else [client.get(name) for name in names]
            assert all(len(data) == len(SMALL) for data in found)
        return count * len(names)

    def put_many(count: int) -> int:
        own = [f"{config['own']}/{number}" for number in range(len(names))]
        for _ in range(count):
            if hasattr(client, "put_many"):
                client.put_many(own, SMALL)
            else:
                for name in own:
                    client.put(name, SMALL)
        return count * len(names)

    return {
        "warm": repeated(lambda: client.exists("small/1")),
        "down": down,
        "up": up,
        "get_many": get_many,
        "put_many": put_many,
        "exists": repeated(lambda: client.exists("small/1")),
        "get": repeated(lambda: client.get("small/1")),
        "put": repeated(lambda: client.put(f"{config['own']}/one", SMALL)),
    }
