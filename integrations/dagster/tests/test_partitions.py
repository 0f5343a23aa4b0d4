"""Partitions: where they lie, and how one, several, none or missing ones are loaded."""

import threading
from typing import Any

import dagster as dg
import polars as pl
import pyarrow as pa
import pytest

from dagster_remote_store import LocalConfig, RemoteStoreIOManager, RemoteStoreResource
from integrations.dagster.tests.partitions import DAYS, GRID, LETTERS, files, run
from remote_store import NotFound
from remote_store.testing import clause


@dg.asset(partitions_def=LETTERS)
def letters(context) -> pl.DataFrame:
    return pl.DataFrame({"letter": [context.partition_key]})


@clause("DAG-02")
@clause("DAG-03")
def test_each_partition_is_a_file_and_one_comes_as_its_value(manager, instance, data):
    seen = []

    @dg.asset(partitions_def=LETTERS)
    def after(context, letters: pl.DataFrame) -> None:
        seen.append((context.partition_key, letters["letter"][0]))

    for key in ("a", "b"):
        run([letters, after], manager, instance, key)
    assert seen == [("a", "a"), ("b", "b")]
    assert files(data) == ["letters/a.parquet", "letters/b.parquet"]


@clause("DAG-03")
@pytest.mark.parametrize("kind", [dict[str, pl.DataFrame], dict, Any], ids=["typed", "dict", "any"])
def test_several_partitions_come_keyed_right(manager, instance, kind):
    seen = {}

    def everything(letters):
        seen.update(letters)

    everything.__annotations__["letters"] = kind
    for key in LETTERS.get_partition_keys():
        run([letters], manager, instance, key)
    run([letters.to_source_asset(), dg.asset(everything)], manager, instance)
    assert list(seen) == ["a", "b", "c"]
    assert all(frame["letter"][0] == key for key, frame in seen.items())


class Together:
    """Comes back from its pickle only when two others do at the same time."""

    barrier = threading.Barrier(3, timeout=60)

    def __init__(self, name):
        self.name = name

    def __setstate__(self, state):
        self.barrier.wait()
        self.__dict__.update(state)


@clause("DAG-03")
def test_several_partitions_are_loaded_at_once(data, instance):
    seen = {}

    @dg.asset(partitions_def=LETTERS)
    def slow(context) -> Together:
        return Together(context.partition_key)

    @dg.asset
    def everything(slow: dict[str, Together]) -> None:
        seen.update(slow)

    place = RemoteStoreResource(backend=LocalConfig(root=str(data)))
    manager = RemoteStoreIOManager(store=place, allow_pickle=True)
    for key in LETTERS.get_partition_keys():
        run([slow], manager, instance, key)
    run([slow.to_source_asset(), everything], manager, instance)
    assert {key: value.name for key, value in seen.items()} == {"a": "a", "b": "b", "c": "c"}


@clause("DAG-03")
def test_a_dict_of_frames_stays_a_dict_for_one_partition(manager, instance):
    seen = {}

    @dg.asset(partitions_def=LETTERS)
    def keyed(letters: dict[str, pa.Table]) -> None:
        seen.update(letters)

    run([letters, keyed], manager, instance, "b")
    assert list(seen) == ["b"]
    assert isinstance(seen["b"], pa.Table)


@clause("DAG-03")
@pytest.mark.parametrize("written", [dict[str, int], dict[str, str], dict, Any], ids=str)
@pytest.mark.parametrize("wanted", ["the same", Any], ids=["annotated", "not annotated"])
def test_a_json_dict_of_one_partition_is_the_value_itself(manager, instance, written, wanted):
    seen = []
    value = {"x": "1"} if written == dict[str, str] else {"x": 1}

    def counts():
        return value

    def after(counts):
        seen.append(counts)

    counts.__annotations__["return"] = written
    after.__annotations__["counts"] = written if wanted == "the same" else wanted
    run([dg.asset(make, partitions_def=LETTERS) for make in (counts, after)], manager, instance, "a")
    assert seen == [value]


@clause("DAG-03")
@pytest.mark.parametrize("alone", [True, False], ids=["in another run", "in one run"])
@pytest.mark.parametrize(
    ("value", "kind"), [("x", str), (7, int), ([7], list[int]), ({"x": 1}, dict[str, int])], ids=str
)
def test_a_dict_stays_a_dict_for_one_partition(manager, instance, value, kind, alone):
    seen = []
    only = dg.AssetIn(partition_mapping=dg.SpecificPartitionsPartitionMapping(["b"]))

    def before():
        return value

    def after(before):
        seen.append(before)

    before.__annotations__["return"] = kind
    after.__annotations__["before"] = dict[str, kind]
    before, after = dg.asset(before, partitions_def=LETTERS), dg.asset(after, ins={"before": only})
    run([before], manager, instance, "b")
    run([before.to_source_asset() if alone else before, after], manager, instance, selection=[after])
    assert seen == [{"b": value}]


@clause("DAG-03")
def test_no_partition_comes_as_none(manager, instance):
    seen = []
    weeks = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)

    @dg.asset(partitions_def=DAYS)
    def daily() -> pl.DataFrame:
        return pl.DataFrame({"x": [1]})

    @dg.asset(partitions_def=DAYS, ins={"daily": dg.AssetIn(partition_mapping=weeks)})
    def before(daily: pl.DataFrame | None) -> None:
        seen.append(daily)

    run([daily.to_source_asset(), before], manager, instance, "2024-01-01")
    assert seen == [None]


