"""Results of queries as files: what they hold, what their keys may ask, and that nothing can be written."""

# ruff: noqa: S608  the tables are named here

import contextlib
import io
import json
import os
import pickle
import sqlite3
import subprocess
import sys
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

import remote_store
from remote_store import (
    AlreadyExists,
    CapabilityNotSupported,
    ConfigError,
    ContainerNotFound,
    InvalidPath,
    NotFound,
    RemoteStoreError,
    Store,
)
from remote_store.backends.sql import SqlQueryBackend
from remote_store.testing import clause
from remote_store.testing.faces import COLOURS, opened

SOURCE = str(Path(remote_store.__file__).parents[1])
SALES = [("EU", 2023, "1.50"), ("EU", 2024, "2.25"), ("US", 2024, "10.00"), ("a b/c", 2024, "7.00")]
BY_REGION = "SELECT region, year, price FROM {table} WHERE region = :region AND year = :year ORDER BY price"
TYPES = {
    "postgresql": r"""
        SELECT CAST(1 AS smallint) AS small, 9007199254740993 AS big, CAST(1.5 AS float8) AS real,
        CAST(1.25 AS numeric(10, 2)) AS price, CAST(1.5 AS numeric) AS free, true AS yes, CAST(NULL AS int) AS none,
        CAST('\xff00' AS bytea) AS raw, CAST('{"a"\: [1]}' AS jsonb) AS doc, CAST('2024-02-03' AS date) AS day,
        CAST('2024-02-03 04\:05\:06.000007+02' AS timestamptz) AS at,
        CAST('2024-02-03 04\:05\:06' AS timestamp) AS there,
        CAST('00000000-0000-0000-0000-000000000007' AS uuid) AS id""",
    "mariadb": r"""
        SELECT 1 AS small, 9007199254740993 AS big, 1.5e0 AS `real`, 1.25 AS price, CAST(1.5 AS DECIMAL(20, 9)) AS free,
        TRUE AS yes, CAST(NULL AS SIGNED) AS none, X'FF00' AS raw, JSON_OBJECT('a', 1) AS doc, DATE '2024-02-03' AS day,
        TIMESTAMP '2024-02-03 04\:05\:06' AS there""",
    "sqlite": "SELECT 1 AS small, 9007199254740993 AS big, 1.5 AS real, X'FF00' AS raw, NULL AS none, 'é' AS text",
}


@pytest.fixture(params=COLOURS)
def colour(request):
    return request.param


@clause("SQLQ-07")
def test_a_uri_names_the_database_and_the_queries_come_beside_it(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "shop.db")) as shop, shop:
        shop.execute("CREATE TABLE sales (region)")
        shop.execute("INSERT INTO sales VALUES ('EU')")
    uri = f"sql-query+sqlite:///{tmp_path}/shop.db?formats=csv"
    with Store.from_uri(uri, queries={"all": "SELECT * FROM sales"}) as store:
        assert [info.key for info in store.list_files()] == ["all.csv"]
        assert store.read_text("all.csv") == '"region"\n"EU"\n'


@clause("SQLQ-07")
@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("sql-query+sqlite:///a.db", "queries"),
        ("sql-query+sqlite:///a.db?queries=x", "queries"),
        ("sql-query+postgresql://me:canary@host/db", "a URI carries no password"),
        ("sql-query+oracle://host/db", "unknown URI scheme"),
        ("sql-query:sqlite:///a.db", r"URIs of that backend begin with 'sql-query\+mariadb:' or"),
    ],
)
def test_a_uri_without_queries_or_with_a_secret_is_refused(uri, why):
    with pytest.raises(ConfigError, match=why) as caught:
        Store.from_uri(uri)
    assert "canary" not in str(caught.value)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def place(request, tmp_path):
    """A database with a table of sales: how to connect, its URL, its password and the table."""
    table = f"sales_{uuid.uuid4().hex[:8]}"
    if request.param == "sqlite":
        file = tmp_path / "data.db"
        connection, made = sqlite3.connect(file, isolation_level=None), (f"sqlite:///{file}", None)
    else:
        server = request.getfixturevalue(request.param)
        database = request.getfixturevalue(f"{request.param}_database")
        connection, made = server.connect(database), (server.url(database), server.password)
    with contextlib.closing(connection):
        mark = "?" if request.param == "sqlite" else "%s"
        cursor = connection.cursor()
        cursor.execute(f"CREATE TABLE {table} (region VARCHAR(20), year INTEGER, price NUMERIC(10, 2))")
        cursor.executemany(f"INSERT INTO {table} VALUES ({mark}, {mark}, {mark})", SALES)
        yield request.param, connection, *made, table


