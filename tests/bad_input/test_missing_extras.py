"""Installed without extras: whatever needs one says how to install it, and the rest works."""

import subprocess
import sys

import pytest

from remote_store.testing import clause

WITHOUT = """
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if {{name, name.partition(".")[0]}} & {blocked} else self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Without, sys.meta_path)
from remote_store import ConfigError, Registry, RegistryConfig, Store
try:
    {code}
except Exception as error:
    print(type(error).__name__, error)
else:
    print("worked")
"""
SDKS = {"azure", "pydantic", "paramiko", "boto3", "botocore", "obstore", "pyarrow", "polars", "duckdb", "sqlalchemy"}
S3 = 'Store.from_uri("s3://b", region="r", access_key="a", secret_key="s", endpoint_url="http://127.0.0.1:9")'


SQL = 'Store.from_uri("postgresql://me@127.0.0.1:9/db")'
AZ = 'Store.from_uri("az://any", account="a", account_key="a2V5", hierarchical=False)'


def outcome(code, blocked=SDKS):
    program = WITHOUT.format(code=code, blocked=blocked)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


NEEDING = {
    "s3 read": (f"{S3}.read_bytes('a')", "s3"),
    "s3 write": (f"{S3}.write('a', b'')", "s3"),
    "s3 list": (f"list({S3}.list_files())", "s3"),
    "s3 copy": (f"{S3}.copy('a', 'b')", "s3"),
    "s3 insisting on obstore": (f"{S3[:-1]}, lane='obstore').read_bytes('a')", "s3"),
    "azure read": (f"{AZ}.read_bytes('a')", "azure"),
    "azure list": (f"list({AZ}.list_files())", "azure"),
    "azure insisting on obstore": (f"{AZ[:-1]}, lane='obstore').read_bytes('a')", "azure"),
    "azure asked": (f"{AZ.replace('False', 'None')}.read_bytes('a')", "azure"),
    "sftp": ("Store.from_uri('sftp://127.0.0.1:9').read_bytes('a')", "sftp"),
    "sql": (f"{SQL}.read_bytes('a')", "sql"),
    "sql path": (f"{SQL}.native_path('a')", "sql"),
    "sql query": (
        "Store.from_uri('sql-query+sqlite:///a.db', queries={'a': 'select 1'}).read_bytes('a.csv')",
        "sql-query",
    ),
    "arrow": (
        "from remote_store.ext.arrow import filesystem; filesystem(Store.from_uri('memory:'))",
        "arrow",
    ),
    "parquet": (
        "from remote_store.ext import parquet; parquet.Dataset(Store.from_uri('memory:'), 'a')",
        "arrow",
    ),
    "pydantic": ("from remote_store.ext.pydantic import StoreModel", "pydantic"),
    "lake": (
        "from remote_store.lake import Lake; Lake(Store.from_uri('memory:')).silver['t'].scan()",
        "arrow",
    ),
}


def test_dagster_names_the_distribution_that_brings_it():
    said = outcome("from remote_store.ext.dagster import RemoteStoreResource", {"dagster_remote_store"})
    assert said == "ConfigError dagster-remote-store is not installed; run: pip install dagster-remote-store"


@clause("CONF-08")
@pytest.mark.parametrize(("code", "extra"), NEEDING.values(), ids=NEEDING)
def test_what_needs_an_extra_names_the_line_that_installs_it(code, extra):
    said = outcome(code)
    assert said.startswith("ConfigError"), said
    assert any(f"pip install {quote}remote-store[{extra}]{quote}" in said for quote in "\"'"), said


@pytest.mark.parametrize(
    "code",
    [
        "Store.from_uri('memory:').write('a', b'1')",
        "list(Store.from_uri('file:.').list_folders())",
        "RegistryConfig.from_dict({'backends': {'l': {'type': 's3', 'options': {'bucket': 'b'}}}})",
    ],
    ids=["memory", "local", "configuration"],
)
def test_what_needs_no_extra_works_without(code):
    assert outcome(code) == "worked"


def test_botocore_alone_carries_s3():
    said = outcome(f"{S3}.read_bytes('a')", {"obstore"})
    assert said.startswith("BackendUnavailable"), said


def test_a_broken_part_of_this_package_is_not_called_a_missing_extra():
    said = outcome("Store.from_uri('sftp://127.0.0.1:9')", {"remote_store.backends.sftp.wire"})
    assert said.startswith("ImportError")
    assert "pip install" not in said
