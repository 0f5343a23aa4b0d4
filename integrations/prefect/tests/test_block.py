"""A block on its own: configuration, files, connections."""

import asyncio
import copy
import gc
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cloudpickle
import pytest
from pydantic import ValidationError

from prefect_remote_store import RemoteStoreBlock
from remote_store import (
    CapabilityNotSupported,
    ConfigError,
    InvalidPath,
    NotFound,
    PermissionDenied,
    RegistryConfig,
    Store,
    _catalog,
)
from remote_store.ext.pydantic import StoreModel
from remote_store.testing import clause

SECRET = "hidden-in-the-block"


@clause("PRE-01")
def test_every_backend_of_the_catalog_is_a_choice():
    backend = RemoteStoreBlock.model_json_schema()["properties"]["backend"]
    assert set(backend["discriminator"]["mapping"]) == set(_catalog.names())


@clause("PRE-01")
def test_a_block_opens_the_store_that_its_fields_name(folder):
    block = RemoteStoreBlock(backend={"type": "local", "root": str(folder)}, root="results")
    with block.get_store() as store:
        assert isinstance(store, Store)
        store.write("a", b"1")
    assert (folder / "results" / "a").read_bytes() == b"1"


@clause("PRE-01")
def test_a_block_is_made_of_a_configured_store(folder):
    config = RegistryConfig.from_dict(
        {
            "backends": {"disk": {"type": "local", "options": {"root": str(folder)}}},
            "stores": {"lake": {"backend": "disk", "root": "lake", "readonly": True}},
        }
    )
    block = RemoteStoreBlock.from_config(config, "lake")
    assert (block.backend.root, block.root, block.readonly) == (str(folder), "lake", True)
    with pytest.raises(ConfigError, match=r"stores\.laek"):
        RemoteStoreBlock.from_config(config, "laek")


@clause("PRE-01")
def test_a_block_reads_as_the_typed_model_of_the_core(block):
    assert StoreModel.from_config(block.to_model().to_config("x"), "x") == block.to_model()


def test_the_limits_of_a_block_reach_its_store(block):
    limited = block.model_copy(update={"readonly": True})
    with limited.get_store() as store, pytest.raises(CapabilityNotSupported):
        store.write("a", b"1")


def test_the_async_store_of_a_block_reads_the_same_files(block):
    async def read():
        async with block.get_async_store() as store:
            return await store.read_bytes("a")

    block.write_path("a", b"1")
    assert asyncio.run(read()) == b"1"


@clause("PRE-01")
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"backend": {"type": "s4", "bucket": "lake"}}, "'s3'"),
        ({"backend": {"type": "s3", "bukket": "lake"}}, "bukket"),
        ({"backend": {"type": "s3"}}, "bucket"),
        ({"backend": {"type": "s3", "bucket": "lake", "secret_key": {"text": SECRET}}}, "secret_key"),
        ({}, "backend"),
    ],
)
def test_a_wrong_field_is_named_and_shows_no_secret(fields, says):
    with pytest.raises(ValidationError, match=says) as caught:
        RemoteStoreBlock(**fields)
    assert SECRET not in str(caught.value)


def test_a_uri_that_carries_a_secret_is_refused():
    with pytest.raises(ConfigError, match="carries no secrets"):
        RemoteStoreBlock.from_uri(f"s3://lake?secret_key={SECRET}")


@clause("PRE-03")
def test_no_secret_shows_in_text():
    block = RemoteStoreBlock.from_uri("s3://lake", access_key="AK", secret_key=SECRET)
    assert SECRET not in f"{block!r} {block} {block.model_dump()} {block.model_dump_json()}"


@clause("PRE-04")
def test_what_was_written_is_read_and_replaced(block):
    assert block.write_path("deep/a", b"1") == "deep/a"
    assert block.write_path("deep/a", b"22") == "deep/a"
    assert block.read_path("deep/a") == b"22"


@clause("PRE-05")
def test_calls_are_plain_in_sync_code_and_awaited_in_async_code(block):
    async def both():
        assert await block.write_path("a", b"1") == "a"
        assert await block.awrite_path("b", b"2") == "b"
        return await block.read_path("b") + await block.aread_path("a") + block.read_path("a", _sync=True)

    assert asyncio.run(both()) == b"211"
    assert asyncio.run(block.aread_path("a")) == b"1"


