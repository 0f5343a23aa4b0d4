"""The flights example as an Airflow DAG: every store is a connection, every step a task.

    python examples/airflow_run.py                                    on local folders
    python examples/airflow_run.py --config examples/flights-s3.toml  on S3; only the configuration differs

The tasks call the functions of flights_lake.py, as `examples/flights.py` does. In an Airflow of yours, put both files
into the DAGs folder and make the connections `flights_landing` and `flights_lake`.
"""

from airflow.sdk import dag, task

from airflow_provider_remote_store.hooks import RemoteStoreHook
from airflow_provider_remote_store.operators import RemoteStoreOperator
from airflow_provider_remote_store.sensors import RemoteStoreSensor

TABLES = ("flights", "weather", "planes", "airports", "airlines")


@task
def land() -> str:
    import flights_lake as steps  # and Polars with it: not where the DAG is parsed

    with RemoteStoreHook("flights_landing").get_store() as landing:
        said = steps.land(landing)
    print("landing:", said)
    return said


@task
def ingest() -> str:
    import flights_lake as steps

    from remote_store.lake import Lake

    with (
        RemoteStoreHook("flights_landing").get_store() as landing,
        RemoteStoreHook("flights_lake").get_store() as lake,
    ):
        said = steps.ingest(landing, Lake(lake, progress=False))
    print("bronze:", said)
    return said


@task(map_index_template="{{ table }}")
def silver(table: str) -> int:
    import flights_lake as steps

    from remote_store.lake import Lake

    with RemoteStoreHook("flights_lake").get_store() as lake:
        rows = steps.silver(Lake(lake, progress=False), table)
    print(f"silver: {table}, {rows:,} rows")
    return rows


@task
def gold(engine: str) -> None:
    import flights_lake as steps

    from remote_store.lake import Lake

    make = {"polars": steps.gold_with_polars, "duckdb": steps.gold_with_duckdb}[engine]
    with RemoteStoreHook("flights_lake").get_store() as lake:
        make(Lake(lake, progress=False))
    print(f"gold: made with {engine}")


@task
def check() -> list[str]:
    import flights_lake as steps

    from remote_store.lake import Lake

    with (
        RemoteStoreHook("flights_landing").get_store() as landing,
        RemoteStoreHook("flights_lake").get_store() as stored,
    ):
        lake = Lake(stored, progress=False)
        said = [steps.check(landing, lake), steps.compare_gold(lake)]
    print("\n".join(said))
    return said


@dag(dag_id="flights", schedule=None, tags=["lake"])
def flights() -> None:
    arrived = RemoteStoreSensor(
        task_id="arrived",
        path="*.csv",
        min_files=len(TABLES),
        remote_store_conn_id="flights_landing",
        poke_interval=1,
        timeout=60,
    )
    shown = RemoteStoreOperator(
        task_id="files_of_gold",
        action="list",
        path="gold",
        pattern="*.parquet",
        recursive=True,
        remote_store_conn_id="flights_lake",
    )
    golds = [gold.override(task_id=f"gold_{engine}")(engine) for engine in ("polars", "duckdb")]
    land() >> arrived >> ingest() >> silver.expand(table=list(TABLES)) >> golds >> check() >> shown


flights()
