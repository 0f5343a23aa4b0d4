"""Partitions that the tests share, and runs of them."""

import dagster as dg

LETTERS = dg.StaticPartitionsDefinition(["a", "b", "c"])
DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-04")
GRID = dg.MultiPartitionsDefinition({"letter": LETTERS, "day": DAYS})


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def run(assets, manager, instance, key=None, **options):
    return dg.materialize(
        assets, resources={"io_manager": manager}, instance=instance, partition_key=key, raise_on_error=True, **options
    )


def run_range(assets, manager, instance, first, last, **options):
    """Write the partitions of a range in one run, as a backfill with BackfillPolicy.single_run does."""
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    return run(assets, manager, instance, tags=tags, **options)


def single_run(make, partitions=LETTERS, **options):
    return dg.asset(partitions_def=partitions, backfill_policy=dg.BackfillPolicy.single_run(), name="many", **options)(
        make
    )