@pytest.fixture
def store_of(place, colour):
    _, _, url, password, table = place
    with contextlib.ExitStack() as stores:

        def make(queries, **options):
            worded = json.loads(json.dumps(queries).replace("{table}", table))
            backend = SqlQueryBackend(url, worded, password=password, **options)
            return stores.enter_context(opened(backend, "", colour))

        yield make


def tables(store, stem):
    """Read a result in all its forms."""
    yield pyarrow.parquet.read_table(io.BytesIO(store.read_bytes(f"{stem}.parquet")))
    yield pa.ipc.open_file(store.read_bytes(f"{stem}.arrow")).read_all()


@clause("SQLQ-01")
def test_a_query_is_a_file_in_three_forms(store_of):
    store = store_of({"all": "SELECT region, year FROM {table} ORDER BY year, region"})
    expected = [{"region": "EU", "year": 2023}, *[{"region": r, "year": 2024} for r in ("EU", "US", "a b/c")]]
    for table in tables(store, "all"):
        assert sorted(table.to_pylist(), key=str) == sorted(expected, key=str)
    text = store.read_text("all.csv")
    assert text.splitlines()[0] == '"region","year"'
    assert sorted(pyarrow.csv.read_csv(io.BytesIO(text.encode())).to_pylist(), key=str) == sorted(expected, key=str)
    with store.read("all.csv") as stream:
        assert stream.info.size == len(text)
        assert stream.info.content_type == "text/csv"
        assert stream.info.etag == stream.info.digest.value
        assert stream.read() == text.encode()
    assert store.read_range("all.csv", 1, 6) == b"region"


@clause("SQLQ-02")
def test_parameters_are_bound_from_the_key(store_of):
    store = store_of({"sales": {"sql": BY_REGION, "parameters": {"region": "str", "year": "int"}}})

    def rows(key):
        return [row["year"] for row in pa.ipc.open_file(store.read_bytes(key)).read_all().to_pylist()]

    assert rows("sales/region=EU/year=2024.arrow") == [2024]
    assert rows("sales/region=a b%2Fc/year=2024.arrow") == [2024]
    assert rows("sales/region=' OR 1%3D1 --/year=2024.arrow") == []
    assert rows("sales/region=%25/year=2024.arrow") == []
    assert store.exists("sales/region=EU/year=2024.parquet")
    assert list(store.list_files(recursive=True)) == []  # nobody said which values there are


@clause("SQLQ-02")
def test_a_key_that_asks_wrongly_is_refused_with_the_reason(store_of):
    queries = {"sales": {"sql": BY_REGION, "parameters": {"region": ["EU", "US"], "year": "int"}}, "hidden": "SELECT 1"}
    store = store_of(queries, formats="csv")
    for key in ("nothing.csv", "sales", "sales.parquet", "sale/region=EU/year=1.csv", "x/sales/region=EU/year=1.csv"):
        with pytest.raises(NotFound) as missing:
            store.read_bytes(key)
        assert "hidden" not in str(missing.value)
        assert "SELECT" not in str(missing.value)
        assert not store.exists(key)
    with pytest.raises(NotFound, match="no such value"):
        store.read_bytes("sales/region=Mars/year=2024.csv")
    for key in ("sales.csv", "sales/region=EU.csv", "sales/year=2024/region=EU.csv", "sales/region=EU/year=1/x=2.csv"):
        with pytest.raises(InvalidPath, match="the query is read as 'sales/region=…/year=…'"):
            store.read_bytes(key)
    for year in ("abc", "1.5", "1;DROP TABLE x", ""):
        with pytest.raises(InvalidPath, match="'year' is of the type int"):
            store.read_bytes(f"sales/region=EU/year={year}.csv")
    with pytest.raises(InvalidPath, match="another spelling"):
        store.read_bytes("sales/region=EU/year=02024.csv")


@clause("SQLQ-03")
def test_declared_values_are_listed_in_order(store_of):
    queries = {
        "sales": {"sql": BY_REGION, "parameters": {"region": ["US", "EU", "a/b"], "year": [2024, 2023]}},
        "all": "SELECT 1 AS one",
        "deep/er": "SELECT 1 AS one",
    }
    store = store_of(queries, formats="parquet csv")
    found = [entry.key for entry in store.list_files(recursive=True)]
    assert found == sorted(found)
    assert len(found) == 2 * (6 + 1 + 1)
    assert "sales/region=a%2Fb/year=2023.csv" in found
    assert [entry.key for entry in store.iter_children()] == ["all.csv", "all.parquet", "deep", "sales"]
    assert [entry.key for entry in store.list_folders("sales")] == [f"sales/region={r}" for r in ("EU", "US", "a%2Fb")]
    assert all(entry.size == -1 for entry in store.list_files(recursive=True))
    assert store.get_file_info("all.csv").size == -1
    assert all(store.read_bytes(key) for key in found)
    assert [entry.key for entry in store.child("deep").list_files()] == ["er.csv", "er.parquet"]


