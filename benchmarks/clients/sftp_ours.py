"""remote-store on SFTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.clients import sftp
from remote_store import Store
from remote_store.backends.sftp import SFTPBackend

if TYPE_CHECKING:
    from collections.abc import Callable


class Ours:
    def __init__(self, config: dict[str, Any]) -> None:
        access = {name: config[name] for name in ("host", "port", "user", "key_file", "root", "known_hosts")}
        self._store = Store(SFTPBackend(**access, transport=config["transport"]))

    def get(self, name: str) -> bytes:
        return self._store.read_bytes(name)

    def put(self, name: str, data: bytes) -> None:
        self._store.write(name, data, overwrite=True)

    def exists(self, name: str) -> bool:
        return self._store.exists(name)

    def get_many(self, names: list[str]) -> list[bytes]:
        return [data for _, data in self._store.read_many(names)]

    def put_many(self, names: list[str], data: bytes) -> None:
        self._store.write_many(((name, data) for name in names), overwrite=True)


def operations(config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    return sftp.operations(Ours(config), config)
