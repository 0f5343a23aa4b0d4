"""What Airflow knows of the provider before anything runs."""

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import airflow
import jsonschema
import pytest
from airflow.providers_manager import ProvidersManager
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

import airflow_provider_remote_store
import remote_store
from airflow_provider_remote_store import get_provider_info
from airflow_provider_remote_store.form import backends, form_fields
from remote_store import _catalog
from remote_store.testing import clause


@pytest.fixture(scope="module")
def manager():
    return ProvidersManager()


def test_airflow_finds_the_provider():
    points = entry_points(group="apache_airflow_provider", name="provider_info")
    (point,) = [point for point in points if point.value.startswith("airflow_provider_remote_store:")]
    assert point.load()() == get_provider_info()


def test_the_version_is_that_of_the_core():
    assert airflow_provider_remote_store.__version__ == remote_store.__version__


@clause("AIR-01")
def test_the_provider_is_valid_by_airflows_own_schemas():
    folder = Path(airflow.__file__).parent
    jsonschema.validate(get_provider_info(), json.loads((folder / "provider_info.schema.json").read_text()))
    strict = json.loads((folder / "provider.yaml.schema.json").read_text())["properties"]["connection-types"]
    jsonschema.validate(get_provider_info()["connection-types"], strict)


@clause("AIR-01")
def test_asking_for_the_provider_loads_neither_airflow_nor_an_sdk():
    code = (
        "import sys; from airflow_provider_remote_store import get_provider_info as g; g(); "
        "heavy = {'airflow', 'pydantic', 'boto3', 'obstore', 'paramiko', 'azure', 'pyarrow', 'sqlalchemy'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@clause("AIR-01")
def test_the_modules_that_the_provider_names_are_there():
    import importlib

    info = get_provider_info()
    for kind in ("hooks", "operators", "sensors"):
        for entry in info[kind]:
            for module in entry["python-modules"]:
                importlib.import_module(module)


@clause("AIR-02")
def test_airflow_offers_the_connection_type_with_its_form(manager):
    assert ProvidersManagerTaskRuntime().hooks["remote_store"].hook_name == "Remote Store"
    shown = {
        name.removeprefix("extra__remote_store__"): widget
        for name, widget in manager.connection_form_widgets.items()
        if name.startswith("extra__remote_store__")
    }
    assert set(shown) == set(form_fields())
    assert set(shown["backend"].field["schema"]["enum"]) == set(_catalog.names())
    assert "host" in manager.field_behaviours["remote_store"]["hidden_fields"]


@clause("AIR-02")
def test_no_option_is_called_as_a_field_of_the_store_itself():
    named = {option.name for options in backends().values() for option in options.values()}
    assert not named & {"backend", "folder", "readonly", "max_calls"}


@clause("AIR-02")
def test_every_option_of_every_backend_is_a_field_and_secrets_are_passwords():
    fields = form_fields()
    for options in backends().values():
        for option in options.values():
            assert option.name in fields
            assert fields[option.name]["label"]
            if option.secret:
                assert fields[option.name]["schema"]["format"] == "password"


@clause("AIR-02")
def test_a_field_of_several_backends_tells_what_it_is_for_each():
    fields = form_fields()
    assert fields["ca_bundle"]["label"].startswith("CA bundle (")
    assert fields["root"]["description"].startswith("[local] ")
    assert "[sftp] " in fields["root"]["description"]
    assert not fields["bucket"]["description"].startswith("[")
