"""A stub of Google Cloud Storage's XML interface: no emulator of the registries answers what obstore sends.

gcp-storage-emulator and fake-gcs-server were tried: the one has no HEAD and no ETag there, the other takes no PUT.
"""

import hashlib
import itertools
import re
import sys
import threading
import uuid
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.servers.process import LOOPBACK, Server, accepts, free_ports

TOKEN = "token-of-the-stub"
DENIED = "denied"  # a folder of this name refuses everybody
_generations = itertools.count(1_700_000_000_000_000)
_buckets: dict[str, dict[str, tuple[bytes, dict[str, str]]]] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class GcsEndpoint:
    """Where the stub is and what lets one in."""

    endpoint_url: str
    access_token: str

    def make_bucket(self) -> str:
        """A bucket nobody else has; the stub makes those whose names begin so."""
        return f"bucket-{uuid.uuid4().hex[:12]}"

    def environment(self) -> dict[str, str]:
        return {"GCS_ENDPOINT_URL": self.endpoint_url, "GCS_BUCKET": self.make_bucket()}


class GcsStub(Server):
    """The stub as a process."""

    name = "gcs-stub"
    program = sys.executable
    install = "this environment"

    def command(self) -> list[str]:
        (self._port,) = free_ports(1)
        return ["-m", "tests.servers.gcs", str(self._port)]

    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(Path(__file__).parents[2])}

    def is_ready(self) -> bool:
        return accepts(self._port)

    @property
    def address(self) -> GcsEndpoint:
        return GcsEndpoint(f"http://{LOOPBACK}:{self._port}", TOKEN)


class _Stub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
        """Say nothing."""

    def _serve(self) -> None:
        self.said = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(self.said.get("content-length", 0)))
        if len(body) < int(self.said.get("content-length", 0)):
            self.close_connection = True  # who sent it has gone, and what came is no request
            return
        address = urlsplit(self.path)
        self.query = dict(parse_qsl(address.query, keep_blank_values=True))
        _, bucket, *rest = address.path.split("/", 2)
        with _lock:
            status, headers, data = self._answer(unquote(bucket), unquote(rest[0]) if rest else "", body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_PUT = do_DELETE = _serve  # noqa: N815  the base class looks for these names

    def _answer(self, bucket: str, key: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if self.said.get("authorization") != f"Bearer {TOKEN}":
            return _refused(401, "AuthenticationRequired")
        if DENIED in (key or self.query.get("prefix", "")).split("/"):
            return _refused(403, "AccessDenied")
        if not bucket.startswith("bucket-"):
            return _refused(404, "NoSuchBucket")
        objects = _buckets.setdefault(bucket, {})
        if not key:
            return self._list(objects)
        if self.command == "PUT":
            return self._put(objects, key, body)
        if key not in objects or self.query.get("generation") not in (None, objects[key][1]["x-goog-generation"]):
            return _refused(404, "NoSuchKey")
        if self.command == "DELETE":
            del objects[key]
            return 204, {}, b""
        return self._read(*objects[key])

    def _put(self, objects: Any, key: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        wanted = self.said.get("x-goog-if-generation-match")
        there = objects[key][1]["x-goog-generation"] if key in objects else "0"
        said = {name: value for name, value in self.said.items() if name.startswith("x-goog-meta-")}
        said["Content-Type"] = self.said.get("content-type", "application/octet-stream")
        if source := self.said.get("x-goog-copy-source"):
            source = unquote(source).removeprefix("/").partition("/")[2]
            if source not in objects:
                return _refused(404, "NoSuchKey")
            body, old = objects[source]
            said = {name: value for name, value in old.items() if name.startswith("x-goog-meta-") or "-Type" in name}
        if wanted is not None and wanted != there:
            return _refused(412, "PreconditionFailed")
        said["ETag"] = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        said |= {"x-goog-generation": str(next(_generations)), "Last-Modified": formatdate(usegmt=True)}
        objects[key] = bytes(body), said
        return 200, {name: said[name] for name in ("ETag", "x-goog-generation")}, b"<CopyObjectResult/>"

    def _read(self, data: bytes, said: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.said.get("range", ""))
        if not wanted:
            return 200, said, data
        start, size = int(wanted[1]), len(data)
        if start >= size:
            return _refused(416, "InvalidRange")
        end = min(int(wanted[2] or size - 1), size - 1)
        return 206, {**said, "Content-Range": f"bytes {start}-{end}/{size}"}, data[start : end + 1]

    def _list(self, objects: Any) -> tuple[int, dict[str, str], bytes]:
        query = self.query
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = query.get("continuation-token") or query.get("start-after", "")
        names = sorted(name for name in objects if name.startswith(prefix) and name > after)
        folders = sorted({prefix + n[len(prefix) :].split("/")[0] + "/" for n in names if "/" in n[len(prefix) :]})
        if delimiter:
            names = [name for name in names if "/" not in name[len(prefix) :]]
        most = int(query.get("max-keys", 1000))
        parts = [_element(name, *objects[name]) for name in names[:most]]
        if delimiter:
            parts += [f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders]
        if len(names) > most:
            parts.append(f"<NextContinuationToken>{escape(names[most - 1])}</NextContinuationToken>")
        text = f"<ListBucketResult>{''.join(parts)}</ListBucketResult>"
        return 200, {"Content-Type": "application/xml"}, text.encode()


def _element(name: str, data: bytes, said: dict[str, str]) -> str:
    date = parsedate_to_datetime(said["Last-Modified"]).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    facts = f"<LastModified>{date}</LastModified><ETag>{escape(said['ETag'])}</ETag>"
    return f"<Contents><Key>{escape(name)}</Key>{facts}<Size>{len(data)}</Size></Contents>"


def _refused(status: int, code: str) -> tuple[int, dict[str, str], bytes]:
    return status, {}, f"<Error><Code>{quote(code)}</Code><Message>stub</Message></Error>".encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    _Server((LOOPBACK, int(sys.argv[1])), _Stub).serve_forever()
