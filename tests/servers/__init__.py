"""Real servers on loopback for tests, the demo and benchmarks: started when asked for, ended with their owner."""

from tests.servers.azurite import AzureEndpoint, Azurite, HnsStub
from tests.servers.gcs import GcsEndpoint, GcsStub
from tests.servers.nginx import NginxDav
from tests.servers.process import Server, ServerError, free_ports
from tests.servers.proxy import Link, Proxy
from tests.servers.s3 import Moto, S3Endpoint, SeaweedFS
from tests.servers.sftp import AsyncSSH, OpenSSH, SFTPAddress
from tests.servers.sql import MariaDB, PostgreSQL, SqlServer
from tests.servers.web import NginxWeb, WebServer

SERVERS: dict[str, type[Server]] = {
    server.name: server
    for server in (
        *(SeaweedFS, Moto, NginxDav, NginxWeb, Azurite, HnsStub, GcsStub),
        *(OpenSSH, AsyncSSH, PostgreSQL, MariaDB),
    )
}

__all__ = [
    "SERVERS",
    "AsyncSSH",
    "AzureEndpoint",
    "Azurite",
    "GcsEndpoint",
    "GcsStub",
    "HnsStub",
    "Link",
    "MariaDB",
    "Moto",
    "NginxDav",
    "NginxWeb",
    "OpenSSH",
    "PostgreSQL",
    "Proxy",
    "S3Endpoint",
    "SFTPAddress",
    "SeaweedFS",
    "Server",
    "ServerError",
    "SqlServer",
    "WebServer",
    "free_ports",
]
