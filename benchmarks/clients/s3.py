"""The operations that every S3 client is asked for; `config["client"]` names the module with its `Client`.

A client has get, put and head of one key, `count` of a prefix, and may have `get_all` (many keys, so many at once),
`down` and `up` (one big object, returning and taking its size), `stream_down` and `stream_up` (in constant memory).
"""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE = 32
PIECE = b"p" * (1 << 20)


def operations(config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    client = importlib.import_module(f"benchmarks.clients.s3_{config['client']}").Client(config)
    keys: list[str] = config["keys"]
    size: int = config["size"]
    big_size: int = config.get("big_size", 0)
    content = b"y" * size
    big_content = bytearray(0)

    def get(count: int) -> None:
        for number in range(count):
            data = client.get(keys[number % len(keys)])
        assert len(data) == size

    def put(count: int) -> None:
        for number in range(count):
            client.put(keys[number % len(keys)], content)

    def head(count: int) -> None:
        for number in range(count):
            found = client.head(keys[number % len(keys)])
        assert found == size

    def count_keys(count: int) -> int:
        return sum(client.count(config["prefix"]) for _ in range(count))

    def get_many(count: int) -> None:
        wanted = [keys[number % len(keys)] for number in range(count)]
        get_all = getattr(client, "get_all", None) or in_threads
        assert get_all(wanted, AT_ONCE) == count * size

    pool = ThreadPoolExecutor(AT_ONCE)

    def in_threads(wanted: list[str], _: int) -> int:
        return sum(map(len, pool.map(client.get, wanted)))

    def down(count: int) -> None:
        for _ in range(count):
            assert client.down(config["big"]) == big_size

    def up(count: int) -> None:
        if not big_content:
            big_content.extend(bytes(big_size))
        for _ in range(count):
            client.up(config["big_up"], big_content)

    def stream_down(count: int) -> None:
        for _ in range(count):
            assert client.stream_down(config["big"]) == big_size

    def stream_up(count: int) -> None:
        for _ in range(count):
            client.stream_up(config["big_up"], pieces(big_size))

    found: dict[str, Callable[[int], int | None]] = {"get": get, "put": put, "head": head, "get many": get_many}
    if hasattr(client, "count"):
        found["count"] = count_keys
    for name, operation in (("down", down), ("up", up), ("stream down", stream_down), ("stream up", stream_up)):
        if hasattr(client, name.replace(" ", "_")):
            found[name] = operation
    if hasattr(client, "aget_all"):
        found["get many, async"] = lambda count: _check(
            client.aget_all([keys[number % len(keys)] for number in range(count)], AT_ONCE), count * size
        )
    return found


def _check(got: int, expected: int) -> None:
    assert got == expected, (got, expected)


def pieces(size: int) -> Any:
    """Yield so many bytes, a MiB at a time."""
    whole, rest = divmod(size, len(PIECE))
    yield from (PIECE for _ in range(whole))
    if rest:
        yield PIECE[:rest]


class Pieces:
    """The same as a file to read from, for clients that take one."""

    def __init__(self, made: Any) -> None:
        self._made = made
        self._left = b""

    def read(self, size: int = -1) -> bytes:
        wanted = list(islice(self._made, max(1, size >> 20) if size > 0 else None))
        data = b"".join([self._left, *wanted])
        size = len(data) if size < 0 else size
        self._left, data = data[size:], data[:size]
        return data
