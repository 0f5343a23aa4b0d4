"""A small deployment as users write one: assets over a store that the environment names, run in processes."""

import json
import os

import dagster as dg
import polars as pl

import dagster_remote_store
from dagster_remote_store import RemoteStoreIOManager, RemoteStoreResource

KEYS = ["a", "b"]


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(KEYS), backfill_policy=dg.BackfillPolicy.single_run())
def parts(context) -> dict[str, pl.DataFrame]:
    return {key: pl.DataFrame({"key": [key] * 3}) for key in context.partition_keys}


@dg.asset
def numbers() -> pl.DataFrame:
    return pl.DataFrame({"x": [1, 2, 3]})


@dg.asset
def doubled(context, numbers: pl.LazyFrame, files: RemoteStoreResource) -> pl.DataFrame:
    files.get_store().write_text("note.txt", f"by process {os.getpid()}", overwrite=True)
    return numbers.select(pl.col("x") * 2).collect()


@dg.asset
def total(doubled: pl.DataFrame) -> dict[str, int]:
    return {"total": doubled["x"].sum()}


def store(root: str) -> RemoteStoreResource:
    """The store that the environment names; its secret stays a name until a run needs it."""
    backend = json.loads(os.environ["TEST_BACKEND"])
    config = getattr(dagster_remote_store, f"{backend.pop('type').title()}Config")
    secrets = {"secret_key": dg.EnvVar("TEST_SECRET")} if "access_key" in backend else {}
    return RemoteStoreResource(backend=config(**backend, **secrets), root=root)


def definitions() -> dg.Definitions:
    return dg.Definitions(
        assets=[numbers, doubled, total],
        jobs=[dg.define_asset_job("everything", executor_def=dg.multiprocess_executor)],
        resources={"io_manager": RemoteStoreIOManager(store=store("values")), "files": store("files")},
    )


# Two names, since Dagster remembers a job by the name of its function.
def job_on_disk() -> dg.JobDefinition:
    return definitions().resolve_job_def("everything")


def job_on_s3() -> dg.JobDefinition:
    return definitions().resolve_job_def("everything")
