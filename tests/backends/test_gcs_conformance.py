"""Google Cloud Storage under the conformance kit, as far as our stub of its XML interface goes."""

import uuid

import pytest

from remote_store.backends.gcs import GCSBackend
from remote_store.testing import Conformance

KEYLESS = "a link is signed by a service account's key; the stub has none"


class TestGcsStub(Conformance):
    many = 50
    checks_signatures = False
    deviations = {  # noqa: RUF012  only read
        "test_a_presigned_link_reads_and_writes_without_credentials": KEYLESS,
        "test_a_link_to_one_file_opens_no_other": KEYLESS,
    }

    @pytest.fixture(autouse=True)
    def _place(self, gcs_stub):
        self.endpoint = gcs_stub

    def make_backend(self):
        stub = self.endpoint
        return GCSBackend(stub.make_bucket(), endpoint_url=stub.endpoint_url, access_token=stub.access_token)

    def make_root(self):
        return f"test-{uuid.uuid4().hex}"
