"""Parquet datasets: what is written, who sees it, and what is left behind."""

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from remote_store import (
    Capability,
    CapabilityNotSupported,
    IntegrityError,
    NotFound,
    PreconditionFailed,
    Store,
)
from remote_store.backends.local import LocalBackend
from remote_store.backends.memory import MemoryBackend
from remote_store.ext.parquet import Dataset, Limits, SchemaMismatch
from remote_store.testing import clause

FRAME = pl.DataFrame({"a": [1, 2, 3, 4], "shop": ["x", "y", "x", None]})
HOSTILE = ["a/b", "..", "", "__HIVE_DEFAULT_PARTITION__", "x=1%2F", "ü ", "\0\x85", "a+b&c", "[*]?", "'\"", "\\", None]


@pytest.fixture
def store(backend):
    with Store(backend) as store:
        yield store


@pytest.fixture
def table(store):
    return Dataset(store, "tables/t", name="silver.t")


def rows(table):
    return sorted(table.read().to_pylist(), key=lambda row: row["a"])


def data_files(table):
    return [info.key for info in table.store.list_files(table.folder, recursive=True) if "/_" not in info.key]


def gathered(frame):
    return sorted(frame.to_dicts(), key=lambda row: row["a"])


@clause("PQ-01")
def test_rows_types_and_order_of_columns_come_back(table):
    frame = pl.DataFrame(
        {
            "a": pl.Series([1, 2], dtype=pl.Int8),
            "part": [1, 2],
            "f": [1.5, None],
            "s": ["x", None],
            "b": [b"1", None],
            "t": [datetime(2024, 1, 1, tzinfo=UTC), None],
            "d": [date(2024, 1, 1), None],
            "n": [Decimal("1.50"), None],
            "l": [[1, 2], None],
            "o": [{"x": 1}, None],
        }
    )
    table.write(frame, partition_by=["part"])
    found = pl.from_arrow(table.read())
    assert found.schema == frame.schema
    assert found.sort("a").equals(frame)
    assert table.schema.names == frame.columns


@clause("PQ-02")
@pytest.mark.parametrize(
    "frame",
    [
        FRAME,
        FRAME.lazy(),
        FRAME.to_arrow(),
        FRAME.to_arrow().to_batches()[0],
        FRAME.to_arrow().to_reader,
        lambda: ds.dataset(FRAME.to_arrow()),
        lambda: ds.dataset(FRAME.to_arrow()).scanner(),
        lambda: duckdb.from_arrow(FRAME.to_arrow()),
        FRAME.with_columns(pl.col("shop").cast(pl.Categorical)),
    ],
    ids=["polars", "lazy", "arrow", "batch", "reader", "dataset", "scanner", "duckdb", "categorical"],
)
def test_every_kind_of_frame_is_written(frame):
    table = Dataset(Store(MemoryBackend()))
    table.write(frame() if callable(frame) else frame, partition_by=["shop"])
    assert rows(table) == FRAME.to_dicts()


@clause("PQ-02")
@pytest.mark.parametrize("frame", [[1], {"a": [1]}, "a", None, 1])
def test_anything_else_is_a_type_error(frame):
    with pytest.raises(TypeError, match="polars DataFrame"):
        Dataset(Store(MemoryBackend())).write(frame)


@clause("PQ-03")
def test_modes_replace_all_some_or_no_rows(table):
    table.write(FRAME, partition_by=["shop"])
    table.write(FRAME, mode="append")
    assert table.manifest().rows == 8
    table.write(pl.DataFrame({"a": [9], "shop": ["x"]}), mode="overwrite_partitions")
    assert [row["a"] for row in rows(table)] == [2, 2, 4, 4, 9]
    table.write(FRAME.head(1))
    assert rows(table) == FRAME.head(1).to_dicts()
    with pytest.raises(ValueError, match="'append'"):
        table.write(FRAME, mode="replace")


@clause("PQ-04")
def test_a_reader_sees_the_old_rows_or_the_new(tmp_path):
    table = Dataset(Store(LocalBackend(tmp_path)))
    table.write(pl.DataFrame({"a": [0] * 50, "p": list(range(5)) * 10}), partition_by=["p"])
    done = threading.Event()

    def overwrite():
        for number in range(1, 15):
            table.write(pl.DataFrame({"a": [number] * 50, "p": list(range(5)) * 10}))
        done.set()

    seen = []
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(overwrite)
        while not done.is_set() and not writing.done():
            found = table.read()["a"].to_pylist()
            assert len(found) == 50
            assert len(set(found)) == 1
            seen.append(found[0])
        writing.result()
    assert seen == sorted(seen)


