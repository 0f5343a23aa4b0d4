"""The flights example as Dagster assets, run as `make demo-dagster` runs it."""

import os
import subprocess
import sys
from pathlib import Path

from remote_store.testing import clause

ROOT = Path(__file__).parents[3]


def run(folder, **environment):
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples/flights_dagster.py")],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "336,776 flights, 4,152,200 minutes of delay, 350,217,607 miles: all agree" in done.stdout
    assert "4 gold tables are those of `make demo`" in done.stdout
    return done.stdout + done.stderr


@clause("DAG-13")
def test_the_gold_tables_are_those_of_the_plain_script(tmp_path):
    run(tmp_path, STORE="local", FLIGHTS_DATA=str(tmp_path / "data"))
    assert (tmp_path / "data/values/worst_routes.parquet").exists()


@clause("DAG-11")
@clause("DAG-13")
def test_the_same_assets_run_on_s3_by_configuration_alone(tmp_path, seaweedfs):
    said = run(tmp_path, STORE="s3", **seaweedfs.environment())
    assert seaweedfs.secret_key not in said
    assert not list(tmp_path.iterdir())
