"""Files of Dagster's own UPath-based IO managers are read, and they read ours."""

import dagster as dg
import polars as pl
import pytest
from upath import UPath

from dagster_remote_store import LocalConfig, RemoteStoreIOManager, RemoteStoreResource
from remote_store.testing import clause

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-03")
GRID = dg.MultiPartitionsDefinition({"z": dg.StaticPartitionsDefinition(["1.5", "b..c", "xx:y z"]), "a": DAYS})


class ParquetManager(dg.UPathIOManager):
    """What a user of Dagster writes."""

    extension = ".parquet"

    def dump_to_path(self, context, obj, path):
        with path.open("wb") as file:
            obj.write_parquet(file)

    def load_from_path(self, context, path):
        with path.open("rb") as file:
            return pl.read_parquet(file)


@dg.asset(key=["deep", "er", "plain.v1"])
def plain() -> pl.DataFrame:
    return pl.DataFrame({"x": [1]})


@dg.asset(partitions_def=DAYS)
def daily(context) -> pl.DataFrame:
    return pl.DataFrame({"x": [context.partition_key]})


@dg.asset(partitions_def=GRID)
def grid(context) -> pl.DataFrame:
    return pl.DataFrame({"x": [str(context.partition_key)]})


@dg.op
def emit() -> pl.DataFrame:
    return pl.DataFrame({"x": [7]})


@dg.op(out=dg.DynamicOut(pl.DataFrame))
def several():
    for name in ("one", "two"):
        yield dg.DynamicOutput(pl.DataFrame({"x": [name]}), mapping_key=name)


@dg.op
def consume(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


@dg.job
def steps():
    consume(emit())
    several().map(consume)


CHECKS = {
    "asset": (plain, [None]),
    "partitions": (daily, DAYS.get_partition_keys()),
    "dimensions": (grid, GRID.get_partition_keys()),
}


def ours(folder, **options):
    return RemoteStoreIOManager(store=RemoteStoreResource(backend=LocalConfig(root=str(folder))), **options)


def stock(folder):
    return ParquetManager(UPath(folder))


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@clause("DAG-02")
@pytest.mark.parametrize("asset", CHECKS)
@pytest.mark.parametrize(("writer", "reader"), [(stock, ours), (ours, stock)], ids=["theirs by us", "ours by them"])
def test_each_reads_what_the_other_wrote(tmp_path, instance, asset, writer, reader):
    definition, keys = CHECKS[asset]
    for key in keys:
        dg.materialize([definition], resources={"io_manager": writer(tmp_path)}, instance=instance, partition_key=key)
    defs = dg.Definitions([definition], resources={"io_manager": reader(tmp_path)})
    for key in keys:
        found = defs.load_asset_value(definition.key, python_type=pl.DataFrame, partition_key=key, instance=instance)
        assert found["x"].to_list() == [1 if key is None else str(key)]


@clause("DAG-02")
@pytest.mark.parametrize("asset", CHECKS)
def test_both_write_the_same_paths(tmp_path, instance, asset):
    definition, keys = CHECKS[asset]
    for name, manager in (("ours", ours), ("theirs", stock)):
        for key in keys:
            dg.materialize(
                [definition], resources={"io_manager": manager(tmp_path / name)}, instance=instance, partition_key=key
            )
    assert files(tmp_path / "ours") == files(tmp_path / "theirs")


@clause("DAG-02")
@pytest.mark.parametrize(("writer", "reader"), [(stock, ours), (ours, stock)], ids=["theirs by us", "ours by them"])
def test_outputs_of_ops_lie_where_the_other_has_them(tmp_path, instance, writer, reader):
    result = steps.execute_in_process(
        resources={"io_manager": dg.IOManagerDefinition.hardcoded_io_manager(writer(tmp_path))}
        if writer is stock
        else {"io_manager": writer(tmp_path)},
        instance=instance,
    )
    steps_written = {name.partition("/")[2] for name in files(tmp_path)}
    assert steps_written == {
        "emit/result.parquet",
        "consume/result.parquet",
        "several/result/one.parquet",
        "several/result/two.parquet",
        "consume_2[one]/result.parquet",
        "consume_2[two]/result.parquet",
    }
    again = steps.execute_in_process(
        resources={
            "io_manager": dg.IOManagerDefinition.hardcoded_io_manager(reader(tmp_path))
            if reader is stock
            else reader(tmp_path)
        },
        instance=instance,
        run_config={},
    )
    assert result.success
    assert again.success


@clause("DAG-12")
def test_pickles_of_dagsters_own_manager_are_read_where_that_is_said(tmp_path, instance):
    @dg.asset
    def odd():
        return {1: 1j}

    own = dg.FilesystemIOManager(base_dir=str(tmp_path))
    dg.materialize([odd], resources={"io_manager": own}, instance=instance)
    manager = ours(tmp_path, suffix="", allow_pickle=True)
    defs = dg.Definitions([odd], resources={"io_manager": manager})
    assert defs.load_asset_value("odd", python_type=object, instance=instance) == {1: 1j}
    closed = dg.Definitions([odd], resources={"io_manager": ours(tmp_path, suffix="")})
    with pytest.raises(TypeError, match="no codec knows object"):
        closed.load_asset_value("odd", python_type=object, instance=instance)


@clause("DAG-12")
def test_our_pickles_are_read_by_dagsters_own_manager(tmp_path, instance):
    @dg.asset
    def odd() -> complex:
        return 1j

    manager = ours(tmp_path, suffix="", allow_pickle=True)
    dg.materialize([odd], resources={"io_manager": manager}, instance=instance)
    defs = dg.Definitions([odd], resources={"io_manager": dg.FilesystemIOManager(base_dir=str(tmp_path))})
    assert defs.load_asset_value("odd", python_type=complex, instance=instance) == 1j


@clause("DAG-12")
def test_what_has_no_codec_is_refused_without_that(tmp_path, instance):
    @dg.asset
    def odd() -> complex:
        return 1j

    with pytest.raises(TypeError, match=r"output 'result' of asset 'odd' cannot be written: no codec knows complex"):
        dg.materialize([odd], resources={"io_manager": ours(tmp_path)}, instance=instance)
    assert not files(tmp_path)
