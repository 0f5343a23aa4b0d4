"""What tasks do with files."""

import json
from pathlib import Path

import pytest

from airflow_provider_remote_store.between import copy_between, move_between
from airflow_provider_remote_store.hooks import RemoteStoreHook
from airflow_provider_remote_store.operators import RemoteStoreOperator
from airflow_provider_remote_store.sensors import RemoteStoreSensor
from remote_store import (
    AlreadyExists,
    CapabilityNotSupported,
    ConfigError,
    DirectoryNotEmpty,
    InvalidPath,
    NotFound,
    PreconditionFailed,
    Store,
)
from remote_store.backends.memory import MemoryBackend
from remote_store.layers.readonly import ReadOnly
from remote_store.testing import clause


def do(action, **arguments):
    return RemoteStoreOperator(task_id="t", action=action, remote_store_conn_id="lake", **arguments).execute({})


@pytest.fixture
def store(lake):
    with RemoteStoreHook("lake").get_store() as store:
        store.write("in/a.csv", b"1")
        store.write("in/deep/b.csv", b"22")
        store.write("in/c.txt", b"333")
        yield store


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The worker's current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@clause("AIR-07")
def test_list_gives_keys_sizes_and_times(store):
    found = do("list", path="in", pattern="*.csv")
    assert [(each["key"], each["size"]) for each in found] == [("in/a.csv", 1)]
    assert found[0]["modified"].endswith("+00:00")
    assert [each["key"] for each in do("list", path="in", recursive=True)] == ["in/a.csv", "in/c.txt", "in/deep/b.csv"]
    assert do("list", path="nothing") == []


@clause("AIR-07")
def test_a_list_that_is_too_long_for_xcom_is_refused(store):
    with pytest.raises(ValueError, match="more than limit=2 files in 'in'"):
        do("list", path="in", recursive=True, limit=2)


@clause("AIR-07")
def test_put_and_get_carry_files_of_the_worker(store, tmp_path):
    (tmp_path / "local").write_bytes(b"from here")
    done = do("put", local_path=str(tmp_path / "local"), path="put/x")
    assert done["key"] == "put/x"
    assert done["size"] == 9
    assert do("get", path="put/x", local_path=str(tmp_path / "got" / "x")) == {"key": "put/x", "size": 9}
    assert (tmp_path / "got" / "x").read_bytes() == b"from here"


@clause("AIR-07")
def test_what_is_there_is_replaced_only_if_asked(store, tmp_path):
    (tmp_path / "local").write_bytes(b"new")
    for action, rest in (
        ("put", {"path": "in/a.csv", "local_path": str(tmp_path / "local")}),
        ("get", {"path": "in/a.csv", "local_path": str(tmp_path / "local")}),
        ("copy", {"path": "in/a.csv", "target_path": "in/c.txt"}),
        ("move", {"path": "in/a.csv", "target_path": "in/c.txt"}),
    ):
        with pytest.raises(AlreadyExists):
            do(action, **rest)
    assert store.read_bytes("in/a.csv") == b"1"
    assert (tmp_path / "local").read_bytes() == b"new"
    do("copy", path="in/a.csv", target_path="in/c.txt", overwrite=True)
    assert store.read_bytes("in/c.txt") == b"1"


@clause("AIR-07")
def test_copy_and_move_within_a_store(store):
    assert do("copy", path="in/a.csv", target_path="out/a.csv")["size"] == 1
    assert do("move", path="in/a.csv", target_path="out/b.csv")["key"] == "out/b.csv"
    assert not store.exists("in/a.csv")
    assert store.read_bytes("out/a.csv") == store.read_bytes("out/b.csv") == b"1"


@clause("AIR-08")
def test_copy_and_move_between_stores(store, bucket):
    do("copy", path="in/a.csv", target_path="a", target_conn_id="bucket")
    do("move", path="in/c.txt", target_path="c", target_conn_id="bucket")
    assert (bucket.read_bytes("a"), bucket.read_bytes("c")) == (b"1", b"333")
    assert store.exists("in/a.csv")
    assert not store.exists("in/c.txt")
    bucket.write("m", b"1", metadata={"origin": "test"}, content_type="text/plain")
    back = RemoteStoreOperator(task_id="t", action="copy", path="m", target_path="m", remote_store_conn_id="bucket")
    back.target_path = "m2"
    back.execute({})
    assert bucket.get_file_info("m2").metadata == {"origin": "test"}


