"""The flights example as a Prefect flow: every store is a block, every step a task.

    python examples/flights_prefect.py                                    on local folders
    python examples/flights_prefect.py --config examples/flights-s3.toml  on S3; only the configuration differs

The tasks call the functions of flights_lake.py, as `examples/flights.py` does. Without a Prefect server of yours,
Prefect starts one for as long as this runs.
"""

import argparse
import sys
from pathlib import Path

from prefect import flow, task
from prefect.futures import wait

from prefect_remote_store import RemoteStoreBlock
from remote_store import RegistryConfig, Store
from remote_store.lake import Lake

sys.path.insert(0, str(Path(__file__).parent))
import flights_lake as steps  # from where this file stands, wherever it is started

STORES = ("landing", "lake")


def store(block: str) -> Store:
    return RemoteStoreBlock.load(f"flights-{block}").get_store()


@task
def land() -> str:
    with store("landing") as landing:
        return steps.land(landing)


@task(retries=2)
def ingest() -> str:
    with store("landing") as landing, store("lake") as lake:
        return steps.ingest(landing, Lake(lake, progress=False))


@task(task_run_name="silver {table}")
def silver(table: str) -> int:
    with store("lake") as lake:
        return steps.silver(Lake(lake, progress=False), table)


@task
def gold_with_polars() -> None:
    with store("lake") as lake:
        steps.gold_with_polars(Lake(lake, progress=False))


@task
def gold_with_duckdb() -> None:
    with store("lake") as lake:
        steps.gold_with_duckdb(Lake(lake, progress=False))


@task
def check() -> list[str]:
    with store("landing") as landing, store("lake") as stored:
        lake = Lake(stored, progress=False)
        return [steps.check(landing, lake), steps.compare_gold(lake)]


@flow(name="flights", log_prints=True)
def flights() -> list[str]:
    """Raw files to bronze, typed tables to silver, answers to gold, and the proof that they add up."""
    print("landing:", land())
    print("bronze:", ingest())
    rows = silver.map(list(steps.TABLES)).result()
    print(f"silver: {sum(rows):,} rows in {len(rows)} tables")
    gold = [gold_with_polars.submit(), gold_with_duckdb.submit()]
    wait(gold)
    for future in gold:
        future.result()
    return check()


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--config", default=Path(__file__).with_name("flights.toml"), help="the stores (TOML)")
    config = RegistryConfig.from_toml(str(parser.parse_args().config))
    for name in STORES:
        RemoteStoreBlock.from_config(config, name).save(f"flights-{name}", overwrite=True)
    print("\n".join(flights()))


if __name__ == "__main__":
    main()
