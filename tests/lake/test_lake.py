"""The lake: raw files in, tables published, engines fed, everything described."""

import hashlib
import pickle
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import polars as pl
import pytest

from remote_store import AlreadyExists, InvalidPath, NotFound, Secret, Store
from remote_store.backends.local import LocalBackend
from remote_store.backends.memory import MemoryBackend
from remote_store.backends.s3 import S3Backend
from remote_store.lake import Lake, chart
from remote_store.testing import clause

CSV = b"day,shop,amount\n2024-01-01,north,10\n2024-01-02,,25\n"
SALES = pl.DataFrame(
    {
        "day": [date(2024, 1, 1), date(2024, 1, 2), date(2024, 2, 1), None],
        "shop": ["north", None, "a/b=c%", "north"],
        "amount": [10, 25, 5, 7],
        "month": pl.Series([1, 1, 2, None], dtype=pl.Int8),
    }
)


@pytest.fixture(params=["memory", "local", pytest.param("s3", marks=pytest.mark.xdist_group("seaweedfs"))])
def lake(request, tmp_path):
    if request.param == "memory":
        backend = MemoryBackend()
    elif request.param == "local":
        backend = LocalBackend(tmp_path / "lake [1]")
    else:
        server = request.getfixturevalue("seaweedfs")
        bucket = server.make_bucket()
        backend = S3Backend(
            bucket, endpoint_url=server.endpoint_url, access_key=server.access_key, secret_key=server.secret_key
        )
    with Store(backend, "my/lake") as store:
        yield Lake(store)


@pytest.fixture
def landing():
    store = Store(MemoryBackend(), "in")
    store.write("sales/a.csv", CSV)
    store.write("sales/b.csv", CSV)
    store.write("other.txt", b"x")
    return store


@clause("LAKE-01")
def test_ingest_keeps_bytes_and_provenance(lake, landing):
    done = lake.bronze.ingest(landing, "sales/*.csv")
    assert (len(done.copied), done.skipped, done.size) == (2, 0, 2 * len(CSV))
    entry = lake.bronze.files()[0]
    assert lake.store.read_bytes("bronze/sales/a.csv") == CSV
    assert entry.key == "sales/a.csv"
    assert entry.source == landing.native_path("sales/a.csv")
    assert entry.sha256 == hashlib.sha256(CSV).hexdigest()
    assert entry.etag == landing.head("sales/a.csv").etag
    assert entry.size == len(CSV)


@clause("LAKE-02")
def test_ingest_again_copies_only_what_is_new_changed_or_gone(lake, landing):
    lake.bronze.ingest(landing, "sales/*.csv")
    assert lake.bronze.ingest(landing, "sales/*.csv") == ((), 2)
    landing.write("sales/c.csv", CSV)
    landing.write("sales/b.csv", CSV + b"2024-01-03,south,1\n", overwrite=True)
    lake.bronze.store.delete("sales/a.csv")
    done = lake.bronze.ingest(landing, "sales/*.csv")
    assert [entry.key for entry in done.copied] == ["sales/a.csv", "sales/b.csv", "sales/c.csv"]
    replaced = {entry.key: entry.replaced for entry in lake.bronze.files()}
    assert replaced["sales/b.csv"] == (hashlib.sha256(CSV).hexdigest(),)
    assert replaced["sales/a.csv"] == ()
    with pytest.raises(NotFound, match="nothing to ingest"):
        lake.bronze.ingest(landing, "*.parquet")


@clause("LAKE-03")
def test_two_sources_of_one_path_are_refused_unless_set_apart(lake, landing):
    lake.bronze.ingest(landing, "sales/a.csv")
    other = Store(MemoryBackend())
    other.write("sales/a.csv", b"other")
    with pytest.raises(AlreadyExists, match="into="):
        lake.bronze.ingest(other, "**/*.csv")
    lake.bronze.ingest(other, "**/*.csv", into="second")
    assert [entry.key for entry in lake.bronze.files()] == ["sales/a.csv", "second/sales/a.csv"]


@clause("LAKE-04")
def test_verify_names_what_is_not_as_it_was_ingested(lake, landing):
    lake.bronze.ingest(landing, "sales/*.csv")
    assert lake.bronze.verify() == ()
    lake.bronze.store.write("sales/a.csv", b"changed", overwrite=True)
    lake.bronze.store.delete("sales/b.csv")
    assert lake.bronze.verify() == ("sales/a.csv", "sales/b.csv")


def test_raw_files_are_scanned(lake, landing):
    lake.bronze.ingest(landing, "**/*.csv")
    frame = lake.bronze.scan("sales/*.csv", try_parse_dates=True).collect()
    assert frame["amount"].sum() == 70
    assert frame.schema["day"] == pl.Date
    with pytest.raises(NotFound, match="ingest it first"):
        lake.bronze.scan("*.parquet")


