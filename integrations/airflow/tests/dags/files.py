"""A DAG with every action, between the connections `lake` and `bucket`; the folder comes from the run."""

from airflow.sdk import DAG

from airflow_provider_remote_store.operators import RemoteStoreOperator
from airflow_provider_remote_store.sensors import RemoteStoreSensor

with DAG("files", schedule=None, params={"folder": "in"}) as dag:
    here = {"remote_store_conn_id": "lake"}
    wait = RemoteStoreSensor(task_id="wait", path="{{ params.folder }}/*.csv", poke_interval=1, timeout=30, **here)
    send = RemoteStoreOperator(
        task_id="send",
        action="copy",
        path="{{ ti.xcom_pull(task_ids='wait')[0] }}",
        target_conn_id="bucket",
        target_path="out/{{ ti.xcom_pull(task_ids='wait')[0].rpartition('/')[2] }}",
        **here,
    )
    listed = RemoteStoreOperator(task_id="listed", action="list", recursive=True, remote_store_conn_id="bucket")
    tidy = RemoteStoreOperator(task_id="tidy", action="delete", path="{{ params.folder }}", recursive=True, **here)
    wait >> send >> listed >> tidy
