"""Uploads, conditions and copies on S3."""

import asyncio
import threading
import urllib.request

import pytest

from remote_store import AlreadyExists, NotFound, PreconditionFailed, Store
from remote_store.aio import AsyncStore, streams
from remote_store.backend import PutOptions
from remote_store.testing import clause

PART = 5 << 20


def uploads(client, bucket, root):
    listed = client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return [upload["Key"] for upload in listed if upload["Key"].startswith(root)]


def stored(client, bucket, root):
    return [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket, Prefix=f"{root}/").get("Contents", [])]


def test_an_upload_in_parts_keeps_content_metadata_and_type(store, client, bucket, root):
    content = bytes(range(256)) * (50 << 10)
    done = store.write("big", iter([content[:7], content[7:]]), metadata={"team": "blue sky"}, content_type="text/csv")
    assert done.size == len(content)
    assert store.read_bytes("big") == content
    info = store.get_file_info("big")
    assert (info.size, info.etag, info.content_type) == (len(content), done.etag, "text/csv")
    assert info.metadata == {"team": "blue sky"}
    assert uploads(client, bucket, root) == []


def test_an_upload_that_breaks_off_leaves_nothing(store, client, bucket, root):
    def chunks():
        yield bytes(PART)
        yield bytes(PART)
        raise OverflowError

    with pytest.raises(OverflowError):
        store.write("big", chunks())
    assert uploads(client, bucket, root) == []
    assert stored(client, bucket, root) == []


@clause("PUB-06")
@pytest.mark.parametrize("ended", [False, True], ids=["loop open", "loop closed"])
def test_a_dropped_block_takes_its_upload_along(backend_of, client, bucket, root, ended):
    with asyncio.Runner() as runner:
        store = AsyncStore(backend_of(), root)

        async def begin():
            block = store.open_atomic("big")
            file = await block.__aenter__()
            for _ in range(2):
                await file.write(bytes(PART))
            return block

        block = runner.run(begin())
        assert uploads(client, bucket, root) == [f"{root}/big"]
        if not ended:
            with pytest.warns(ResourceWarning, match="dropped"):
                del block
            runner.run(asyncio.sleep(0))
            runner.run(finished())
    if ended:
        with pytest.warns(ResourceWarning, match="dropped"):
            del block
        for thread in threading.enumerate():
            if thread.name == "remote-store-abort":
                thread.join()
    assert uploads(client, bucket, root) == []
    assert stored(client, bucket, root) == []


async def finished():
    await asyncio.gather(*streams._dropped)


def test_an_upload_that_loses_its_condition_leaves_nothing(store, client, bucket, root):
    store.write("big", b"first")
    with pytest.raises(AlreadyExists):
        store.write("big", iter([bytes(PART), b"x"]))
    with pytest.raises(PreconditionFailed):
        store.write("big", iter([bytes(PART), b"x"]), if_match='"0123"')
    with pytest.raises(PreconditionFailed):
        store.write("missing", iter([bytes(PART), b"x"]), if_match='"0123"')
    assert uploads(client, bucket, root) == []
    assert stored(client, bucket, root) == [f"{root}/big"]
    assert store.read_bytes("big") == b"first"


def test_a_file_that_appears_during_an_upload_wins(store, client, bucket, root):
    def chunks():
        yield bytes(PART)
        yield b"x"
        client.put_object(Bucket=bucket, Key=f"{root}/big", Body=b"theirs")

    with pytest.raises(AlreadyExists):
        store.write("big", chunks())
    assert store.read_bytes("big") == b"theirs"
    assert uploads(client, bucket, root) == []