@clause("LAKE-05")
@pytest.mark.parametrize("native", [True, False])
def test_scan_gives_the_rows_with_typed_partitions(lake, native):
    table = lake.silver["sales"]
    table.write(SALES, partition_by=["month", "shop"])
    found = table.scan(native=native)
    assert found.collect_schema() == SALES.schema
    assert found.collect().sort("amount").equals(SALES.sort("amount"))
    for condition in (pl.col("month") == 1, pl.col("shop") == "a/b=c%", pl.col("shop").is_null(), pl.col("amount") > 9):
        assert found.filter(condition).select("amount").collect().height == SALES.filter(condition).height


@clause("LAKE-05")
@pytest.mark.parametrize("native", [True, False])
def test_any_text_in_a_partition_is_scanned_back(lake, native):
    texts = [
        "a/b",
        "..",
        "",
        "__HIVE_DEFAULT_PARTITION__",
        "x=1%2F",
        "ü ",
        "\0\x85",
        "a+b&c",
        "[*]?",
        "'\"",
        "\\",
        None,
    ]
    frame = pl.DataFrame({"a": range(len(texts)), "p": texts})
    lake.silver["t"].write(frame, partition_by=["p"])
    assert lake.silver["t"].scan(native=native).collect().sort("a").equals(frame)
    assert lake.sql("SELECT * FROM silver.t ORDER BY a").pl().equals(frame)


def test_an_empty_table_is_scanned_and_queried(lake):
    lake.silver["none"].write(SALES.clear(), partition_by=["month"])
    assert lake.silver["none"].scan().collect().equals(SALES.clear())
    assert lake.sql("SELECT count(*) FROM silver.none").fetchall() == [(0,)]


@clause("LAKE-06")
def test_sql_sees_layers_as_schemas(lake):
    lake.silver["sales"].write(SALES, partition_by=["month", "shop"])
    relation = lake.sql("SELECT month, sum(amount) AS total FROM silver.sales GROUP BY 1 ORDER BY 1 NULLS LAST")
    lake.gold["totals"].write(relation)
    rates = pl.DataFrame({"month": [1, 2], "rate": [2, 3]})
    query = "SELECT sum(total * rate) FROM gold.totals JOIN rates USING (month)"
    assert lake.sql(query, rates=rates).fetchall() == [(85,)]
    assert lake.sql("SELECT count(*) FROM silver.sales WHERE amount > ?", params=[9]).fetchall() == [(2,)]
    with_cte = 'WITH s AS (SELECT * FROM "silver"."sales") SELECT count(*) FROM s -- silver.gone'
    assert lake.sql(with_cte).fetchall() == [(4,)]


@clause("LAKE-06")
def test_sql_opens_only_the_tables_that_are_named():
    opened = []

    class Watch:
        async def __call__(self, op, call):
            opened.append(op.key)
            return await call()

    lake = Lake(Store(MemoryBackend(), layers=[Watch()]))
    for name in ("a", "b", "c"):
        lake.silver[name].write(SALES)
    opened.clear()
    lake.sql("SELECT 'silver.c' FROM silver.a JOIN silver.b USING (amount) /* silver.c */").fetchall()
    assert not [key for key in opened if key.startswith("c/")]
    assert [key for key in opened if key.startswith("b/")]


@clause("LAKE-06")
def test_sql_names_a_missing_table(lake):
    with pytest.raises(NotFound, match=r"silver\.gone"):
        lake.sql("SELECT * FROM silver.gone")
    with pytest.raises(TypeError, match="str"):
        lake.sql(1)


@clause("LAKE-07")
def test_describe_tells_what_is_there(lake, landing):
    assert lake.describe().height == 0
    lake.bronze.ingest(landing, "sales/a.csv")
    lake.silver["sales"].write(SALES, partition_by=["month"])
    lake.gold["all"].write(SALES)
    found = lake.describe()
    assert found["name"].to_list() == ["sales/a.csv", "sales", "all"]
    assert found["rows"].to_list() == [None, 4, 4]
    assert found["files"].to_list() == [1, 3, 1]
    assert found["partitions"].to_list() == [None, 3, None]
    assert found["bytes"].min() > 0
    assert abs((found["updated"].max() - datetime.now(UTC)).total_seconds()) < 60
    assert [table.name for table in lake.silver] == ["silver.sales"]


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.text = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "action", "data")]

    def handle_data(self, data):
        self.text.append(data)


