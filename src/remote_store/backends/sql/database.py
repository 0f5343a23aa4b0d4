"""Connections: engines of either colour, sessions on them, and their end.

Statements go to the driver's own connection out of SQLAlchemy's pool: its execution layer costs more than a read of
SQLite does. The work itself is plain functions of a ``Session``; on an event loop they run in a greenlet, in which
SQLAlchemy turns the waits of an async driver into awaits.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from remote_store.backends._obstore import restart_after_fork
from remote_store.backends.sql import engines
from remote_store.backends.sql.errors import NoTables, bare, is_missing, keeps_connection
from remote_store.backends.sql.statements import VERSION, Statements
from remote_store.errors import ConfigError, ContainerNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from remote_store.backend import Buffer
    from remote_store.backends.sql.address import Address

T = TypeVar("T")

MARGIN = 0.5
"""Seconds that a client has more than its server, so that a server that is there gets to say what is wrong."""

__all__ = ["Database", "Session"]


class Session:
    """One connection at work; every statement stands by itself unless it is inside ``transaction``."""

    __slots__ = ("_patience", "connection", "driver", "statements")

    def __init__(self, connection: Any, driver: Any, statements: Statements, patience: Any) -> None:
        self.connection = connection
        self.driver = driver
        """The driver's own connection object."""
        self.statements = statements
        self._patience = patience

    def rows(self, statement: str, *values: Any) -> Sequence[Any]:
        """Run a statement and return its rows."""
        cursor = self.connection.cursor()
        try:
            if self._patience is not None:
                self._patience()
            cursor.execute(statement, values)
            found: Sequence[Any] = cursor.fetchall()
            return found
        finally:
            cursor.close()

    def change(self, statement: str, *values: Any) -> int:
        """Run a statement and return how many rows it touched."""
        cursor = self.connection.cursor()
        try:
            if self._patience is not None:
                self._patience()
            cursor.execute(statement, values)
            count: int = cursor.rowcount
            return count
        finally:
            cursor.close()

    @contextmanager
    def transaction(self, begin: tuple[str, ...] | None = None) -> Iterator[None]:
        """Make several statements one: all of them, or none after an exception."""
        for statement in begin or self.statements.begin:
            self.change(statement)
        try:
            yield
            self.change("COMMIT")
        except Exception as failed:
            # Otherwise the connection is closed, which ends the transaction too.
            if keeps_connection(failed) and getattr(self.driver, "in_transaction", True):
                self.change("ROLLBACK")
            raise

    def text(self, value: str | None) -> Any:
        """Return a text as the columns of this database take it."""
        return value.encode() if value is not None and self.statements.dialect == "mysql" else value

    def content(self, data: Buffer) -> Any:
        """Return bytes as the driver takes them."""
        if self.statements.dialect == "mysql":
            return data.hex()
        return data if isinstance(data, bytes | bytearray) else bytes(data)


def decoded(value: Any) -> Any:
    """Return a text out of a column."""
    return value.decode() if isinstance(value, bytes | bytearray) else value


