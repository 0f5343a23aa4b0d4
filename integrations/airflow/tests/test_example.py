"""The flights example as a DAG, on S3 by configuration only: its own check compares the gold tables."""

import os
import subprocess
import sys
from pathlib import Path

from remote_store.testing import clause

EXAMPLES = Path(__file__).parents[3] / "examples"


@clause("AIR-12")
def test_the_flights_example_makes_the_gold_tables_on_s3(seaweedfs, tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / "airflow_run.py", "--config", EXAMPLES / "flights-s3.toml", "--home", tmp_path],
        env={**os.environ, **seaweedfs.environment()},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "4 gold tables are those of `make demo`" in said
    assert seaweedfs.secret_key not in said
