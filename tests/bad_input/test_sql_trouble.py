"""Databases that refuse, are missing, damaged, newer or none: each says so by its kind, in time, without a secret."""

# ruff: noqa: S608  the tables are named here

import contextlib
import os
import pickle
import socket
import sqlite3
import time
import traceback

import pytest

from remote_store import (
    BackendUnavailable,
    ConfigError,
    ContainerNotFound,
    IntegrityError,
    InvalidPath,
    PermissionDenied,
    RemoteStoreError,
    RetryPolicy,
    Secret,
    Store,
    Timeout,
)
from remote_store.aio import AsyncStore
from remote_store.backends.sql import SqlBlobBackend, SqlQueryBackend
from remote_store.testing import clause
from tests.backends.sql_places import KINDS, place_of
from tests.bad_input.calls import CALLS, CONTENT, FILE
from tests.bad_input.conftest import faced, unleaking
from tests.bad_input.test_arguments import attempt
from tests.bad_input.test_missing_extras import outcome
from tests.bad_input.test_secret_sweep import shown_by
from tests.servers.process import free_ports

CANARY = "canary-secret-that-nobody-may-see"
ONCE = RetryPolicy(attempts=1)
SILENT_CALLS = {
    "child",
    "resolve",
    "native_path",
    "describe",
    "to_key",
    "unwrap",
    "supports",
    "presign",
    "list_versions",
}
ASKING = sorted({*CALLS, "ping"} - SILENT_CALLS)


@pytest.fixture(params=KINDS)
def place(request, tmp_path):
    return place_of(request.param, request, tmp_path)


@pytest.fixture(params=KINDS[1:])
def server(request, tmp_path):
    place = place_of(request.param, request, tmp_path)
    with Store(place.backend()) as store:
        store.write(FILE, CONTENT)
    yield place
    with Store(place.backend()) as store:
        assert [(entry.key, entry.size) for entry in store.list_files(recursive=True)] == [(FILE, len(CONTENT))]
    assert place.litter() == []


def wrong_password(place):
    return place.backend(password=CANARY), PermissionDenied, "refused", False


def wrong_user(place):
    url = place.server.url(place.database, user="nobody-of-that-name")
    return SqlBlobBackend(url, password=CANARY), PermissionDenied, "refused", False


def wrong_database(place):
    url = place.server.url("no_such_database")
    return SqlBlobBackend(url, password=place.server.password), ContainerNotFound, "no_such_database", False


def missing_table(place):
    return place.backend(table="no_such_table", create=False), ContainerNotFound, "'no_such_table'", False


def dead_server(place):
    (port,) = free_ports(1)
    return place.backend(port=port, password=CANARY), BackendUnavailable, "could not be reached", True


TROUBLES = [wrong_password, wrong_user, wrong_database, missing_table, dead_server]


@clause("ERR-01", "ERR-02", "SECRET-03", "ABSENT-02")
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_every_call_says_what_the_trouble_is(trouble, server, colour, subtests):
    backend, kind, says, retryable = trouble(server)
    with unleaking(), faced(backend, colour, retry=ONCE) as store:
        for method in ASKING:
            with subtests.test(method=method):
                began = time.monotonic()
                with pytest.raises(RemoteStoreError) as raised:
                    attempt(store, method, CALLS.get(method, {}))
                error = raised.value
                told = "".join(traceback.format_exception(error))
                assert isinstance(error, kind), told
                assert says in error.message, told
                assert (error.backend, error.retryable) == ("sql-blob", retryable)
                assert error.path in {"", FILE, "folder", "folder/copy", "folder/moved"}
                assert time.monotonic() - began < 10
                for secret in (CANARY, server.server.password):
                    assert secret not in shown_by(error)
                    assert secret not in told


@clause("DEADLINE-01")
@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
def test_a_port_that_never_says_a_word_is_given_up(dialect, colour):
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        url = f"{dialect}://me@127.0.0.1:{silent.getsockname()[1]}/db"
        backend = SqlBlobBackend(url, password=CANARY, connect_timeout=1.0, timeout=0.5)
        with faced(backend, colour, retry=ONCE) as store:
            began = time.monotonic()
            with pytest.raises((Timeout, BackendUnavailable)):
                store.read_bytes("a")
            assert time.monotonic() - began < 8