@clause("LAKE-08")
def test_the_report_loads_nothing_and_escapes_everything(landing):
    evil = "<script>alert(1)</script>&\"'"
    lake = Lake(Store(MemoryBackend(evil)))
    source = Store(MemoryBackend())
    source.write("raw<img src=x>.csv", CSV)
    lake.bronze.ingest(source)
    frame = pl.DataFrame({evil: [1, 2, 3], "p": [evil, None, "<b>"]})
    lake.silver["<i>t"].write(frame, partition_by=["p"])
    bars = chart.bars(evil, [(evil, 1.0), ("b", 2.5)])
    text = lake.report(title=evil, charts={evil: bars})
    page = Page(text)
    assert not page.tags & {"script", "img", "i", "b ", "link", "iframe"}
    assert page.links == []
    assert "url(" not in text
    assert "@import" not in text
    assert evil in "".join(page.text)
    assert "prefers-color-scheme:dark" in text


@clause("LAKE-08")
def test_the_report_shows_every_table_and_partition(lake, landing):
    lake.bronze.ingest(landing, "sales/*.csv")
    lake.silver["sales"].write(SALES, partition_by=["month"])
    lake.silver["wide"].write(pl.DataFrame({"a": range(90), "p": range(90)}), partition_by=["p"])
    text = " ".join(Page(lake.report()).text)
    for word in ("sales", "wide", "amount", "date32[day]", "sales/a.csv", "of 90 partitions", "updated 20"):
        assert word in text, word
    assert "Nothing is in this lake yet" in Lake(Store(MemoryBackend())).report()


@clause("LAKE-08")
def test_the_report_of_one_row_says_row_and_shows_zero_without_a_sign():
    lake = Lake(Store(MemoryBackend()))
    lake.gold["one"].write(pl.DataFrame({"zero": [0.0]}))
    text = Page(lake.report()).text
    assert {" row", " file", " column"} <= set(text)
    assert "-0" not in text


@clause("LAKE-09")
def test_lakes_and_tables_pickle(tmp_path):
    lake = Lake(Store(LocalBackend(tmp_path)))
    lake.silver["sales"].write(SALES)
    again = pickle.loads(pickle.dumps(lake))
    assert again.silver["sales"].scan().collect().equals(SALES)
    table = pickle.loads(pickle.dumps(lake.silver["sales"]))
    assert table.scan().collect().equals(SALES)


@clause("LAKE-10")
def test_progress_goes_to_the_callback(landing):
    seen = []
    lake = Lake(Store(MemoryBackend()), progress=seen.append)
    lake.bronze.ingest(landing, "sales/*.csv")
    lake.silver["sales"].write(SALES)
    assert [(step.what, step.done, step.total) for step in seen if step.what == "bronze"] == [
        ("bronze", 1, 2),
        ("bronze", 2, 2),
    ]
    assert seen[-1] == ("silver.sales", 4, 4, "rows")


def test_progress_is_a_line_on_stderr_where_that_is_asked_for(capsys):
    lake = Lake(Store(MemoryBackend()), progress=True)
    lake.silver["sales"].write(SALES)
    assert capsys.readouterr().out == ""


@clause("LAKE-12")
@pytest.mark.xdist_group("seaweedfs")
def test_engines_get_secrets_and_nobody_else(seaweedfs):
    bucket = seaweedfs.make_bucket()
    backend = S3Backend(
        bucket,
        endpoint_url=seaweedfs.endpoint_url,
        access_key=seaweedfs.access_key,
        secret_key=seaweedfs.secret_key,
    )
    lake = Lake(Store(backend))
    lake.silver["sales"].write(SALES, partition_by=["month"])
    place = lake.store.describe("silver/sales")
    assert place.uri == f"s3://{bucket}/silver/sales"
    assert isinstance(place.options["aws_secret_access_key"], Secret)
    shown = [place, lake, lake.silver["sales"], lake.silver["sales"].scan().explain(), lake.describe(), lake.report()]
    assert not [text for text in map(str, shown) if seaweedfs.secret_key in text]


def test_vacuum_cleans_every_table(lake):
    for layer in (lake.silver, lake.gold):
        layer["t"].write(SALES)
        layer["t"].write(SALES)
    assert lake.vacuum().files == 0
    assert lake.vacuum(0).files == 2
    assert lake.silver["t"].scan().collect().equals(SALES)


@pytest.mark.parametrize("name", ["a/b", "_x", ".x", "", ".."])
def test_names_that_cannot_be_a_table_are_refused(name):
    with pytest.raises(InvalidPath):
        Lake(Store(MemoryBackend())).silver[name]


def test_errors_name_the_table():
    with pytest.raises(NotFound, match=r"gold\.totals does not exist yet"):
        Lake(Store(MemoryBackend())).gold["totals"].scan()


def test_charts_are_drawn_of_any_numbers():
    for rows in ([], [("a", 0.0)], [("a", 1.0), ("b", 1e9)], [("a", 0.25)]):
        for draw in (chart.bars, chart.columns):
            assert draw("t", rows).standalone().startswith("<svg")
    heat = chart.heatmap("t", ["x", "y"], ["1"], [[None, 2.0]])
    assert len(re.findall('class="cell', heat.svg)) == 1 + chart.SHADES
