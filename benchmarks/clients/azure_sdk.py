"""The SDK's own client of the Blob service."""

from __future__ import annotations

from typing import Any

from azure.storage.blob import ContainerClient


class Client:
    def __init__(self, config: dict[str, Any]) -> None:
        key = {"account_name": config["account"], "account_key": config["key"]}
        self._client = ContainerClient(config["endpoint"], config["container"], credential=key)

    def get(self, key: str) -> bytes:
        return self._client.download_blob(key).readall()

    def put(self, key: str, data: bytes) -> None:
        self._client.upload_blob(key, data, overwrite=True)

    def head(self, key: str) -> int:
        return self._client.get_blob_client(key).get_blob_properties().size

    def count(self, prefix: str) -> int:
        return sum(1 for _ in self._client.list_blobs(name_starts_with=f"{prefix}/"))
