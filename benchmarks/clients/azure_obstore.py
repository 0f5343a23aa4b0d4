"""The bare obstore."""

from __future__ import annotations

from typing import Any

import obstore
from obstore.store import AzureStore


class Client:
    def __init__(self, config: dict[str, Any]) -> None:
        self._store = AzureStore(
            config["container"],
            endpoint=config["endpoint"],
            account_name=config["account"],
            account_key=config["key"],
            client_options={"allow_http": True},
        )

    def get(self, key: str) -> bytes:
        return bytes(obstore.get(self._store, key).bytes())

    def put(self, key: str, data: bytes) -> None:
        obstore.put(self._store, key, data, use_multipart=False)

    def head(self, key: str) -> int:
        return obstore.head(self._store, key)["size"]

    def count(self, prefix: str) -> int:
        return sum(len(chunk) for chunk in obstore.list(self._store, prefix, chunk_size=1000))
