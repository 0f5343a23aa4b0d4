"""The bare obstore."""

from __future__ import annotations

import asyncio
from typing import Any

import obstore
from obstore.store import S3Store


class Client:
    def __init__(self, config: dict[str, Any]) -> None:
        self._store = S3Store(
            config["bucket"],
            endpoint=config["endpoint"],
            access_key_id=config["access_key"],
            secret_access_key=config["secret_key"],
            region=config["region"],
            client_options={"allow_http": True},
        )
        self._loop: asyncio.AbstractEventLoop | None = None

    def get(self, key: str) -> bytes:
        return bytes(obstore.get(self._store, key).bytes())

    def put(self, key: str, data: bytes) -> None:
        obstore.put(self._store, key, data, use_multipart=False)

    def head(self, key: str) -> int:
        return obstore.head(self._store, key)["size"]

    def count(self, prefix: str) -> int:
        return sum(len(chunk) for chunk in obstore.list(self._store, prefix, chunk_size=1000))

    def aget_all(self, keys: list[str], at_once: int) -> int:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(self._gather(keys, at_once))

    async def _gather(self, keys: list[str], at_once: int) -> int:
        room = asyncio.Semaphore(at_once)

        async def one(key: str) -> int:
            async with room:
                answer = await obstore.get_async(self._store, key)
                return len(bytes(await answer.bytes_async()))

        return sum(await asyncio.gather(*map(one, keys)))

    def down(self, key: str) -> int:
        return len(bytes(obstore.get(self._store, key).bytes()))

    def up(self, key: str, data: bytes) -> None:
        obstore.put(self._store, key, data, use_multipart=True, chunk_size=8 << 20, max_concurrency=8)

    def stream_down(self, key: str) -> int:
        return sum(map(len, obstore.get(self._store, key).stream(min_chunk_size=1 << 20)))

    def stream_up(self, key: str, pieces: Any) -> None:
        obstore.put(self._store, key, pieces, use_multipart=True, chunk_size=8 << 20, max_concurrency=8)
