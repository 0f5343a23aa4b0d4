"""Runs that write several partitions: every one of them, or none."""

from datetime import date
from typing import Any

import dagster as dg
import polars as pl
import pyarrow as pa
import pytest

from integrations.dagster.tests.partitions import DAYS, GRID, LETTERS, files, run, run_range, single_run
from remote_store import InvalidPath
from remote_store.testing import clause


@clause("DAG-05")
def test_one_run_writes_every_partition_of_a_dict(manager, instance, data):
    def make(context):
        return {key: pl.DataFrame({"letter": [key]}) for key in context.partition_keys}

    result = run_range([single_run(make)], manager, instance, "a", "c")
    assert files(data) == ["many/a.parquet", "many/b.parquet", "many/c.parquet"]
    assert pl.read_parquet(data / "many/b.parquet")["letter"].to_list() == ["b"]
    assert result.success


@clause("DAG-07")
def test_each_partition_of_one_run_shows_what_it_is(manager, instance, data):
    def make():
        return {key: pl.DataFrame({"letter": [key] * rows}) for rows, key in enumerate("abc", 1)}

    events = run_range([single_run(make)], manager, instance, "a", "c").get_asset_materialization_events()
    shown = {event.partition: event.materialization.metadata for event in events}
    assert {key: one["dagster/partition_row_count"].value for key, one in shown.items()} == {"a": 1, "b": 2, "c": 3}
    assert shown["b"]["uri"].value == str(data / "many/b.parquet")
    assert shown["b"]["size"].value == (data / "many/b.parquet").stat().st_size
    assert shown["b"]["preview"].value.endswith("| b |\n| b |")


@clause("DAG-07")
def test_one_run_of_very_many_partitions_shows_what_it_wrote_at_all(manager, instance, data):
    keys = [f"{number:03}" for number in range(101)]

    def make():
        return {key: pl.DataFrame({"key": [key, key]}) for key in keys}

    many = single_run(make, dg.StaticPartitionsDefinition(keys))
    events = run_range([many], manager, instance, keys[0], keys[-1]).get_asset_materialization_events()
    assert len(events) == 101
    shown = events[0].materialization.metadata
    assert shown["uri"].value == str(data / "many")
    assert shown["partitions of the run"].value == 101
    assert shown["rows of the run"].value == 202
    assert "dagster/partition_row_count" not in shown


@clause("DAG-05")
@pytest.mark.parametrize(
    "case",
    [
        (dict[str, pl.DataFrame], "parquet", pl.DataFrame({"x": [1]})),
        (Any, "parquet", pl.DataFrame({"x": [1]})),
        (dict[str, str], "txt", "x"),
        (dict[str, int], "json", 7),
    ],
    ids=["frames", "frames without annotation", "text", "numbers"],
)
def test_a_run_of_one_partition_writes_what_a_run_of_several_does(manager, instance, data, case):
    kind, suffix, value = case

    def make(context):
        return dict.fromkeys(context.partition_keys, value)

    make.__annotations__["return"] = kind
    run_range([single_run(make)], manager, instance, "a", "c")
    before = (data / f"many/b.{suffix}").read_bytes()
    run([single_run(make)], manager, instance, "b")
    assert files(data) == [f"many/{key}.{suffix}" for key in "abc"]
    assert (data / f"many/b.{suffix}").read_bytes() == before


@clause("DAG-05")
def test_a_run_of_one_partition_refuses_frames_of_others(manager, instance, data):
    def make() -> dict[str, pl.DataFrame]:
        return {"z": pl.DataFrame({"x": [1]})}

    with pytest.raises(ValueError, match="the partition of this run: 'a' is missing; 'z' is not of this run"):
        run([single_run(make)], manager, instance, "a")
    assert not data.exists()


@clause("DAG-05")
def test_a_run_of_one_partition_refuses_rows_of_others(manager, instance, data):
    def make():
        return pl.DataFrame({"letter": ["a", "b"]})

    many = single_run(make, metadata={"partition_by": "letter"})
    with pytest.raises(ValueError, match="1 rows belong to no partition of this run, such as one with letter = b"):
        run([many], manager, instance, "a")
    assert not data.exists()


@clause("DAG-05")
@pytest.mark.parametrize("library", [pl.DataFrame, pa.table, pl.LazyFrame], ids=["polars", "arrow", "lazy"])
def test_one_run_splits_a_frame_by_the_column_of_the_partition(manager, instance, data, library):
    def make():
        return library({"letter": ["b", "a", "b"], "x": [1, 2, 3]})

    run_range([single_run(make, metadata={"partition_by": "letter"})], manager, instance, "a", "c")
    assert pl.read_parquet(data / "many/b.parquet")["x"].to_list() == [1, 3]
    assert pl.read_parquet(data / "many/c.parquet").height == 0


TIMES = {
    "date": lambda days: days,
    "time": lambda days: days.cast(pl.Datetime("us")),
    "time with zone": lambda days: days.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
    "text": lambda days: days.cast(pl.String),
}


