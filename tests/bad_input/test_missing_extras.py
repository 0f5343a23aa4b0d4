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
        return None if name.partition(".")[0] in {blocked} else self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Without, sys.meta_path)
from remote_store import ConfigError, Registry, RegistryConfig, Store
try:
    {code}
except Exception as error:
    print(type(error).__name__, error)
else:
    print("worked")
"""
SDKS = {"boto3", "botocore", "obstore", "pyarrow", "polars", "duckdb"}
S3 = 'Store.from_uri("s3://b", region="r", access_key="a", secret_key="s", endpoint_url="http://127.0.0.1:9")'


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
    "arrow": (
        "from remote_store.ext.arrow import filesystem; filesystem(Store.from_uri('memory:'))",
        "arrow",
    ),
    "parquet": (
        "from remote_store.ext import parquet; parquet.Dataset(Store.from_uri('memory:'), 'a')",
        "arrow",
    ),
    "lake": (
        "from remote_store.lake import Lake; Lake(Store.from_uri('memory:')).silver['t'].scan()",
        "arrow",
    ),
}


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
