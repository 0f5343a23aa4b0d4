"""The published remote-store 0.33, by its documented interface."""

from __future__ import annotations

from typing import Any

from remote_store import Store
from remote_store.backends import AzureBackend


class Client:
    def __init__(self, config: dict[str, Any]) -> None:
        backend = AzureBackend(
            config["container"],
            account_name=config["account"],
            account_url=config["endpoint"],
            account_key=config["key"],
            hns=False,
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