@clause("DAG-05")
@pytest.mark.parametrize("change", TIMES.values(), ids=TIMES)
def test_one_run_splits_a_frame_by_time(manager, instance, data, change):
    column = change(pl.Series([date(2024, 1, 3), date(2024, 1, 1), date(2024, 1, 3)]))

    def make():
        return pl.DataFrame({"at": column, "x": [1, 2, 3]})

    run_range([single_run(make, DAYS, metadata={"partition_by": "at"})], manager, instance, "2024-01-01", "2024-01-03")
    assert pl.read_parquet(data / "many/2024-01-03.parquet")["x"].to_list() == [1, 3]
    assert pl.read_parquet(data / "many/2024-01-02.parquet").height == 0


@clause("DAG-05")
def test_one_run_splits_a_frame_by_two_dimensions(manager, instance, data):
    @dg.asset(
        partitions_def=GRID,
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata={"partition_by": {"letter": "which", "day": "at"}},
    )
    def many() -> pl.DataFrame:
        times = ["2024-01-01 05:00", "2024-01-02 00:00", "2024-01-02 23:59"]
        rows = pl.DataFrame({"which": ["a", "b", "a"], "at": times, "x": [1, 2, 3]})
        return rows.with_columns(pl.col("at").str.to_datetime())

    run_range([many], manager, instance, "2024-01-01|a", "2024-01-03|c")
    assert pl.read_parquet(data / "many/2024-01-02/a.parquet")["x"].to_list() == [3]
    assert len(files(data)) == 9


@clause("DAG-03")
@pytest.mark.parametrize(
    ("kind", "value"), [(dict[str, pl.DataFrame], pl.DataFrame({"x": [1]})), (dict[str, str], "x")]
)
def test_what_one_run_wrote_is_loaded_without_annotations(manager, instance, kind, value):
    seen = []

    def make(context):
        return dict.fromkeys(context.partition_keys, value)

    @dg.asset(partitions_def=LETTERS)
    def one(many) -> None:
        seen.append(many)

    @dg.asset
    def everything(many) -> None:
        seen.extend(many.values())

    make.__annotations__["return"] = kind
    many = single_run(make)
    run_range([many], manager, instance, "a", "c")
    run([many, one], manager, instance, "b", selection=[one])
    run([many, everything], manager, instance, selection=[everything])
    assert len(seen) == 4
    assert all(type(found) is type(value) for found in seen)


@clause("DAG-05")
@pytest.mark.parametrize("kind", [str, lambda key: key], ids=["text", "keys"])
def test_one_run_takes_the_keys_of_several_dimensions_as_text_too(manager, instance, data, kind):
    def make(context):
        return {kind(key): str(key) for key in context.partition_keys}

    run_range([single_run(make, GRID)], manager, instance, "2024-01-01|a", "2024-01-03|c")
    assert len(files(data)) == 9
    assert (data / "many/2024-01-02/b.txt").read_text() == "2024-01-02|b"


def failing():
    def fail(frame):
        raise RuntimeError("on purpose")

    good = pl.LazyFrame({"x": [1]})
    return {"a": good, "b": good, "c": good.map_batches(fail, schema={"x": pl.Int64})}


WRONG = {
    "a lazy frame that fails": (failing, {}, RuntimeError, "on purpose"),
    "one value": (lambda: pl.DataFrame({"letter": ["a"]}), {}, TypeError, "3 partitions: return a dict"),
    "nothing": (lambda: None, {}, TypeError, "annotate the asset '-> None'"),
    "text": (lambda: "text", {}, TypeError, "3 partitions: return a dict"),
    "a partition missing": (lambda: {"a": "1", "b": "2"}, {}, ValueError, "'c' is missing"),
    "a partition too many": (lambda: dict.fromkeys("abcd", "x"), {}, ValueError, "'d' is not of this run"),
    "no codec in the last": (lambda: {"a": "1", "b": "2", "c": 1j}, {}, TypeError, "partition 'c'.*complex"),
    "rows of no partition": (
        lambda: pl.DataFrame({"letter": ["a", "z"]}),
        {"partition_by": "letter"},
        ValueError,
        "1 rows belong to no partition of this run, such as one with letter = z",
    ),
    "rows without a partition": (
        lambda: pl.DataFrame({"letter": ["a", None]}),
        {"partition_by": "letter"},
        ValueError,
        "letter = None",
    ),
    "no such column": (lambda: pl.DataFrame({"x": [1]}), {"partition_by": "letter"}, ValueError, "'letter'.*has x"),
    "a column a dimension": (
        lambda: pl.DataFrame({"x": [1]}),
        {"partition_by": {"a": "b"}},
        TypeError,
        "name of a col",
    ),
}


@clause("DAG-05")
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_run_of_several_partitions_fails_before_it_writes_any(manager, instance, data, wrong):
    make, metadata, kind, message = wrong
    with pytest.raises(kind, match=message):
        run_range([single_run(make, metadata=metadata)], manager, instance, "a", "c")
    assert not data.exists()


@clause("DAG-05")
def test_partitions_that_would_be_one_file_are_refused(manager, instance, data):
    slashes = dg.StaticPartitionsDefinition(["x", "x/y"]), dg.StaticPartitionsDefinition(["y/z", "z"])
    grid = dg.MultiPartitionsDefinition(dict(zip("ab", slashes, strict=True)))

    def make(context):
        return {key: str(key) for key in context.partition_keys}

    with pytest.raises(InvalidPath, match=r"partitions 'x/y\|z' and 'x\|y/z' would be the same file"):
        run_range([single_run(make, grid)], manager, instance, "x|y/z", "x/y|z")
    assert not data.exists()