@clause("AIR-08")
def test_a_source_that_changes_while_it_is_moved_stays(bucket, store):
    bucket.write("a", b"old")

    class Changing:
        """The target; the source changes while it is written."""

        supports, native_path = store.supports, store.native_path

        def write(self, *arguments, **options):
            done = store.write(*arguments, **options)
            bucket.write("a", b"new", overwrite=True)
            return done

    with pytest.raises(PreconditionFailed):
        move_between(bucket, "a", Changing(), "moved")
    assert bucket.read_bytes("a") == b"new"


@clause("AIR-08")
def test_a_source_that_is_deleted_while_it_is_moved_is_no_failure(bucket, store):
    bucket.write("a", b"1")

    class Deleting:
        supports, native_path = store.supports, store.native_path

        def write(self, *arguments, **options):
            done = store.write(*arguments, **options)
            bucket.delete("a")
            return done

    assert move_between(bucket, "a", Deleting(), "moved").size == 1
    assert store.read_bytes("moved") == b"1"


@clause("AIR-08")
def test_metadata_travels_from_a_store_that_is_opened_read_only():
    with Store(MemoryBackend("source")) as owner, Store(MemoryBackend()) as target:
        owner.write("a", b"1", metadata={"origin": "test"}, content_type="text/csv")
        with Store(MemoryBackend("source"), layers=[ReadOnly()]) as source:
            copy_between(source, "a", target, "b")
            info = target.get_file_info("b")
            assert (info.metadata, info.content_type) == ({"origin": "test"}, "text/csv")
            with pytest.raises(CapabilityNotSupported, match="DELETE"):
                move_between(source, "a", target, "c")
            assert not target.exists("c")


@clause("AIR-08")
def test_a_big_file_is_copied_between_stores_in_constant_memory(lake, tmp_path, connect):
    connect("other", backend="local", root=str(tmp_path / "other"))
    lake.mkdir()
    size = 200_000_000
    with (lake / "big").open("wb") as file:
        file.truncate(size)
    do("copy", path="big", target_path="first", target_conn_id="other")  # what is loaded once
    peak()
    before = peak()
    done = do("copy", path="big", target_path="second", target_conn_id="other")
    assert done["size"] == size
    assert peak() - before < 64_000_000


