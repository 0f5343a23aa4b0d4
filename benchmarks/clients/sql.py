"""remote-store on a SQLite file in both colours, and bare clients that do the same job: sqlite3, SQLAlchemy Core."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.clients.repeat import repeated
from benchmarks.clients.s3 import PIECE, pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DATA = b"x" * 1024
READ = "SELECT size, modified, data FROM files WHERE key = ?"
WRITE = (
    "INSERT INTO files VALUES (?, ?, ?, ?) "
    "ON CONFLICT (key) DO UPDATE SET size = excluded.size, modified = excluded.modified, data = excluded.data"
)
PAGE = "SELECT key, size, modified FROM files WHERE key > ? AND key < 'many0' ORDER BY key LIMIT 1000"


def operations(config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    root = Path(config["root"])
    return ours(root, config) | awaited(root, config) | bare(root, config) | core(root)


def ours(root: Path, config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    from remote_store import Store
    from remote_store.backends.sql import SqlBlobBackend

    fresh = not (root / "ours.db").exists()
    store = Store(SqlBlobBackend(f"sqlite:///{root}/ours.db"))
    if fresh:
        fill(store.write, config)

    def down(count: int) -> None:
        for _ in range(count):
            with store.read("big") as reader:
                assert sum(map(len, reader.chunks())) == config["big_size"]

    return {
        "ours write 1 KB": repeated(lambda: store.write("small", DATA, overwrite=True)),
        "ours read 1 KB": repeated(lambda: store.read_bytes("small")),
        "ours stream down": down,
        "ours stream up": repeated(lambda: store.write("target", pieces(config["big_size"]), overwrite=True)),
        "ours list": lambda count: sum(sum(1 for _ in store.list_files("many")) for _ in range(count)),
    }


def awaited(root: Path, config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    from remote_store.aio import AsyncStore
    from remote_store.backends.sql import SqlBlobBackend

    runner = asyncio.Runner()
    store = AsyncStore(SqlBlobBackend(f"sqlite:///{root}/ours.db"))

    async def write(count: int) -> None:
        for _ in range(count):
            await store.write("small", DATA, overwrite=True)

    async def read(count: int) -> None:
        for _ in range(count):
            await store.read_bytes("small")

    async def down(count: int) -> None:
        for _ in range(count):
            async with await store.read("big") as reader:
                while await reader.read(len(PIECE)):
                    pass

    async def up(count: int) -> None:
        for _ in range(count):
            await store.write("target", pieces(config["big_size"]), overwrite=True)

    async def listed(count: int) -> int:
        return sum([len([entry async for entry in store.list_files("many")]) for _ in range(count)])

    return {
        "async write 1 KB": lambda count: runner.run(write(count)),
        "async read 1 KB": lambda count: runner.run(read(count)),
        "async stream down": lambda count: runner.run(down(count)),
        "async stream up": lambda count: runner.run(up(count)),
        "async list": lambda count: runner.run(listed(count)),
    }


def bare(root: Path, config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    """Do nothing but the job; big content lies in one row."""
    file = root / "bare.db"
    fresh = not file.exists()
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("CREATE TABLE IF NOT EXISTS files (key TEXT PRIMARY KEY, size INT, modified REAL, data BLOB)")

    def write(key: str, data: bytes) -> None:
        database.execute(WRITE, (key, len(data), time.time(), data))

    if fresh:
        fill(write, config)
        write("target", bytes(config["big_size"]))

    def place(key: str) -> int:
        return int(database.execute("SELECT rowid FROM files WHERE key = ?", (key,)).fetchone()[0])

    def down(count: int) -> None:
        for _ in range(count):
            with database.blobopen("files", "data", place("big"), readonly=True) as blob:
                while blob.read(len(PIECE)):
                    pass

    def up(count: int) -> None:
        for _ in range(count):
            with database.blobopen("files", "data", place("target")) as blob:
                for piece in pieces(config["big_size"]):
                    blob.write(piece)

    def listed(count: int) -> int:
        return sum(len(list(pages(lambda at: database.execute(PAGE, (at,)).fetchall()))) for _ in range(count))

    return {
        "sqlite3 write 1 KB": repeated(lambda: write("small", DATA)),
        "sqlite3 read 1 KB": repeated(lambda: database.execute(READ, ("small",)).fetchone()[2]),
        "sqlite3 stream down": down,
        "sqlite3 stream up": up,
        "sqlite3 list": listed,
    }


def core(root: Path) -> dict[str, Callable[[int], int | None]]:
    """SQLAlchemy's execution layer over the same statements, on the file that sqlite3 filled."""
    from sqlalchemy import create_engine, event, text

    engine = create_engine(f"sqlite:///{root}/bare.db")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = NORMAL"))
    read, page = text(named(READ)), text(named(PAGE))
    write = text(named(WRITE))

    def wrote() -> None:
        with engine.begin() as connection:
            connection.execute(write, {"a": "small", "b": len(DATA), "c": time.time(), "d": DATA})

    def did_read() -> bytes:
        with engine.connect() as connection:
            content: bytes = connection.execute(read, {"a": "small"}).one()[2]
            return content

    def listed(count: int) -> int:
        with engine.connect() as connection:
            return sum(
                len(list(pages(lambda at: connection.execute(page, {"a": at}).fetchall()))) for _ in range(count)
            )

    return {
        "core write 1 KB": repeated(wrote),
        "core read 1 KB": repeated(did_read),
        "core list": listed,
    }


def named(statement: str) -> str:
    for name in "abcd":
        statement = statement.replace("?", f":{name}", 1)
    return statement


def pages(ask: Callable[[str], Any]) -> Iterator[Any]:
    at = "many/"
    while rows := ask(at):
        yield from rows
        at = rows[-1][0]


def fill(write: Callable[[str, bytes], Any], config: dict[str, Any]) -> None:
    write("small", DATA)
    write("big", b"".join(pieces(config["big_size"])))
    for number in range(config["many"]):
        write(f"many/file-{number:06}.bin", DATA)
