"""What an import costs: only what it uses."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import remote_store

LIST_LOADED = """import sys; before = set(sys.modules)
{statement}
loaded = sorted(set(sys.modules) - before); import json; print(json.dumps(loaded))"""


def loaded_by(statement):
    done = subprocess.run(
        [sys.executable, "-c", LIST_LOADED.format(statement=statement)], check=True, capture_output=True
    )
    return json.loads(done.stdout)


SDKS = {"boto3", "botocore", "obstore", "pyarrow", "polars", "duckdb", "fsspec", "paramiko"}
HEAVY = {"asyncio", "inspect", "dataclasses", "logging", "concurrent", "urllib", "http", "ssl", "socket", "email"}
UNUSED = {"tomllib", "difflib", "tempfile", "subprocess", "importlib.metadata", "pathlib"}

LIGHT = {
    "package": "import remote_store",
    "spi": "import remote_store.backend",
    "store": "from remote_store import Store",
    "memory": "from remote_store import Store\ns = Store.from_uri('memory:')\ns.write('a', b'x')\ns.read_bytes('a')",
    "local": "from remote_store import Store\ns = Store.from_uri('file:.')\ns.exists('a')\nlist(s.list_folders())",
    "registry": """
from remote_store import Registry
config = {"backends": {"m": {"type": "memory"}}, "stores": {"s": {"backend": "m"}}}
Registry(config).get_store("s").exists("a")
""",
}


@pytest.mark.parametrize("statement", LIGHT.values(), ids=LIGHT)
class TestLoads:
    def test_no_third_party_module(self, statement):
        allowed = sys.stdlib_module_names | {"remote_store"}
        assert not [name for name in loaded_by(statement) if name.partition(".")[0] not in allowed]

    def test_no_module_that_is_heavy_or_not_used(self, statement):
        assert not {*loaded_by(statement)} & (HEAVY | UNUSED)


@pytest.mark.parametrize("statement", ["from remote_store.backends.s3 import S3Backend", "import remote_store.aio"])
def test_a_client_is_loaded_when_it_is_used(statement):
    assert not {*loaded_by(statement)} & SDKS


def test_the_bare_import_loads_no_part_of_the_library_it_does_not_use():
    heavy = (
        "remote_store.backends",
        "remote_store.testing",
        "remote_store.lake",
        "remote_store.cli",
        "remote_store.ext",
    )
    assert not [name for name in loaded_by("import remote_store") if name.startswith(heavy)]


def test_every_public_name_can_be_imported():
    assert [name for name in remote_store.__all__ if not hasattr(remote_store, name)] == []


def test_type_checkers_take_every_public_name_for_public():
    imported = [
        node
        for node in ast.walk(ast.parse(Path(remote_store.__file__).read_text()))
        if isinstance(node, ast.ImportFrom)
    ]
    exported = [alias.asname for node in imported for alias in node.names if alias.asname == alias.name]
    assert sorted(exported) == sorted(remote_store.__all__)
