"""Services that do not answer: every wait ends."""

import time
from urllib.parse import urlsplit

import pytest

from remote_store import BackendUnavailable, RetryPolicy, Store, Timeout
from remote_store.backends.s3 import S3Backend
from remote_store.testing import clause
from remote_store.testing.faces import COLOURS, again, opened
from tests.servers import Link, free_ports


@clause("DEADLINE-01")
@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("lane", ["obstore", "boto3"])
def test_a_service_that_falls_silent_is_a_timeout(lane, colour, make_proxy, seaweedfs, seaweedfs_bucket):
    silent = make_proxy(urlsplit(seaweedfs.endpoint_url).port, Link(stall_after_down=0))
    backend = S3Backend(
        seaweedfs_bucket,
        endpoint_url=f"http://127.0.0.1:{silent.port}",
        access_key=seaweedfs.access_key,
        secret_key=seaweedfs.secret_key,
        region=seaweedfs.region,
        lane=lane,
        read_timeout=0.5,
    )
    with opened(backend, "", colour) as store:
        once = again(store, retry=RetryPolicy(attempts=1))
        for call in (lambda: once.read_bytes("a"), lambda: once.write("a", b"x"), lambda: list(once.list_files())):
            began = time.monotonic()
            with pytest.raises(Timeout) as caught:
                call()
            assert time.monotonic() - began < 5
            assert caught.value.retryable


@clause("DEADLINE-01")
@pytest.mark.parametrize("lane", ["obstore", "boto3"])
def test_a_service_that_is_not_there_is_unavailable(lane):
    endpoint = f"http://127.0.0.1:{free_ports(1)[0]}"
    backend = S3Backend("bucket", endpoint_url=endpoint, access_key="a", secret_key="b", region="r", lane=lane)
    with Store(backend, retry=RetryPolicy(attempts=1)) as store, pytest.raises(BackendUnavailable):
        store.exists("a")
