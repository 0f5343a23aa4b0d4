"""The program sftp of OpenSSH, one process that is told what to do; connecting is not measured."""

from __future__ import annotations

import subprocess
import tempfile
from itertools import count as numbers
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.clients import sftp

if TYPE_CHECKING:
    from collections.abc import Callable


class Program:
    def __init__(self, config: dict[str, Any]) -> None:
        self._folder = Path(tempfile.mkdtemp(dir=config["scratch"]))
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": config["known_hosts"],
            "IdentityFile": config["key_file"],
            "IdentitiesOnly": "yes",
            "Ciphers": "aes128-gcm@openssh.com",
        }
        command = ["sftp", "-q", "-F", "none", *(f"-o{name}={value}" for name, value in options.items())]
        self._process = subprocess.Popen(
            [*command, "-P", str(config["port"]), "-b", "-", f"{config['user']}@{config['host']}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._numbers = numbers()
        self.tell(f"cd {config['root']}", f"lcd {self._folder}")

    def tell(self, *commands: str) -> None:
        """Let it work, and wait until it has done all."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        mark = f"done-{next(self._numbers)}"
        self._process.stdin.write("\n".join([*commands, f"!echo {mark}", ""]))
        self._process.stdin.flush()
        while (line := self._process.stdout.readline()).strip() != mark:
            if not line:
                raise RuntimeError("sftp ended")

    def kept(self, name: str, data: bytes) -> Path:
        """A file of this machine with such content."""
        file = self._folder / "from" / name
        if not file.exists() or file.stat().st_size != len(data):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return file


def operations(config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    program = Program(config)
    big = program.kept("big", bytes(config["big_size"]))
    smalls = [program.kept(f"small/{number}", sftp.SMALL) for number in range(config["many"])]

    def down(count: int) -> None:
        program.tell(*["get big got"] * count)

    def up(count: int) -> None:
        program.tell(*[f"put {big} {config['own']}/big"] * count)

    def get_many(count: int) -> int:
        program.tell(*["get small/* ."] * count)
        return count * len(smalls)

    def put_many(count: int) -> int:
        program.tell(*[f"put {smalls[0].parent}/* {config['own']}/"] * count)
        return count * len(smalls)

    return {"down": down, "up": up, "get_many": get_many, "put_many": put_many}