def test_a_user_without_rights_is_refused(server):
    table = server.table
    if server.kind == "postgresql":
        server.run(
            "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'guest') "
            "THEN CREATE ROLE guest LOGIN PASSWORD 'guest'; END IF; END $$"
        )
        grants = [f"GRANT SELECT ON {table}{part} TO guest" for part in ("", "_chunks", "_uploads", "_schema")]
    else:
        server.run("CREATE USER IF NOT EXISTS guest@'%' IDENTIFIED BY 'guest'")
        grants = [f"GRANT SELECT ON {table}{part} TO guest@'%'" for part in ("", "_chunks", "_uploads", "_schema")]
    for grant in grants:
        server.run(grant)
    url = server.server.url(server.database, user="guest")
    with Store(SqlBlobBackend(url, password="guest", table=table)) as store:
        assert store.read_bytes(FILE) == CONTENT
        for call in (lambda: store.write("a", b"x"), lambda: store.delete(FILE), lambda: store.move(FILE, "b")):
            with pytest.raises(PermissionDenied) as refused:
                call()
            assert not refused.value.retryable


@clause("SQL-08")
def test_a_sqlite_file_that_is_none_or_not_reachable(tmp_path, colour):
    (tmp_path / "text.db").write_text("this is no database at all" * 100)
    (tmp_path / "folder.db").mkdir()
    cases = {
        "text.db": (ConfigError, "no SQLite database"),
        "folder.db": (ContainerNotFound, "is a folder"),
        "no/such/folder/files.db": (ContainerNotFound, "does not exist"),
    }
    for name, (kind, says) in cases.items():
        backend = SqlBlobBackend(f"sqlite:///{tmp_path}/{name}")
        with faced(backend, colour, retry=ONCE) as store, pytest.raises(kind, match=says):
            store.write("a", b"x")
    missing = SqlBlobBackend(f"sqlite:///{tmp_path}/files.db", create=False)
    with faced(missing, colour) as store:
        for call in (lambda: store.write("a", b"x"), lambda: store.exists("a"), lambda: list(store.list_files())):
            with pytest.raises(ContainerNotFound, match=r"'remote_store' does not exist in sqlite:///.*files\.db"):
                call()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.db", "text.db"]


