"""smart_open over boto3."""

from __future__ import annotations

from typing import Any

from smart_open import open as smart_open

from benchmarks.clients import s3_boto3


class Client:
    def __init__(self, config: dict[str, Any]) -> None:
        self._url = f"s3://{config['bucket']}/"
        self._options = {"client": s3_boto3.Client(config).client}

    def get(self, key: str) -> bytes:
        with smart_open(self._url + key, "rb", transport_params=self._options) as stream:
            return stream.read()

    def put(self, key: str, data: bytes) -> None:
        single = {**self._options, "multipart_upload": False}
        with smart_open(self._url + key, "wb", transport_params=single) as stream:
            stream.write(data)

    def head(self, key: str) -> int:
        with smart_open(self._url + key, "rb", transport_params={**self._options, "defer_seek": True}) as stream:
            return stream.seek(0, 2)

    def down(self, key: str) -> int:
        return self.stream_down(key)

    def stream_down(self, key: str) -> int:
        size = 0
        with smart_open(self._url + key, "rb", transport_params=self._options) as stream:
            while data := stream.read(1 << 20):
                size += len(data)
        return size

    def up(self, key: str, data: bytes) -> None:
        self.stream_up(key, [data])

    def stream_up(self, key: str, pieces: Any) -> None:
        with smart_open(self._url + key, "wb", transport_params=self._options) as stream:
            for piece in pieces:
                stream.write(piece)
