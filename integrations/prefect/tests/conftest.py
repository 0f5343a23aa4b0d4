"""Prefect on a temporary server of its own, quiet and offline; one a run, since it takes twenty seconds to start."""

import os
import tempfile

HOME = tempfile.TemporaryDirectory(prefix="prefect-home-")
os.environ.update(  # read when Prefect is imported
    PREFECT_HOME=HOME.name,
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    DO_NOT_TRACK="1",
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="120",
    PREFECT_LOGGING_TO_API_ENABLED="false",
)

import pytest  # noqa: E402  the settings come first
from prefect.settings import PREFECT_API_URL  # noqa: E402
from prefect.testing.utilities import prefect_test_harness  # noqa: E402

from prefect_remote_store import RemoteStoreBlock  # noqa: E402

# What Prefect and its server do of their own accord.
OTHERS = (
    "ignore::DeprecationWarning:(?!remote_store|prefect_remote_store)",
    "ignore:unclosed.*:ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


def pytest_configure(config):
    for line in OTHERS:
        config.addinivalue_line("filterwarnings", line)
    config.add_cleanup(HOME.cleanup)


def pytest_collection_modifyitems(items):
    for item in items:
        if "prefect_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("prefect"))


@pytest.fixture(scope="session")
def prefect_server():
    """The address of the API."""
    with prefect_test_harness(server_startup_timeout=120):
        yield PREFECT_API_URL.value()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def block(folder):
    return RemoteStoreBlock.from_uri(folder.as_uri())


@pytest.fixture
def on_s3(seaweedfs, seaweedfs_bucket):
    """Make a block on the S3 server; options may say otherwise."""

    def make(**options):
        keys = {"access_key": seaweedfs.access_key, "secret_key": seaweedfs.secret_key}
        uri = f"s3://{seaweedfs_bucket}/results?endpoint_url={seaweedfs.endpoint_url}&region={seaweedfs.region}"
        return RemoteStoreBlock.from_uri(uri, **keys | options)

    return make
