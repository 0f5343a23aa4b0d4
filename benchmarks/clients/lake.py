"""A partitioned table on S3, read by Polars and pyarrow: through a lake, through our file system, and by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow.dataset as ds
from pyarrow.fs import S3FileSystem

from benchmarks.clients.repeat import repeated
from remote_store import Store
from remote_store.backends.s3 import S3Backend
from remote_store.lake import Lake

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = "lake"
PARTITION = "p03"
PATTERN = "/**/*.parquet"


def operations(config: dict[str, Any]) -> dict[str, Callable[[int], int | None]]:
    table = Lake(Store(backend(config), ROOT)).silver["flights"]
    queries = {
        "2 columns of 1 partition": (_one_frame, _one_table),
        "sum of 1 column": (_sum_frame, _sum_table),
        "everything": (_all_frame, _all_table),
    }
    found: dict[str, Callable[[int], int | None]] = {}
    for query, (of_frame, of_dataset) in queries.items():
        calls = {
            "polars ours": lambda run=of_frame: run(table.scan()),
            "polars alone": lambda run=of_frame: run(_bare_frame(config)),
            "pyarrow ours": lambda run=of_dataset: run(table.dataset()),
            "pyarrow alone": lambda run=of_dataset: run(_bare_dataset(config)),
            "fallback": lambda run=of_dataset: run(table.dataset(native=False)),
        }
        found.update({f"{name}: {query}": repeated(call) for name, call in calls.items()})
    found["write"] = lambda _: _write(table, config["partitions"], config["rows"])
    return found


def backend(config: dict[str, Any]) -> S3Backend:
    return S3Backend(
        config["bucket"],
        endpoint_url=config["endpoint"],
        access_key=config["access_key"],
        secret_key=config["secret_key"],
        region=config["region"],
    )


def _bare_frame(config: dict[str, Any]) -> pl.LazyFrame:
    options = {
        "aws_endpoint_url": config["endpoint"],
        "aws_access_key_id": config["access_key"],
        "aws_secret_access_key": config["secret_key"],
        "aws_region": config["region"],
        "aws_allow_http": "true",
    }
    folder = f"s3://{config['bucket']}/{ROOT}/silver/flights"
    return pl.scan_parquet(folder + PATTERN, storage_options=options, hive_partitioning=True, credential_provider=None)


def _bare_dataset(config: dict[str, Any]) -> ds.Dataset:
    files = S3FileSystem(
        access_key=config["access_key"],
        secret_key=config["secret_key"],
        region=config["region"],
        scheme="http",
        endpoint_override=config["endpoint"].partition("//")[2],
    )
    return ds.dataset(
        f"{config['bucket']}/{ROOT}/silver/flights", format="parquet", partitioning="hive", filesystem=files
    )


def _one_frame(frame: pl.LazyFrame) -> None:
    assert len(frame.filter(pl.col("part") == PARTITION).select("number", "value").collect())


def _one_table(dataset: ds.Dataset) -> None:
    assert len(dataset.to_table(columns=["number", "value"], filter=ds.field("part") == PARTITION))


def _sum_frame(frame: pl.LazyFrame) -> None:
    assert frame.select(pl.col("number").sum()).collect().item()


def _sum_table(dataset: ds.Dataset) -> None:
    import pyarrow.compute as pc

    assert pc.sum(dataset.to_table(columns=["number"])["number"]).as_py()


def _all_frame(frame: pl.LazyFrame) -> None:
    assert len(frame.collect())


def _all_table(dataset: ds.Dataset) -> None:
    assert len(dataset.to_table())


def _write(table: Any, partitions: int, rows: int) -> None:
    """Write a table that compresses badly."""
    import random

    draw = random.Random(1)
    total = partitions * rows
    frame = pl.DataFrame(
        {
            "part": [f"p{number // rows:02}" for number in range(total)],
            "number": range(total),
            "value": [draw.random() for _ in range(total)],
            "other": [draw.random() for _ in range(total)],
            "text": [f"{draw.getrandbits(48):x}" for _ in range(total)],
        }
    )
    table.write(frame, partition_by=["part"])
