"""remote-store itself."""

from __future__ import annotations

import asyncio
from typing import Any

from remote_store import Store
from remote_store.aio import AsyncStore
from remote_store.backends.s3 import S3Backend


class Client:
    lane: dict[str, Any] = {}  # noqa: RUF012 - never changed

    def __init__(self, config: dict[str, Any]) -> None:
        self._backend = S3Backend(
            config["bucket"],
            endpoint_url=config["endpoint"],
            access_key=config["access_key"],
            secret_key=config["secret_key"],
            region=config["region"],
            **self.lane,
        )
        self._store = Store(self._backend)
        self._loop: asyncio.AbstractEventLoop | None = None

    def get(self, key: str) -> bytes:
        return self._store.read_bytes(key)

    def put(self, key: str, data: bytes) -> None:
        self._store.write(key, data, overwrite=True)

    def head(self, key: str) -> int:
        return self._store.get_file_info(key).size

    def count(self, prefix: str) -> int:
        return sum(1 for _ in self._store.list_files(prefix, recursive=True))

    def get_all(self, keys: list[str], at_once: int) -> int:
        return sum(len(data) for _, data in self._store.read_many(keys, concurrency=at_once))

    def aget_all(self, keys: list[str], at_once: int) -> int:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._astore = AsyncStore(self._backend)
        return self._loop.run_until_complete(self._gather(keys, at_once))

    async def _gather(self, keys: list[str], at_once: int) -> int:
        room = asyncio.Semaphore(at_once)

        async def one(key: str) -> int:
            async with room:
                return len(await self._astore.read_bytes(key))

        return sum(await asyncio.gather(*map(one, keys)))

    def down(self, key: str) -> int:
        return len(self._store.read_bytes(key))

    def up(self, key: str, data: bytes) -> None:
        self._store.write(key, data, overwrite=True)

    def stream_down(self, key: str) -> int:
        with self._store.read(key) as reader:
            return sum(map(len, reader.chunks()))

    def stream_up(self, key: str, pieces: Any) -> None:
        self._store.write(key, pieces, overwrite=True)
