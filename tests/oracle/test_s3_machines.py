"""S3, in both lanes and colours, answers random operations as the verified model does."""

import uuid

import pytest

from remote_store.backends.s3 import S3Backend
from remote_store.testing.machine.performing import OK
from tests.oracle.machines import Compared


def folders_of(step, path):
    """The folders that a step may have made or named."""
    parts = step.full(path).split("/") if isinstance(path, str) else []
    return {"/".join(parts[:length]) for length in range(1, len(parts) + 1)}


def lingers(one, expected, got, were):
    """Whether answers differ only in that a folder, which once was, is there with nothing in it."""
    if one.op in {"list_folders", "iter_children"} and got.kind == expected.kind == OK:
        return (
            all(one.full(key)[:-1] in were for key, _ in set(got.value) - set(expected.value))
            and [entry for entry in got.value if entry in expected.value] == expected.value
        )
    if not one.args or one.full(one.args[0]) not in were:
        return False
    if one.op in {"exists", "is_folder"}:
        return (expected.value, got.value) == (False, True)
    if one.op == "get_folder_info":
        return expected.kind == "NotFound" and got.value == (one.args[0], 0, 0)
    nothing = expected.kind == "NotFound" or one.options.get("missing_ok")
    return one.op == "delete_folder" and nothing and got.kind in {OK, "DirectoryNotEmpty"}


class S3Machine(Compared):
    steps = 5_000  # each of lane and colour: a request takes a thousand times as long as a call in memory
    lane = "obstore"

    def make_backend(self):
        return S3Backend(
            self.bucket,
            endpoint_url=self.endpoint.endpoint_url,
            access_key=self.endpoint.access_key,
            secret_key=self.endpoint.secret_key,
            region=self.endpoint.region,
            lane=self.lane,
        )

    def make_root(self):
        return f"machine-{uuid.uuid4().hex}"


class OnSeaweed(S3Machine):
    """SeaweedFS is a tree beneath: a file cannot stand beside a folder of its name, and empty folders linger."""

    clashes = False

    def allows(self, one, expected, got, earlier):
        were = {folder for step in [*earlier, one] for path in step.args for folder in folders_of(step, path)}
        return lingers(one, expected, got, were)

    @pytest.fixture(autouse=True)
    def _place(self, seaweedfs, seaweedfs_bucket):
        self.endpoint, self.bucket = seaweedfs, seaweedfs_bucket


class OnMoto(S3Machine):
    steps = 1_000  # the slowest of the servers

    @pytest.fixture(autouse=True)
    def _place(self, moto, moto_bucket):
        self.endpoint, self.bucket = moto, moto_bucket


class TestSeaweedObstore(OnSeaweed):
    pass


class TestSeaweedBoto3(OnSeaweed):
    lane = "boto3"


class TestMotoObstore(OnMoto):
    pass


class TestMotoBoto3(OnMoto):
    lane = "boto3"