@clause("SQLQ-05")
def test_types_survive(store_of, place):
    kind = place[0]
    store = store_of({"types": TYPES[kind]})
    for table in tables(store, "types"):
        (row,) = table.to_pylist()
        assert (row["small"], row["big"], row["raw"], row["none"]) == (1, 9007199254740993, b"\xff\x00", None)
        assert row["real"] == 1.5
        if kind != "sqlite":
            assert row["price"] == Decimal("1.25")
            assert row["free"] == Decimal("1.5")
            assert row["day"] == date(2024, 2, 3)
            assert row["there"] == datetime(2024, 2, 3, 4, 5, 6)  # noqa: DTZ001  the database knows no zone
            assert json.loads(row["doc"]) in ({"a": [1]}, {"a": 1})
        if kind == "postgresql":
            assert row["at"] == datetime(2024, 2, 3, 2, 5, 6, 7, tzinfo=UTC)
            assert table.schema.field("none").type == pa.int32()
            assert table.schema.field("price").type == pa.decimal128(10, 2)
            assert row["id"] == str(uuid.UUID(int=7))
    header, line = store.read_text("types.csv").splitlines()
    assert "raw" in header
    assert "/wA=" in line


def test_an_empty_result_has_its_columns(store_of):
    store = store_of({"none": "SELECT region, year FROM {table} WHERE 1 = 0"})
    for table in tables(store, "none"):
        assert (table.num_rows, table.column_names) == (0, ["region", "year"])
    assert store.read_text("none.csv") == '"region","year"\n'


@clause("SQLQ-06")
def test_a_result_of_many_batches_is_whole(store_of, place):
    queries = {"many": "SELECT a.year AS year, b.year AS other FROM {table} a, {table} b, {table} c ORDER BY 1, 2"}
    store = store_of(queries, batch_rows=7)
    assert pyarrow.parquet.ParquetFile(io.BytesIO(store.read_bytes("many.parquet"))).num_row_groups == 10
    for table in tables(store, "many"):
        assert table.num_rows == 64
        assert sorted(table.column("year").to_pylist()) == [2023] * 16 + [2024] * 48


@clause("SQLQ-02")
def test_values_of_every_type_are_bound_on_every_database(store_of):
    kinds = {
        "str": "a b", "int": 9223372036854775807, "float": "1.5", "bool": "true", "decimal": "1.50",
        "date": "2024-02-03", "datetime": "2024-02-03T04:05:06",
    }  # fmt: skip
    asked = "SELECT COUNT(*) AS n FROM {table} WHERE year = 2024 AND :x IS NOT NULL"
    store = store_of(
        {kind: {"sql": asked.replace(":x", _cast(kind)), "parameters": {"x": kind}} for kind in kinds}
        | {"price": {"sql": "SELECT region FROM {table} WHERE price = :x", "parameters": {"x": "decimal"}}}
    )
    for kind, value in kinds.items():
        assert store.read_text(f"{kind}/x={value}.csv").split() == ['"n"', "3"], kind
    assert store.read_text("price/x=2.25.csv").split() == ['"region"', '"EU"']


def _cast(kind):
    return ":x" if kind != "str" else "CAST(:x AS CHAR(9))"


@clause("SQLQ-02", "ERR-01")
def test_values_that_a_database_cannot_take_are_invalid(store_of):
    wrong = {"int": ["9223372036854775808", "9" * 30], "str": ["%00"], "float": ["nan", "inf"]}
    wrong["decimal"] = ["NaN", "sNaN", "Infinity"]
    asked = "SELECT region FROM {table} WHERE region = :x"
    store = store_of({kind: {"sql": asked, "parameters": {"x": kind}} for kind in wrong})
    for kind, values in wrong.items():
        for value in values:
            with pytest.raises(InvalidPath, match=f"of the type {kind}"):
                store.read_bytes(f"{kind}/x={value}.csv")


@clause("SQL-11")
def test_a_query_that_fails_leaves_a_database_in_memory_alive(colour):
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t AS SELECT 1 AS x UNION ALL SELECT X'00'")
    queries = {
        "absent": "SELECT * FROM nowhere", "odd": "SELECT x FROM t", "write": "DELETE FROM t",
        "good": "SELECT COUNT(*) AS n FROM t",
    }  # fmt: skip
    with opened(SqlQueryBackend(engine, queries), "", colour) as store:
        for name in ("absent", "odd", "write"):
            with pytest.raises(RemoteStoreError):
                store.read_bytes(f"{name}.csv")
            assert store.read_text("good.csv").split() == ['"n"', "2"]
    with engine.begin() as connection:  # which may be written again
        connection.exec_driver_sql("DELETE FROM t")
    engine.dispose()


