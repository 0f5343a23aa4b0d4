"""Airflow with a home of its own, quiet and offline; its metadata database is made once, in one process."""

import json
import os
import sys
import tempfile
from pathlib import Path

if "airflow" in sys.modules:  # looking for namespace packages, pytest takes this folder for Airflow itself
    raise RuntimeError("Airflow was loaded before its settings: run pytest with -o consider_namespace_packages=false")

HOME = tempfile.TemporaryDirectory(prefix="airflow-home-")
os.environ.update(  # read when Airflow is imported
    AIRFLOW_HOME=HOME.name,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__DAGS_FOLDER=str(Path(__file__).parent / "dags"),
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED="False",
    SCARF_ANALYTICS="false",
)

import pytest  # noqa: E402  the settings come first

# What Airflow does of its own accord.
OTHERS = (
    "ignore::DeprecationWarning:airflow",
    "ignore::DeprecationWarning:(?!remote_store|airflow_provider_remote_store)",
    "ignore::PendingDeprecationWarning",
    "ignore::SyntaxWarning",
    "ignore:unclosed.*:ResourceWarning",
)


def pytest_configure(config):
    for line in OTHERS:
        config.addinivalue_line("filterwarnings", line)
    config.add_cleanup(HOME.cleanup)


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("airflow"))


@pytest.fixture(scope="session")
def metadata_database():
    """Airflow's own database, as `airflow db migrate` makes it."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def connect(monkeypatch):
    """Give Airflow a connection: `connect("lake", backend="local", root=…)`."""

    def make(name, **extra):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps({"conn_type": "remote_store", "extra": extra}))
        return name

    return make


@pytest.fixture
def lake(connect, tmp_path):
    """The folder of the connection `lake`."""
    connect("lake", backend="local", root=str(tmp_path / "lake"))
    return tmp_path / "lake"


@pytest.fixture
def bucket(connect, seaweedfs, seaweedfs_bucket):
    """The store of the connection `bucket`, on S3."""
    from airflow_provider_remote_store.hooks import RemoteStoreHook

    options = {"endpoint_url": seaweedfs.endpoint_url, "region": seaweedfs.region, "folder": os.urandom(4).hex()}
    keys = {"access_key": seaweedfs.access_key, "secret_key": seaweedfs.secret_key}
    connect("bucket", backend="s3", bucket=seaweedfs_bucket, **options, **keys)
    with RemoteStoreHook("bucket").get_store() as store:
        yield store
