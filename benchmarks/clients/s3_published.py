"""The published remote-store 0.33, by its documented interface."""

from __future__ import annotations

from typing import Any

from benchmarks.clients.s3 import Pieces
from remote_store import Store
from remote_store.backends import S3Backend


class Client:
    def __init__(self, config: dict[str, Any]) -> None:
        backend = S3Backend(
            config["bucket"],
            endpoint_url=config["endpoint"],
            key=config["access_key"],
            secret=config["secret_key"],
            region_name=config["region"],
        )
        self._store = Store(backend)

    def get(self, key: str) -> bytes:
        return self._store.read_bytes(key)

    def put(self, key: str, data: bytes) -> None:
        self._store.write(key, data, overwrite=True)

    def head(self, key: str) -> int:
        return self._store.get_file_info(key).size

    def count(self, prefix: str) -> int:
        return sum(1 for _ in self._store.list_files(prefix, recursive=True))

    def down(self, key: str) -> int:
        return len(self._store.read_bytes(key))

    def up(self, key: str, data: bytes) -> None:
        self._store.write(key, data, overwrite=True)

    def stream_down(self, key: str) -> int:
        size = 0
        with self._store.read(key) as stream:
            while data := stream.read(1 << 20):
                size += len(data)
        return size

    def stream_up(self, key: str, pieces: Any) -> None:
        self._store.write(key, Pieces(pieces).buffered(), overwrite=True)