@clause("PQ-04")
def test_a_dataset_opened_before_an_overwrite_still_reads_the_old_rows(table):
    table.write(FRAME, partition_by=["shop"])
    opened = table.dataset()
    table.write(FRAME.head(1))
    assert opened.count_rows() == 4
    assert table.dataset().count_rows() == 1


@clause("PQ-05")
def test_appends_at_once_all_land(table):
    def append(number):
        Dataset(table.store, table.folder).write(pl.DataFrame({"a": [number]}), mode="append")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(append, range(12)))
    assert [row["a"] for row in rows(table)] == list(range(12))
    assert table.manifest().version == 12


APPEND = """
import sys, polars as pl
from remote_store import Store
from remote_store.ext.parquet import Dataset
table = Dataset(Store.from_uri("file://" + sys.argv[1]))
for number in range(5):
    table.write(pl.DataFrame({"a": [int(sys.argv[2]) * 10 + number]}), mode="append")
"""


@clause("PQ-05")
def test_appends_of_several_processes_all_land(tmp_path):
    writers = [subprocess.Popen([sys.executable, "-c", APPEND, str(tmp_path), str(number)]) for number in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    found = [row["a"] for row in rows(Dataset(Store(LocalBackend(tmp_path))))]
    assert found == [tens * 10 + ones for tens in range(3) for ones in range(5)]


@clause("PQ-06")
def test_of_overwrites_at_once_one_wins(table):
    table.write(pl.DataFrame({"a": [-1]}))
    ready = threading.Barrier(4)

    def overwrite(number):
        def batches():
            yield pa.record_batch({"a": [number]})
            ready.wait(30)  # everyone has read the state that is to be replaced

        frame = pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), batches())
        try:
            Dataset(table.store, table.folder, name="silver.t").write(frame)
        except PreconditionFailed as error:
            return str(error)
        return number

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(overwrite, range(4)))
    winners = [result for result in results if isinstance(result, int)]
    assert len(winners) == 1
    assert rows(table) == [{"a": winners[0]}]
    assert all("silver.t" in result for result in results if isinstance(result, str))
    assert len(data_files(table)) == 2  # the winner's, and the one it replaced


@clause("PQ-06")
def test_partitions_are_overwritten_at_once_where_they_differ(table):
    table.write(FRAME, partition_by=["shop"])

    def slow():
        yield pa.record_batch({"a": [7], "shop": ["x"]})
        table.write(pl.DataFrame({"a": [8], "shop": ["y"]}), mode="overwrite_partitions")

    schema = pa.schema([("a", pa.int64()), ("shop", pa.string())])
    table.write(pa.RecordBatchReader.from_batches(schema, slow()), mode="overwrite_partitions")
    assert [row["a"] for row in rows(table)] == [4, 7, 8]

    def clash():
        yield pa.record_batch({"a": [1], "shop": ["x"]})
        table.write(pl.DataFrame({"a": [2], "shop": ["x"]}), mode="overwrite_partitions")

    with pytest.raises(PreconditionFailed):
        table.write(pa.RecordBatchReader.from_batches(schema, clash()), mode="overwrite_partitions")
    assert [row["a"] for row in rows(table)] == [2, 4, 8]


@clause("PQ-07")
def test_a_failing_frame_publishes_nothing_and_leaves_no_file(table):
    table.write(FRAME)
    before = data_files(table)

    def failing():
        yield pa.record_batch({"a": list(range(1000)), "shop": ["x"] * 1000})
        raise KeyError("source")

    schema = pa.schema([("a", pa.int64()), ("shop", pa.string())])
    limited = Dataset(table.store, table.folder, limits=Limits(group_rows=100, file_bytes=500))
    with pytest.raises(KeyError, match="source"):
        limited.write(pa.RecordBatchReader.from_batches(schema, failing()))
    assert rows(table) == FRAME.to_dicts()
    assert data_files(table) == before


KILLED = """
import sys, time, pyarrow as pa
from remote_store import Store
from remote_store.ext.parquet import Dataset, Limits
table = Dataset(Store.from_uri("file://" + sys.argv[1]), limits=Limits(group_rows=100, file_bytes=500))
def batches():
    yield pa.record_batch({"a": list(range(1000))})
    yield pa.record_batch({"a": list(range(1000))})
    print("half", flush=True)
    time.sleep(60)
table.write(pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), batches()))
"""


