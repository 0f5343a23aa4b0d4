"""What the errors of the database clients mean: sqlite3, psycopg, pymysql, and SQLAlchemy around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remote_store import errors
from remote_store.errors import RemoteStoreError

if TYPE_CHECKING:
    from typing import TypeAlias

    Kind: TypeAlias = type[RemoteStoreError] | RemoteStoreError

__all__ = ["NoTables", "bare", "classify", "is_missing", "is_taken", "keeps_connection", "origin"]


class NoTables(Exception):
    """The tables, or the SQLite file, are not made yet."""


def origin(exc: BaseException) -> BaseException:
    """Return the driver's own error."""
    found = getattr(exc, "orig", None)
    return found if isinstance(found, BaseException) else exc


def bare(exc: Exception) -> BaseException:
    """Return the driver's own error of a connection that failed, without the frames, which hold the password."""
    found = origin(exc)
    found.__traceback__ = found.__cause__ = found.__context__ = None
    if isinstance(found, TypeError | ValueError) and not isinstance(found, RemoteStoreError):
        return errors.ConfigError("the database's driver does not take an option of the URL as it is")
    return found


def _home(exc: BaseException) -> str:
    return type(exc).__module__.partition(".")[0]


def code_of(exc: BaseException) -> Any:
    """Return SQLite's result code, PostgreSQL's SQLSTATE or MySQL's number; None where there is none."""
    home = _home(exc)
    if home == "sqlite3":
        return getattr(exc, "sqlite_errorcode", None)
    if home == "psycopg":
        return getattr(exc, "sqlstate", None)
    if home in _MYSQL and exc.args and isinstance(exc.args[0], int):
        return exc.args[0]
    return None


_MYSQL = ("pymysql", "asyncmy")
_TAKEN = frozenset({1555, 2067, "23505", 1062})


def is_taken(exc: BaseException) -> bool:
    """Say whether a row of that key stands there already."""
    return code_of(origin(exc)) in _TAKEN


def is_missing(exc: BaseException) -> bool:
    """Say whether a table is missing."""
    exc = origin(exc)
    if _home(exc) == "sqlite3":
        return "no such table" in str(exc)
    return code_of(exc) in ("42P01", "3F000", 1146)


def keeps_connection(exc: BaseException) -> bool:
    """Say whether the connection is surely usable after this error."""
    if isinstance(exc, RemoteStoreError | NoTables):
        return True
    exc = origin(exc)
    home = _home(exc)
    if home == "sqlite3":
        return True
    return home in ("psycopg", *_MYSQL) and any(kind.__name__ in _MILD for kind in type(exc).__mro__)


_MILD = frozenset({"IntegrityError", "ProgrammingError", "DataError"})

_SQLITE: dict[int, Kind] = {
    3: errors.PermissionDenied("the operating system refused; check owner and mode of the database file"),
    8: errors.PermissionDenied("the database file is read-only"),
    10: errors.BackendUnavailable("the disk of the database failed"),
    11: errors.IntegrityError("the database file is damaged", retryable=False),
    13: errors.BackendUnavailable("no space is left for the file; nothing was published", retryable=False),
    14: errors.BackendUnavailable("the database file cannot be opened", retryable=False),
    18: RemoteStoreError("the file is larger than SQLite takes"),
    23: errors.PermissionDenied("the database refused"),
    26: errors.ConfigError("the file is no SQLite database"),
}

_STATES: dict[str, Kind] = {
    "28000": errors.PermissionDenied("the database refused the user"),
    "28P01": errors.PermissionDenied("the database refused user or password"),
    "42501": errors.PermissionDenied("the database user has no right to do this with the tables"),
    "25006": errors.PermissionDenied("the database is read-only"),
    "57014": errors.Timeout("the database gave the statement up after its deadline"),
    "53100": errors.BackendUnavailable("no space is left in the database; nothing was published", retryable=False),
}

_NUMBERS: dict[int, Kind] = {
    1021: errors.BackendUnavailable("no space is left in the database; nothing was published", retryable=False),
    1114: errors.BackendUnavailable("no space is left in the database; nothing was published", retryable=False),
    1153: errors.ConfigError("the database's max_allowed_packet is too small; set it to 4 MiB or more"),
    1290: errors.PermissionDenied("the database is read-only"),
    1792: errors.PermissionDenied("the database is read-only"),
    1836: errors.PermissionDenied("the database is read-only"),
    1969: errors.Timeout("the database gave the statement up after its deadline"),
    3024: errors.Timeout("the database gave the statement up after its deadline"),
}
_DENIED = frozenset({1044, 1045, 1130, 1142, 1143, 1227, 1251, 1698, 3118, 3159})
_CROWDED = frozenset({1040, 1041, 1203, 1226})


