"""asyncssh, on an event loop of its own; many files by gather."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncssh

from benchmarks.clients import sftp

if TYPE_CHECKING:
    from collections.abc import Callable


class Bare:
    def __init__(self, config: dict[str, Any]) -> None:
        self._at_once = config["at_once"]
        self._runner = asyncio.Runner()
        self._run = self._runner.run
        self._files: Any = self._run(self._open(config))

    async def _open(self, config: dict[str, Any]) -> Any:
        self._connection = await asyncssh.connect(
            config["host"], config["port"], username=config["user"], client_keys=[config["key_file"]],
            known_hosts=config["known_hosts"], encryption_algs=["aes128-gcm@openssh.com"], config=None, agent_path=None,
        )  # fmt: skip
        files = await self._connection.start_sftp_client()
        await files.chdir(config["root"])
        return files

    async def _get(self, name: str) -> bytes:
        async with self._files.open(name, "rb") as file:
            data: bytes = await file.read()
            return data

    async def _put(self, name: str, data: bytes) -> None:
        async with self._files.open(name, "wb") as file:
            await file.write(data)

    async def _together(self, calls: list[Any]) -> list[Any]:
        room = asyncio.Semaphore(self._at_once)

        async def one(call: Any) -> Any:
            async with room:
                return await call

        return await asyncio.gather(*map(one, calls))

    def get(self, name: str) -> bytes:
        return self._run(self._get(name))

    def put(self, name: str, data: bytes) -> None:
        self._run(self._put(name, data))

    def exists(self, name: str) -> bool:
        found: bool = self._run(self._files.exists(name))
        return found

    def get_many(self, names: list[str]) -> list[bytes]:
        return self._run(self._together([self._get(name) for name in names]))

    def put_many(self, names: list[str], data: bytes) -> None:
        self._run(self._together([self._put(name, data) for name in names]))


def operations(config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    return sftp.operations(Bare(config), config)
