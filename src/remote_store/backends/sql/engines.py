"""Engines of SQLAlchemy: ours with deadlines and a bounded pool, or the user's own."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from remote_store.backends.sql.errors import NoTables, bare
from remote_store.errors import ConfigError, ContainerNotFound, PermissionDenied

if TYPE_CHECKING:
    from remote_store.backends.sql.address import Address

__all__ = ["Pools"]

_DRIVERS = {
    ("postgresql", False): "postgresql+psycopg",
    ("postgresql", True): "postgresql+psycopg_async",
    ("mysql", False): "mysql+pymysql",
    ("mysql", True): "mysql+asyncmy",
}

_INSTALL = {"psycopg": '"psycopg[binary]"', "pymysql": "pymysql", "asyncmy": "asyncmy"}
"""What brings a driver."""


class Pools:
    """The engine of a blocking database, or one for each event loop of an awaiting one."""

    def __init__(self, address: Address, *, awaits: bool) -> None:
        self._address = address
        self._awaits = awaits
        self._lock = threading.Lock()
        self._engine: Any = None
        self._by_loop: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def engine(self) -> Any:
        """Return the plain engine for here and now; an async one's inside."""
        if not self._awaits:
            return self._engine or self._made()
        return self.shown().sync_engine

    def _made(self) -> Any:
        with self._lock:
            if self._engine is None:
                self._engine = self._address.engine or made(self._address, awaits=False)
            return self._engine

    def shown(self) -> Any:
        """Return the engine as the user knows it."""
        if not self._awaits:
            return self._engine or self._made()
        if self._address.engine is not None:
            return self._address.engine
        import asyncio

        loop = asyncio.get_running_loop()
        with self._lock:
            engine = self._by_loop.get(loop)
            if engine is None:
                engine = self._by_loop[loop] = made(self._address, awaits=True)
            return engine

    def close(self) -> None:
        """Close idle connections, but those of the user's own engine."""
        if self._engine is not None and self._address.engine is None:
            self._engine.dispose()

    async def close_awaiting(self) -> None:
        """Close idle connections of this event loop; those of a loop that ended went with it."""
        import asyncio

        engine = self._by_loop.pop(asyncio.get_running_loop(), None)
        if engine is not None:
            await engine.dispose()

    def make_file(self) -> None:
        """Make the file of a SQLite database where it is missing."""
        if not self._address.file:
            return
        import sqlite3

        # By SQLite itself: a descriptor of ours, when closed, would take the locks of its connections with it.
        try:
            _connected(self._address, "rwc").close()
        except sqlite3.OperationalError as failed:
            folder = os.path.dirname(self._address.file)  # noqa: PTH120  this module works with text
            if not os.path.isdir(folder):  # noqa: PTH112  likewise
                message = f"the folder of the database {self._address.shown} does not exist"
                raise ContainerNotFound(message) from failed
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionDenied("the operating system refused; check owner and mode of its folder") from failed
            raise


def made(address: Address, *, awaits: bool) -> Any:
    """Make an engine of ours.

    Raises:
        ConfigError: the driver is not installed.
    """
    try:
        return _engine(address, awaits)
    except ModuleNotFoundError as missing:
        if missing.name in _INSTALL:
            install = _INSTALL[missing.name]
            raise ConfigError(f"the driver {missing.name!r} is not installed: pip install {install}") from missing
        raise
    except (TypeError, ValueError) as odd:  # raised below, where its frames are gone
        refused = bare(odd)
    raise refused


def _engine(address: Address, awaits: bool) -> Any:
    from sqlalchemy import create_engine, event

    options: dict[str, Any] = {
        "isolation_level": "AUTOCOMMIT",  # a statement is a transaction; those of several statements say so
        "pool_size": address.pool_size,
        "max_overflow": 0,
        "pool_timeout": address.timeout,
        "pool_use_lifo": True,
        "pool_reset_on_return": None,  # no transaction is ever left open, so none is rolled back in vain
    }
    if address.dialect == "sqlite":
        engine = create_engine("sqlite://", creator=lambda: _open_file(address), poolclass=_queue(), **options)
        event.listen(engine, "connect", lambda connection, _: _tune(connection, address))
        return engine
    url = _driven(address, awaits)
    arguments = _psycopg(address, awaits) if address.dialect == "postgresql" else _mysql(address, awaits)
    if awaits:
        from sqlalchemy.ext.asyncio import create_async_engine

        outer = create_async_engine(url, connect_args=arguments, **options)
        event.listen(outer.sync_engine, "checkout", _prove_alive)
        return outer
    engine = create_engine(url, connect_args=arguments, **options)
    if address.dialect == "postgresql":
        from remote_store.backends.sql.patient import PatientConnection

        event.listen(
            engine, "do_connect", lambda _dialect, _record, args, named: PatientConnection.connect(*args, **named)
        )
    event.listen(engine, "checkout", _prove_alive)
    return engine