def classify(exc: BaseException, database: str) -> Kind | None:
    """Name the kind of an error; ``database`` is the one to name where it is missing."""
    if _home(exc) == "sqlalchemy" and type(exc).__name__ == "TimeoutError":
        return _undone(errors.Timeout("all connections of this store were busy; raise pool_size or timeout"))
    found = origin(exc)
    home = _home(found)
    if is_missing(found):
        return errors.ContainerNotFound(f"a table is missing in the database {database}")
    if home == "sqlite3":
        return _of_sqlite(found)
    if home == "psycopg":
        return _of_psycopg(found, database)
    if home in _MYSQL:
        return _of_mysql(found, database)
    if home == "sqlalchemy":
        return errors.ConfigError(f"the database cannot be used as configured ({type(found).__name__})")
    return None


def _undone(error: RemoteStoreError) -> RemoteStoreError:
    error.undone = True
    return error


def _of_sqlite(exc: BaseException) -> Kind:
    code = (code_of(exc) or 0) & 0xFF
    if code in (5, 6):
        return _undone(errors.ResourceLocked("another process holds the database's write lock"))
    name = getattr(exc, "sqlite_errorname", type(exc).__name__)
    return _SQLITE.get(code) or RemoteStoreError(f"SQLite refused the statement ({name}); the cause says why")


def _of_psycopg(exc: BaseException, database: str) -> Kind:
    state = code_of(exc)
    if state is None:
        return _of_connecting(str(exc), database)
    if state == "3D000":
        return errors.ContainerNotFound(f"the database {database} does not exist")
    if state in ("40001", "40P01", "55P03"):
        return _undone(errors.ResourceLocked("another transaction holds this file"))
    if state[:2] in ("08", "57"):
        return _STATES.get(state) or errors.BackendUnavailable("the connection to the database broke")
    if state[:2] == "53":
        return _STATES.get(state) or _undone(errors.BackendUnavailable(f"the database is overloaded ({state})"))
    return _STATES.get(state) or RemoteStoreError(f"the database refused the statement ({state})")


def _of_connecting(said: str, database: str) -> Kind:
    """Read what libpq says of a connection that was not made, since it gives no code."""
    if "authentication failed" in said or "no password supplied" in said or "pg_hba.conf" in said:
        return errors.PermissionDenied("the database refused user or password")
    if "FATAL" in said and "role" in said:
        return errors.PermissionDenied("the database refused the user")
    if "FATAL" in said and "does not exist" in said:
        return errors.ContainerNotFound(f"the database {database} does not exist")
    if "connection option" in said or "bad value for" in said:
        return errors.ConfigError("the database's driver does not take an option of the URL as it is")
    if "certificate" in said or "SSL" in said:
        return errors.BackendUnavailable("the TLS connection to the database failed", retryable=False)
    if "timeout expired" in said or "timed out" in said:
        return _undone(errors.Timeout("the database did not take the connection in time"))
    if "connection failed" in said or "could not translate" in said or "failed to resolve" in said:
        return _undone(errors.BackendUnavailable(f"the database {database} could not be reached"))
    return errors.BackendUnavailable("the connection to the database broke")


def _of_mysql(exc: BaseException, database: str) -> Kind:
    number = code_of(exc)
    if number in _DENIED:
        return errors.PermissionDenied("the database refused; check user, password and their rights")
    if number == 1049:
        return errors.ContainerNotFound(f"the database {database} does not exist")
    if number in (1205, 1213):
        return _undone(errors.ResourceLocked("another transaction holds this file"))
    if number in _CROWDED:
        return _undone(errors.BackendUnavailable("the database takes no more connections now"))
    if number in (2002, 2003, 2005):
        if "timed out" in str(exc):
            return _undone(errors.Timeout("the database did not take the connection in time"))
        return _undone(errors.BackendUnavailable(f"the database {database} could not be reached"))
    if number in _NUMBERS:
        return _NUMBERS[number]
    if "timed out" in str(exc):
        return errors.Timeout("the database did not answer within the deadline")
    if number in (0, 1053, 1927, 2006, 2013, 2014, 2055, None):
        return errors.BackendUnavailable("the connection to the database broke")
    return RemoteStoreError(f"the database refused the statement ({number})")
