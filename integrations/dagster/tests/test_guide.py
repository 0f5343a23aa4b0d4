"""The guide and the README of the package run as pasted."""

import re
from pathlib import Path

import dagster as dg
import pytest

from remote_store import Store
from remote_store.testing import clause

ROOT = Path(__file__).parents[3]


def pasted(page):
    """What the Python blocks of a page define, run one after the other."""
    names = {"__name__": "pasted"}
    for block in re.findall(r"```py\n(.*?)```", (ROOT / page).read_text(), re.DOTALL):
        exec(block, names)  # noqa: S102  our own page
    return names


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@clause("DAG-01")
def test_the_readme_defines_what_loads_and_runs(instance, tmp_path):
    defs = pasted("integrations/dagster/README.md")["defs"]
    dg.Definitions.validate_loadable(defs)
    assert defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance).success
    assert (tmp_path / "data/cities.parquet").exists()


@clause("DAG-01")
@clause("DAG-05")
def test_the_guide_does_what_it_says(instance, tmp_path):
    page = pasted("docs/dagster.md")
    dg.Definitions.validate_loadable(page["defs"])
    job = page["defs"].resolve_implicit_global_asset_job_def()
    assert job.execute_in_process(instance=instance).output_for_node("biggest") == {"city": "Rome"}
    assert (tmp_path / "data/values/biggest.json").exists()
    resources = {"io_manager": page["defs"].resources["io_manager"], "files": page["store"]}
    with Store.from_uri("file:data") as store:
        store.write("in/a.csv", b"1")
    ran = dg.materialize([page["landed"], page["summary"]], resources=resources, instance=instance)
    assert ran.output_for_node("landed") == 1
    span = {"dagster/asset_partition_range_start": "2024-01-01", "dagster/asset_partition_range_end": "2024-01-03"}
    dg.materialize([page["sales"]], resources=resources, instance=instance, tags=span)
    both = [page["sales"].to_source_asset(), page["total"]]
    assert dg.materialize(both, resources=resources, instance=instance).output_for_node("total") == 12
    assert page["on_s3"].root == "team"
