"""Dagster without telemetry, and runs of it for tests."""

import os

import pytest

os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"


def pytest_configure(config):
    for line in ("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning", "ignore::DeprecationWarning:dagster"):
        config.addinivalue_line("filterwarnings", line)


@pytest.fixture
def instance():
    """What remembers runs and materializations, in memory."""
    import dagster as dg

    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def data(tmp_path):
    """The folder of the store of ``manager``; nothing makes it but the first write."""
    return tmp_path / "data"


@pytest.fixture
def manager(data):
    """An IO manager over a folder."""
    from dagster_remote_store import LocalConfig, RemoteStoreIOManager, RemoteStoreResource

    return RemoteStoreIOManager(store=RemoteStoreResource(backend=LocalConfig(root=str(data))))
