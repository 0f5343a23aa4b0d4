"""The flights example as a flow, on S3 by configuration only: its own check compares the gold tables."""

import importlib.util
from pathlib import Path

import pytest

from prefect_remote_store import RemoteStoreBlock
from remote_store import RegistryConfig
from remote_store.testing import clause

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def flights():
    spec = importlib.util.spec_from_file_location("flights_prefect", EXAMPLES / "flights_prefect.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@clause("PRE-11")
def test_the_flights_example_makes_the_gold_tables_on_s3(prefect_server, flights, seaweedfs, monkeypatch):
    for name, value in seaweedfs.environment().items():
        monkeypatch.setenv(name, value)
    config = RegistryConfig.from_toml(str(EXAMPLES / "flights-s3.toml"))
    for name in flights.STORES:
        RemoteStoreBlock.from_config(config, name).save(f"flights-{name}", overwrite=True)
    assert flights.flights()[-1] == "4 gold tables are those of `make demo`"
