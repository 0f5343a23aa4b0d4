"""Real servers on loopback for tests, the demo and benchmarks: started when asked for, ended with their owner."""

from tests.servers.nginx import NginxDav
from tests.servers.process import Server, ServerError, free_ports
from tests.servers.proxy import Link, Proxy
from tests.servers.s3 import Moto, S3Endpoint, SeaweedFS

SERVERS: dict[str, type[Server]] = {server.name: server for server in (SeaweedFS, Moto, NginxDav)}

__all__ = [
    "SERVERS",
    "Link",
    "Moto",
    "NginxDav",
    "Proxy",
    "S3Endpoint",
    "SeaweedFS",
    "Server",
    "ServerError",
    "free_ports",
]
