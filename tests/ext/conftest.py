"""The backends that frames and file systems are tried on."""

import pytest

from remote_store.backends.local import LocalBackend
from remote_store.backends.memory import MemoryBackend
from remote_store.backends.s3 import S3Backend


@pytest.fixture(params=["memory", "local", pytest.param("s3", marks=pytest.mark.xdist_group("seaweedfs"))])
def backend(request, tmp_path):
    if request.param == "memory":
        return MemoryBackend()
    if request.param == "local":
        return LocalBackend(tmp_path)
    server = request.getfixturevalue("seaweedfs")
    bucket = server.make_bucket()
    return S3Backend(
        bucket, endpoint_url=server.endpoint_url, access_key=server.access_key, secret_key=server.secret_key
    )