@clause("PQ-07", "PQ-08")
def test_a_killed_writer_leaves_litter_that_vacuum_removes(tmp_path):
    table = Dataset(Store(LocalBackend(tmp_path)), name="t")
    table.write(pl.DataFrame({"a": [1]}))
    writer = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"half\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate(timeout=30)
    assert rows(table) == [{"a": 1}]
    assert len(list(table.store.list_files())) > 3
    assert table.vacuum(3600).files == 0
    assert table.vacuum(0).files > 0
    assert rows(table) == [{"a": 1}]
    assert len(list(table.store.list_files(pattern="*.parquet"))) == 1


@clause("PQ-08")
def test_vacuum_keeps_what_left_the_dataset_only_now(table):
    table.write(FRAME)
    table.write(FRAME.head(1))
    table.store.write("tables/t/foreign.parquet", b"not ours")
    assert table.vacuum(timedelta(hours=1)) == (0, 0)
    done = table.vacuum(0)
    assert done.files == 1
    assert done.size > 0
    assert table.manifest().removed == ()
    assert rows(table) == FRAME.head(1).to_dicts()
    assert "tables/t/foreign.parquet" in data_files(table)
    for wrong in (-1, "1", None, True):
        with pytest.raises((TypeError, ValueError)):
            table.vacuum(wrong)


@clause("PQ-09")
@pytest.mark.parametrize("mode", ["append", "overwrite", "overwrite_partitions"])
@pytest.mark.parametrize(
    ("frame", "column"),
    [
        (FRAME.with_columns(pl.col("a").cast(pl.String)), "'a'"),
        (FRAME.drop("a"), "'a'"),
        (FRAME.with_columns(extra=1), "'extra'"),
        (FRAME.rename({"shop": "store"}), "'shop'"),
    ],
)
def test_another_schema_is_refused_by_column(frame, column, mode):
    table = Dataset(Store(MemoryBackend()), name="silver.t")
    table.write(FRAME, partition_by=["shop"])
    with pytest.raises(SchemaMismatch, match=column) as raised:
        table.write(frame, mode=mode)
    assert "silver.t" in str(raised.value)
    assert rows(table) == FRAME.to_dicts()
    assert table.manifest().version == 1


@clause("PQ-09")
def test_narrower_numbers_and_another_order_fit():
    table = Dataset(Store(MemoryBackend()))
    table.write(FRAME)
    table.write(FRAME.select("shop", pl.col("a").cast(pl.Int8)), mode="append")
    table.write(FRAME.with_columns(shop=pl.lit(None)), mode="append")
    assert table.read().num_rows == 12
    assert table.schema.field("a").type == pa.int64()


@clause("PQ-10")
def test_a_schema_changes_when_that_is_asked_for(table):
    table.write(FRAME, partition_by=["shop"])
    with pytest.raises(SchemaMismatch, match="change_schema"):
        table.write(FRAME, partition_by=["a"])
    table.write(pl.DataFrame({"a": ["x"], "b": [1]}), partition_by=[], change_schema=True)
    assert table.schema.names == ["a", "b"]
    assert table.manifest().partition_by == ()
    with pytest.raises(ValueError, match="overwrite"):
        table.write(FRAME, mode="append", change_schema=True)


@clause("PQ-11")
def test_the_manifest_tells_rows_bytes_and_ranges(table):
    when = datetime(2024, 1, 1, tzinfo=UTC)
    frame = pl.DataFrame(
        {"a": [3, 1, None], "f": [0.5, None, None], "t": [when] * 3, "p": [1, 1, None], "n": [None] * 3}
    )
    table.write(frame, partition_by=["p"])
    state = table.manifest()
    assert (state.rows, state.partition_by, len(state.partitions)) == (3, ("p",), 2)
    sizes = {info.key: info.size for info in table.store.list_files(table.folder, recursive=True)}
    assert state.size == sum([sizes[table.key(file.path)] for file in state.files])
    assert state.range_of("a") == (1, 3, 1)
    assert state.range_of("f") == (0.5, 0.5, 2)
    assert state.range_of("t")[:2] == (when, when)
    assert state.range_of("p") == (1, 1, 1)
    assert state.range_of("n") == (None, None, 3)


@clause("PQ-12")
def test_a_store_that_cannot_decide_is_refused_unless_one_writer_is_promised():
    class Simple:
        removes = frozenset({Capability.COMPARE_AND_SWAP, Capability.EXCLUSIVE_CREATE})

        async def __call__(self, op, call):
            return await call()

    store = Store(MemoryBackend(), layers=[Simple()])
    with pytest.raises(CapabilityNotSupported, match="single_writer=True"):
        Dataset(store, name="t").write(FRAME)
    assert list(store.list_files()) == []
    alone = Dataset(store, single_writer=True)
    alone.write(FRAME)
    alone.write(FRAME, mode="append")
    assert alone.read().num_rows == 8


