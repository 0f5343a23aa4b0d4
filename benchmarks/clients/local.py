"""remote-store on a local folder, and the bare calls of the operating system that do the same job."""

# ruff: noqa: PTH104, PTH110, PTH116, PTH123 - the bare calls are what is measured

from __future__ import annotations

import os
from itertools import count as numbers
from typing import TYPE_CHECKING, Any

from benchmarks.clients.repeat import repeated
from benchmarks.clients.s3 import PIECE, pieces

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = b"x" * 1024
SMALL = "folder/small"
TARGET = "folder/target"


def operations(config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    root: str = config["root"]
    return ours(root, config) | raw(root, config)


def ours(root: str, config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    from remote_store import Store
    from remote_store.backends.local import LocalBackend

    store = Store(LocalBackend(root))

    def listed(count: int) -> int:
        return sum(sum(1 for _ in store.list_files("many")) for _ in range(count))

    def stream_down(count: int) -> None:
        for _ in range(count):
            with store.read("big") as reader:
                assert sum(map(len, reader.chunks())) == config["big_size"]

    def stream_up(count: int) -> None:
        for _ in range(count):
            store.write("big-target", pieces(config["big_size"]), overwrite=True)

    return {
        "ours exists": repeated(lambda: store.exists(SMALL)),
        "ours stat": repeated(lambda: store.get_file_info(SMALL)),
        "ours read 1 KB": repeated(lambda: store.read_bytes(SMALL)),
        "ours atomic write 1 KB": repeated(lambda: store.write(TARGET, DATA, overwrite=True)),
        "ours list with stat": listed,
        "ours stream down": stream_down,
        "ours stream up": stream_up,
    }


def raw(root: str, config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    small, target = f"{root}/{SMALL}", f"{root}/{TARGET}"
    number = numbers()

    def exists() -> bool:
        return os.path.exists(small)

    def read() -> bytes:
        descriptor = os.open(small, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(descriptor, 4096)
        finally:
            os.close(descriptor)

    def write() -> None:
        temporary = f"{root}/folder/.tmp-{next(number)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            os.write(descriptor, DATA)
        finally:
            os.close(descriptor)
        os.rename(temporary, target)

    def listed(count: int) -> int:
        found = 0
        for _ in range(count):
            with os.scandir(f"{root}/many") as entries:
                facts = [(entry.name, stat.st_size, stat.st_mtime) for entry in entries if (stat := entry.stat())]
            found += len(facts)
        return found

    def stream_down(count: int) -> None:
        buffer = bytearray(1 << 20)
        for _ in range(count):
            with open(f"{root}/big", "rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass

    def stream_up(count: int) -> None:
        for _ in range(count):
            with open(f"{root}/big-target", "wb", buffering=0) as file:
                for _ in range(config["big_size"] // len(PIECE)):
                    file.write(PIECE)

    return {
        "raw exists": repeated(exists),
        "raw stat": repeated(lambda: os.stat(small)),
        "raw read 1 KB": repeated(read),
        "raw atomic write 1 KB": repeated(write),
        "raw list with stat": listed,
        "raw stream down": stream_down,
        "raw stream up": stream_up,
    }
