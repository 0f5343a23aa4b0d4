"""Azure under the conformance kit: both lanes, both colours."""

import uuid

import pytest

from remote_store.backends.azure import AzureBackend
from remote_store.testing import Conformance
from remote_store.testing.cases.conditions import Conditions
from remote_store.testing.cases.copying import Copying
from remote_store.testing.cases.deleting import Deleting
from remote_store.testing.cases.facts import Facts


class OnAzurite:
    lane = "obstore"
    hierarchical = False
    many = 50  # pages of the lanes have tests of their own; one class below turns one
    presign_headers = {"x-ms-blob-type": "BlockBlob"}  # noqa: RUF012  only read

    @pytest.fixture(autouse=True)
    def _place(self, azurite, azurite_container):
        self.endpoint, self.container = azurite, azurite_container

    def make_backend(self):
        return AzureBackend(
            self.container,
            endpoint_url=self.endpoint.endpoint_url,
            account_key=self.endpoint.account_key,
            lane=self.lane,
            hierarchical=self.hierarchical,
        )

    def make_root(self):
        return f"test-{uuid.uuid4().hex}"


class TestAzuriteObstore(OnAzurite, Conformance):
    many = 1010


class TestAzuriteSdk(OnAzurite, Conformance):
    lane = "sdk"


class TestAzuriteAsked(OnAzurite, Conditions, Copying, Deleting, Facts):
    """The account is asked what it is: all that depends on the answer."""

    lane = "auto"
    hierarchical = None


class OnStub(OnAzurite):
    """A hierarchical account, as far as our stub is one; see docs/azure.md for what that does not prove."""

    hierarchical = True
    checks_signatures = False

    @pytest.fixture(autouse=True)
    def _place(self, hns_stub):
        self.endpoint, self.container = hns_stub, hns_stub.make_container()


class TestStubObstore(OnStub, Conformance):
    deviations = {  # noqa: RUF012  only read
        "test_a_presigned_link_reads_and_writes_without_credentials": "the stub knows no signed links",
    }


class TestStubSdk(OnStub, Conformance):
    lane = "sdk"
    deviations = {  # noqa: RUF012  only read
        "test_a_presigned_link_reads_and_writes_without_credentials": "the stub knows no signed links",
    }


class TestStubAsked(OnStub, Conditions, Copying, Deleting, Facts):
    lane = "auto"
    hierarchical = None
