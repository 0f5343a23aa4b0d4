"""The bare SFTPClient of paramiko, used as its documentation does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import paramiko

from benchmarks.clients import sftp

if TYPE_CHECKING:
    from collections.abc import Callable


class Bare:
    def __init__(self, config: dict[str, Any]) -> None:
        ssh = paramiko.SSHClient()
        ssh.load_host_keys(config["known_hosts"])
        ssh.connect(
            config["host"], config["port"], config["user"], key_filename=config["key_file"],
            allow_agent=False, look_for_keys=False,
        )  # fmt: skip
        self._ssh = ssh
        self._files = ssh.open_sftp()
        self._files.chdir(config["root"])

    def get(self, name: str) -> bytes:
        with self._files.open(name, "rb") as file:
            file.prefetch()
            return file.read()

    def put(self, name: str, data: bytes) -> None:
        with self._files.open(name, "wb") as file:
            file.set_pipelined(True)
            file.write(data)

    def exists(self, name: str) -> bool:
        return self._files.stat(name) is not None


def operations(config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    return sftp.operations(Bare(config), config)
