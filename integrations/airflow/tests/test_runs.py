"""Whole DAGs, run as Airflow runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_remote_store.hooks import RemoteStoreHook
from remote_store.testing import clause

AIRFLOW = Path(sys.executable).with_name("airflow")


def airflow(*words, **environment):
    return subprocess.run(
        [AIRFLOW, *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def arrived(lake):
    (lake / "in").mkdir(parents=True)
    (lake / "in" / "a.csv").write_bytes(b"1")
    return lake


@clause("AIR-08", "AIR-09", "AIR-11")
def test_a_dag_moves_files_between_stores(metadata_database, arrived, bucket):
    done = airflow("dags", "test", "files")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "state=success" in done.stdout + done.stderr
    assert bucket.read_bytes("out/a.csv") == b"1"
    assert not (arrived / "in").exists()


@clause("AIR-05", "AIR-11")
def test_a_hostile_parameter_fails_the_task_and_no_secret_is_in_the_log(metadata_database, lake, bucket, seaweedfs):
    lake.mkdir()
    done = airflow("dags", "test", "files", "--conf", json.dumps({"folder": "../outside"}))
    said = done.stdout + done.stderr
    assert "state=success" not in said
    assert "InvalidPath" in said
    assert "../outside" in said
    assert seaweedfs.secret_key not in said


@clause("AIR-04", "AIR-11")
def test_a_dag_without_its_connection_fails_by_its_name(metadata_database, arrived, monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_LAKE")
    done = airflow("dags", "test", "files")
    said = done.stdout + done.stderr
    assert "state=success" not in said
    assert "`lake`" in said or "'lake'" in said


@pytest.fixture
def wrong_secret(bucket, connect, seaweedfs):
    """The secret in the connection `bucket`, which the server does not take."""
    secret, place = "hidden-from-the-logs", RemoteStoreHook("bucket").get_model().backend.bucket
    keys = {"access_key": seaweedfs.access_key, "secret_key": secret, "region": seaweedfs.region}
    connect("bucket", backend="s3", bucket=place, endpoint_url=seaweedfs.endpoint_url, **keys)
    return secret


@clause("AIR-05", "AIR-11", "AIR-17")
def test_a_dag_with_a_wrong_secret_fails_by_its_connection(metadata_database, arrived, bucket, wrong_secret):
    done = airflow("dags", "test", "files")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "PermissionDenied: connections 'lake' and 'bucket': the service refused" in said
    assert wrong_secret not in said
    assert (arrived / "in" / "a.csv").read_bytes() == b"1"
    assert not list(bucket.list_files(recursive=True))
