"""cloudpathlib, which keeps a local copy of what it reads; the copy is dropped after each read."""

from __future__ import annotations

from typing import Any

import boto3
from cloudpathlib import S3Client


class Client:
    def __init__(self, config: dict[str, Any]) -> None:
        self._bucket = config["bucket"]
        session = boto3.Session(config["access_key"], config["secret_key"], region_name=config["region"])
        self._client = S3Client(boto3_session=session, endpoint_url=config["endpoint"], file_cache_mode="close_file")

    def _path(self, key: str) -> Any:
        return self._client.CloudPath(f"s3://{self._bucket}/{key}")

    def get(self, key: str) -> bytes:
        return self._path(key).read_bytes()

    def put(self, key: str, data: bytes) -> None:
        self._path(key).write_bytes(data)

    def head(self, key: str) -> int:
        return self._path(key).stat().st_size

    def count(self, prefix: str) -> int:
        return sum(1 for path in self._path(prefix).iterdir())

    def down(self, key: str) -> int:
        return len(self._path(key).read_bytes())

    def up(self, key: str, data: bytes) -> None:
        self._path(key).write_bytes(data)