@clause("PQ-13")
def test_an_empty_frame_makes_an_empty_table(table):
    table.write(FRAME.clear(), partition_by=["shop"])
    assert table.exists()
    assert table.files() == ()
    assert pl.from_arrow(table.read()).schema == FRAME.schema
    table.write(FRAME.lazy().filter(pl.col("a") > 99), mode="append")
    table.write(FRAME, mode="append")
    assert rows(table) == FRAME.to_dicts()


@clause("PQ-14")
def test_any_text_can_name_a_partition(table):
    frame = pl.DataFrame({"a": range(len(HOSTILE)), "p": HOSTILE, "b": [True, None] * (len(HOSTILE) // 2)})
    table.write(frame, partition_by=["p", "b"])
    for native in (True, False):
        found = pl.from_arrow(table.dataset(native=native).to_table())
        assert gathered(found) == frame.to_dicts()
        some = table.dataset(native=native).to_table(filter=ds.field("p") == "x=1%2F")
        assert some["a"].to_pylist() == [4]


@pytest.mark.parametrize("column", [[1.5], [datetime(2024, 1, 1, tzinfo=UTC)], [[1]], [b"x"]])
def test_types_that_cannot_name_a_folder_are_refused(column):
    with pytest.raises(SchemaMismatch, match="'p'"):
        Dataset(Store(MemoryBackend())).write(pl.DataFrame({"a": [1], "p": column}), partition_by=["p"])


def test_impossible_partitionings_are_refused():
    table = Dataset(Store(MemoryBackend()))
    with pytest.raises(SchemaMismatch, match="'gone'"):
        table.write(FRAME, partition_by=["gone"])
    with pytest.raises(ValueError, match="twice"):
        table.write(FRAME, partition_by=["a", "a"])
    with pytest.raises(ValueError, match="all"):
        table.write(FRAME, partition_by=["a", "shop"])
    with pytest.raises(TypeError, match="one str"):
        table.write(FRAME, partition_by="shop")
    with pytest.raises(ValueError, match="partition_by"):
        table.write(FRAME, mode="overwrite_partitions")


STREAM = """
import resource, sys, polars as pl
from remote_store import Store
from remote_store.ext.parquet import Dataset, Limits
source, times = sys.argv[1] + "/source.parquet", int(sys.argv[2])
limits = Limits(group_rows=50_000, held_bytes=16 << 20)
table = Dataset(Store.from_uri("file://" + sys.argv[1]), sys.argv[2], limits=limits)
table.write(pl.scan_parquet([source] * times), partition_by=["p"])
assert table.manifest().rows == times * 500_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@clause("PQ-15")
def test_a_lazy_frame_is_written_in_constant_memory(tmp_path):
    numbers = pl.DataFrame({"a": range(500_000)})
    wide = numbers.with_columns(**{f"c{number}": pl.col("a") * number for number in range(12)}, p=pl.col("a") % 4)
    wide.write_parquet(tmp_path / "source.parquet")

    def peak(times):
        command = [sys.executable, "-c", STREAM, str(tmp_path), str(times)]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)

    few, many = peak(3), peak(9)  # 160 MB and 480 MB of columns
    assert many - few < 150


@clause("PQ-16")
@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"format": "other"}', b"\xff\xfe"])
def test_a_broken_manifest_is_an_integrity_error(text):
    store = Store(MemoryBackend())
    store.write("t/_manifest.json", text)
    with pytest.raises(IntegrityError):
        Dataset(store, "t").read()


def test_a_table_that_was_never_written_is_not_found(table):
    assert not table.exists()
    with pytest.raises(NotFound, match=r"silver\.t does not exist"):
        table.read()


def test_big_writes_make_several_files_and_row_groups():
    table = Dataset(Store(MemoryBackend()), limits=Limits(group_rows=1000, file_bytes=20_000))
    frame = pl.DataFrame({"a": range(50_000)}).sample(fraction=1, shuffle=True, seed=1)
    table.write(frame)
    assert len(table.files()) > 3
    assert sorted(table.read()["a"].to_pylist()) == list(range(50_000))


def test_more_partitions_than_open_files_are_written():
    table = Dataset(Store(MemoryBackend()), limits=Limits(group_rows=10, open_files=4, held_bytes=2000))
    frame = pl.DataFrame({"a": range(2000), "p": [number % 40 for number in range(2000)]})
    begun = time.monotonic()
    table.write(frame, partition_by=["p"])
    assert time.monotonic() - begun < 30
    assert rows(table) == frame.to_dicts()
