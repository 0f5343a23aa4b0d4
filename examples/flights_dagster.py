"""The flights example as Dagster assets: raw files, monthly partitions, gold tables, on local folders or S3.

    python examples/flights_dagster.py             all of it in one process, then the check of its gold tables
    dagster dev -f examples/flights_dagster.py     the same in Dagster's own pages

The assets call the functions of flights_lake.py, as `examples/flights.py` does. STORE=s3 takes another store, and
nothing else.
"""

import os
import sys
import time
import warnings
from pathlib import Path

import dagster as dg
import polars as pl

from dagster_remote_store import LocalConfig, RemoteStoreIOManager, RemoteStoreResource, S3Config
from remote_store.lake import Lake

sys.path.insert(0, str(Path(__file__).parent))
import flights_lake as steps  # from where this file stands, wherever it is started

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # of backfill policies
MONTHS = dg.MonthlyPartitionsDefinition(start_date="2013-01-01", end_date="2014-01-01")
QUIET = {"loggers": {"console": {"config": {"log_level": "WARNING"}}}}
AT_ONCE = dg.BackfillPolicy.single_run()


class Landing(RemoteStoreResource):
    """Where the supplier leaves its files."""


class LakeResource(RemoteStoreResource):
    """The lake in its store."""

    def get_lake(self) -> Lake:
        return Lake(self.get_store(), progress=False)


@dg.asset(group_name="raw", kinds={"csv"})
def landed(landing: Landing) -> dg.MaterializeResult:
    """CSV files of a year of flights, as they came."""
    return dg.MaterializeResult(metadata={"files": steps.land(landing.get_store())})


@dg.asset(group_name="raw", deps=[landed], kinds={"csv"})
def bronze(landing: Landing, lake: LakeResource) -> dg.MaterializeResult:
    """The same files, unchanged, with where they came from and their digests."""
    said = steps.ingest(landing.get_store(), lake.get_lake())
    return dg.MaterializeResult(metadata={"ingested": said, "uri": lake.get_store().native_path("bronze")})


def monthly(name: str) -> dg.AssetsDefinition:
    """Make the asset of a table that is partitioned by month."""

    @dg.asset(
        name=f"silver_{name}",
        group_name="silver",
        deps=[bronze],
        partitions_def=MONTHS,
        backfill_policy=AT_ONCE,
        kinds={"parquet"},
    )
    def table(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
        months = [int(key[5:7]) for key in context.partition_keys]
        rows = steps.silver(lake.get_lake(), name, months)
        return dg.MaterializeResult(metadata={"dagster/row_count": rows})

    return table


@dg.asset(name="silver_reference", group_name="silver", deps=[bronze], kinds={"parquet"})
def reference(lake: LakeResource) -> dg.MaterializeResult:
    """Planes, airports and airlines."""
    names = [name for name in steps.TABLES if name not in steps.MONTHLY]
    return dg.MaterializeResult(metadata={name: steps.silver(lake.get_lake(), name) for name in names})


silver = [monthly(name) for name in steps.MONTHLY]


@dg.asset(group_name="gold", deps=[*silver, reference], kinds={"polars"})
def carriers_and_routes(lake: LakeResource) -> None:
    """How punctual each airline and each route is."""
    steps.gold_with_polars(lake.get_lake())


@dg.asset(group_name="gold", deps=[*silver, reference], kinds={"duckdb"})
def weather_and_hours(lake: LakeResource) -> None:
    """What rain, fog and the hour of the day do to departures."""
    steps.gold_with_duckdb(lake.get_lake())


@dg.asset(group_name="gold", deps=[carriers_and_routes], kinds={"polars"})
def worst_routes(lake: LakeResource) -> pl.LazyFrame:
    """The ten routes that arrive latest; a value that the IO manager keeps and shows."""
    often = pl.col("flights") >= 365
    routes = lake.get_lake().gold["routes"].scan()
    return routes.filter(often).sort("mean_arrival_delay", "dest", descending=True).head(10)


@dg.asset(group_name="gold", deps=[weather_and_hours])
def checked(landing: Landing, lake: LakeResource, worst_routes: pl.DataFrame) -> dict[str, str]:
    """The totals of the source, and the gold tables of the plain script."""
    worst = worst_routes.row(0, named=True)
    return {
        "totals": steps.check(landing.get_store(), lake.get_lake()),
        "gold": steps.compare_gold(lake.get_lake()),
        "worst route": f"{worst['origin']} to {worst['dest']}, {worst['mean_arrival_delay']} minutes late on average",
    }


def backend() -> LocalConfig | S3Config:
    """Return where everything is kept; what is secret stays a name until a run needs it."""
    if os.environ.get("STORE", "local") == "local":
        return LocalConfig(root=os.environ.get("FLIGHTS_DATA", "data/dagster"))
    return S3Config(
        bucket=dg.EnvVar("S3_BUCKET"),
        endpoint_url=dg.EnvVar("AWS_ENDPOINT_URL"),
        region=dg.EnvVar("AWS_REGION"),
        access_key=dg.EnvVar("AWS_ACCESS_KEY_ID"),
        secret_key=dg.EnvVar("AWS_SECRET_ACCESS_KEY"),
    )


place = backend()
assets = [landed, bronze, *silver, reference, carriers_and_routes, weather_and_hours, worst_routes, checked]
resources = {
    "landing": Landing(backend=place, root="landing"),
    "lake": LakeResource(backend=place, root="lake"),
    "io_manager": RemoteStoreIOManager(store=RemoteStoreResource(backend=place, root="values")),
}
defs = dg.Definitions(assets=assets, resources=resources)


def main() -> None:
    begun = time.perf_counter()
    first, *others = MONTHS.get_partition_keys()
    raw, gold = [landed, bronze, reference], [carriers_and_routes, weather_and_hours, worst_routes, checked]
    span = {"dagster/asset_partition_range_start": others[0], "dagster/asset_partition_range_end": others[-1]}
    with dg.DagsterInstance.ephemeral() as instance:

        def run(what: str, chosen: list[dg.AssetsDefinition], **options: object) -> dg.ExecuteInProcessResult:
            print(f"-- {what}", flush=True)
            return dg.materialize(
                assets, selection=chosen, resources=resources, instance=instance, run_config=QUIET, **options
            )

        run("Raw files and reference tables", raw)
        run("January, a run of one partition", silver, partition_key=first)
        run("February to December, one run of eleven partitions", silver, tags=span)
        done = run("Gold tables, and their check", gold)
    for what, said in done.output_for_node("checked").items():
        print(f"{what}: {said}")
    for name in ("landing", "lake"):
        with resources[name].get_store() as store:
            print(f"{name}: {store.native_path()}")
    print(f"All of it took {time.perf_counter() - begun:.1f} s.")


if __name__ == "__main__":
    main()
