"""Build a lake from every flight that left New York in 2013: raw CSV, typed tables, answers, a report and a plot.

    python examples/flights.py                                   on local folders, below data/
    python examples/flights.py --config examples/flights-s3.toml on S3; only the configuration differs

Run it again as often as you like: files that have not changed are not copied again, tables are replaced whole.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from flights_lake import TABLES, check, gold_with_duckdb, gold_with_polars, ingest, land, silver

from remote_store import Registry, RegistryConfig, Store
from remote_store.lake import Lake, chart

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
        say(ingest(landing, lake))
    with step(3, "Type and partition into silver") as say:
        rows = sum(silver(lake, name) for name in TABLES)
        say(f"{rows:,} rows in {len(TABLES)} tables")
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