@clause("PRE-07")
@pytest.mark.parametrize(
    ("path", "error"), [("missing", NotFound), ("../outside", InvalidPath), ("", InvalidPath), ("a\0b", InvalidPath)]
)
def test_a_path_that_cannot_be_read_is_named_by_the_error(block, path, error):
    with pytest.raises(error) as caught:
        block.read_path(path)
    assert caught.value.path == path
    with pytest.raises(error):
        asyncio.run(block.aread_path(path))


@clause("PRE-03", "PRE-07")
def test_a_wrong_secret_is_refused_by_name_and_not_shown(on_s3, caplog):
    block = on_s3(secret_key=SECRET)
    with pytest.raises(PermissionDenied) as caught:
        block.write_path("a", b"1")
    assert SECRET not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {caplog.text}"


@clause("PRE-09")
def test_a_block_does_not_connect_before_it_is_used():
    RemoteStoreBlock.from_uri("s3://lake?endpoint_url=http://127.0.0.1:9")


@clause("PRE-09")
def test_threads_share_one_store(block):
    gate = threading.Barrier(8)

    def write(number):
        gate.wait()
        block.write_path(f"f{number}", b"%d" % number)
        return id(block._connected())

    with ThreadPoolExecutor(8) as pool:
        stores = set(pool.map(write, range(8)))
    assert len(stores) == 1
    assert sorted(block.read_path(f"f{number}") for number in range(8)) == [b"%d" % number for number in range(8)]


@clause("PRE-09")
def test_the_end_of_a_block_ends_its_connection(block):
    block.write_path("a", b"1")
    store = block._connected()
    assert store.exists("a")
    del block._connection
    with pytest.raises(Exception, match="closed"):
        store.exists("a")


@clause("PRE-10")
@pytest.mark.parametrize("again", [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy])
def test_a_used_block_can_be_copied_and_stays_equal(block, again):
    block.write_path("a", b"1")
    other = again(block)
    assert other == block
    assert other.read_path("a") == b"1"


@clause("PRE-10")
def test_a_used_block_travels_by_cloudpickle_as_task_runners_send_it(on_s3):
    block = on_s3()
    block.write_path("a", b"1")
    other = pickle.loads(cloudpickle.dumps(block))
    assert other._connection is not block._connection
    assert other.read_path("a") == b"1"


@clause("PRE-10")
def test_a_used_block_works_on_both_sides_of_a_fork(on_s3):
    block = on_s3()
    block.write_path("a", b"before")
    child = os.fork()
    if child == 0:  # pragma: no cover  runs in the child
        status = 1
        try:
            block.write_path("b", block.read_path("a") + b" and after")
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert block.read_path("b") == b"before and after"


@clause("PRE-12")
def test_a_copy_with_other_fields_opens_the_store_that_they_name(block, folder):
    block.write_path("a", b"1")
    other = block.model_copy(update={"root": "other"})
    assert other.write_path("a", b"2") == "a"
    assert (folder / "other" / "a").read_bytes() == b"2"
    assert block.read_path("a") == b"1"
    with pytest.raises(CapabilityNotSupported):
        block.model_copy(update={"readonly": True}).write_path("a", b"3")


@clause("PRE-12")
def test_a_field_that_is_changed_after_the_first_use_counts(block, folder):
    block.write_path("a", b"1")
    first = block._connected()
    block.root = "later"
    block.write_path("a", b"2")
    assert (folder / "later" / "a").read_bytes() == b"2"
    assert (folder / "a").read_bytes() == b"1"
    assert first.exists("a")


@clause("PRE-10")
def test_a_copy_has_a_connection_of_its_own(block):
    block.write_path("a", b"1")
    assert copy.copy(block)._connection is not block._connection
    assert copy.deepcopy(block)._connection is not block._connection


@clause("PRE-09")
def test_many_blocks_leave_no_connection_behind(on_s3):
    on_s3().write_path("a", b"1")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        assert on_s3().read_path("a") == b"1"
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 4
