"""SqlQueryBackend: the results of declared queries as files to read."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from remote_store._arguments import check_whole
from remote_store.backend import Body, Concurrency, Declared, FileInfo, FolderEntry, Page, Traits
from remote_store.backends._obstore import restart_after_fork
from remote_store.backends.sql import engines
from remote_store.backends.sql.address import address_of, url_of
from remote_store.backends.sql.errors import NoTables, bare, classify
from remote_store.backends.sql.queries import FORMATS, bound, keys_of, parsed, queries_of
from remote_store.errors import ConfigError, ContainerNotFound, PreconditionFailed, RemoteStoreError
from remote_store.models import ContentDigest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from remote_store.backend import Buffer, Entry, Op, Span
    from remote_store.backends.sql.queries import Asked
    from remote_store.secret import Secret
    from remote_store.uri import Uri

__all__ = ["SqlQueryBackend"]

UNKNOWN = -1
"""The size of a result that nobody has asked for yet."""
_IN_MEMORY = 8 << 20
"""Bytes of a result that is kept in memory; a larger one goes to a temporary file."""
_CHUNK = 1 << 20
_BEGIN = {
    "sqlite": ("PRAGMA query_only = ON", "BEGIN"),
    "postgresql": ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",),
    # The transaction alone would let MariaDB drop tables.
    "mysql": ("SET SESSION TRANSACTION READ ONLY", "START TRANSACTION READ ONLY"),
}
_END = {
    "sqlite": ("ROLLBACK", "PRAGMA query_only = OFF"),
    "postgresql": ("ROLLBACK",),
    "mysql": ("ROLLBACK", "SET SESSION TRANSACTION READ WRITE"),
}


class SqlQueryBackend(Declared):
    """Declared queries on SQLite, PostgreSQL, MariaDB or MySQL, read as Parquet, CSV or Arrow files.

    Options:
        database: a URL such as "postgresql://user@host/database"; or an engine of yours, which stays yours.
        queries: a table of names to SQL, or to tables with ``sql`` and ``parameters``.
        password: of the user in the URL, where the URL does not hold it.
        formats: suffixes that are served and listed; default "parquet csv arrow".
        batch_rows: rows that are fetched and written at a time; default 20000.
        connect_timeout: seconds; default 10.
        timeout: seconds that the database may take for one answer; default 60.
        pool_size: connections at the same time; default 8.
    """

    traits = Traits(name="sql-query", concurrency=Concurrency.BLOCKS)

    def __init__(
        self,
        database: Secret | str | Engine,
        queries: Mapping[str, Any],
        *,
        password: Secret | str | None = None,
        formats: str = "parquet csv arrow",
        batch_rows: int = 20_000,
        connect_timeout: float = 10.0,
        timeout: float = 60.0,
        pool_size: int = 8,
    ) -> None:
        self._address = address_of(database, password, False, connect_timeout, timeout, pool_size)
        if hasattr(self._address.engine, "sync_engine"):
            raise ConfigError("queries run in worker threads under AsyncStore; give a plain Engine")
        self._queries = queries_of(queries)
        if not isinstance(formats, str):
            raise TypeError(f"formats is a str such as 'parquet csv', not {type(formats).__name__}")
        self._formats = tuple(dict.fromkeys(formats.split()))
        if not self._formats or not set(self._formats) <= set(FORMATS):
            raise ConfigError(f"formats are some of {' '.join(FORMATS)}, not {formats!r}")
        check_whole(1, batch_rows=batch_rows)
        self._batch_rows = batch_rows
        self._keys = keys_of(self._queries, self._formats)
        self._lock = threading.Lock()
        self._engine: Any = None
        restart_after_fork(self)

    @staticmethod
    def from_uri(uri: Uri) -> tuple[dict[str, Any], str]:
        """``sql-query+sqlite:///file.db``, ``sql-query+postgresql://me@host/database``; ``queries`` come beside it."""
        url, root = url_of(uri._replace(scheme=uri.scheme.removeprefix("sql-query+")))
        return {"database": url}, root

    def restart(self) -> None:
        """Begin anew in a forked process."""
        self._parents = self._engine  # kept: closing connections here would end the parent's
        self._lock = threading.Lock()
        self._engine = None

    async def stat(self, key: str) -> Entry:
        if not key:
            return FolderEntry("")
        asked = parsed(self._queries, self._formats, key)
        return FileInfo(key, UNKNOWN, time.time(), None, FORMATS[asked.format])

    async def get(
        self, key: str, span: Span | None = None, if_match: str | None = None, version: str | None = None
    ) -> Body:
        asked = parsed(self._queries, self._formats, key)
        from tempfile import SpooledTemporaryFile

        file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  the body closes it
        try:
            self._render(asked, file)
            return _body(file, key, FORMATS[asked.format], span, if_match)
        except BaseException:
            file.close()
            raise

    def _render(self, asked: Asked, file: Any) -> None:
        from sqlalchemy import text

        from remote_store.backends.sql.rendering import render

        values = bound(self._address.dialect, asked.values)
        with self._connection() as connection:
            result: Any = None
            try:
                self._begin(connection)
                options = {"stream_results": True, "max_row_buffer": self._batch_rows}
                result = connection.execute(text(asked.sql), values, execution_options=options)
                columns = _columns(result)
                batches = result.partitions(self._batch_rows)
                render(self._address.dialect, columns, batches, asked.format, file)
                result.close()
                for statement in _END[self._address.dialect]:
                    connection.exec_driver_sql(statement)
            except BaseException:
                self._abandon(connection, result)
                raise

    def _abandon(self, connection: Any, result: Any) -> None:
        if self._address.dialect == "sqlite":  # whose connection may be the whole of a database in memory
            with suppress(Exception):
                if result is not None:
                    result.close()
                for statement in _END["sqlite"]:
                    connection.exec_driver_sql(statement)
                return
        connection.invalidate()  # a result that is left half-way blocks its connection
        if result is not None and result.returns_rows:
            _let_go(result.cursor)

    def _begin(self, connection: Any) -> None:
        """Begin a transaction in which nothing can be written."""
        if self._address.engine is not None:
            connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in _BEGIN[self._address.dialect]:
            connection.exec_driver_sql(statement)

    def _connection(self) -> Any:
        try:
            return self._connected().connect()
        except Exception as failed:  # noqa: BLE001  it is raised below, where its frames are gone
            refused = bare(failed)
        raise refused

    def _connected(self) -> Any:
        with self._lock:
            if self._engine is None:
                self._engine = self._address.engine or engines.made(self._address, awaits=False)
            return self._engine

    async def list(self, folder: str, recursive: bool, token: object | None, limit: int | None) -> Page:
        prefix = f"{folder}/" if folder else ""
        entries: list[Entry] = []
        at = token if isinstance(token, str) else prefix
        now = time.time()
        place = bisect_right(self._keys, at)
        while place < len(self._keys) and self._keys[place].startswith(prefix):
            if limit is not None and len(entries) >= limit:
                return Page(entries, at)
            key = self._keys[place]
            slash = -1 if recursive else key.find("/", len(prefix))
            if slash < 0:
                entries.append(FileInfo(key, UNKNOWN, now, None, FORMATS[key.rpartition(".")[2]]))
                at, place = key, place + 1
            else:
                entries.append(FolderEntry(key[:slash]))
                at = f"{key[:slash]}/\U0010ffff"
                place = bisect_right(self._keys, at)
        return Page(entries)

    def classify(self, exc: Exception, op: Op) -> type[RemoteStoreError] | RemoteStoreError | None:
        if isinstance(exc, NoTables):
            return ContainerNotFound(f"the database {self._address.shown} does not exist")
        return classify(exc, self._address.shown)

    def native_path(self, key: str) -> str:
        return f"{self._address.shown}/{key}" if key else self._address.shown

    def unwrap(self, kind: type[Any]) -> Any:
        if kind.__module__.partition(".")[0] != "sqlalchemy":
            return None
        engine = self._connected()
        return engine if isinstance(engine, kind) else None

    async def close(self) -> None:
        if self._engine is not None and self._address.engine is None:
            self._engine.dispose()


