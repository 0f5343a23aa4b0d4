"""Runs as users start them: in one process and in many, on S3 by configuration, with secrets that stay secret."""

import json
import os

import dagster as dg
import polars as pl
import pytest

from dagster_remote_store import HttpConfig, LocalConfig, RemoteStoreIOManager, RemoteStoreResource, S3Config
from integrations.dagster.tests import definitions
from remote_store import ConfigError, ContainerNotFound, PermissionDenied, RemoteStoreError, Store
from remote_store.testing import clause

WRONG = "canary-not-the-secret"


@pytest.fixture
def on_s3(seaweedfs, monkeypatch):
    """An environment that names a fresh bucket, and a store to look into it."""
    bucket = seaweedfs.make_bucket()
    backend = {
        "type": "s3",
        "bucket": bucket,
        "endpoint_url": seaweedfs.endpoint_url,
        "region": seaweedfs.region,
        "access_key": seaweedfs.access_key,
    }
    monkeypatch.setenv("TEST_BACKEND", json.dumps(backend))
    monkeypatch.setenv("TEST_SECRET", seaweedfs.secret_key)
    uri = f"s3://{bucket}?endpoint_url={seaweedfs.endpoint_url}&region={seaweedfs.region}"
    with Store.from_uri(uri, access_key=seaweedfs.access_key, secret_key=seaweedfs.secret_key) as store:
        yield store


@pytest.fixture
def on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("TEST_BACKEND", json.dumps({"type": "local", "root": str(tmp_path / "data")}))
    with Store.from_uri(f"file:{tmp_path}/data") as store:
        yield store


@pytest.fixture
def lasting(tmp_path):
    """An instance on disk, which the processes of a run share."""
    folder = tmp_path / "dagster"
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder)) as made:
        yield made


def everything_said(instance, capfd):
    """All that a run logged, stored and printed."""
    runs = instance.get_runs()
    events = [str(entry) for run in runs for entry in instance.all_logs(run.run_id)]
    printed = capfd.readouterr()
    return "\n".join([*events, *map(str, runs), printed.out, printed.err])


def check(store):
    assert pl.read_parquet(store.read_bytes("values/doubled.parquet"))["x"].to_list() == [2, 4, 6]
    assert json.loads(store.read_bytes("values/total.json")) == {"total": 12}
    return store.read_text("files/note.txt")


@clause("DAG-09")
@clause("DAG-11")
@pytest.mark.parametrize("place", ["on_disk", "on_s3"])
def test_a_job_runs_in_processes_of_its_own(place, request, lasting, capfd, seaweedfs):
    store = request.getfixturevalue(place)
    job = dg.reconstructable(getattr(definitions, f"job_{place}"))
    with dg.execute_job(job, instance=lasting) as result:
        assert result.success
    assert check(store) != f"by process {os.getpid()}"
    said = everything_said(lasting, capfd)
    assert "doubled" in said
    assert seaweedfs.secret_key not in said


@clause("DAG-11")
@pytest.mark.parametrize("place", ["on_disk", "on_s3"])
def test_the_same_assets_run_in_one_process(place, request, instance):
    store = request.getfixturevalue(place)
    defs = definitions.definitions()
    dg.Definitions.validate_loadable(defs)
    assert defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance).success
    assert check(store) == f"by process {os.getpid()}"


@clause("DAG-05")
@clause("DAG-11")
def test_a_single_run_backfill_writes_to_s3(on_s3, instance):
    dg.materialize(
        [definitions.parts],
        instance=instance,
        resources={"io_manager": RemoteStoreIOManager(store=definitions.store("values"))},
        tags={"dagster/asset_partition_range_start": "a", "dagster/asset_partition_range_end": "b"},
    )
    assert [info.key for info in on_s3.list_files("values", recursive=True)] == [
        "values/parts/a.parquet",
        "values/parts/b.parquet",
    ]


@clause("DAG-08")
def test_a_wrong_secret_is_one_error_that_shows_none(on_s3, instance, monkeypatch, capfd, seaweedfs):
    monkeypatch.setenv("TEST_SECRET", WRONG)
    defs = definitions.definitions()
    with pytest.raises(PermissionDenied) as caught:
        defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
    assert "numbers.parquet" in str(caught.value)
    said = everything_said(instance, capfd) + repr(caught.value)
    assert "PermissionDenied" in said
    assert WRONG not in said
    assert seaweedfs.secret_key not in said
    assert not list(on_s3.list_files(recursive=True))


