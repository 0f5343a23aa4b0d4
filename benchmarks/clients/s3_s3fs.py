"""s3fs, the S3 file system of fsspec."""

from __future__ import annotations

from typing import Any

import s3fs


class Client:
    def __init__(self, config: dict[str, Any]) -> None:
        self._bucket = config["bucket"]
        self._files = s3fs.S3FileSystem(
            key=config["access_key"],
            secret=config["secret_key"],
            endpoint_url=config["endpoint"],
            client_kwargs={"region_name": config["region"]},
            config_kwargs={"s3": {"addressing_style": "path"}, "max_pool_connections": 64},
            use_listings_cache=False,
        )

    def get(self, key: str) -> bytes:
        return self._files.cat_file(f"{self._bucket}/{key}")

    def put(self, key: str, data: bytes) -> None:
        self._files.pipe_file(f"{self._bucket}/{key}", data)

    def head(self, key: str) -> int:
        return self._files.info(f"{self._bucket}/{key}", refresh=True)["size"]

    def count(self, prefix: str) -> int:
        return len(self._files.find(f"{self._bucket}/{prefix}", refresh=True))

    def get_all(self, keys: list[str], at_once: int) -> int:
        # Asked for by name it returns a dict, so each key may be asked for once at a time.
        size = 0
        for start in range(0, len(keys), 100):
            some = [f"{self._bucket}/{key}" for key in keys[start : start + 100]]
            size += sum(map(len, self._files.cat(some, batch_size=at_once).values()))
        return size

    def down(self, key: str) -> int:
        return len(self._files.cat_file(f"{self._bucket}/{key}"))

    def up(self, key: str, data: bytes) -> None:
        self._files.pipe_file(f"{self._bucket}/{key}", data)

    def stream_down(self, key: str) -> int:
        size = 0
        with self._files.open(f"{self._bucket}/{key}", "rb") as stream:
            while data := stream.read(1 << 20):
                size += len(data)
        return size

    def stream_up(self, key: str, pieces: Any) -> None:
        with self._files.open(f"{self._bucket}/{key}", "wb") as stream:
            for piece in pieces:
                stream.write(piece)
