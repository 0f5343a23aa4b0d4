"""The S3 servers of a run with what lies on them, and the contenders that speak to them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers.nginx import NginxDav
from tests.servers.process import LOOPBACK, Server, accepts, free_ports
from tests.servers.proxy import ProxyProcess
from tests.servers.s3 import SeaweedFS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.ground import Ground

BUCKET = "bench"
SIZE = 10_000
KEYS = [f"small/{number:03}" for number in range(100)]
REGION = "us-east-1"
BIG = "big/file"

# name in the table -> environment, client
CONTENDERS = {
    "ours": ("ours", "ours"),
    "obstore": ("ours", "obstore"),
    "ours, boto3 lane": ("ours", "ours_sdk"),
    "boto3": ("ours", "boto3"),
    "pyarrow": ("ours", "pyarrow"),
    "s3fs": ("s3fs", "s3fs"),
    "smart_open": ("files", "smart_open"),
    "cloudpathlib": ("files", "cloudpathlib"),
    "0.33": ("published", "published"),
}


# The slow ones are left out of quick runs where they would take most of the time.
BRISK = ("ours", "obstore", "ours, boto3 lane", "boto3", "0.33")


def contenders(where: Mapping[str, Any], operation: str, names: Any = None) -> dict[str, tuple[str, str, Any, str]]:
    """Return what `Ground.contest` takes: every S3 client, or those named, with one operation."""
    return {
        name: (environment, "s3", {**where, "client": client}, operation)
        for name, (environment, client) in CONTENDERS.items()
        if names is None or name in names
    }


def config(endpoint: str, access_key: str = "k", secret_key: str = "s") -> dict[str, Any]:  # noqa: S107
    found = {"endpoint": endpoint, "bucket": BUCKET, "access_key": access_key, "secret_key": secret_key}
    return {**found, "region": REGION, "size": SIZE, "keys": KEYS}


class FastS3(NginxDav):
    """nginx over a folder, which is S3 enough for GET, HEAD and PUT; an upload in parts goes nowhere.

    Parts overwrite each other under the key, and beginning or completing an upload answers with the XML that clients
    expect. So it tells what a client's upload costs, and nothing about the bytes.
    """

    name = "nginx-as-s3"

    def command(self) -> list[str]:
        arguments = super().command()
        conf = self.folder / "nginx.conf"
        begun = f"<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>k</Key><UploadId>u</UploadId>"
        done = f"<CompleteMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>k</Key><ETag>e</ETag>"
        posts = f"""
        client_body_buffer_size 128k;
        if ($args ~ "^uploads") {{ return 200 '{begun}</InitiateMultipartUploadResult>'; }}
        set $post "$request_method$arg_uploadId";
        if ($post ~ "^POST.") {{ return 200 '{done}</CompleteMultipartUploadResult>'; }}
        location / {{"""
        text = conf.read_text().replace("location / {", posts, 1)
        # A read keeps nginx's own etag, the one it honours in If-Match.
        etag = "add_header ETag '\"put\"' always;"
        assert etag in text
        conf.write_text(text.replace(etag, f"if ($request_method = PUT) {{ {etag} }}"))
        return arguments


class Gate(Server):
    """nginx between a client and a server, writing a line for every request."""

    name = "gate"
    program = "nginx"
    install = "the Debian package nginx-light: `make bench` as root installs it"

    def __init__(self, to_port: int) -> None:
        super().__init__()
        self._to_port = to_port

    def command(self) -> list[str]:
        (self.port,) = free_ports(1)
        temporary = "\n".join(
            f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (self.folder / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {self.folder}/pid; error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    log_format requests '$request_method $request_uri $status';
    access_log {self.folder}/requests requests;
    client_max_body_size 0;
    {temporary}
    server {{
        listen {LOOPBACK}:{self.port};
        location / {{
            proxy_pass http://{LOOPBACK}:{self._to_port};
            proxy_set_header Host $http_host;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_buffering off;
        }}
    }}
}}
""")
        return ["-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def is_ready(self) -> bool:
        return accepts(self.port)

    @property
    def address(self) -> int:
        return self.port

    def requests(self) -> list[str]:
        """What was asked so far, a line a request."""
        time.sleep(0.1)  # a line is written after its answer
        return (self.folder / "requests").read_text().splitlines()


def fast_s3(ground: Ground) -> dict[str, Any]:
    """Return the config of the fast server, with the small objects on it."""
    address = ground.server(FastS3)
    folder = Path(address.folder) / BUCKET
    if not folder.exists():
        (folder / "small").mkdir(parents=True)
        (folder / "big").mkdir()
        for key in KEYS:
            (folder / key).write_bytes(b"x" * SIZE)
    return config(address.url)


def real_s3(ground: Ground) -> dict[str, Any]:
    """Return the config of SeaweedFS, with a bucket and the small objects on it."""
    address = ground.server(SeaweedFS)
    found = config(address.endpoint_url, address.access_key, address.secret_key)
    seeded = ground.folder / "seeded"
    if not seeded.exists():
        client = address.client()
        client.create_bucket(Bucket=BUCKET)
        client.close()
        seed(found, KEYS, SIZE)
        seeded.touch()
    return found


def through(ground: Ground, where: Mapping[str, Any], **link: float) -> dict[str, Any]:
    """Return the config for the same server reached through a slower link of its own process."""
    return {**where, "endpoint": f"http://{LOOPBACK}:{ground.server(ProxyProcess, port_of(where), **link)}"}


def port_of(where: Mapping[str, Any]) -> int:
    return int(where["endpoint"].rpartition(":")[2])


def seed(where: Mapping[str, Any], keys: list[str], size: int) -> None:
    """Put objects there, many at once."""
    import obstore
    from obstore.store import S3Store

    secrets = {"access_key_id": where["access_key"], "secret_access_key": where["secret_key"]}
    plain = {"client_options": {"allow_http": True}, "region": where["region"]}
    store = S3Store(where["bucket"], endpoint=where["endpoint"], **secrets, **plain)
    data = b"x" * size
    each_alone(lambda key: obstore.put(store, key, data), keys, 16)


def each_alone(function: Callable[[str], object], items: list[str], threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(function, items):
            pass