@clause("DAG-08")
def test_a_secret_is_not_printed_with_its_resource(monkeypatch):
    monkeypatch.setenv("TEST_SECRET", WRONG)
    named = RemoteStoreResource(backend=S3Config(bucket="b", access_key="k", secret_key=dg.EnvVar("TEST_SECRET")))
    plain = RemoteStoreResource(backend=S3Config(bucket="b", access_key="k", secret_key=WRONG))
    with named.process_config_and_initialize_cm() as resolved:
        assert resolved.backend.secret_key == WRONG
        for resource in (named, plain, resolved, RemoteStoreIOManager(store=plain)):
            assert WRONG not in f"{resource!r} {resource}"
    assert named.get_store() == plain.get_store()
    assert WRONG not in repr(named.get_store())


@clause("DAG-08")
def test_a_missing_variable_is_named(instance, monkeypatch, on_s3):
    monkeypatch.delenv("TEST_SECRET")
    with pytest.raises(Exception, match="TEST_SECRET"):
        definitions.definitions().resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)


@clause("DAG-08")
def test_outside_of_a_run_variables_are_read_inside_of_tables_too_and_named_if_missing(monkeypatch):
    monkeypatch.setenv("TEST_SECRET", WRONG)
    config = HttpConfig(url="http://127.0.0.1:9/", headers={"X-Key": dg.EnvVar("TEST_SECRET")})
    assert config.to_config().options["headers"]["X-Key"].reveal() == WRONG
    assert WRONG not in f"{config!r} {config.to_config()!r}"
    monkeypatch.delenv("TEST_SECRET")
    with pytest.raises(ConfigError, match="headers: the environment variable TEST_SECRET is not set"):
        config.to_config()
    with pytest.raises(ConfigError, match="token: the environment variable TEST_SECRET is not set"):
        HttpConfig(url="http://127.0.0.1:9/", token=dg.EnvVar("TEST_SECRET")).to_config()


def test_an_unknown_option_is_named_and_one_out_of_range_too():
    with pytest.raises(ValueError, match="bukket"):
        S3Config(bucket="b", bukket="b")
    with pytest.raises(ValueError, match="secret_key") as caught:
        S3Config(bucket="b", secret_key=[WRONG])
    assert WRONG not in str(caught.value)
    place = LocalConfig(root="data")
    with pytest.raises(ValueError, match="rooot"):
        RemoteStoreResource(backend=place, rooot="in")
    with pytest.raises(ValueError, match="alow_pickle"):
        RemoteStoreIOManager(store=RemoteStoreResource(backend=place), alow_pickle=True)
    with pytest.raises(ConfigError, match=r"addressing.*'path' or 'virtual'"):
        RemoteStoreResource(backend=S3Config(bucket="b", addressing="sideways")).get_store()


@clause("DAG-09")
@pytest.mark.parametrize("fails", [False, True], ids=["run", "failed run"])
def test_the_store_is_closed_when_the_run_is_over(tmp_path, instance, fails):
    seen = []

    @dg.asset
    def look(files: RemoteStoreResource) -> None:
        seen.append(files.get_store())
        assert files.get_store() is seen[0]
        seen[0].write("a", b"1")
        assert not fails, "on purpose"

    files = RemoteStoreResource(backend=LocalConfig(root=str(tmp_path)))
    dg.materialize([look], resources={"files": files}, instance=instance, raise_on_error=False)
    with pytest.raises(RemoteStoreError, match="closed"):
        seen[0].exists("a")


@clause("DAG-09")
def test_a_store_that_is_not_used_is_not_opened(tmp_path, instance):
    @dg.asset
    def idle(files: RemoteStoreResource) -> None: ...

    broken = RemoteStoreResource(backend=S3Config(bucket="b", addressing="sideways"))
    assert dg.materialize([idle], resources={"files": broken}, instance=instance).success


def test_outside_of_a_run_the_resource_works_and_closes(tmp_path):
    files = RemoteStoreResource(backend=LocalConfig(root=str(tmp_path)), root="in")
    store = files.get_store()
    store.write("a", b"1")
    files.close()
    with pytest.raises(RemoteStoreError, match="closed"):
        store.read_bytes("a")
    assert files.get_store().read_bytes("a") == b"1"
    files.close()
    assert (tmp_path / "in/a").read_bytes() == b"1"


@clause("DAG-07")
def test_an_output_shows_what_it_is(tmp_path, instance):
    @dg.asset
    def frame() -> pl.DataFrame:
        return pl.DataFrame({"name": ["a|b\nc", None], "n": list(range(2))})

    @dg.asset
    def text() -> str:
        return "x" * 7

    manager = RemoteStoreIOManager(store=RemoteStoreResource(backend=LocalConfig(root=str(tmp_path))))
    result = dg.materialize([frame, text], resources={"io_manager": manager}, instance=instance)
    shown = {
        event.asset_key.to_user_string(): event.materialization.metadata
        for event in result.get_asset_materialization_events()
    }
    assert shown["frame"]["uri"].value == str(tmp_path / "frame.parquet")
    assert shown["frame"]["size"].value == (tmp_path / "frame.parquet").stat().st_size
    assert shown["frame"]["dagster/row_count"].value == 2
    columns = shown["frame"]["dagster/column_schema"].schema.columns
    assert [(column.name, column.type) for column in columns] == [("name", "large_string"), ("n", "int64")]
    assert shown["frame"]["preview"].value == "| name | n |\n| --- | --- |\n| a\\|b c | 0 |\n|  | 1 |"
    assert shown["text"]["size"].value == 7
    assert set(shown["text"]) == {"uri", "size", "etag"}