class Database:
    """A database under one colour: engines are made when first used, and anew in a forked process."""

    def __init__(self, address: Address, table: str, schema: str | None, create: bool, awaits: bool) -> None:
        self.address = address
        self.create = create
        self._names = (table, schema)
        self._awaits = awaits
        self._lock = threading.Lock()
        self._pools = engines.Pools(address, awaits=awaits)
        self._ready = False
        self.statements: Statements | None = None
        restart_after_fork(self)

    def restart(self) -> None:
        """Begin anew in a forked process."""
        self._parents = self._pools  # kept: closing connections here would end the parent's
        self._lock = threading.Lock()
        self._pools = engines.Pools(self.address, awaits=self._awaits)
        self._ready = False

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """Do work that takes a session, on a connection of its own."""
        return await self._run(self._proved, work, *args)

    async def _run(self, work: Callable[..., T], *args: Any) -> T:
        if not self._awaits:
            return self._work(None, work, args)
        import asyncio

        from sqlalchemy.util import greenlet_spawn

        loop, seconds = asyncio.get_running_loop(), self.address.timeout + 2 * MARGIN
        async with asyncio.timeout(self.address.connect_timeout + seconds) as deadline:

            def patience() -> None:  # each statement may take its time
                deadline.reschedule(loop.time() + seconds)

            return await greenlet_spawn(self._work, patience, work, args)

    def _work(self, patience: Any, work: Callable[..., T], args: tuple[Any, ...]) -> T:
        engine = self._pools.engine()
        pooled = self._pooled(engine)
        try:
            with self._at_home(engine, pooled):
                session = Session(pooled.dbapi_connection, pooled.driver_connection, self._worded(engine), patience)
                return work(session, *args)
        except BaseException as failed:
            if not keeps_connection(failed):
                pooled.invalidate(failed)
            if is_missing(failed):
                self._ready = False
                raise NoTables from failed
            raise
        finally:
            pooled.close()

    def _pooled(self, engine: Any) -> Any:
        try:
            return engine.raw_connection()
        except Exception as failed:  # noqa: BLE001  it is raised below, where its frames are gone
            refused = bare(failed)
        raise refused

    @contextmanager
    def _at_home(self, engine: Any, pooled: Any) -> Iterator[None]:
        """Let each statement be a transaction; the user's own engine gets its connection back as it was."""
        if self.address.engine is None:
            yield
            return
        engine.dialect.set_isolation_level(pooled.dbapi_connection, "AUTOCOMMIT")
        try:
            yield
        except BaseException as failed:
            if keeps_connection(failed):
                engine.dialect.reset_isolation_level(pooled.dbapi_connection)
            raise
        engine.dialect.reset_isolation_level(pooled.dbapi_connection)

    def _worded(self, engine: Any) -> Statements:
        if self.statements is None:
            self.statements = Statements(self.address.dialect, *self._names, engine.dialect.paramstyle)
        return self.statements

    def _proved(self, session: Session, work: Callable[..., T], *args: Any) -> T:
        """Do work on tables whose version was looked at, once a process."""
        if not self._ready:
            self._prove(session)
        return work(session, *args)

    def _prove(self, session: Session) -> None:
        found = session.rows(session.statements.version)
        if not found:
            raise NoTables  # somebody is just making them
        if found[0][0] > VERSION:
            raise ConfigError(
                f"the tables {self._names[0]!r} have version {found[0][0]}, this library knows {VERSION}; update it"
            )
        self._ready = True

    async def make_tables(self) -> None:
        """Make the tables where they are missing.

        Raises:
            ContainerNotFound: they are not to be made.
        """
        if not self.create:
            raise self.absent()
        self._pools.make_file()
        await self._run(_make)

    def absent(self) -> ContainerNotFound:
        """Return the error for missing tables."""
        table = self._names[0]
        return ContainerNotFound(f"the table {table!r} does not exist in {self.address.shown}; create=True makes it")

    async def close(self) -> None:
        """Close idle connections; busy ones end with their work."""
        if not self._awaits:
            self._pools.close()
        else:
            await self._pools.close_awaiting()

    def engine(self) -> Any:
        """Return SQLAlchemy's engine: that of the event loop for one that awaits."""
        return self._pools.shown()


def _make(session: Session) -> None:
    statements = session.statements
    if statements.dialect == "mysql":  # which commits after each of these anyway
        for statement in statements.tables():
            session.change(statement)
        return
    if statements.dialect == "sqlite":
        session.rows("PRAGMA page_size = 8192")  # of a new file: big content streams a fifth faster, small is as fast
        session.rows("PRAGMA journal_mode = WAL")
    with session.transaction():
        if statements.dialect == "postgresql":  # two that make one table at once would trip over each other
            session.rows("SELECT pg_advisory_xact_lock(7305434921845)")
        for statement in statements.tables():
            session.change(statement)