@clause("SQLQ-03")
def test_the_size_of_a_folder_of_results_is_as_unknown_as_theirs(store_of):
    store = store_of({"a/b": "SELECT 1 AS x", "a/c": "SELECT 1 AS x"})
    info = store.get_folder_info("a")
    assert (info.file_count, info.total_size) == (6, -1)


@clause("SQLQ-04")
def test_nothing_can_be_written(store_of, place):
    kind, connection, *_, table = place
    store = store_of(
        {
            "delete": "DELETE FROM {table}",
            "drop": "DROP TABLE {table}",
            "all": "SELECT COUNT(*) AS n FROM {table}",
        }
    )
    for key in ("delete.csv", "drop.csv"):
        with pytest.raises(RemoteStoreError):
            store.read_bytes(key)
    with pytest.raises(CapabilityNotSupported):
        store.write("all.csv", b"")
    cursor = connection.cursor()
    cursor.execute(f"SELECT COUNT(*) FROM {table}")
    assert cursor.fetchone()[0] == len(SALES)
    assert store.read_text("all.csv").split() == ['"n"', "4"]
    assert kind


def test_what_a_query_cannot_give_is_said(store_of):
    store = store_of({"twice": "SELECT 1 AS a, 2 AS a", "absent": "SELECT * FROM no_such_table_at_all"})
    with pytest.raises(RemoteStoreError, match="two columns 'a'"):
        store.read_bytes("twice.csv")
    with pytest.raises(ContainerNotFound, match="a table is missing"):
        store.read_bytes("absent.csv")


WRONG = {
    "no mapping": ["a"],
    "a name with a dot": {"a.b": "SELECT 1"},
    "a name that leads out": {"../a": "SELECT 1"},
    "no SQL": {"a": ""},
    "an unknown setting": {"a": {"sql": "SELECT 1", "params": {}}},
    "a parameter that is not bound": {"a": {"sql": "SELECT 1", "parameters": {"x": "int"}}},
    "a parameter that is not declared": {"a": "SELECT :x"},
    "an unknown type": {"a": {"sql": "SELECT :x", "parameters": {"x": "integer"}}},
    "no values": {"a": {"sql": "SELECT :x", "parameters": {"x": []}}},
    "values of two types": {"a": {"sql": "SELECT :x", "parameters": {"x": [1, "a"]}}},
    "a hostile parameter": {"a": {"sql": "SELECT :x", "parameters": {"x; DROP": "int"}}},
}


@pytest.mark.parametrize("queries", WRONG.values(), ids=WRONG)
def test_a_declaration_that_cannot_be_meant_is_refused(queries):
    with pytest.raises((ConfigError, TypeError)) as refused:
        SqlQueryBackend("sqlite:///x.db", queries)
    assert not isinstance(refused.value, AlreadyExists)


def test_a_missing_file_is_a_missing_container(tmp_path):
    with Store(SqlQueryBackend(f"sqlite:///{tmp_path}/none.db", {"a": "SELECT 1 AS x"})) as store:
        with pytest.raises(ContainerNotFound, match=r"none\.db"):
            store.read_bytes("a.csv")
        assert not (tmp_path / "none.db").exists()


STREAMER = """
import pickle, sys
from remote_store import Store

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

with Store(pickle.loads(bytes.fromhex(sys.argv[1]))) as store:
    for key in ("few.parquet", "few.csv", "few.arrow"):
        store.read_bytes(key)
    base = peak()
    for key in ("many.csv", "many.arrow", "many.parquet"):
        with store.read(key) as stream:
            size = sum(map(len, stream.chunks()))
        assert size == stream.info.size > 10_000, (key, size)
    print(peak() - base)
"""


@clause("SQLQ-06")
def test_a_big_result_passes_in_constant_memory(place):
    kind, connection, url, password, table = place
    cursor = connection.cursor()
    for _ in range(5):  # 4 rows become 128
        cursor.execute(f"INSERT INTO {table} SELECT region, year + 1, price FROM {table}")
    size = "repeat('x', 4000)" if kind != "sqlite" else "printf('%4000d', b.year)"
    many = f"SELECT a.year, {size} AS text, a.price FROM {table} a, {table} b"
    queries = {"many": many, "few": f"{many} WHERE a.year = 2023 LIMIT 10"}
    backend = SqlQueryBackend(url, queries, password=password, batch_rows=500)
    done = subprocess.run(
        [sys.executable, "-c", STREAMER, pickle.dumps(backend).hex()],
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout) < 48  # of 64 MiB in each form