class RenderedBody(Body):
    """A result that was written down whole: its size is known, and the database is done with it."""

    def __init__(self, file: Any, entry: FileInfo, span: Span | None) -> None:
        self.entry = entry
        start, length = (0, None) if span is None else span
        self.start = start
        left = max(entry.size - start, 0)
        self.length = left if length is None else min(left, length)
        self._file = file
        self._left = self.length
        file.seek(min(start, entry.size))

    async def next(self) -> Buffer:
        """Return the next piece."""
        data: bytes = self._file.read(min(self._left, _CHUNK))
        self._left -= len(data)
        return data

    async def close(self) -> None:
        """Delete the temporary file."""
        self._file.close()


def _digest(file: Any) -> tuple[str, int]:
    file.seek(0)
    digest, size = sha256(), 0
    while data := file.read(_CHUNK):
        digest.update(data)
        size += len(data)
    return digest.hexdigest(), size


def _let_go(cursor: Any) -> None:
    """Close a cursor whose connection is closed already."""
    unread: Any = getattr(cursor, "_result", None)
    if hasattr(unread, "unbuffered_active"):
        unread.unbuffered_active = False  # pymysql would read the rest of what was cut off
    with suppress(Exception):  # what failed before is the news
        cursor.close()


def _columns(result: Any) -> Any:
    if not result.returns_rows:
        raise ConfigError("the query returns no rows: it is no SELECT")
    return result.cursor.description


def _body(file: Any, key: str, content_type: str, span: Span | None, if_match: str | None) -> RenderedBody:
    digest, size = _digest(file)
    if if_match is not None and if_match != digest:
        raise PreconditionFailed("the query has another result by now")
    entry = FileInfo(key, size, time.time(), digest, content_type, None, None, ContentDigest("sha256", digest))
    return RenderedBody(file, entry, span)