@clause("DAG-03")
def test_several_partitions_annotated_as_one_name_the_annotation_that_works(manager, instance):
    @dg.asset
    def everything(letters: pl.DataFrame) -> None: ...

    with pytest.raises(TypeError, match=r"input 'letters' .*3 partitions: annotate it dict\[str, DataFrame\]"):
        run([letters.to_source_asset(), everything], manager, instance)


@clause("DAG-02")
def test_dimensions_lie_in_order_of_their_names(manager, instance, data):
    seen = []

    @dg.asset(partitions_def=GRID)
    def grid(context) -> str:
        return str(context.partition_key)

    @dg.asset(partitions_def=GRID)
    def after(grid: str) -> None:
        seen.append(grid)

    run([grid, after], manager, instance, dg.MultiPartitionKey({"letter": "b", "day": "2024-01-02"}))
    assert files(data) == ["grid/2024-01-02/b.txt"]
    assert seen == ["2024-01-02|b"]


@clause("DAG-03")
def test_one_dimension_of_two_is_loaded_keyed_right(manager, instance):
    seen = {}

    @dg.asset(partitions_def=GRID)
    def grid(context) -> str:
        return str(context.partition_key)

    @dg.asset(partitions_def=LETTERS)
    def per_letter(grid: dict[str, str]) -> None:
        seen.update(grid)

    for day in ("2024-01-01", "2024-01-02", "2024-01-03"):
        run([grid], manager, instance, dg.MultiPartitionKey({"letter": "b", "day": day}))
    run([grid.to_source_asset(), per_letter], manager, instance, "b")
    assert sorted(seen) == ["2024-01-01|b", "2024-01-02|b", "2024-01-03|b"]
    assert all(str(key) == value for key, value in seen.items())


@clause("DAG-04")
def test_missing_partitions_are_all_named_in_one_error(manager, instance):
    @dg.asset
    def everything(letters: dict[str, pl.DataFrame]) -> None: ...

    run([letters], manager, instance, "a")
    with pytest.raises(NotFound, match=r"input 'letters' \(asset 'letters'\): 2 partitions have no file: 'b', 'c'"):
        run([letters.to_source_asset(), everything], manager, instance)


@clause("DAG-04")
def test_one_missing_partition_is_named_with_its_place(manager, instance, data):
    @dg.asset(partitions_def=LETTERS)
    def after(letters: pl.DataFrame) -> None: ...

    with pytest.raises(
        NotFound, match=r"input 'letters' \(asset 'letters', partition 'a'\) has no file at .*letters/a"
    ):
        run([letters.to_source_asset(), after], manager, instance, "a")
    assert not data.exists()


@clause("DAG-04")
def test_missing_partitions_are_left_out_where_that_is_allowed(manager, instance):
    seen = []

    @dg.asset(ins={"letters": dg.AssetIn(metadata={"allow_missing_partitions": True})})
    def everything(letters: dict[str, pl.DataFrame]) -> None:
        seen.append(sorted(letters))

    @dg.asset(partitions_def=LETTERS, ins={"letters": dg.AssetIn(metadata={"allow_missing_partitions": True})})
    def one(letters: pl.DataFrame | None) -> None:
        seen.append(letters)

    run([letters], manager, instance, "b")
    run([letters.to_source_asset(), everything], manager, instance)
    run([letters.to_source_asset(), one], manager, instance, "c")
    assert seen == [["b"], None]


@clause("DAG-01")
def test_a_column_that_is_not_there_is_named_with_the_input(manager, instance):
    @dg.asset(ins={"letters": dg.AssetIn(metadata={"columns": ["letter", "z"]})}, partitions_def=LETTERS)
    def after(letters: pl.DataFrame) -> None: ...

    with pytest.raises(KeyError, match=r"input 'letters' .*partition 'a'.* has no column 'z'; it has letter"):
        run([letters, after], manager, instance, "a")


@clause("DAG-01")
def test_only_the_columns_asked_for_are_loaded(manager, instance):
    seen = []

    @dg.asset
    def wide() -> pl.DataFrame:
        return pl.DataFrame({"a": [1], "b": [2], "c": [3]})

    @dg.asset(ins={"wide": dg.AssetIn(metadata={"columns": ["c", "a"]})})
    def narrow(wide: pl.DataFrame) -> None:
        seen.append(wide.columns)

    run([wide, narrow], manager, instance)
    assert sorted(seen[0]) == ["a", "c"]


HOSTILE = {
    "climbing": "../x",
    "climbing inside": "x/../../y",
    "empty segment": "x//y",
    "open end": "x/",
    "dot": ".",
    "backslash": "x\\y",
    "long": "x" * 300,
}


@clause("DAG-06")
@pytest.mark.parametrize("key", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_partition_is_named_and_nothing_is_written(manager, instance, tmp_path, data, key):
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition([key]))
    def hostile() -> str:
        return "x"

    before = files(tmp_path)
    with pytest.raises(Exception, match="partition") as caught:
        run([hostile], manager, instance, key)
    assert repr(key)[1:-1][:60] in str(caught.value)
    assert not data.exists()
    assert [name for name in files(tmp_path) if not name.startswith("dagster/")] == [
        name for name in before if not name.startswith("dagster/")
    ]


@clause("DAG-02")
def test_a_leading_slash_is_escaped_as_dagster_does(manager, instance, data):
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["/x"]))
    def slash() -> str:
        return "x"

    run([slash], manager, instance, "/x")
    assert files(data) == ["slash/%2Fx.txt"]


@clause("DAG-06")
def test_a_partition_with_a_zero_byte_is_refused_by_dagster_itself():
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="x00"):
        dg.StaticPartitionsDefinition(["x\x00y"])