@clause("DAG-07")
def test_a_preview_can_be_left_out(tmp_path, instance):
    @dg.asset
    def frame() -> pl.DataFrame:
        return pl.DataFrame({"name": ["personal"]})

    manager = RemoteStoreIOManager(store=RemoteStoreResource(backend=LocalConfig(root=str(tmp_path))), preview=False)
    result = dg.materialize([frame], resources={"io_manager": manager}, instance=instance)
    (event,) = result.get_asset_materialization_events()
    assert "preview" not in event.materialization.metadata


@clause("DAG-04")
def test_a_missing_asset_is_named_with_its_place(tmp_path, instance):
    @dg.asset
    def before() -> pl.DataFrame: ...

    @dg.asset
    def after(before: pl.DataFrame) -> None: ...

    manager = RemoteStoreIOManager(store=RemoteStoreResource(backend=LocalConfig(root=str(tmp_path))))
    with pytest.raises(FileNotFoundError, match=r"input 'before' \(asset 'before'\) has no file at .*before"):
        dg.materialize([before.to_source_asset(), after], resources={"io_manager": manager}, instance=instance)


@clause("DAG-06")
@pytest.mark.parametrize("annotation", [complex, set], ids=["complex", "set"])
def test_a_type_without_a_codec_is_named(tmp_path, instance, annotation):
    def before():
        return {"a": 1}

    def after(before):
        pass

    after.__annotations__["before"] = annotation
    manager = RemoteStoreIOManager(store=RemoteStoreResource(backend=LocalConfig(root=str(tmp_path))))
    with pytest.raises(TypeError, match=rf"input 'before' .* cannot be read: no codec knows {annotation.__name__}"):
        dg.materialize([dg.asset(before), dg.asset(after)], resources={"io_manager": manager}, instance=instance)


@clause("DAG-06")
def test_none_in_place_of_a_frame_is_refused_since_the_old_frame_would_be_read(tmp_path, instance):
    @dg.asset
    def before() -> pl.DataFrame | None:
        return None

    manager = RemoteStoreIOManager(store=RemoteStoreResource(backend=LocalConfig(root=str(tmp_path / "data"))))
    with pytest.raises(TypeError, match=r"output 'result' of asset 'before' .*None is kept as JSON.*\.parquet file"):
        dg.materialize([before], resources={"io_manager": manager}, instance=instance)
    assert not (tmp_path / "data").exists()


@clause("DAG-06")
def test_a_value_that_its_codec_refuses_is_named(tmp_path, instance):
    @dg.asset
    def before() -> str:
        return "\ud800"

    manager = RemoteStoreIOManager(store=RemoteStoreResource(backend=LocalConfig(root=str(tmp_path / "data"))))
    with pytest.raises(ValueError, match=r"output 'result' of asset 'before' cannot be written: .*surrogates"):
        dg.materialize([before], resources={"io_manager": manager}, instance=instance)
    assert not (tmp_path / "data").exists()


@clause("DAG-06")
def test_json_that_would_come_back_otherwise_is_refused(tmp_path, instance):
    @dg.asset
    def before() -> dict:
        return {1: "a"}

    manager = RemoteStoreIOManager(store=RemoteStoreResource(backend=LocalConfig(root=str(tmp_path / "data"))))
    with pytest.raises(
        TypeError, match="output 'result' of asset 'before' cannot be written: JSON has no int as a key"
    ):
        dg.materialize([before], resources={"io_manager": manager}, instance=instance)
    assert not (tmp_path / "data").exists()


@clause("DAG-04")
@pytest.mark.parametrize("kind", [dict[str, pl.DataFrame], dict], ids=["typed", "by file"])
def test_a_missing_bucket_is_no_missing_partition(on_s3, instance, monkeypatch, kind):
    backend = json.loads(os.environ["TEST_BACKEND"])
    monkeypatch.setenv("TEST_BACKEND", json.dumps({**backend, "bucket": "nobody-made-it"}))

    def after(parts):
        pass

    after.__annotations__["parts"] = kind
    asset = dg.asset(after, ins={"parts": dg.AssetIn(metadata={"allow_missing_partitions": True})})
    resources = {"io_manager": RemoteStoreIOManager(store=definitions.store("values"))}
    with pytest.raises(ContainerNotFound, match=r"input 'parts' .*nobody-made-it"):
        dg.materialize([definitions.parts.to_source_asset(), asset], resources=resources, instance=instance)
