"""The published remote-store 0.33 on SFTP, by its documented interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import paramiko

from benchmarks.clients import sftp
from remote_store import Store
from remote_store.backends import SFTPBackend

if TYPE_CHECKING:
    from collections.abc import Callable


class Published:
    def __init__(self, config: dict[str, Any]) -> None:
        self._store = Store(
            SFTPBackend(
                config["host"],
                port=config["port"],
                username=config["user"],
                pkey=paramiko.Ed25519Key.from_private_key_file(config["key_file"]),
                base_path=config["root"],
                host_keys_path=config["known_hosts"],
            )
        )

    def get(self, name: str) -> bytes:
        return self._store.read_bytes(name)

    def put(self, name: str, data: bytes) -> None:
        self._store.write_atomic(name, data, overwrite=True)

    def exists(self, name: str) -> bool:
        return self._store.exists(name)


def operations(config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    return sftp.operations(Published(config), config)
