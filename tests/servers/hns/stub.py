"""The stub itself: `python -m tests.servers.hns.stub PORT` answers requests of the Blob and Data Lake services."""

import base64
import hmac
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.servers.hns.tree import Node, Refusal, Tree

ACCOUNT = "hnsaccount"
KEY = base64.b64encode(b"the key of the stub").decode()
SIGNED = (
    "content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
    "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range",
)  # fmt: skip

containers: dict[str, Tree] = {}
lock = threading.Lock()


class Stub(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
        """Say nothing."""

    def _serve(self) -> None:
        self.said = {name.lower(): value for name, value in self.headers.items()}
        self.body = self.rfile.read(int(self.said.get("content-length", 0)))
        if len(self.body) < int(self.said.get("content-length", 0)):
            self.close_connection = True  # who sent it has gone, and what came is no request
            return
        address = urlsplit(self.path)
        self.query = dict(parse_qsl(address.query, keep_blank_values=True))
        _, _, container, *rest = unquote(address.path).split("/", 3)
        try:
            self._check_key(address.path)
            self._route(container, rest[0] if rest else "")
        except Refusal as refusal:
            text = f"<?xml version='1.0'?><Error><Code>{refusal.code}</Code><Message>stub</Message></Error>"
            self._answer(refusal.status, {"x-ms-error-code": refusal.code}, text.encode())
        self._send()

    do_GET = do_HEAD = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815  the base class looks for these names

    def _check_key(self, path: str) -> None:
        ours = sorted(name for name in self.said if name.startswith("x-ms-"))
        length = self.said.get("content-length", "")
        signed = {**self.said, "content-length": "" if length == "0" else length}
        lines = [self.command, *(signed.get(name, "") for name in SIGNED), *(f"{n}:{self.said[n]}" for n in ours)]
        lines += [f"/{ACCOUNT}{path}", *(f"{name.lower()}:{value}" for name, value in sorted(self.query.items()))]
        mark = hmac.digest(base64.b64decode(KEY), "\n".join(lines).encode(), "sha256")
        if self.said.get("authorization") != f"SharedKey {ACCOUNT}:{base64.b64encode(mark).decode()}":
            raise Refusal(403, "AuthenticationFailed")

    def _route(self, container: str, path: str) -> None:
        query = self.query
        if query.get("restype") == "account" or (query.get("comp") == "properties" and not path):
            return self._answer(200, {"x-ms-is-hns-enabled": "true", "x-ms-account-kind": "StorageV2"})
        if self.command == "PUT" and not path:
            with lock:
                if container in containers:
                    raise Refusal(409, "ContainerAlreadyExists")
                containers[container] = Tree()
            return self._answer(201, {"ETag": '"0x1"', "Last-Modified": "Mon, 23 Nov 2026 05:17:04 GMT"})
        tree = containers.get(container)
        if tree is None:
            raise Refusal(404, "ContainerNotFound")
        with tree.lock:
            if not path:
                return self._of_container(tree)
            if {"resource", "recursive", "action"} & set(query) or "x-ms-rename-source" in self.said:
                return self._of_lake(tree, path)
            return self._of_blobs(tree, path)

    def _of_container(self, tree: Tree) -> None:
        if self.command == "HEAD":
            return self._answer(200, {"x-ms-namespace-enabled": "true"})
        if self.query.get("resource") == "filesystem":
            return self._list_paths(tree)
        return self._list_blobs(tree)

    def _of_lake(self, tree: Tree, path: str) -> None:
        query, said = self.query, self.said
        if "x-ms-rename-source" in said:
            source = unquote(said["x-ms-rename-source"].partition("?")[0]).split("/", 2)[2]
            return self._done(201, tree.rename(source, path, said))
        if self.command == "DELETE":
            more = tree.delete(path, recursive=query["recursive"] == "true", conditions=said)
            return self._answer(200, {"x-ms-continuation": "more"} if more else {})
        if self.command == "HEAD":
            return self._facts(tree.find(path), lake=True)
        if query.get("resource") == "directory":
            return self._make_folder(tree, path)
        if query.get("resource") == "file":
            return self._done(201, tree.put(path, Node(metadata=self._metadata()), said))
        node = tree.find(path)
        if query.get("action") == "append":
            node.appended[int(query["position"])] = self.body
            return self._answer(202)
        if query.get("action") == "flush":
            data = b"".join(piece for _, piece in sorted(node.appended.items()))
            if len(data) != int(query["position"]):
                raise Refusal(400, "InvalidFlushPosition")
            node.data, node.appended = data, {}
            node.touch()
            return self._done(200, node)
        raise Refusal(400, "UnsupportedQueryParameter")

    def _make_folder(self, tree: Tree, path: str) -> None:
        tree.allow(path)
        if path in tree.nodes and (self.said.get("if-none-match") == "*" or not tree.nodes[path].folder):
            raise Refusal(409, "PathAlreadyExists")
        tree.make_folders(path)
        self._done(201, tree.nodes.setdefault(path, Node(folder=True)))

    def _of_blobs(self, tree: Tree, path: str) -> None:
        comp = self.query.get("comp")
        if self.command in ("GET", "HEAD"):
            return self._read(tree, path)
        if self.command == "DELETE":
            tree.delete_blob(path, self.said)
            return self._answer(202)
        if comp == "block":
            tree.stage(path, self.query["blockid"], self.body)
            return self._answer(201)
        if comp == "blocklist":
            blocks = re.findall(r"<Latest>([^<]*)</Latest>", self.body.decode())
            return self._done(201, tree.commit(path, blocks, self._described(b""), self.said))
        if "x-ms-copy-source" in self.said:
            return self._copy(tree, path)
        return self._done(201, tree.put(path, self._described(self.body), self.said))

    def _copy(self, tree: Tree, path: str) -> None:
        source = unquote(urlsplit(self.said["x-ms-copy-source"]).path).split("/", 3)[3]
        node = tree.find(source)
        tree.check(source, self.said, source=True)
        made = Node(data=node.data, metadata=dict(node.metadata), content_type=node.content_type)
        tree.put(path, made, self.said)
        self._done(202, made, {"x-ms-copy-status": "success", "x-ms-copy-id": "copy"})

    def _read(self, tree: Tree, path: str) -> None:
        node = tree.find(path)
        tree.check(path, self.said)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.said.get("x-ms-range") or self.said.get("range") or "")
        if not wanted:
            return self._facts(node, data=node.data)
        start, size = int(wanted[1]), len(node.data)
        if start >= size:
            raise Refusal(416, "InvalidRange")
        end = min(int(wanted[2] or size - 1), size - 1)
        place = {"Content-Range": f"bytes {start}-{end}/{size}"}
        return self._facts(node, 206, place, data=node.data[start : end + 1])

    def _facts(
        self,
        node: Node,
        status: int = 200,
        more: dict[str, str] | None = None,
        *,
        data: bytes = b"",
        lake: bool = False,
    ) -> None:
        said = {"ETag": node.etag, "Last-Modified": node.modified, "Content-Type": node.content_type}
        said |= {"x-ms-resource-type": "directory" if node.folder else "file", "x-ms-blob-type": "BlockBlob"}
        metadata = {**node.metadata, **({"hdi_isfolder": "true"} if node.folder else {})}
        if lake:
            pairs = [f"{name}={base64.b64encode(value.encode()).decode()}" for name, value in metadata.items()]
            said |= {"x-ms-properties": ",".join(pairs)} if pairs else {}
            data = node.data
        else:
            said |= {f"x-ms-meta-{name}": value for name, value in metadata.items()}
        self._answer(status, said | (more or {}), data)

    def _list_blobs(self, tree: Tree) -> None:
        query = self.query
        prefix, deep = query.get("prefix", ""), "delimiter" not in query
        tree.allow(prefix)
        names = tree.listed(prefix, deep=deep)
        start = int(query.get("marker") or 0)
        end = start + min(int(query.get("maxresults", 5000)), 5000)
        text = "".join(_element(name, tree.nodes[name], deep=deep) for name in names[start:end])
        marker = str(end) if end < len(names) else ""
        body = f"<?xml version='1.0'?><EnumerationResults><Blobs>{text}</Blobs><NextMarker>{marker}</NextMarker>"
        self._answer(200, {"Content-Type": "application/xml"}, f"{body}</EnumerationResults>".encode())

    def _list_paths(self, tree: Tree) -> None:
        folder, deep = self.query.get("directory", ""), self.query["recursive"] == "true"
        if folder and not tree.find(folder).folder:
            raise Refusal(409, "PathConflict")
        names = tree.listed(f"{folder}/" if folder else "", deep=deep)
        rows = [
            {"name": name, "isDirectory": str(node.folder).lower(), "contentLength": str(len(node.data))}
            | {"etag": node.etag.strip('"'), "lastModified": node.modified}
            for name in names
            for node in [tree.nodes[name]]
        ]
        self._answer(200, {"Content-Type": "application/json"}, json.dumps({"paths": rows}).encode())

    def _metadata(self) -> dict[str, str]:
        start = "x-ms-meta-"
        return {name[len(start) :]: value for name, value in self.said.items() if name.startswith(start)}

    def _described(self, data: bytes) -> Node:
        kind = self.said.get("x-ms-blob-content-type") or "application/octet-stream"
        return Node(data=data, metadata=self._metadata(), content_type=kind)

    def _done(self, status: int, node: Node, more: dict[str, str] | None = None) -> None:
        self._answer(status, {"ETag": node.etag, "Last-Modified": node.modified, **(more or {})})

    def _answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.answer = status, headers or {}, body

    def _send(self) -> None:
        """Send the answer, outside of any lock: who asked may be slow to take it."""
        status, headers, body = self.answer
        self.send_response(status)
        for name, value in {"x-ms-version": "2023-11-03", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _element(name: str, node: Node, *, deep: bool) -> str:
    if node.folder and not deep:
        return f"<BlobPrefix><Name>{escape(name)}/</Name></BlobPrefix>"
    facts = f"<Last-Modified>{node.modified}</Last-Modified><Etag>{node.etag.strip(chr(34))}</Etag>"
    facts += f"<ResourceType>{'directory' if node.folder else 'file'}</ResourceType>"
    facts += f"<Content-Length>{len(node.data)}</Content-Length><Content-Type>{node.content_type}</Content-Type>"
    folder = "<hdi_isfolder>true</hdi_isfolder>" if node.folder else ""
    kept = f"<Properties>{facts}</Properties><Metadata>{folder}</Metadata>"
    return f"<Blob><Name>{escape(name)}</Name>{kept}</Blob>"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main(port: int) -> None:
    _Server(("127.0.0.1", port), Stub).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