def _queue() -> Any:
    from sqlalchemy.pool import QueuePool

    return QueuePool


def _driven(address: Address, awaits: bool) -> Any:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    assert address.url is not None
    try:
        url = make_url(address.url.reveal())
    except (ArgumentError, ValueError):
        raise ConfigError("the URL of the database cannot be read") from None
    return url.set(drivername=_DRIVERS[address.dialect, awaits])


def _psycopg(address: Address, awaits: bool) -> dict[str, Any]:
    milliseconds = int(address.timeout * 1000)
    arguments: dict[str, Any] = {
        "connect_timeout": max(int(address.connect_timeout + 0.5), 1),
        "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
        "application_name": "remote-store",
        "patience": address.timeout,
    }
    if awaits:
        from remote_store.backends.sql.patient import PatientAsyncConnection

        arguments["async_creator_fn"] = PatientAsyncConnection.connect
    return arguments


def _mysql(address: Address, awaits: bool) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "connect_timeout": address.connect_timeout,
        "charset": "utf8mb4",
        "init_command": f"SET SESSION innodb_lock_wait_timeout = {max(int(address.timeout), 1)}",
    }
    if not awaits:
        arguments |= {"read_timeout": address.timeout, "write_timeout": address.timeout}
    return arguments


def _open_file(address: Address) -> Any:
    """Open a SQLite database that is there; only a write makes one."""
    import sqlite3

    # Asked first: SQLite that misses a file looks once more, read-only, and would stay so if it was made meanwhile.
    if not os.path.exists(address.file):  # noqa: PTH110  this module works with text
        raise NoTables
    try:
        return _connected(address)
    except sqlite3.OperationalError as failed:
        if os.path.isdir(address.file):  # noqa: PTH112  likewise
            raise ContainerNotFound(f"the database {address.shown} is a folder") from failed
        if not os.access(address.file, os.R_OK):
            message = "the operating system refused; check owner and mode of the database file"
            raise PermissionDenied(message) from failed
        raise


def _connected(address: Address, mode: str = "rw") -> Any:
    import sqlite3
    from urllib.parse import quote

    return sqlite3.connect(
        f"file:{quote(address.file)}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=address.timeout,
        cached_statements=64,
    )


def _tune(connection: Any, address: Address) -> None:
    # In WAL, NORMAL never damages a database; FULL also waits for the disk after each transaction.
    connection.execute("PRAGMA secure_delete = FAST")  # ON, as Debian builds it, writes zeros over all that is replaced
    connection.execute(f"PRAGMA synchronous = {'FULL' if address.durable else 'NORMAL'}")


def _prove_alive(_connection: Any, record: Any, _pooled: Any) -> None:
    """Refuse a connection that its server closed while it lay in the pool, without asking the server."""
    if _was_closed(record.driver_connection):
        from sqlalchemy.exc import DisconnectionError

        raise DisconnectionError


def _was_closed(driver: Any) -> bool:
    """An idle connection has nothing to say: if there is something to be read, it is the end."""
    if getattr(driver, "_stream_broken", False):  # asyncmy's loop has read the end already
        return True
    transport = getattr(driver, "_transport", None)
    holder: Any = transport.get_extra_info("socket") if transport is not None else getattr(driver, "_sock", None)
    if hasattr(driver, "fileno"):
        holder = driver
    if holder is None or hasattr(holder, "cipher") or (transport and transport.get_extra_info("ssl_object")):
        return False  # TLS has words of its own, and other clients have to find out
    import select

    try:
        poll = select.poll()
        poll.register(holder.fileno(), select.POLLIN)
        return bool(poll.poll(0))
    except (OSError, ValueError):
        return True
    except Exception as failed:
        if type(failed).__module__.partition(".")[0] == "psycopg":  # it knows that it is closed
            return True
        raise
