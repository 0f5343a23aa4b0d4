"""The bare boto3."""

from __future__ import annotations

import io
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.clients.s3 import Pieces


class Client:
    def __init__(self, config: dict[str, Any]) -> None:
        self._bucket = config["bucket"]
        when = "when_required"
        self.client = boto3.client(
            "s3",
            endpoint_url=config["endpoint"],
            aws_access_key_id=config["access_key"],
            aws_secret_access_key=config["secret_key"],
            region_name=config["region"],
            config=Config(
                max_pool_connections=64,
                s3={"addressing_style": "path"},
                request_checksum_calculation=when,
                response_checksum_validation=when,
            ),
        )

    def get(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self._bucket, Key=key, Body=data)

    def head(self, key: str) -> int:
        return self.client.head_object(Bucket=self._bucket, Key=key)["ContentLength"]

    def count(self, prefix: str) -> int:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix + "/")
        return sum(len(page.get("Contents", ())) for page in pages)

    def down(self, key: str) -> int:
        target = io.BytesIO()
        self.client.download_fileobj(self._bucket, key, target)
        return target.getbuffer().nbytes

    def up(self, key: str, data: bytes) -> None:
        self.client.upload_fileobj(io.BytesIO(data), self._bucket, key)

    def stream_down(self, key: str) -> int:
        body = self.client.get_object(Bucket=self._bucket, Key=key)["Body"]
        return sum(map(len, body.iter_chunks(1 << 20)))

    def stream_up(self, key: str, pieces: Any) -> None:
        self.client.upload_fileobj(Pieces(pieces).buffered(), self._bucket, key)
