"""adlfs, the Azure file system of fsspec."""

from __future__ import annotations

from typing import Any

from adlfs import AzureBlobFileSystem


class Client:
    def __init__(self, config: dict[str, Any]) -> None:
        said = {"AccountName": config["account"], "AccountKey": config["key"], "BlobEndpoint": config["endpoint"]}
        text = ";".join(f"{name}={value}" for name, value in said.items())
        self._files = AzureBlobFileSystem(connection_string=text, use_listings_cache=False)
        self._container = config["container"]

    def get(self, key: str) -> bytes:
        return self._files.cat_file(f"{self._container}/{key}")

    def put(self, key: str, data: bytes) -> None:
        self._files.pipe_file(f"{self._container}/{key}", data)

    def head(self, key: str) -> int:
        return self._files.info(f"{self._container}/{key}", refresh=True)["size"]

    def count(self, prefix: str) -> int:
        return len(self._files.find(f"{self._container}/{prefix}", refresh=True))
