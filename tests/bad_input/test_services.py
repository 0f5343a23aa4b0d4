"""A service that refuses, is missing, is dead or silent: every call says so, in time, and leaves nothing behind."""

import socket

import pytest

from remote_store import (
    BackendUnavailable,
    ContainerNotFound,
    PermissionDenied,
    Timeout,
)
from remote_store.backends.s3 import S3Backend
from remote_store.testing import clause
from tests.bad_input.calls import CALLS, CONTENT, FILE
from tests.bad_input.conftest import faced, unleaking
from tests.bad_input.troubles import CANARY, Trouble, each_says_so
from tests.servers.process import free_ports

SILENT_CALLS = {"child", "resolve", "native_path", "describe", "to_key", "unwrap", "supports", "presign"}
ASKING = sorted({*CALLS, "ping"} - SILENT_CALLS)


@pytest.fixture(scope="module")
def kept(seaweedfs):
    """A bucket with the one file in it."""
    bucket = seaweedfs.make_bucket()
    client = seaweedfs.client()
    client.put_object(Bucket=bucket, Key=FILE, Body=CONTENT)
    yield bucket
    names = [found["Key"] for found in client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert names == [FILE]
    assert client.get_object(Bucket=bucket, Key=FILE)["Body"].read() == CONTENT
    assert not client.list_multipart_uploads(Bucket=bucket).get("Uploads")
    client.close()


@pytest.fixture(scope="module")
def around(seaweedfs, kept):
    """A server, a bucket on it, and the port of a service that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        yield seaweedfs, kept, listener.getsockname()[1]


def refused(seaweedfs, kept, silent):
    return {"bucket": kept, "endpoint_url": seaweedfs.endpoint_url, "access_key": seaweedfs.access_key}


def missing(seaweedfs, kept, silent):
    keys = {"access_key": seaweedfs.access_key, "secret_key": seaweedfs.secret_key}
    return {"bucket": "no-such-bucket", "endpoint_url": seaweedfs.endpoint_url, **keys}


def dead(seaweedfs, kept, silent):
    return {"bucket": "b", "endpoint_url": f"http://127.0.0.1:{free_ports(1)[0]}", "access_key": "me"}


def mute(seaweedfs, kept, silent):
    return {"bucket": "b", "endpoint_url": f"http://127.0.0.1:{silent}", "access_key": "me", "read_timeout": 0.3}


TROUBLES = {
    "refused credentials": Trouble(refused, PermissionDenied, "check the credentials", False),
    "missing bucket": Trouble(missing, ContainerNotFound, "the bucket 'no-such-bucket' does not exist", False),
    "dead service": Trouble(dead, BackendUnavailable, "the service at http://127.0.0.1:", True),
    "silent service": Trouble(mute, Timeout, "did not answer within the deadline", True),
}


@clause("ERR-01", "ERR-02", "SECRET-03", "DEADLINE-01")
@pytest.mark.parametrize("lane", ["obstore", "boto3"])
@pytest.mark.parametrize("name", TROUBLES)
def test_every_call_says_what_the_trouble_is_in_time(name, lane, colour, around, subtests):
    trouble = TROUBLES[name]
    options = {"region": "us-east-1", "secret_key": CANARY, "lane": lane}
    options |= trouble.options(*around)
    late = 1 if (lane, colour) == ("obstore", "async") else 0  # its pool may keep one idle connection for a minute
    each_says_so(lambda: S3Backend(**options), colour, ASKING, trouble, subtests, late=late)


@pytest.mark.parametrize("lane", ["obstore", "boto3"])
def test_content_that_turns_bad_after_some_parts_leaves_no_upload(lane, colour, seaweedfs, kept):
    def content():
        for _ in range(3):
            yield bytes(6 << 20)
        yield "text"

    backend = S3Backend(
        kept,
        endpoint_url=seaweedfs.endpoint_url,
        access_key=seaweedfs.access_key,
        secret_key=seaweedfs.secret_key,
        region=seaweedfs.region,
        lane=lane,
    )
    # obstore ends the connection of a cancelled part by itself, up to a minute later.
    late = 1 if (lane, colour) == ("obstore", "async") else 0
    with unleaking(late), faced(backend, colour) as store:
        with pytest.raises(TypeError, match="content yields bytes, not str"):
            store.write("folder/big", content())
        assert not store.exists("folder/big")
