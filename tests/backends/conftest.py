"""Places on both S3 servers, opened by both lanes in both colours."""

import uuid
from contextlib import ExitStack

import pytest

from remote_store.backends.s3 import S3Backend
from remote_store.testing.faces import opened


@pytest.fixture(params=["seaweedfs", "moto"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["obstore", "boto3"])
def lane(request):
    return request.param


@pytest.fixture(params=["sync", "async"])
def colour(request):
    return request.param


@pytest.fixture(scope="module")
def buckets():
    return {}


@pytest.fixture
def bucket(server, buckets):
    """One bucket a server and module; tests keep apart by their roots."""
    if server not in buckets:
        buckets[server] = server.make_bucket()
    return buckets[server]


@pytest.fixture
def root():
    return uuid.uuid4().hex


@pytest.fixture
def client(server):
    """A bare client, to look at the bucket from the other side."""
    client = server.client()
    yield client
    client.close()


@pytest.fixture
def backend_of(server, bucket, lane):
    """Make a backend of the test's place; options may say otherwise."""

    def make(**options):
        keys = {"access_key": server.access_key, "secret_key": server.secret_key, "region": server.region}
        if {"profile", "anonymous"} & set(options):
            keys = {}
        return S3Backend(**{"bucket": bucket, "endpoint_url": server.endpoint_url, "lane": lane} | keys | options)

    return make


@pytest.fixture
def open_store(backend_of, root, colour):
    with ExitStack() as open_stores:

        def make(**options):
            return open_stores.enter_context(opened(backend_of(**options), root, colour))

        yield make


@pytest.fixture
def store(open_store):
    return open_store()
