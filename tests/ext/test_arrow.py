"""A store as a pyarrow file system, used by pyarrow, Polars and DuckDB."""

import gc
import pickle

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

from remote_store import NotFound, Store
from remote_store.backends.local import LocalBackend
from remote_store.backends.memory import MemoryBackend
from remote_store.ext.arrow import filesystem
from remote_store.testing import clause

TABLE = pa.table({"a": range(1000), "m": [number % 3 for number in range(1000)]})


class Watch:
    """A layer that notes every call."""

    def __init__(self):
        self.calls = []

    async def __call__(self, op, call):
        self.calls.append((op.name, op.key))
        return await call()


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def store(backend, watch):
    with Store(backend, layers=[watch]) as store:
        yield store


def keys(store):
    return [info.key for info in store.list_files(recursive=True)]


@clause("ARROW-01")
def test_pyarrow_writes_and_reads_a_partitioned_dataset(store):
    files = filesystem(store)
    pq.write_to_dataset(TABLE, "t", partition_cols=["m"], filesystem=files)
    found = ds.dataset("t", filesystem=files, partitioning="hive")
    assert found.to_table().num_rows == 1000
    assert pq.read_table("t", filesystem=files, filters=[("m", "=", 1)]).num_rows == 333
    assert duckdb.sql("SELECT count(*) FROM found WHERE m = 2").fetchall() == [(333,)]
    assert pl.scan_pyarrow_dataset(found).filter(pl.col("m") == 0).collect().height == 334


@clause("ARROW-02")
def test_a_small_file_of_known_size_is_read_by_one_request(store, watch):
    files = filesystem(store)
    pq.write_table(TABLE, "t.parquet", filesystem=files)
    known = list(store.list_files())
    watch.calls.clear()
    assert pq.ParquetFile("t.parquet", filesystem=filesystem(store, known=known)).read().equals(TABLE)
    assert [name for name, _ in watch.calls] == ["get"]


@clause("ARROW-02")
def test_of_a_big_file_only_what_is_asked_for_moves(store, watch):
    store.write("big", bytes(3 << 20))
    with filesystem(store).open_input_file("big") as file:
        watch.calls.clear()
        assert file.size() == 3 << 20
        assert file.read_at(8, (3 << 20) - 8) == bytes(8)
        assert file.read_at(100, (3 << 20) - 1000) == bytes(100)
        assert watch.calls == [("get", "big")]
        assert file.read_at(10, 5) == bytes(10)
        assert len(watch.calls) == 2


@clause("ARROW-03")
def test_a_selector_is_answered_from_one_listing(store, watch):
    store.write("a/b/c.txt", b"1")
    store.write("a/d.txt", b"22")
    watch.calls.clear()
    found = filesystem(store).get_file_info(pafs.FileSelector("a", recursive=True))
    assert {info.path: (info.type, info.size) for info in found} == {
        "a/b": (pafs.FileType.Directory, None),
        "a/b/c.txt": (pafs.FileType.File, 1),
        "a/d.txt": (pafs.FileType.File, 2),
    }
    assert [name for name, _ in watch.calls] == ["list"]
    flat = filesystem(store).get_file_info(pafs.FileSelector("a"))
    assert {info.path for info in flat} == {"a/b", "a/d.txt"}


@clause("ARROW-03")
def test_a_missing_folder_is_an_error_unless_allowed(store):
    files = filesystem(store)
    with pytest.raises(NotFound):
        files.get_file_info(pafs.FileSelector("nowhere"))
    assert files.get_file_info(pafs.FileSelector("nowhere", allow_not_found=True)) == []


@clause("ARROW-04")
def test_an_exception_publishes_nothing(store):
    files = filesystem(store)

    def fail_in_a_stream():
        with files.open_output_stream("a") as file:
            file.write(b"x" * 100)
            raise KeyError

    def fail_in_a_parquet_file():
        with pq.ParquetWriter("b", TABLE.schema, filesystem=files) as writer:
            writer.write_table(TABLE)
            raise KeyError

    for fail in (fail_in_a_stream, fail_in_a_parquet_file):
        with pytest.raises(KeyError):
            fail()
    assert keys(store) == []


@clause("ARROW-04")
def test_a_forgotten_writer_publishes_nothing(store):
    files = filesystem(store)
    stream = files.open_output_stream("a")
    stream.write(b"x")
    writer = pq.ParquetWriter("b", TABLE.schema, filesystem=files)
    writer.write_table(TABLE)
    del stream, writer
    gc.collect()
    assert keys(store) == []


@clause("ARROW-04")
def test_a_file_appears_when_it_is_closed_also_while_an_older_exception_is_handled(store):
    files = filesystem(store)
    try:
        int("x")
    except ValueError:
        with files.open_output_stream("a") as file:
            file.write(b"12")
            assert keys(store) == []
    assert store.read_bytes("a") == b"12"


@clause("ARROW-05")
def test_it_pickles_and_compares(store):
    files = filesystem(store)
    assert files == filesystem(store)
    assert files != filesystem(store.child("x"))
    assert files != filesystem(Store(MemoryBackend()))


@clause("ARROW-05")
def test_a_pickled_one_reads_the_same_files(tmp_path):
    files = filesystem(Store(LocalBackend(tmp_path)))
    pq.write_table(TABLE, "t.parquet", filesystem=files)
    again = pickle.loads(pickle.dumps(files))
    assert again == files
    assert pq.read_table("t.parquet", filesystem=again).equals(TABLE)


@clause("ARROW-06")
def test_errors_are_those_of_the_store(store):
    files = filesystem(store)
    with pytest.raises(NotFound) as raised:
        files.open_input_file("gone").size()
    assert raised.value.path == "gone"
    with pytest.raises(NotFound):
        files.open_input_stream("gone")
    with pytest.raises(ValueError, match="valid path"):
        files.open_output_stream("../up")
    with pytest.raises(NotFound):
        files.delete_file("gone")


@clause("ARROW-07")
def test_files_and_folders_are_moved_copied_and_deleted(store):
    files = filesystem(store)
    store.write("a/1", b"1")
    store.write("a/b/2", b"2")
    files.copy_file("a/1", "c")
    files.move("c", "d")
    files.move("a", "e")
    assert keys(store) == ["d", "e/1", "e/b/2"]
    files.delete_dir_contents("e")
    assert keys(store) == ["d"]
    files.create_dir("new/deep")
    files.delete_dir_contents("nowhere", missing_dir_ok=True)
    with pytest.raises(FileNotFoundError):
        files.delete_dir_contents("nowhere")
    with pytest.raises(NotImplementedError):
        files.open_append_stream("d")
    types = [info.type for info in files.get_file_info(["d", "nowhere", ""])]
    assert types == [pafs.FileType.File, pafs.FileType.NotFound, pafs.FileType.Directory]


def test_an_input_stream_reads_front_to_back(store):
    store.write("a", b"x" * 300_000)
    with filesystem(store).open_input_stream("a") as file:
        assert len(file.read()) == 300_000
