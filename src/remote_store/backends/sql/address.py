"""Which database, and how it is reached: checked without a client and without I/O."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from remote_store._arguments import check_seconds, check_whole, secret_of
from remote_store.errors import ConfigError
from remote_store.secret import Secret, reveal

if TYPE_CHECKING:
    from remote_store.uri import Uri

__all__ = ["Address", "address_of", "checked_name", "url_of"]

DIALECTS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}
"""What a URL may begin with, and the dialect spoken there."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}").fullmatch
_PLACE = re.compile(r"(?:[^:/]*(?::[^@]*)?@)?(?:\[[^/?\[\]@]+\]|[^/:?@\[\]]*)(?::(\d{1,5}))?/.*", re.DOTALL).fullmatch
"""What SQLAlchemy reads as user, password, host and port; it takes what stands behind the first '@' for the host."""
_SCHEME = re.compile(r"([A-Za-z]+)(?:\+[A-Za-z0-9_]+)?://").match
_KNOWN = "'sqlite:///file.db', 'postgresql://user@host/database' or 'mysql://user@host/database'"


class Address(NamedTuple):
    """A database and how to wait for it."""

    dialect: str
    """``sqlite``, ``postgresql`` or ``mysql`` (MariaDB too)."""
    url: Secret | None
    """As SQLAlchemy reads it; None where the user's own engine is used."""
    engine: Any
    """The user's engine, or None."""
    file: str
    """Of SQLite: the database, absolute; else empty."""
    durable: bool
    connect_timeout: float
    timeout: float
    pool_size: int

    @property
    def shown(self) -> str:
        """The database without any credentials."""
        if self.file:
            return f"sqlite:///{self.file}"
        url = self.engine.url if self.url is None else _parsed(self.url.reveal())
        host = f"[{url.host}]" if ":" in (url.host or "") else url.host or ""
        port = f":{url.port}" if url.port else ""
        return f"{self.dialect}://{host}{port}/{url.database or ''}"


def _parsed(url: str) -> Any:
    from sqlalchemy import make_url

    return make_url(url)


def address_of(
    database: Any,
    password: Secret | str | None,
    durable: bool,
    connect_timeout: float,
    timeout: float,
    pool_size: int,
) -> Address:
    """Check what the user said.

    Raises:
        ConfigError: no such kind of database, or a value that cannot be meant.
        TypeError: a wrong type.
    """
    check_seconds(connect_timeout=connect_timeout, timeout=timeout)
    check_whole(1, pool_size=pool_size)
    secret_of(password, "password")
    rest = (durable, connect_timeout, timeout, pool_size)
    if isinstance(database, Secret | str):
        dialect, url, file = _of_url(database, password)
        return Address(dialect, url, None, file, *rest)
    return Address(_of_engine(database, password), None, database, "", *rest)


def _of_url(database: Secret | str, password: Secret | str | None) -> tuple[str, Secret, str]:
    """Return dialect, URL and file; no message repeats the URL, which may hold a password."""
    url = reveal(database) or ""
    found = _SCHEME(url)
    dialect = DIALECTS.get(found[1].lower()) if found else None
    if found is None or dialect is None:
        raise ConfigError(f"the database is a URL such as {_KNOWN}")
    if dialect == "sqlite":
        if password is not None:
            raise ConfigError("a SQLite file has no password")
        file = _file(url[found.end() :])
        return dialect, Secret(f"sqlite:///{file}"), file
    from urllib.parse import quote

    user, at, rest = url[found.end() :].rpartition("@")
    if "/" in user or "?" in user:
        user, at, rest = "", "", url[found.end() :]
    if not rest.partition("?")[0].partition("/")[2]:
        raise ConfigError(f"the URL names no database; write {_KNOWN}")
    place = _PLACE(url[found.end() :])
    if place is None or int(place[1] or 0) > 65535:
        raise ConfigError("host and port of the URL cannot be read; write '%40' for an '@' in user or password")
    if password is not None:
        if not user or ":" in user:
            raise ConfigError(
                "password belongs to a URL with a user and no password, 'postgresql://user@host/database'"
            )
        user = f"{user}:{quote(reveal(password) or '', safe='')}"
    return dialect, Secret(f"{dialect}://{user}{at}{rest}"), ""


def _file(rest: str) -> str:
    if not rest.startswith("/") or "?" in rest:
        raise ConfigError("a SQLite URL is 'sqlite:///file.db' or 'sqlite:////absolute/file.db', without options")
    name = rest[1:]
    if not name or name == ":memory:" or "\0" in name:
        raise ConfigError("a SQLite database in memory is another one for each connection; use the memory backend")
    return os.path.abspath(name)  # noqa: PTH100  links in the path stay as they are


def _of_engine(engine: Any, password: Secret | str | None) -> str:
    dialect = getattr(getattr(engine, "dialect", None), "name", None)
    if dialect is None:
        raise TypeError(f"the database is a URL or an engine of SQLAlchemy, not {type(engine).__name__}")
    if password is not None:
        raise ConfigError("an engine has its own password")
    if dialect not in DIALECTS or engine.dialect.paramstyle not in ("qmark", "format", "pyformat"):
        raise ConfigError(f"engines of SQLite, psycopg, pymysql and asyncmy are supported, not {dialect!r} as it is")
    return DIALECTS[dialect]


def checked_name(what: str, name: object) -> str:
    """Return the name of a table or schema that is plain enough to stand in a statement.

    Raises:
        ConfigError: it is not.
    """
    if not isinstance(name, str):
        raise TypeError(f"{what} is a str, not {type(name).__name__}")
    if not _NAME(name):
        raise ConfigError(f"{what} is up to 40 letters, digits and '_' of ASCII, the first no digit; not {name!r}")
    return name


def url_of(uri: Uri) -> tuple[str, str]:
    """Return the database's URL and the root in it that a store's URI means."""
    if uri.scheme == "sqlite":
        if uri.user or uri.port or uri.host:
            raise ConfigError("a SQLite URI is 'sqlite:///file.db' or 'sqlite:////absolute/file.db'")
        path = uri.path if uri.host is None else uri.path.removeprefix("/")
        if not path:
            raise ConfigError(
                "the SQLite URI names no file; write 'sqlite:///file.db' or 'sqlite:////absolute/file.db'"
            )
        return f"sqlite:///{path}", ""
    from urllib.parse import quote

    database, _, root = uri.path.removeprefix("/").partition("/")
    if not uri.host or not database:
        raise ConfigError(f"the URI of a database is '{uri.scheme}://user@host/database/folder'")
    user = f"{quote(uri.user, safe='')}@" if uri.user else ""
    host = uri.host if uri.port is None else f"{uri.host}:{uri.port}"
    return f"{uri.scheme}://{user}{host}/{quote(database, safe='')}", root.removesuffix("/")