def peak():
    """The most memory that this process held at once since it was last asked."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    Path("/proc/self/clear_refs").write_text("5")
    return int(line.split()[1]) * 1024


@clause("AIR-13")
@pytest.mark.parametrize("action", ["copy", "move"])
def test_a_file_is_not_lost_when_another_connection_leads_to_it(store, lake, connect, action):
    """The second connection names a folder further up, so that neither paths nor options are equal."""
    connect("above", backend="local", root=str(lake.parent), folder=lake.name)
    same = {"path": "in/a.csv", "target_path": "in/a.csv", "target_conn_id": "above"}
    with pytest.raises(AlreadyExists):
        do(action, **same)
    assert do(action, **same, overwrite=True) == {"key": "in/a.csv", "size": 1, "etag": store.head("in/a.csv").etag}
    assert store.read_bytes("in/a.csv") == b"1"


@clause("AIR-13")
def test_a_file_on_s3_is_not_lost_when_another_connection_leads_to_it(bucket, connect):
    bucket.write("a", b"1", metadata={"origin": "test"})
    model = RemoteStoreHook("bucket").get_model()
    folder, inner = model.root, model.model_copy(update={"root": ""})
    with inner.to_store() as above:
        move_between(bucket, "a", above, f"{folder}/a", overwrite=True)
    assert bucket.get_file_info("a").metadata == {"origin": "test"}


@clause("AIR-13")
def test_a_file_is_not_lost_when_a_link_leads_to_it(store, lake, tmp_path, connect):
    """No name tells that these are one: the source shows that it was written to."""
    (tmp_path / "link").symlink_to(lake)
    connect("linked", backend="local", root=str(tmp_path / "link"))
    with pytest.raises(PreconditionFailed):
        do("move", path="in/a.csv", target_path="in/a.csv", target_conn_id="linked", overwrite=True)
    assert store.read_bytes("in/a.csv") == b"1"


@clause("AIR-14")
@pytest.mark.parametrize(
    ("rendered", "error", "named"),
    [
        ({"action": "list", "path": None}, TypeError, "path=None"),
        ({"action": "delete", "path": ["in/a.csv"]}, TypeError, "path="),
        ({"action": ["list"], "path": ""}, ValueError, "action="),
        ({"action": "copy", "path": "in/a.csv", "target_path": ["x"]}, TypeError, "target_path="),
        ({"action": "copy", "path": "in/a.csv", "target_path": ""}, ValueError, "target_path"),
        (
            {"action": "copy", "path": "in/a.csv", "target_path": "x", "target_conn_id": ""},
            ValueError,
            "target_conn_id",
        ),
        (
            {"action": "copy", "path": "in/a.csv", "target_path": "x", "target_conn_id": ["lake"]},
            TypeError,
            "target_conn_id=",
        ),
        ({"action": "put", "path": "x", "local_path": 5}, TypeError, "local_path=5"),
        ({"action": "list", "remote_store_conn_id": None}, ValueError, "remote_store_conn_id"),
        ({"action": "list", "remote_store_conn_id": ""}, ValueError, "remote_store_conn_id"),
    ],
)
def test_an_argument_that_is_no_text_is_named(store, rendered, error, named):
    before = [info.key for info in store.list_files(recursive=True)]
    with pytest.raises(error, match=named):
        RemoteStoreOperator(**{"task_id": "t", "remote_store_conn_id": "lake", **rendered}).execute({})
    assert [info.key for info in store.list_files(recursive=True)] == before


@clause("AIR-14")
@pytest.mark.parametrize(
    ("given", "rendered", "named"),
    [
        (
            {"action": "copy", "path": "in/a.csv", "target_path": "x"},
            {"target_conn_id": None},
            "target_conn_id, not None",
        ),
        ({"action": "move", "path": "in/a.csv", "target_path": "x"}, {"target_conn_id": ""}, "target_conn_id, not ''"),
        ({"action": "list"}, {"pattern": None}, "pattern, not None"),
        ({"action": "list"}, {"pattern": ""}, "pattern, not ''"),
    ],
)
def test_an_argument_that_is_rendered_to_nothing_is_not_one_that_was_left_out(store, given, rendered, named):
    """Native templates and what tasks return can be None: a file must not end up in the wrong store for that."""
    (argument,) = rendered
    task = RemoteStoreOperator(task_id="t", remote_store_conn_id="lake", **given, **{argument: "{{ nothing }}"})
    setattr(task, argument, rendered[argument])
    with pytest.raises(ValueError, match=named):
        task.execute({})
    assert not store.exists("x")


@clause("AIR-14")
def test_an_argument_that_is_set_after_all_counts(store, connect, tmp_path):
    connect("other", backend="local", root=str(tmp_path / "other"))
    task = RemoteStoreOperator(
        task_id="t", action="copy", path="in/a.csv", target_path="x", remote_store_conn_id="lake"
    )
    task.target_conn_id = "other"
    task.execute({})
    assert (tmp_path / "other" / "x").read_bytes() == b"1"
    assert not store.exists("x")


@clause("AIR-14")
@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"path": None}, TypeError, "path=None"),
        ({"path": ""}, ValueError, "path"),
        ({"path": "in/a.csv", "min_files": 2}, ValueError, "min_files=2.*pattern"),
        ({"path": "in/*", "min_files": 0}, ValueError, "min_files=0"),
    ],
)
def test_a_sensor_that_could_never_be_done_says_so(store, arguments, error, named):
    with pytest.raises(error, match=named):
        RemoteStoreSensor(task_id="t", remote_store_conn_id="lake", **arguments).poke({})


@clause("AIR-09")
def test_a_name_that_looks_like_a_pattern_is_found_by_escaping_it(store):
    store.write("in/[a]*.csv", b"1")
    found = RemoteStoreSensor(task_id="t", path="in/[[]a][*].csv", remote_store_conn_id="lake").poke({})
    assert found.xcom_value == ["in/[a]*.csv"]
    assert do("copy", path=found.xcom_value[0], target_path="out")["size"] == 1


@clause("AIR-07", "AIR-09")
def test_what_goes_to_xcom_is_json(store, tmp_path):
    odd = "in/ü \u20ac'{{ ds }}.csv"
    store.write(odd, b"1")
    results = [
        do("list", path="in", recursive=True),
        do("get", path=odd, local_path=tmp_path / "got"),
        do("copy", path=odd, target_path="x"),
        RemoteStoreSensor(task_id="t", path="in/**", remote_store_conn_id="lake").poke({}).xcom_value,
    ]
    assert json.loads(json.dumps(results)) == results


@clause("AIR-07")
def test_delete_takes_a_file_or_a_whole_folder(store):
    do("delete", path="in/a.csv")
    with pytest.raises(NotFound):
        do("delete", path="in/a.csv")
    do("delete", path="in/a.csv", missing_ok=True)
    do("delete", path="in", recursive=True)
    assert not store.exists("in")
    do("delete", path="in", recursive=True, missing_ok=True)


@clause("AIR-07")
@pytest.mark.parametrize(
    ("action", "rest", "error"),
    [
        ("copy", {"path": "missing", "target_path": "x"}, NotFound),
        ("move", {"path": "missing", "target_path": "x"}, NotFound),
        ("get", {"path": "missing", "local_path": "here"}, NotFound),
        ("copy", {"path": "../in", "target_path": "x"}, InvalidPath),
        ("put", {"path": "a\0b", "local_path": __file__}, InvalidPath),
        ("delete", {"path": ""}, InvalidPath),
        ("delete", {"path": "", "recursive": True}, InvalidPath),
        ("put", {"path": "x"}, ValueError),
        ("get", {"path": "in/a.csv"}, ValueError),
        ("copy", {"path": "in/a.csv"}, ValueError),
        ("sync", {"path": "in/a.csv"}, ValueError),
        ("put", {"path": "x", "local_path": "/nobody/made/this"}, FileNotFoundError),
    ],
)
def test_a_task_that_cannot_be_done_says_so_and_changes_nothing(store, here, action, rest, error):
    before = [info.key for info in store.list_files(recursive=True)]
    with pytest.raises(error) as caught:
        do(action, **rest)
    if error is ValueError:
        assert action in str(caught.value)
    assert [info.key for info in store.list_files(recursive=True)] == before
    assert not (here / "here").exists()


@clause("AIR-09")
def test_the_sensor_finds_a_file_or_the_files_of_a_pattern(store):
    def poke(path, **rest):
        return RemoteStoreSensor(task_id="t", path=path, remote_store_conn_id="lake", **rest).poke({})

    assert poke("in/a.csv").xcom_value == ["in/a.csv"]
    assert not poke("in/missing.csv")
    assert not poke("in")
    assert poke("in/**/*.csv").xcom_value == ["in/a.csv", "in/deep/b.csv"]
    assert poke("in/**/*.csv", limit=1).xcom_value == ["in/a.csv"]
    assert not poke("in/**/*.csv", min_files=3)


@clause("AIR-09", "AIR-17")
def test_a_sensor_raises_what_is_not_absence(connect, seaweedfs):
    keys = {"access_key": seaweedfs.access_key, "secret_key": seaweedfs.secret_key, "region": seaweedfs.region}
    connect("gone", backend="s3", bucket="no-such-bucket", endpoint_url=seaweedfs.endpoint_url, **keys)
    with pytest.raises(NotFound, match=r"connection 'gone': .*no-such-bucket"):
        RemoteStoreSensor(task_id="t", path="*", remote_store_conn_id="gone").poke({})


def test_a_folder_with_files_is_not_deleted_by_chance(store):
    with pytest.raises((NotFound, DirectoryNotEmpty, InvalidPath)):
        do("delete", path="in")
    assert store.exists("in/a.csv")


@clause("AIR-17")
def test_an_error_of_an_operator_names_the_connections_in_use(store, lake, connect):
    connect("other", backend="local", root=str(lake.parent / "other"))
    with pytest.raises(NotFound, match=r"^connection 'lake': ") as caught:
        do("delete", path="missing")
    assert "connection 'lake'" in repr(caught.value)
    with pytest.raises(InvalidPath, match=r"^connections 'lake' and 'other': "):
        do("copy", path="in/a.csv", target_path="../x", target_conn_id="other")
    connect("other", backend="s3")
    with pytest.raises(ConfigError, match=r"^connection 'other': bucket: "):
        do("copy", path="in/a.csv", target_path="x", target_conn_id="other")
