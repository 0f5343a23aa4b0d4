"""Values become files by their types, and come back by the types that are asked for."""

import math
from typing import Annotated, Any, Optional

import duckdb
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pytest

from remote_store import IntegrityError, NotFound, Store
from remote_store.backends.memory import MemoryBackend
from remote_store.ext.codecs import SUFFIXES, NoCodec, decode, encode, is_json, suffix_of
from remote_store.testing import clause

ROWS = {"city": ["Oslo", "Rome", None], "people": [709_037, 2_748_109, 3]}
TABLE = pa.table(ROWS)


@pytest.fixture
def store():
    with Store(MemoryBackend()) as made:
        yield made


@pytest.fixture(params=["memory", "local", "s3"])
def any_store(request, tmp_path):
    if request.param == "memory":
        opened = Store(MemoryBackend())
    elif request.param == "local":
        opened = Store.from_uri(f"file:{tmp_path}")
    else:
        server, bucket = request.getfixturevalue("seaweedfs"), request.getfixturevalue("seaweedfs_bucket")
        uri = f"s3://{bucket}?endpoint_url={server.endpoint_url}&region={server.region}"
        opened = Store.from_uri(uri, access_key=server.access_key, secret_key=server.secret_key)
    with opened as made:
        yield made


def put(store, value, **options):
    encoded = encode(value, **options)
    key = f"value{encoded.suffix}"
    return key, encoded.write(store, key)


PLAIN = {
    "bytes": (b"\x00\xff", bytes, ".bin"),
    "text": ("Grüße\r\n", str, ".txt"),
    "table": ({"a": [1, 2.5, None, True], "ü": {"b": "c"}}, dict, ".json"),
    "list": ([1, [2]], list, ".json"),
    "list of tables": ([{"a": 1}], list[dict[str, int]], ".json"),
    "number": (3, int, ".json"),
    "truth": (False, bool, ".json"),
    "nothing": (None, type(None), ".json"),
    "maybe": (1.5, float | None, ".json"),
    "maybe, as it was written once": ({"a": 1}, Optional[dict], ".json"),  # noqa: UP045
    "annotated": ("a", Annotated[str, "note"], ".txt"),
}


@clause("CODEC-01")
@pytest.mark.parametrize(("value", "kind", "suffix"), PLAIN.values(), ids=PLAIN)
def test_plain_values_come_back(store, value, kind, suffix):
    assert suffix_of(kind) == suffix
    key, written = put(store, value)
    assert key.endswith(suffix)
    assert decode(store, key, kind) == value
    assert type(decode(store, key, kind)) is type(value)
    assert written.result.size == len(store.read_bytes(key))
    assert (written.rows, written.columns, written.preview) == (None, (), ())


FRAMES = {
    "arrow": (lambda: TABLE, pa.Table),
    "arrow batch": (lambda: pa.RecordBatch.from_pydict(ROWS), pa.RecordBatch),
    "arrow stream": (TABLE.to_reader, pa.RecordBatchReader),
    "polars": (lambda: pl.DataFrame(ROWS), pl.DataFrame),
    "polars, lazy": (lambda: pl.DataFrame(ROWS).lazy(), pl.LazyFrame),
    "pandas": (lambda: pd.DataFrame(ROWS), pd.DataFrame),
    "duckdb": (lambda: duckdb.connect(":memory:").from_arrow(TABLE), duckdb.DuckDBPyRelation),
}


def rows_of(frame):
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame.to_dict(as_series=False)
    if isinstance(frame, pd.DataFrame):
        return pa.Table.from_pandas(frame, preserve_index=False).to_pydict()
    if isinstance(frame, duckdb.DuckDBPyRelation):
        return frame.to_arrow_table().to_pydict()
    return (frame.read_all() if isinstance(frame, pa.RecordBatchReader) else frame).to_pydict()


@clause("CODEC-02")
@pytest.mark.parametrize(("make", "kind"), FRAMES.values(), ids=FRAMES)
class TestFrames:
    def test_of_all_libraries_read_one_another(self, store, make, kind):
        key, written = put(store, make())
        assert key == "value.parquet"
        for _, other in FRAMES.values():
            found = decode(store, key, other)
            assert isinstance(found, other)
            assert rows_of(found) == ROWS
        assert written.rows == 3
        assert [name for name, _ in written.columns] == ["city", "people"]
        assert written.preview[0] == {"city": "Oslo", "people": 709_037}

    def test_come_back_from_every_store(self, any_store, make, kind):
        key, _ = put(any_store, make())
        assert rows_of(decode(any_store, key, kind)) == ROWS
        assert rows_of(decode(any_store, key, kind, columns=["people"])) == {"people": ROWS["people"]}

    def test_without_rows_come_back_with_their_columns(self, store, make, kind):
        key, written = put(store, pl.DataFrame(ROWS).head(0))
        assert written.rows == 0
        assert list(rows_of(decode(store, key, kind))) == ["city", "people"]


