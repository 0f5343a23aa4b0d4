"""What an import costs: only what it uses."""

import json
import subprocess
import sys
import tomllib

import pytest

import remote_store

LIST_LOADED = (
    "import json, sys; before = set(sys.modules); {statement}; print(json.dumps(sorted(set(sys.modules) - before)))"
)


def loaded_by(statement):
    done = subprocess.run(
        [sys.executable, "-I", "-c", LIST_LOADED.format(statement=statement)], check=True, capture_output=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "statement", ["import remote_store", "from remote_store import Store", "import remote_store.backend"]
)
class TestLoads:
    def test_no_third_party_module(self, statement):
        allowed = sys.stdlib_module_names | {"remote_store"}
        assert not [name for name in loaded_by(statement) if name.partition(".")[0] not in allowed]

    def test_no_event_loop(self, statement):
        assert "asyncio" not in loaded_by(statement)


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


def test_the_version_stands_in_one_place(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert (root / project["tool"]["hatch"]["version"]["path"]).samefile(remote_store.__file__)
