"""The operations that every HTTP client is asked for; `config["client"]` names the one in `CLIENTS`.

A client has get, part (100 bytes at 5,000) and head of one file, and `stream` of a big one in pieces of 1 MiB.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE = 1 << 20
START, STOP = 5_000, 5_100
RANGE = {"Range": f"bytes={START}-{STOP - 1}"}


def operations(config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    client = CLIENTS[config["client"]](config["url"])
    small, big, size, big_size = config["small"], config["big"], config["size"], config["big_size"]

    def get(count: int) -> None:
        for _ in range(count):
            assert client.get(small) == size

    def part(count: int) -> None:
        for _ in range(count):
            assert client.part(small) == STOP - START

    def head(count: int) -> None:
        for _ in range(count):
            assert client.head(small) == size

    def stream(count: int) -> None:
        for _ in range(count):
            assert client.stream(big) == big_size

    offered = {"get": get, "part": part, "head": head, "stream": stream}
    return {name: function for name, function in offered.items() if hasattr(client, name)}


class Ours:
    def __init__(self, url: str) -> None:
        from remote_store import Store

        self._store = Store.from_uri(url)

    def get(self, name: str) -> int:
        return len(self._store.read_bytes(name))

    def part(self, name: str) -> int:
        return len(self._store.read_range(name, START, STOP - START))

    def head(self, name: str) -> int:
        return self._store.head(name).size

    def stream(self, name: str) -> int:
        with self._store.read(name) as file:
            return sum(map(len, iter(lambda: file.read(PIECE), b"")))


class Awaited:
    """AsyncStore, one call after the other."""

    lane = "httpx"

    def __init__(self, url: str) -> None:
        from remote_store.aio import AsyncStore

        self._store = AsyncStore.from_uri(url, lane=self.lane)
        self._run = asyncio.Runner().run

    def get(self, name: str) -> int:
        return len(self._run(self._store.read_bytes(name)))

    def part(self, name: str) -> int:
        return len(self._run(self._store.read_range(name, START, STOP - START)))

    def head(self, name: str) -> int:
        return self._run(self._store.head(name)).size

    def stream(self, name: str) -> int:
        return self._run(self._streamed(name))

    async def _streamed(self, name: str) -> int:
        size = 0
        async with await self._store.read(name) as file:
            while data := await file.read(PIECE):
                size += len(data)
        return size


class Threaded(Awaited):
    lane = "stdlib"


class Bare:
    """http.client on one connection."""

    def __init__(self, url: str) -> None:
        from http.client import HTTPConnection
        from urllib.parse import urlsplit

        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port)
        self._path = parts.path

    def get(self, name: str) -> int:
        return len(self._answer("GET", name, {}).read())

    def part(self, name: str) -> int:
        return len(self._answer("GET", name, RANGE).read())

    def head(self, name: str) -> int:
        answer = self._answer("HEAD", name, {})
        answer.read()
        return int(answer.headers["Content-Length"])

    def stream(self, name: str) -> int:
        answer = self._answer("GET", name, {})
        return sum(map(len, iter(lambda: answer.read(PIECE), b"")))

    def _answer(self, method: str, name: str, headers: dict[str, str]) -> Any:
        self._connection.request(method, f"{self._path}/{name}", headers=headers)
        return self._connection.getresponse()


class Httpx:
    def __init__(self, url: str) -> None:
        import httpx

        self._client = httpx.Client()
        self._url = url

    def get(self, name: str) -> int:
        return len(self._client.get(f"{self._url}/{name}").content)

    def part(self, name: str) -> int:
        return len(self._client.get(f"{self._url}/{name}", headers=RANGE).content)

    def head(self, name: str) -> int:
        return int(self._client.head(f"{self._url}/{name}").headers["content-length"])

    def stream(self, name: str) -> int:
        with self._client.stream("GET", f"{self._url}/{name}") as answer:
            return sum(map(len, answer.iter_bytes(PIECE)))


class AsyncHttpx:
    def __init__(self, url: str) -> None:
        import httpx

        self._client = httpx.AsyncClient()
        self._url = url
        self._run = asyncio.Runner().run

    def get(self, name: str) -> int:
        return len(self._run(self._client.get(f"{self._url}/{name}")).content)

    def part(self, name: str) -> int:
        return len(self._run(self._client.get(f"{self._url}/{name}", headers=RANGE)).content)

    def head(self, name: str) -> int:
        return int(self._run(self._client.head(f"{self._url}/{name}")).headers["content-length"])

    def stream(self, name: str) -> int:
        return self._run(self._streamed(name))

    async def _streamed(self, name: str) -> int:
        async with self._client.stream("GET", f"{self._url}/{name}") as answer:
            return sum([len(data) async for data in answer.aiter_bytes(PIECE)])


class Requests:
    def __init__(self, url: str) -> None:
        import requests

        self._session = requests.Session()
        self._url = url

    def get(self, name: str) -> int:
        return len(self._session.get(f"{self._url}/{name}", timeout=60).content)

    def part(self, name: str) -> int:
        return len(self._session.get(f"{self._url}/{name}", headers=RANGE, timeout=60).content)

    def head(self, name: str) -> int:
        return int(self._session.head(f"{self._url}/{name}", timeout=60).headers["content-length"])

    def stream(self, name: str) -> int:
        with self._session.get(f"{self._url}/{name}", stream=True, timeout=60) as answer:
            return sum(map(len, answer.iter_content(PIECE)))


class Obstore:
    def __init__(self, url: str) -> None:
        import obstore
        from obstore.store import HTTPStore

        self._obs = obstore
        self._store = HTTPStore.from_url(url, client_options={"allow_http": True})

    def get(self, name: str) -> int:
        return len(bytes(self._obs.get(self._store, name).bytes()))

    def part(self, name: str) -> int:
        return len(bytes(self._obs.get_range(self._store, name, start=START, end=STOP)))

    def head(self, name: str) -> int:
        return self._obs.head(self._store, name)["size"]

    def stream(self, name: str) -> int:
        return sum(map(len, self._obs.get(self._store, name).stream(min_chunk_size=PIECE)))


class Fsspec:
    def __init__(self, url: str) -> None:
        import fsspec

        self._files = fsspec.filesystem("http")
        self._url = url

    def get(self, name: str) -> int:
        return len(self._files.cat_file(f"{self._url}/{name}"))

    def part(self, name: str) -> int:
        return len(self._files.cat_file(f"{self._url}/{name}", start=START, end=STOP))

    def head(self, name: str) -> int:
        return self._files.info(f"{self._url}/{name}")["size"]

    def stream(self, name: str) -> int:
        with self._files.open(f"{self._url}/{name}", block_size=0) as file:
            return sum(map(len, iter(lambda: file.read(PIECE), b"")))


class Published:
    def __init__(self, url: str) -> None:
        from remote_store import Store
        from remote_store.backends import ReadOnlyHttpBackend

        self._store = Store(ReadOnlyHttpBackend(f"{url}/"))

    def get(self, name: str) -> int:
        return len(self._store.read_bytes(name))

    def part(self, name: str) -> int:
        with self._store.read_seekable(name) as file:
            file.seek(START)
            return len(file.read(STOP - START))

    def head(self, name: str) -> int:
        return self._store.get_file_info(name).size

    def stream(self, name: str) -> int:
        with self._store.read(name) as file:
            return sum(map(len, iter(lambda: file.read(PIECE), b"")))


CLIENTS: dict[str, Any] = {
    "ours": Ours,
    "awaited": Awaited,
    "threads": Threaded,
    "bare": Bare,
    "httpx": Httpx,
    "async httpx": AsyncHttpx,
    "requests": Requests,
    "obstore": Obstore,
    "fsspec": Fsspec,
    "published": Published,
}
