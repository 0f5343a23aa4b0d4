"""From a connection to a store."""

import asyncio
import json

import pytest
from airflow.exceptions import AirflowNotFoundException
from airflow.models.connection import Connection
from airflow.sdk._shared.secrets_masker import redact

from airflow_provider_remote_store.connection import connection_of_model
from airflow_provider_remote_store.form import backends
from airflow_provider_remote_store.hooks import RemoteStoreHook
from remote_store import CapabilityNotSupported, ConfigError, RemoteStoreError, Secret
from remote_store.ext.pydantic import StoreModel
from remote_store.testing import clause

SECRET = "hidden-in-the-connection"


@clause("AIR-03")
def test_a_connection_opens_the_store_that_it_describes(lake):
    with RemoteStoreHook("lake").get_store() as store:
        store.write("a", b"1")
    assert (lake / "a").read_bytes() == b"1"


@clause("AIR-03")
def test_a_connection_may_be_a_uri(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW_CONN_URI", f"remote-store://?backend=local&root={tmp_path}&folder=a/b&readonly=true")
    with RemoteStoreHook("uri").get_store() as store:
        assert store.native_path() == str(tmp_path / "a" / "b")
        with pytest.raises(CapabilityNotSupported):
            store.write("x", b"1")


@clause("AIR-03")
def test_the_fields_of_a_uri_are_the_options_of_the_same_meaning(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_URI", f"remote-store://me:{SECRET}@files.example.org:2222/?backend=sftp")
    if "sftp" not in backends():
        pytest.fail("the backend sftp is not in the catalog")
    backend = RemoteStoreHook("uri").get_model().backend
    assert (backend.host, backend.port) == ("files.example.org", 2222)
    assert backend.password.get_secret_value() == SECRET


@clause("AIR-03")
def test_empty_fields_of_the_form_are_defaults(connect, tmp_path):
    connect("form", backend="local", root=str(tmp_path), bucket=None, secret_key="", durable=None, max_calls=None)
    with RemoteStoreHook("form").get_store() as store:
        assert store.native_path() == str(tmp_path)


@clause("AIR-03")
def test_numbers_and_tables_may_come_as_text(connect):
    connect("s3", backend="s3", bucket="lake", read_timeout="7.5", max_calls="3")
    model = RemoteStoreHook("s3").get_model()
    assert (model.backend.read_timeout, model.max_calls) == (7.5, 3)
    connect("web", backend="http", url="http://127.0.0.1:9", headers=json.dumps({"X-Key": SECRET}))
    backend = RemoteStoreHook("web").get_model().to_config().backends["store"]
    assert backend.options["headers"]["X-Key"] == Secret(SECRET)


@clause("AIR-04")
@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({}, "backend: the field is empty"),
        ({"backend": "s4", "bucket": "lake"}, "'s4' is no backend.*s3"),
        ({"backend": "s3"}, "bucket: Field required"),
        ({"backend": "s3", "buckett": "lake"}, "buckett: backend 's3' has no such option; did you mean 'bucket'"),
        ({"backend": "s3", "bucket": "lake", "folder": "../up"}, "folder: "),
        ({"backend": "local", "root": "here", "folder": 5}, "folder: "),
        ({"backend": "s3", "bucket": "lake", "secret_key": SECRET}, "access_key and secret_key belong together"),
        ({"backend": "s3", "bucket": "lake", "read_timeout": "soon"}, "read_timeout"),
        ({"backend": "s3", "bucket": "lake", "secret_key": {"x": SECRET}}, "secret_key"),
        ({"backend": "local", "root": "here", "max_calls": 0}, "max_calls"),
    ],
)
def test_a_wrong_field_is_named_with_its_connection_and_shows_no_secret(connect, extra, says):
    connect("wrong", **extra)
    with pytest.raises(ConfigError, match=f"connection 'wrong': .*{says}") as caught:
        RemoteStoreHook("wrong").get_store()
    assert SECRET not in str(caught.value)


@clause("AIR-04")
@pytest.mark.parametrize("field", ["login", "password", "host", "schema"])
def test_a_field_that_the_backend_cannot_use_is_not_passed_over(monkeypatch, field):
    """A connection with the keys of S3 as login and password would else open with the machine's own credentials."""
    fields = {"conn_type": "remote_store", field: SECRET, "extra": {"backend": "s3", "bucket": "lake"}}
    monkeypatch.setenv("AIRFLOW_CONN_WRONG", json.dumps(fields))
    with pytest.raises(ConfigError, match=f"connection 'wrong': {field}: backend 's3' takes none") as caught:
        RemoteStoreHook("wrong").get_store()
    assert SECRET not in str(caught.value)