def test_a_damaged_file_is_an_integrity_error(tmp_path):
    file = tmp_path / "files.db"
    with Store(SqlBlobBackend(f"sqlite:///{file}")) as store:
        for number in range(300):
            store.write(f"{number}", bytes(2000))
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = bytearray(file.read_bytes())
    whole[8192 : len(whole) // 2] = os.urandom(len(whole) // 2 - 8192)
    file.write_bytes(whole)
    with Store(SqlBlobBackend(f"sqlite:///{file}")) as store, pytest.raises(IntegrityError, match="damaged"):
        list(store.list_files())


@clause("SQL-09")
def test_tables_of_a_newer_library_are_left_alone(place, colour):
    with faced(place.backend(), colour) as store:
        store.write("a", b"x")
    place.run(f"UPDATE {place.table}_schema SET version = 99")
    with faced(place.backend(), colour) as store:
        for call in (lambda: store.read_bytes("a"), lambda: store.write("b", b"x"), lambda: list(store.list_files())):
            with pytest.raises(ConfigError, match="have version 99"):
                call()


@clause("SQL-08")
def test_a_table_that_vanishes_is_made_again_or_missed(place):
    with Store(place.backend()) as store, Store(place.backend(create=False)) as strict:
        store.write("a", b"x")
        assert strict.read_bytes("a") == b"x"
        for part in ("", "_chunks", "_uploads", "_schema"):
            place.run(f"DROP TABLE {place.table}{part}")
        with pytest.raises(ContainerNotFound, match=place.table):
            strict.exists("a")
        assert not store.exists("a")
        store.write("a", b"y")
        assert strict.read_bytes("a") == b"y"


@clause("SQL-01")
def test_keys_are_bytes_to_every_database(place):
    keys = ["a", "A", "a ", "ä", "a\u0308", "a%b", "a_b", "a'b", 'a"b', "a`b", "a;--", "😀", "%", "_/x", "A/x", "é/%s"]
    with Store(place.backend()) as store:
        for number, key in enumerate(keys):
            store.write(key, bytes([number]))
        assert [entry.key for entry in store.list_files(recursive=True)] == sorted(keys)
        assert [store.read_bytes(key) for key in keys] == [bytes([number]) for number in range(len(keys))]
        store.delete_folder("_", recursive=True)
        store.delete_many(["%", "a "])
        assert [entry.key for entry in store.list_files(recursive=True)] == sorted({*keys} - {"_/x", "%", "a "})
        deep = "/".join(["x" * 200] * 5)[:1024]
        store.write(deep, b"long")
        assert store.read_bytes(deep) == b"long"


WRONG = {
    "a table that is a statement": {"table": 'x"; DROP TABLE y; --'},
    "a table with a quote": {"table": "a`b"},
    "a table that is empty": {"table": ""},
    "a table that is too long": {"table": "x" * 41},
    "a table that begins with a digit": {"table": "1a"},
    "a schema that leads elsewhere": {"schema_name": "a.b"},
    "a flag of text": {"create": "no"},
    "no time": {"timeout": 0},
    "endless time": {"connect_timeout": float("inf")},
    "time of text": {"timeout": "5"},
    "no connection": {"pool_size": 0},
    "a connection and a half": {"pool_size": 1.5},
    "a password of a wrong type": {"password": 5},
}
WRONG_URLS = [
    "", "files.db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://host/file", "sqlite:///a.db?mode=ro",
    "oracle://me@host/db", f"oracle://me:{CANARY}@host/db", "postgresql://host", "postgresql://host/", "mysql+x:/a/b",
    f"mysql://me:a@{CANARY}@host/db", f"mysql://me:a@b:{CANARY}@host/db", f"mysql://me:{CANARY}@host:port/db",
    "postgresql://me@host:99999/db", "postgresql://me@[::1/db", "postgresql://me@::1/db",
]  # fmt: skip
GOOD_URLS = {
    "postgresql://me:a:b/c@host:5432/db?sslmode=verify-full": "postgresql://host:5432/db",
    "postgresql://me@[::1]:5432/db": "postgresql://[::1]:5432/db",
    "mysql+pymysql://me@host/db": "mysql://host/db",
    "postgresql:///db?host=/run/postgresql": "postgresql:///db",
}


@clause("SQL-10")
@pytest.mark.parametrize("options", WRONG.values(), ids=WRONG)
def test_options_that_cannot_be_meant_are_refused_when_they_are_written(options):
    with pytest.raises((ConfigError, TypeError)):
        SqlBlobBackend("postgresql://me@host/db", **options)


@pytest.mark.parametrize("url", WRONG_URLS)
def test_urls_that_cannot_be_meant_are_refused_without_being_shown(url):
    for make in (lambda: SqlBlobBackend(url), lambda: SqlQueryBackend(url, {})):
        with pytest.raises(ConfigError) as refused:
            make()
        assert CANARY not in str(refused.value)
    with pytest.raises(TypeError):
        SqlBlobBackend(5)
    with pytest.raises(ConfigError, match="SQLite file has no password"):
        SqlBlobBackend("sqlite:///a.db", password="x")


@pytest.mark.parametrize("url", GOOD_URLS)
def test_urls_are_shown_without_user_password_and_options(url):
    assert SqlBlobBackend(url).native_path("") == GOOD_URLS[url]


@clause("ERR-01")
@pytest.mark.parametrize("option", ["no_such_option=1", "connect_timeout=soon"])
@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
def test_an_option_that_the_driver_does_not_take_is_a_matter_of_configuration(dialect, option, colour):
    url = f"{dialect}://me:{CANARY}@127.0.0.1:1/db?{option}"
    for backend in (SqlBlobBackend(url), SqlQueryBackend(url, {"a": "SELECT 1 AS x"})):
        with faced(backend, colour, retry=ONCE) as store:
            # psycopg is told how long to wait beside the URL
            kinds = (ConfigError, BackendUnavailable) if option == "connect_timeout=soon" else ConfigError
            with pytest.raises(kinds) as raised:
                store.read_bytes("a.csv")
            assert CANARY not in "".join(traceback.format_exception(raised.value))


@clause("SECRET-01")
def test_a_password_is_shown_nowhere(server):
    from urllib.parse import quote

    url = server.url.replace("tests@", f"tests:{quote(server.server.password, safe='')}@")
    for backend in (
        SqlBlobBackend(url, table=server.table),
        server.backend(),
        SqlBlobBackend(Secret(url), table=server.table),
    ):
        with Store(backend) as store:
            assert store.read_bytes(FILE) == CONTENT
            shown = [repr(store), str(store), store.native_path(FILE), repr(backend), str(store.resolve(FILE))]
            assert not [text for text in shown if "pass-word" in text]
            assert pickle.loads(pickle.dumps(store)) == store
            assert store.to_key(store.native_path(FILE)) == FILE
    with pytest.raises(ConfigError, match="carries no password"):
        Store.from_uri(url)
    with pytest.raises(ConfigError, match="carries no secrets"):
        Store.from_uri(f"{server.url}?password={CANARY}")
    with pytest.raises(ConfigError):
        Store.from_uri(f"{server.url}?table=a;b")
    with Store.from_uri(f"{server.url}/folder?table={server.table}", password=server.server.password) as store:
        assert store.read_bytes("file.bin") == CONTENT
        with pytest.raises(InvalidPath):
            store.read_bytes("../x")


@clause("SQL-11")
def test_an_engine_of_the_users_stays_the_users(place):
    from sqlalchemy import Engine, create_engine, make_url

    url = make_url(place.url)
    if place.kind != "sqlite":
        driver = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}[place.kind]
        url = url.set(drivername=driver, password=place.server.password)
    engine = create_engine(url)
    level = _level(engine)
    with Store(SqlBlobBackend(engine, table=place.table)) as store:
        store.write("a", bytes(3 << 20))
        store.write("b", b"small")
        store.copy("a", "c")
        assert store.read_bytes("c") == bytes(3 << 20)
        assert store.unwrap(Engine) is engine
        with pytest.raises(Exception, match="pickle"):
            pickle.dumps(store)
    assert _level(engine) == level
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"SELECT COUNT(*) FROM {place.table}").scalar() == 3
    assert place.litter() == []
    with faced(SqlBlobBackend(engine, table=place.table), "async") as store:
        assert store.read_bytes("b") == b"small"
    engine.dispose()


