"""pyarrow's own S3 file system."""

from __future__ import annotations

from typing import Any

from pyarrow.fs import FileSelector, FileType, S3FileSystem


class Client:
    def __init__(self, config: dict[str, Any]) -> None:
        self._bucket = config["bucket"]
        self._files = S3FileSystem(
            access_key=config["access_key"],
            secret_key=config["secret_key"],
            region=config["region"],
            scheme="http",
            endpoint_override=config["endpoint"].partition("//")[2],
        )

    def get(self, key: str) -> bytes:
        with self._files.open_input_stream(f"{self._bucket}/{key}") as stream:
            return stream.read()

    def put(self, key: str, data: bytes) -> None:
        with self._files.open_output_stream(f"{self._bucket}/{key}") as stream:
            stream.write(data)

    def head(self, key: str) -> int:
        return self._files.get_file_info(f"{self._bucket}/{key}").size

    def count(self, prefix: str) -> int:
        found = self._files.get_file_info(FileSelector(f"{self._bucket}/{prefix}", recursive=True))
        return sum(info.type == FileType.File for info in found)

    def down(self, key: str) -> int:
        with self._files.open_input_stream(f"{self._bucket}/{key}") as stream:
            return len(stream.read())

    def up(self, key: str, data: bytes) -> None:
        with self._files.open_output_stream(f"{self._bucket}/{key}") as stream:
            stream.write(data)

    def stream_down(self, key: str) -> int:
        size = 0
        with self._files.open_input_stream(f"{self._bucket}/{key}") as stream:
            while data := stream.read(1 << 20):
                size += len(data)
        return size

    def stream_up(self, key: str, pieces: Any) -> None:
        with self._files.open_output_stream(f"{self._bucket}/{key}") as stream:
            for piece in pieces:
                stream.write(piece)