@clause("AIR-04")
def test_an_extra_that_is_no_object_is_refused(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_BAD", json.dumps({"conn_type": "remote_store", "extra": "[1]"}))
    with pytest.raises(ConfigError, match="connection 'bad': extra"):
        RemoteStoreHook("bad").get_store()


@clause("AIR-04")
def test_a_missing_connection_is_named(metadata_database):
    with pytest.raises(AirflowNotFoundException, match="nobody_made_this"):
        RemoteStoreHook("nobody_made_this").get_store()


@clause("AIR-05")
def test_secrets_are_masked_from_the_moment_the_connection_is_read(connect):
    connect("s3", backend="s3", bucket="lake", access_key="AK", secret_key=SECRET, session_token=f"t-{SECRET}")
    model = RemoteStoreHook("s3").get_model()
    assert SECRET not in f"{model} {model!r} {model.to_config()!r}"
    assert redact(f"the key is {SECRET}.") == "the key is ***."


@clause("AIR-05")
def test_the_password_within_a_url_is_masked_by_itself(connect):
    connect("db", backend="sql-blob", database="postgresql://me:within%2Fa-url@host/db")
    RemoteStoreHook("db").get_model()
    assert redact("within%2Fa-url and within/a-url") == "*** and ***"


@clause("AIR-06")
def test_the_test_button_says_where_the_store_is(lake):
    lake.mkdir()
    assert RemoteStoreHook("lake").test_connection() == (True, f"{lake} can be reached")


@clause("AIR-06")
@pytest.mark.filterwarnings("ignore")  # of Airflow about itself
def test_airflow_finds_the_test_of_a_connection_by_its_type(lake):
    lake.mkdir()
    assert Connection(conn_id="lake", conn_type="remote_store").test_connection() == (True, f"{lake} can be reached")


@clause("AIR-06")
def test_the_test_button_says_why_a_store_cannot_be_reached(bucket, connect, seaweedfs, seaweedfs_bucket):
    options = {"bucket": seaweedfs_bucket, "endpoint_url": seaweedfs.endpoint_url, "region": seaweedfs.region}
    connect("denied", backend="s3", access_key=seaweedfs.access_key, secret_key=SECRET, **options)
    works, why = RemoteStoreHook("denied").test_connection()
    assert not works
    assert "refused" in why
    assert SECRET not in why
    connect("empty")
    assert RemoteStoreHook("empty").test_connection()[0] is False


@clause("AIR-05", "AIR-15")
def test_the_async_store_of_a_connection_reads_the_same_files_and_masks_its_secrets(bucket, connect):
    async def read(name):
        async with await RemoteStoreHook(name).aget_store() as store:
            return await store.read_bytes("a")

    bucket.write("a", b"1")
    assert asyncio.run(read("bucket")) == b"1"
    connect("wrong", backend="s3", bucket="lake", access_key="AK", secret_key="of-the-async-one", region="")
    with pytest.raises(RemoteStoreError):
        asyncio.run(read("wrong"))
    assert redact("of-the-async-one") == "***"


@clause("AIR-04", "AIR-15")
def test_a_wrong_field_is_named_on_an_event_loop_too(connect):
    connect("wrong", backend="s3", bucket="lake", secret_key=SECRET)
    with pytest.raises(ConfigError, match="connection 'wrong': access_key and secret_key"):
        asyncio.run(RemoteStoreHook("wrong").aget_store())


@clause("AIR-03")
@pytest.mark.parametrize("backend", sorted(backends()))
def test_a_store_of_any_backend_comes_back_from_its_connection(monkeypatch, backend):
    """With one value for each kind of option, so that the form's way through JSON is walked for all."""
    values = {"str": "text", "int": 7, "float": 2.5, "Mapping": {"a": "b"}, "Secrets": {"a": SECRET}}
    given = {}
    for option in backends()[backend].values():
        if option.choices:
            given[option.name] = option.choices[-1]
        elif "bool" in option.types:
            given[option.name] = not option.default
        else:
            given[option.name] = (
                SECRET
                if "Secret" in option.types
                else next((values[kind] for kind in option.types if kind in values), "text")
            )
    model = StoreModel.model_validate({"backend": {"type": backend, **given}, "root": "a/b", "readonly": True})
    monkeypatch.setenv("AIRFLOW_CONN_BACK", connection_of_model(model))
    assert RemoteStoreHook("back").get_model().to_config() == model.to_config()
