"""Accounts of Azure: Azurite, flat and without a Data Lake service, and our stub of a hierarchical one."""

import base64
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers.hns.stub import ACCOUNT as STUB_ACCOUNT
from tests.servers.hns.stub import KEY as STUB_KEY
from tests.servers.process import LOOPBACK, Server, ServerError, accepts, free_ports

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient

PROGRAM = Path(__file__).parents[2] / "requirements/azurite/node_modules/azurite/dist/src/blob/main.js"


@dataclass(frozen=True)
class AzureEndpoint:
    """Where a storage account is and who may use it."""

    endpoint_url: str
    account: str
    account_key: str

    def client(self, **options: Any) -> "BlobServiceClient":
        """A bare client of the SDK, to look at a container from the other side."""
        from azure.storage.blob import BlobServiceClient

        key = {"account_name": self.account, "account_key": self.account_key}
        return BlobServiceClient(self.endpoint_url, credential=key, retry_total=0, **options)

    def make_container(self, prefix: str = "container") -> str:
        """A container nobody else has."""
        name = f"{prefix}-{uuid.uuid4().hex[:12]}"
        with self.client() as client:
            client.create_container(name).close()
        return name

    def connection_string(self) -> str:
        scheme = self.endpoint_url.partition(":")[0]
        parts = {"DefaultEndpointsProtocol": scheme, "AccountName": self.account, "AccountKey": self.account_key}
        return ";".join(f"{name}={value}" for name, value in (parts | {"BlobEndpoint": self.endpoint_url}).items())

    def environment(self) -> dict[str, str]:
        """The connection string, and AZURE_CONTAINER with a fresh container."""
        return {
            "AZURE_STORAGE_CONNECTION_STRING": self.connection_string(),
            "AZURE_CONTAINER": self.make_container(),
        }


class Azurite(Server):
    """One account with a flat namespace, kept in memory."""

    name = "azurite"
    program = "node"
    install = "the Debian package nodejs: `make test` as root installs it"

    def command(self) -> list[str]:
        if not PROGRAM.exists():
            message = "the server azurite is missing: `make test` installs it from npm"
            raise ServerError(message)
        (self._port,) = free_ports(1)
        place = ["--blobHost", LOOPBACK, "--blobPort", str(self._port)]
        return [
            str(PROGRAM),
            "--silent",
            "--disableTelemetry",
            "--skipApiVersionCheck",
            "--inMemoryPersistence",
            *place,
        ]

    def environment(self) -> dict[str, str]:
        return {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}

    def is_ready(self) -> bool:
        return accepts(self._port)

    @property
    def address(self) -> AzureEndpoint:
        return AzureEndpoint(f"http://{LOOPBACK}:{self._port}/{ACCOUNT}", ACCOUNT, KEY)


ACCOUNT = "testaccount"
KEY = base64.b64encode(b"the key of an account that lives for one test run").decode()


class HnsStub(Server):
    """The stub of an account with a hierarchical namespace; both services answer at one address."""

    name = "hns-stub"
    program = sys.executable
    install = "this environment"

    def command(self) -> list[str]:
        (self._port,) = free_ports(1)
        return ["-m", "tests.servers.hns.stub", str(self._port)]

    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(Path(__file__).parents[2])}

    def is_ready(self) -> bool:
        return accepts(self._port)

    @property
    def address(self) -> AzureEndpoint:
        return AzureEndpoint(f"http://{LOOPBACK}:{self._port}/{STUB_ACCOUNT}", STUB_ACCOUNT, STUB_KEY)
