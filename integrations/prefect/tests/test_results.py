"""Results of real flows on a real server, kept in stores."""

import asyncio
import logging
import uuid

import pytest
from prefect import flow, task
from prefect.cache_policies import INPUTS
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run
from prefect.testing.utilities import assert_blocks_equal

from prefect_remote_store import RemoteStoreBlock
from remote_store.testing import clause

pytestmark = pytest.mark.usefixtures("prefect_server")

SECRET = "hidden-on-the-server"


@pytest.fixture(params=["local", "s3"])
def kept(request):
    """A saved block and its name."""
    block = request.getfixturevalue("block") if request.param == "local" else request.getfixturevalue("on_s3")()
    return block, save(block)


def save(block):
    name = f"b{uuid.uuid4().hex}"
    block.save(name)
    return f"remote-store/{name}"


def files(block):
    with block.get_store() as store:
        return sorted(info.key for info in store.list_files(recursive=True))


@clause("PRE-02", "PRE-03")
def test_a_saved_block_comes_back_and_its_secret_stays_on_the_server(on_s3):
    block = on_s3(connect_timeout=3)
    name = save(block).partition("/")[2]
    loaded = RemoteStoreBlock.load(name)
    assert_blocks_equal(loaded, block)
    loaded.write_path("a", b"1")
    assert block.read_path("a") == b"1"
    with get_client(sync_client=True) as client:
        shown = client.read_block_document_by_name(name, "remote-store", include_secrets=False)
    assert shown.data["backend"]["secret_key"] == "********"
    assert shown.data["backend"]["connect_timeout"] == 3


@clause("PRE-03")
def test_the_types_of_all_secrets_are_known_to_the_server():
    RemoteStoreBlock.register_type_and_schema(_sync=True)
    schema = RemoteStoreBlock._to_block_schema()
    assert {"backend.secret_key", "backend.session_token"} <= set(schema.fields["secret_fields"])


@clause("PRE-06")
@pytest.mark.parametrize("serializer", ["json", "compressed/json", "pickle"])
def test_a_sync_flow_keeps_its_results_and_its_tasks_find_them_again(kept, serializer):
    block, name = kept

    @task(persist_result=True, cache_policy=INPUTS, result_storage_key="squares/{parameters[number]}")
    def square(number):
        return {"square": number * number}

    @flow(result_storage=name, result_serializer=serializer, persist_result=True)
    def squares():
        return [square(number)["square"] for number in (2, 3)]

    state = squares(return_state=True)
    assert state.result() == [4, 9]
    assert {"squares/2", "squares/3"} <= set(files(block))

    assert squares() == [4, 9]


@clause("PRE-06")
def test_a_task_that_ran_before_takes_its_result_from_the_store(kept):
    _, name = kept
    runs = []

    @task(cache_policy=INPUTS)
    def measure(number):
        runs.append(number)
        return number + 0.5

    @flow(result_storage=name, persist_result=True)
    def measures(number):
        return measure(number)

    assert [measures(1), measures(1), measures(2)] == [1.5, 1.5, 2.5]
    assert runs == [1, 2]


@clause("PRE-05", "PRE-06")
def test_an_async_flow_keeps_and_finds_its_results(kept):
    block, name = kept
    runs = []

    @task(cache_policy=INPUTS, result_storage_key="greetings/{parameters[whom]}")
    async def greet(whom):
        runs.append(whom)
        return f"hello {whom}"

    @flow(result_storage=name, persist_result=True, result_serializer="json")
    async def greetings():
        return await asyncio.gather(greet("a"), greet("b"))

    assert asyncio.run(greetings()) == ["hello a", "hello b"]
    assert asyncio.run(greetings()) == ["hello a", "hello b"]
    assert sorted(runs) == ["a", "b"]
    assert {"greetings/a", "greetings/b"} <= set(files(block))


@clause("PRE-06")
def test_a_flow_reads_and_writes_files_by_the_loaded_block(kept):
    _, name = kept

    @flow
    def copy():
        block = RemoteStoreBlock.load(name.partition("/")[2])
        with block.get_store() as store:
            store.write("in/a", b"1", overwrite=True)
            store.copy("in/a", "out/a", overwrite=True)
        return block.read_path("out/a")

    assert copy() == b"1"


@clause("PRE-07", "PRE-03")
def test_a_wrong_secret_ends_the_run_with_the_error_of_the_store(on_s3, caplog, capfd):
    name = save(on_s3(secret_key=SECRET))

    @flow(result_storage=name, persist_result=True)
    def doomed():
        return 1

    with caplog.at_level(logging.DEBUG):
        assert doomed(return_state=True).is_completed()  # Prefect goes on with the value in memory
    logged = caplog.text + capfd.readouterr().err
    assert "error while persisting result" in logged
    assert "refused" in logged
    assert SECRET not in logged
    assert not files(on_s3())


@clause("PRE-07")
def test_a_result_that_cannot_be_read_is_made_again(on_s3):
    """Prefect asks whether a result exists and takes every error for no: the guide says so."""
    name = save(on_s3())
    runs = []

    @task(cache_policy=INPUTS)
    def measure(number):
        runs.append(number)
        return number

    @flow(result_storage=name, persist_result=True)
    def measures():
        return measure(1)

    assert [measures(), measures(), runs] == [1, 1, [1]]
    on_s3(secret_key=SECRET).save(name.partition("/")[2], overwrite=True)
    assert [measures(), runs] == [1, [1, 1]]


@clause("PRE-13", "PRE-03")
def test_a_block_is_a_parameter_and_the_record_of_the_run_shows_no_secret(on_s3, seaweedfs):
    block, given = on_s3(), []
    name = save(block)

    @flow
    def reads(block: RemoteStoreBlock):
        given.append(flow_run.id)
        block.write_path("parameter", b"1")
        return block.to_model() == model

    model = block.to_model()
    assert reads(RemoteStoreBlock.load(name.partition("/")[2]))
    assert reads(block)  # with the name it was saved under
    unsaved = on_s3()
    assert reads(unsaved)
    with get_client(sync_client=True) as client:
        for each in given:
            assert seaweedfs.secret_key not in client.read_flow_run(each).model_dump_json()
    referred = reads.validate_parameters({"block": {"$ref": {"block_document_slug": name}}})
    assert referred["block"].to_model() == model


@clause("PRE-07")
def test_a_hostile_result_key_is_refused_and_nothing_is_written(block, folder, caplog):
    name = save(block)

    @task(persist_result=True, result_storage_key="../{parameters[whom]}")
    def escape(whom):
        return whom

    @flow(result_storage=name)
    def doomed():
        return escape("outside")

    assert doomed() == "outside"
    assert "InvalidPath" in caplog.text
    assert "'../outside'" in caplog.text
    assert not folder.with_name("outside").exists()


def test_a_missing_block_is_named():
    @flow(result_storage="remote-store/nobody-saved-this")
    def doomed():
        return 1

    with pytest.raises(ValueError, match="nobody-saved-this"):
        doomed()


def test_an_unsaved_block_is_refused_where_it_is_named(block):
    with pytest.raises(TypeError, match="save"):
        flow(result_storage=block)(lambda: 1)