def _level(engine):
    with engine.connect() as connection:
        return connection.get_isolation_level()


def test_an_async_engine_serves_the_async_store(place):
    from sqlalchemy import make_url
    from sqlalchemy.ext.asyncio import create_async_engine

    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg_async", "mariadb": "mysql+asyncmy"}
    url = make_url(place.url).set(drivername=drivers[place.kind])
    engine = create_async_engine(url if place.kind == "sqlite" else url.set(password=place.server.password))
    backend = SqlBlobBackend(engine, table=place.table)
    with pytest.raises(ConfigError, match="AsyncEngine serves AsyncStore only"):
        Store(backend)

    async def work():
        async with AsyncStore(backend) as store:
            await store.write("a", bytes(3 << 20))
            await store.write("b", b"small")
            assert await store.read_bytes("a") == bytes(3 << 20)
            assert await store.read_range("a", 1 << 20, 5) == bytes(5)
            assert [entry.key async for entry in store.list_files()] == ["a", "b"]
        await engine.dispose()

    import asyncio

    asyncio.run(work())
    assert place.litter() == []


@clause("CONF-08")
@pytest.mark.parametrize(
    ("uri", "blocked", "says"),
    [
        ("sqlite:///a.db", "sqlalchemy", 'pip install "remote-store[sql]"'),
        ("postgresql://me@127.0.0.1:9/db", "psycopg", 'pip install "psycopg[binary]"'),
        ("mysql://me@127.0.0.1:9/db", "pymysql", "pip install pymysql"),
    ],
)
def test_what_is_not_installed_is_named_with_the_line_that_installs_it(uri, blocked, says):
    said = outcome(f"Store.from_uri({uri!r}).write('a', b'')", {blocked})
    assert said.startswith("ConfigError"), said
    assert says in said