def test_an_upload_replaces_the_version_it_names(store):
    etag = store.write("big", b"first").etag
    store.write("big", iter([bytes(PART), b"x"]), if_match=etag)
    assert store.get_file_info("big").size == PART + 1


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 8 << 20, (8 << 20) + 1])
def test_sizes_around_the_limits_come_back(server, backend_of, root, size):
    content = (bytes(range(251)) * (size // 251 + 1))[:size]
    with Store(backend_of(), root) as store:
        assert store.write("a", content).size == size
        assert store.write("b", iter([content])).size == size
        assert store.read_bytes("a") == store.read_bytes("b") == content


class TestRaces:
    """On the server that decides conditions in one step; moto looks first and writes later."""

    @pytest.fixture
    def server(self, seaweedfs):
        return seaweedfs

    def test_eight_threads_create_once(self, backend_of, root):
        winners = []

        with Store(backend_of(), root) as store:

            def create(number):
                try:
                    store.write("one", str(number).encode())
                except AlreadyExists:
                    return
                winners.append(number)

            threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(winners) == 1
            assert store.read_bytes("one") == str(winners[0]).encode()

    def test_a_counter_loses_no_step(self, backend_of, root):
        with Store(backend_of(), root) as store:
            store.write("counter", b"0")

            def count():
                steps = 0
                while steps < 5:
                    with store.read("counter") as reader:
                        value, etag = int(reader.read()), reader.info.etag
                    try:
                        store.write("counter", str(value + 1).encode(), if_match=etag)
                    except PreconditionFailed:
                        continue
                    steps += 1

            threads = [threading.Thread(target=count) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert store.read_bytes("counter") == b"20"


def test_a_conditional_delete_takes_only_the_version_it_names(store):
    old = store.write("a", b"1").etag
    new = store.write("a", b"2", overwrite=True).etag
    with pytest.raises(PreconditionFailed):
        store.delete("a", if_match=old)
    assert store.exists("a")
    store.delete("a", if_match=new)
    assert not store.exists("a")


def test_a_copy_inside_the_service_carries_metadata(store):
    store.write("a", b"data", metadata={"team": "blue"}, content_type="text/csv")
    store.copy("a", "b")
    info = store.get_file_info("b")
    assert (info.metadata, info.content_type) == ({"team": "blue"}, "text/csv")
    with pytest.raises(AlreadyExists):
        store.copy("a", "b")
    with pytest.raises(NotFound):
        store.copy("missing", "c")


def test_a_copy_in_parts_carries_metadata_and_leaves_no_upload(server, backend_of, client, bucket, root):
    with Store(backend_of(), root) as store:
        content = bytes(range(256)) * (50 << 10)
        store.write("a", content, metadata={"team": "blue"}, content_type="text/csv")
        sdk = store._scope.backend._sdk()
        sdk.copy_in_parts(f"{root}/a", f"{root}/b", overwrite=False, part=PART)
        assert store.read_bytes("b") == content
        info = store.get_file_info("b")
        assert (info.metadata, info.content_type) == ({"team": "blue"}, "text/csv")
        with pytest.raises(sdk.client.exceptions.ClientError):
            sdk.copy_in_parts(f"{root}/a", f"{root}/b", overwrite=False, part=PART)
        assert uploads(client, bucket, root) == []


def test_an_abort_may_come_twice_and_after_the_commit(backend_of, client, bucket, root):
    from remote_store._io import Inline, run

    backend = backend_of().bind(Inline())
    upload = run(backend.begin(f"{root}/a", PutOptions()))
    run(upload.part(0, b"data"))
    run(upload.abort())
    run(upload.abort())
    upload = run(backend.begin(f"{root}/a", PutOptions()))
    run(upload.part(0, b"data"))
    run(upload.commit())
    run(upload.abort())
    assert stored(client, bucket, root) == [f"{root}/a"]
    run(backend.close())


def test_presigned_links_need_no_credentials(store):
    store.write("folder/a b+ü", b"data")
    with urllib.request.urlopen(store.presign("folder/a b+ü", expires=60)) as answer:  # noqa: S310  loopback
        assert answer.read() == b"data"
    headers = {"Content-Type": "text/plain"}
    url = store.presign("new", expires=60, method="PUT")
    put = urllib.request.Request(url, b"put", headers, method="PUT")  # noqa: S310  loopback
    with urllib.request.urlopen(put) as answer:  # noqa: S310  loopback
        assert answer.status == 200
    assert store.read_bytes("new") == b"put"


def test_versions_come_newest_first_and_are_read_by_name(open_store, server, client):
    bucket = server.make_bucket()
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    store = open_store(bucket=bucket)
    written = [store.write("a", content, overwrite=True).version for content in (b"1", b"22", b"333")]
    store.write("a2", b"another file")
    found = list(store.list_versions("a"))
    assert [entry.size for entry in found] == [3, 2, 1]
    assert [entry.version for entry in found] == written[::-1]
    assert [store.read_bytes("a", version=entry.version) for entry in found] == [b"333", b"22", b"1"]
    assert store.read("a", version=written[0]).read() == b"1"
    store.delete("a")
    assert store.read_bytes("a", version=written[1]) == b"22"
    assert len(list(store.list_versions("a"))) == 3
