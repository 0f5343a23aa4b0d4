"""The SFTP file system of fsspec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fsspec.implementations.sftp import SFTPFileSystem

from benchmarks.clients import sftp

if TYPE_CHECKING:
    from collections.abc import Callable


class Files:
    def __init__(self, config: dict[str, Any]) -> None:
        options = {"username": config["user"], "key_filename": config["key_file"], "allow_agent": False}
        self._files = SFTPFileSystem(config["host"], port=config["port"], **options)
        self._root = config["root"] + "/"

    def get(self, name: str) -> bytes:
        data: bytes = self._files.cat_file(self._root + name)
        return data

    def put(self, name: str, data: bytes) -> None:
        self._files.pipe_file(self._root + name, data)

    def exists(self, name: str) -> bool:
        found: bool = self._files.exists(self._root + name)
        return found


def operations(config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    return sftp.operations(Files(config), config)
