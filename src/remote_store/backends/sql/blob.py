"""SqlBlobBackend: files in the tables of a database."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import uuid4

from remote_store._arguments import check_age, check_flag
from remote_store._io import Native, run
from remote_store.backend import Concurrency, Declared, Op, Page, PartLimits, Traits
from remote_store.backends.sql import contents, listing, rows
from remote_store.backends.sql.address import address_of, checked_name, url_of
from remote_store.backends.sql.database import Database
from remote_store.backends.sql.errors import NoTables, classify
from remote_store.errors import AlreadyExists, ConfigError, NotFound, RemoteStoreError
from remote_store.layers.errors import Errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    from remote_store._io import Io
    from remote_store.backend import Body, Buffer, Entry, FileInfo, PutOptions, Span, Upload
    from remote_store.secret import Secret
    from remote_store.uri import Uri

T = TypeVar("T")

__all__ = ["SqlBlobBackend"]

_TRAITS = Traits(
    name="sql-blob",
    concurrency=Concurrency.AWAITS,
    atomic_put=True,
    exclusive_create=True,
    compare_and_swap=True,
    user_metadata=True,
    atomic_move=True,
    exclusive_copy=True,
    ranges=True,
    delete_reports_absence=True,
    native_results=True,
    put_limit=contents.PIECE,
    parts=PartLimits(size=contents.PIECE, most=1 << 30),
)
_DAY = 24 * 3600.0


class SqlBlobBackend(Declared):
    """Files in tables of SQLite, PostgreSQL, MariaDB or MySQL.

    Options:
        database: a URL such as "sqlite:///files.db" or "postgresql://user@host/database"; or an engine of yours.
        password: of the user in the URL, where the URL does not hold it.
        table: name of the table, and beginning of the names of the other three.
        schema_name: the schema that the tables are in; by default the connection's own. Not for SQLite.
        create: make the tables when the first file is written; False: they must be there. Default True.
        durable: on SQLite, wait until each change is on the disk itself. Default False; servers have settings for it.
        connect_timeout: seconds; default 10.
        timeout: seconds that one statement, or the wait for a lock or a free connection, may take; default 60.
        pool_size: connections at the same time; default 8.

    An engine of yours stays yours: it is not closed, its own deadlines count, and it cannot be pickled.
    """

    traits = _TRAITS

    def __init__(
        self,
        database: Secret | str | Engine | AsyncEngine,
        *,
        password: Secret | str | None = None,
        table: str = "remote_store",
        schema_name: str | None = None,
        create: bool = True,
        durable: bool = False,
        connect_timeout: float = 10.0,
        timeout: float = 60.0,
        pool_size: int = 8,
    ) -> None:
        check_flag("create", create)
        check_flag("durable", durable)
        self._table = checked_name("table", table)
        self._schema = None if schema_name is None else checked_name("schema_name", schema_name)
        self._address = address_of(database, password, durable, connect_timeout, timeout, pool_size)
        if schema_name is not None and self._address.dialect == "sqlite":
            raise ConfigError("SQLite has no schemas")
        self._create = create
        self._both: dict[bool, Database] = {}
        self._database: Database
        awaits = hasattr(self._address.engine, "sync_engine")
        if self._address.engine is None:
            if self._address.file:  # the file as it is found from here, wherever a pickle of this comes to life
                self._made = ((f"sqlite:///{self._address.file}",), self._made[1])
            awaits = self._address.dialect != "sqlite"  # aiosqlite is a thread too, and a slower one
        if not awaits:
            self.traits = _TRAITS._replace(concurrency=Concurrency.BLOCKS)
            self._database = self._of_colour(False)
        if self._address.dialect == "sqlite":
            self.traits = self.traits._replace(parallel_calls=1)

    @staticmethod
    def from_uri(uri: Uri) -> tuple[dict[str, Any], str]:
        """``sqlite:///file.db``; ``postgresql://me@host/database/folder``, ``mysql://…`` or ``mariadb://…``."""
        url, root = url_of(uri)
        return {"database": url}, root

    def bind(self, io: Io) -> Self:
        """Return this backend at work on an io; those of one colour share connections."""
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound._database = self._of_colour(isinstance(io, Native))
        return bound

    def _of_colour(self, awaits: bool) -> Database:
        if self._address.engine is not None and awaits != hasattr(self._address.engine, "sync_engine"):
            raise ConfigError("an AsyncEngine serves AsyncStore only; give a plain Engine to Store")
        if awaits not in self._both:
            self._both[awaits] = Database(self._address, self._table, self._schema, self._create, awaits)
        return self._both[awaits]

    async def _read(self, work: Callable[..., T], *args: Any) -> T:
        try:
            return await self._database.run(work, *args)
        except NoTables:
            if not self._create:
                raise self._database.absent() from None
            raise NotFound("nothing stands here") from None  # nothing was ever written

    async def _write(self, work: Callable[..., T], *args: Any) -> T:
        try:
            return await self._database.run(work, *args)
        except NoTables:
            await self._database.make_tables()
        return await self._database.run(work, *args)

    async def stat(self, key: str) -> Entry:
        return await self._read(rows.stat, key)

    async def get(
        self, key: str, span: Span | None = None, if_match: str | None = None, version: str | None = None
    ) -> Body:
        return await self._read(contents.get, self._database, key, span, if_match)

    async def list(self, folder: str, recursive: bool, token: object | None, limit: int | None) -> Page:
        try:
            return await self._database.run(listing.page, folder, recursive, token, limit or 1000)
        except NoTables:
            if not self._create:
                raise self._database.absent() from None
            return Page([])

    async def put(self, key: str, data: Buffer, options: PutOptions) -> FileInfo:
        return await self._write(rows.put, key, data, sha256(data).hexdigest(), options)

    async def put_many(self, files: Sequence[tuple[str, Buffer]], options: PutOptions) -> Sequence[FileInfo | None]:
        proven = [(key, data, sha256(data).hexdigest()) for key, data in files]
        try:
            return await self._write(rows.put_many, proven, options)
        except AlreadyExists:
            return [None] * len(files)  # none of them is there: each says alone what is in its way

    async def delete(self, key: str, if_match: str | None = None) -> None:
        await self._read(rows.delete, key, if_match)

    async def delete_many(self, keys: Sequence[str]) -> Sequence[tuple[str, Exception]]:
        await self._change(rows.delete_keys, keys)
        return ()

    async def delete_tree(self, folder: str) -> None:
        await self._change(rows.delete_tree, *listing.below(folder))

    async def _change(self, work: Callable[..., None], *args: Any) -> None:
        """Delete what may be missing."""
        try:
            await self._database.run(work, *args)
        except NoTables:
            if not self._create:
                raise self._database.absent() from None

    async def begin(self, key: str, options: PutOptions) -> Upload:
        token = uuid4().hex
        await self._write(_begin, token, key)
        return contents.TableUpload(self._write, self._database, key, token, options)

    def cleanup(self, older_than: float = _DAY) -> int:
        """Delete what killed writers left: uploads to which nothing came for so many seconds; return how many.

        Reach it from a plain store with ``store.unwrap(SqlBlobBackend).cleanup()``.
        """
        check_age("older_than", older_than)
        database = self._of_colour(False)

        async def work() -> int:
            try:
                return await database.run(contents.sweep, older_than)
            except NoTables:
                return 0  # nothing was ever written

        return run(Errors(self)(Op("cleanup", "", writes=True), work))

    async def copy(self, source: str, target: str, overwrite: bool) -> None:
        await self._read(rows.copy, source, target, overwrite, uuid4().hex)

    async def move(self, source: str, target: str, overwrite: bool) -> None:
        await self._read(rows.move, source, target, overwrite)

    def classify(self, exc: Exception, op: Op) -> type[RemoteStoreError] | RemoteStoreError | None:
        return classify(exc, self._address.shown)

    def native_path(self, key: str) -> str:
        return f"{self._address.shown}/{key}" if key else self._address.shown

    def unwrap(self, kind: type[Any]) -> Any:
        if kind.__module__.partition(".")[0] != "sqlalchemy" or "_database" not in self.__dict__:
            return None
        engine = self._database.engine()
        return engine if isinstance(engine, kind) else None

    async def close(self) -> None:
        if "_database" in self.__dict__:
            await self._database.close()


def _begin(session: Any, token: str, key: str) -> None:
    import time

    session.change(session.statements.begin_upload, session.text(token), session.text(key), time.time())