@clause("CODEC-02")
def test_polars_types_come_back():
    frame = pl.DataFrame(
        {
            "kind": pl.Series(["u", "v"], dtype=pl.Categorical),
            "one_of": pl.Series(["u", "v"], dtype=pl.Enum(["u", "v"])),
            "inner": [{"p": [1]}, {"p": [2]}],
            "time": pl.Series(["2024-01-01", "2024-01-02"]).str.to_datetime(time_zone="UTC"),
            "price": pl.Series(["1.5", "2.5"]).cast(pl.Decimal(10, 2)),
        }
    )
    store = Store(MemoryBackend())
    key, _ = put(store, frame)
    pl.testing.assert_frame_equal(decode(store, key, pl.DataFrame), frame, categorical_as_str=False)


@clause("CODEC-02")
def test_a_pandas_index_comes_back(store):
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key"))
    key, _ = put(store, frame)
    pd.testing.assert_frame_equal(decode(store, key, pd.DataFrame), frame)


@clause("CODEC-03")
@pytest.mark.parametrize("kind", [object, complex, set[int], tuple, int | str, "text"])
def test_a_type_without_a_codec_is_named(kind):
    with pytest.raises(NoCodec, match="no codec knows"):
        suffix_of(kind)


@clause("CODEC-03")
@pytest.mark.parametrize("value", [{1: 2}, [(1, 2)], {"a": {"b": math.nan}}, [math.inf], {"a": b"x"}], ids=repr)
def test_what_json_would_not_give_back_is_refused_before_anything_is_written(store, value):
    with pytest.raises(TypeError, match="JSON has no"):
        put(store, value)
    assert not list(store.list_files())


@clause("CODEC-04")
def test_pickles_are_made_and_read_only_where_that_is_said(store):
    with pytest.raises(NoCodec, match="complex"):
        encode(1j)
    key, _ = put(store, 1j, allow_pickle=True)
    assert key == "value.pickle"
    with pytest.raises(NoCodec):
        decode(store, key, complex)
    with pytest.raises(NoCodec, match="allow_pickle"):
        decode(store, key, Any, suffix=".pickle")
    assert decode(store, key, complex, allow_pickle=True) == 1j


@clause("CODEC-05")
def test_a_frame_that_fails_on_its_way_publishes_nothing(store):
    def fail(_):
        raise RuntimeError("half way")

    store.write("value.parquet", b"before")
    broken = pl.DataFrame(ROWS).lazy().map_batches(fail)
    with pytest.raises(Exception, match="half way"):
        put(store, broken)
    assert store.read_bytes("value.parquet") == b"before"
    assert [info.key for info in store.list_files()] == ["value.parquet"]


@clause("CODEC-05")
def test_the_same_value_becomes_the_same_bytes(store):
    found = set()
    for frame in (TABLE, TABLE, TABLE):
        key, _ = put(store, frame)
        found.add(store.read_bytes(key))
    assert len(found) == 1


@clause("CODEC-06")
@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".json", dict), (".txt", str), (".parquet", pa.Table), (".parquet", pl.DataFrame), (".parquet", pd.DataFrame)],
    ids=["json", "text", "arrow", "polars", "pandas"],
)
def test_a_file_of_another_kind_is_named(store, suffix, kind):
    store.write(f"broken{suffix}", b"\xff{")
    with pytest.raises(IntegrityError, match="not") as caught:
        decode(store, f"broken{suffix}", kind)
    assert caught.value.path == f"broken{suffix}"


@clause("CODEC-06")
@pytest.mark.parametrize("kind", [dict, str, bytes, pa.Table, pl.DataFrame, pl.LazyFrame])
def test_a_missing_file_is_not_found(store, kind):
    with pytest.raises(NotFound):
        decode(store, "missing", kind)


@clause("CODEC-06")
def test_a_missing_column_is_named(store):
    key, _ = put(store, TABLE)
    with pytest.raises(KeyError, match="nowhere"):
        decode(store, key, pa.Table, columns=["nowhere"])
    with pytest.raises(TypeError, match="columns"):
        decode(store, key, dict, columns=["city"])


def test_a_file_of_unknown_kind_is_read_by_its_suffix(store):
    for value in (TABLE, {"a": 1}, "text", b"bytes"):
        key, _ = put(store, value)
        suffix = next(suffix for suffix in SUFFIXES if key.endswith(suffix))
        found = decode(store, key, Any, suffix=suffix)
        assert rows_of(found) == ROWS if value is TABLE else found == value


@clause("CODEC-02")
@pytest.mark.parametrize("lazy", [False, True], ids=["eager", "lazy"])
def test_a_column_of_python_objects_is_named_and_nothing_is_written(store, lazy):
    frame = pl.DataFrame({"a": [1], "b": [object()]}, schema={"a": pl.Int64, "b": pl.Object})
    with pytest.raises(TypeError, match="column 'b' holds Python objects"):
        encode(frame.lazy() if lazy else frame)
    assert not list(store.list_files())


def test_what_json_can_hold_is_told():
    assert is_json(dict[str, int])
    assert is_json(str)
    assert is_json(Any)
    assert not is_json(pl.DataFrame)
    assert not is_json(object)


@clause("CODEC-02")
def test_one_column_of_a_big_file_does_not_fetch_the_others(tmp_path):
    store = Store.from_uri(f"file:{tmp_path}")
    wide = pl.select(small=pl.int_range(400_000), big=pl.int_range(400_000).hash())
    key, written = put(store, wide)
    assert written.result.size > 3_000_000
    assert decode(store, key, pl.DataFrame, columns=["small"]).equals(wide.select("small"))
