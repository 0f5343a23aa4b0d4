"""The flights example: the main job on real data, run as users run it."""

import os
import subprocess
import sys

import pytest

from remote_store.testing import clause
from tests.repo.rendering import ROOT


def run(folder, config, environment):
    command = [sys.executable, str(ROOT / "examples/flights.py"), "--config", str(ROOT / "examples" / config)]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@clause("LAKE-11")
def test_the_totals_agree_and_a_second_run_copies_nothing(tmp_path):
    first = run(tmp_path, "flights.toml", {})
    assert "336,776 flights, 4,152,200 minutes of delay, 350,217,607 miles: all agree" in first
    assert "5 copied" in first
    second = run(tmp_path, "flights.toml", {})
    assert "0 copied (0.0 MB), 5 here already and unchanged" in second
    assert "all agree" in second
    assert (tmp_path / "data/report.html").stat().st_size > 10_000
    assert (tmp_path / "data/delays.svg").read_text().startswith("<svg")


@clause("LAKE-11")
@pytest.mark.xdist_group("seaweedfs")
def test_the_same_script_runs_on_s3_by_configuration_alone(tmp_path, seaweedfs):
    shown = run(tmp_path, "flights-s3.toml", seaweedfs.environment())
    assert "336,776 flights" in shown
    assert "all agree" in shown
    assert not (tmp_path / "data/lake").exists()
