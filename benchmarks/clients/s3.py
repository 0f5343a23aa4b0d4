"""The operations that every client of an object store is asked for; `config` names the module with its `Client`.

A client has get, put and head of one key. It may have `count` of a prefix, `get_all` and `aget_all` (many keys, so
many at once), `down` and `up` (one big object whole), `stream_down` and `stream_up` (in constant memory).
"""

from __future__ import annotations

import importlib
import io
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AT_ONCE = 32
PIECE = b"p" * (1 << 20)
WARM = 17 << 20
"""Bytes of an upload that every client makes in parts."""

# operation -> the method a client needs for it
NEEDS = {
    "get": "get",
    "put": "put",
    "head": "head",
    "count": "count",
    "get_many": "get",
    "aget_many": "aget_all",
    "down": "down",
    "up": "up",
    "stream_down": "stream_down",
    "stream_up": "stream_up",
    "warm": "get",
}


def operations(config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    module = f"benchmarks.clients.{config.get('service', 's3')}_{config['client']}"
    client = importlib.import_module(module).Client(config)
    found = _Operations(client, config)
    return {name: getattr(found, name) for name, method in NEEDS.items() if hasattr(client, method)}


class _Operations:
    def __init__(self, client: Any, config: dict[str, Any]) -> None:
        self._client = client
        self._config = config
        self._keys: list[str] = config["keys"]
        self._size: int = config["size"]
        self._content = b"y" * self._size

    def get(self, count: int) -> None:
        get, keys, total = self._client.get, self._keys, 0
        for number in range(count):
            total += len(get(keys[number % len(keys)]))
        assert total == count * self._size

    def put(self, count: int) -> None:
        put, keys, content = self._client.put, self._keys, self._content
        for number in range(count):
            put(keys[number % len(keys)], content)

    def head(self, count: int) -> None:
        head, keys = self._client.head, self._keys
        for number in range(count):
            found = head(keys[number % len(keys)])
        assert found == self._size

    def count(self, count: int) -> int:
        return sum(self._client.count(self._config["prefix"]) for _ in range(count))

    def get_many(self, count: int) -> None:
        get_all = getattr(self._client, "get_all", self._in_threads)
        assert get_all(self._wanted(count), AT_ONCE) == count * self._size

    def aget_many(self, count: int) -> None:
        assert self._client.aget_all(self._wanted(count), AT_ONCE) == count * self._size

    def down(self, count: int) -> None:
        for _ in range(count):
            assert self._client.down(self._config["big"]) == self._config["big_size"]

    def up(self, count: int) -> None:
        for _ in range(count):
            self._client.up(self._config["big_up"], self._big_content)

    def stream_down(self, count: int) -> None:
        for _ in range(count):
            assert self._client.stream_down(self._config["big"]) == self._config["big_size"]

    def stream_up(self, count: int) -> None:
        for _ in range(count):
            self._client.stream_up(self._config["big_up"], pieces(self._config["big_size"]))

    def warm(self, _: int) -> None:
        """Load and connect all that the other operations need."""
        self._client.put(self._keys[0], self._content)
        self._client.get(self._keys[0])
        if hasattr(self._client, "stream_up"):
            self._client.stream_up("warm", pieces(WARM))
        if hasattr(self._client, "count"):
            self._client.count("nothing")

    def _wanted(self, count: int) -> list[str]:
        return [self._keys[number % len(self._keys)] for number in range(count)]

    def _in_threads(self, wanted: list[str], _: int) -> int:
        return sum(map(len, self._pool.map(self._client.get, wanted)))

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(AT_ONCE)

    @cached_property
    def _big_content(self) -> bytes:
        return bytes(self._config["big_size"])


def pieces(size: int) -> Iterator[bytes]:
    """Yield so many bytes, a MiB at a time."""
    whole, rest = divmod(size, len(PIECE))
    yield from (PIECE for _ in range(whole))
    if rest:
        yield PIECE[:rest]


class Pieces(io.RawIOBase):
    """The same as a file to read from, for clients that take one: `Pieces(…).buffered()`."""

    def __init__(self, made: Iterator[bytes]) -> None:
        self._made = made
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = memoryview(next(self._made, b""))
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def buffered(self) -> io.BufferedReader:
        return io.BufferedReader(self, 1 << 20)
