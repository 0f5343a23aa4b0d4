"""The namespace of the stub: folders that are real, files, and blocks that nobody has committed."""

import itertools
import threading
import time
from dataclasses import dataclass, field
from email.utils import formatdate

STEP = 25  # entries that one recursive deletion clears, so that clients have to go on
DENIED = "denied"  # a folder of this name refuses everybody


class Refusal(Exception):
    """An error answer of the service."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


_numbers = itertools.count(0x8DE000000000000)


@dataclass
class Node:
    """A file or a folder."""

    folder: bool = False
    data: bytes = b""
    metadata: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/octet-stream"
    appended: dict[int, bytes] = field(default_factory=dict)
    etag: str = ""
    modified: str = ""
    created: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.touch()

    def touch(self) -> None:
        self.etag = f'"0x{next(_numbers):X}"'
        self.modified = formatdate(usegmt=True)


class Tree:
    """One container. The caller holds the lock."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.nodes: dict[str, Node] = {}
        self.blocks: dict[str, dict[str, bytes]] = {}

    def find(self, path: str) -> Node:
        self.allow(path)
        node = self.nodes.get(path)
        if node is None:
            raise Refusal(404, "BlobNotFound")
        return node

    @staticmethod
    def allow(path: str) -> None:
        if DENIED in path.split("/"):
            raise Refusal(403, "AuthorizationPermissionMismatch")

    def check(self, path: str, conditions: dict[str, str], *, source: bool = False) -> None:
        """Judge If-Match and If-None-Match of a request."""
        start = "x-ms-source-" if source else ""
        node = self.nodes.get(path)
        wanted, unwanted = conditions.get(f"{start}if-match"), conditions.get(f"{start}if-none-match")
        if wanted is not None and (node is None or wanted not in ("*", node.etag)):
            raise Refusal(412, "SourceConditionNotMet" if source else "ConditionNotMet")
        if unwanted is not None and node is not None and unwanted in ("*", node.etag):
            raise Refusal(
                409 if unwanted == "*" else 412, "BlobAlreadyExists" if unwanted == "*" else "ConditionNotMet"
            )

    def make_folders(self, path: str) -> None:
        """Make the folders above a path."""
        for above in parents(path):
            node = self.nodes.setdefault(above, Node(folder=True))
            if not node.folder:
                raise Refusal(409, "PathConflict")

    def put(self, path: str, node: Node, conditions: dict[str, str]) -> Node:
        """Publish a file."""
        self.allow(path)
        self.check(path, conditions)
        there = self.nodes.get(path)
        if there is not None and there.folder:
            raise Refusal(409, "ResourceTypeMismatch")
        self.make_folders(path)
        self.nodes[path] = node
        self.blocks.pop(path, None)
        return node

    def stage(self, path: str, block: str, data: bytes) -> None:
        """Keep a block that nobody sees."""
        self.allow(path)
        there = self.nodes.get(path)
        if there is not None and there.folder:
            raise Refusal(409, "ResourceTypeMismatch")
        for above in parents(path):
            if above in self.nodes and not self.nodes[above].folder:
                raise Refusal(409, "PathConflict")
        staged = self.blocks.setdefault(path, {})
        if any(len(other) != len(block) for other in staged):
            raise Refusal(400, "InvalidBlobOrBlock")
        staged[block] = data

    def commit(self, path: str, blocks: list[str], node: Node, conditions: dict[str, str]) -> Node:
        self.check(path, conditions)
        staged = self.blocks.get(path, {})
        if any(block not in staged for block in blocks):
            raise Refusal(400, "InvalidBlockList")
        node.data = b"".join(staged[block] for block in blocks)
        return self.put(path, node, {})

    def delete_blob(self, path: str, conditions: dict[str, str]) -> None:
        node = self.find(path)
        self.check(path, conditions)
        if node.folder and self.below(path):
            raise Refusal(409, "DirectoryIsNotEmpty")
        del self.nodes[path]

    def delete(self, path: str, *, recursive: bool, conditions: dict[str, str]) -> bool:
        """Delete a path of the Data Lake service; True if there is more to do."""
        self.allow(path)
        if path not in self.nodes:
            raise Refusal(404, "PathNotFound")
        self.check(path, conditions)
        below = self.below(path)
        if below and not recursive:
            raise Refusal(409, "DirectoryNotEmpty")
        for inner in sorted(below, key=lambda inner: -inner.count("/"))[:STEP]:
            del self.nodes[inner]
        if len(below) > STEP:
            return True
        del self.nodes[path]
        return False

    def rename(self, source: str, target: str, conditions: dict[str, str]) -> Node:
        """Rename a file or folder in one step."""
        self.allow(source)
        self.allow(target)
        node = self.nodes.get(source)
        if node is None:
            raise Refusal(404, "SourcePathNotFound")
        self.check(source, conditions, source=True)
        above = self.nodes.get(target.rpartition("/")[0])
        if "/" in target and (above is None or not above.folder):
            missing = above is None
            raise Refusal(404 if missing else 409, "RenameDestinationParentPathNotFound" if missing else "PathConflict")
        there = self.nodes.get(target)
        if there is not None and "if-none-match" in conditions:
            raise Refusal(409, "PathAlreadyExists")
        self.check(target, conditions)
        if there is not None and there.folder != node.folder:
            raise Refusal(409, "InvalidSourceOrDestinationResourceType")
        for inner in self.below(source):
            self.nodes[target + inner[len(source) :]] = self.nodes.pop(inner)
        self.nodes[target] = self.nodes.pop(source)
        return self.nodes[target]

    def below(self, path: str) -> list[str]:
        start = f"{path}/" if path else ""
        return [inner for inner in self.nodes if inner.startswith(start)]

    def listed(self, prefix: str, *, deep: bool) -> list[str]:
        """Return paths in the order of such accounts: a folder's content before all that is beside it."""
        found = [path for path in self.nodes if path.startswith(prefix)]
        if not deep:
            found = [path for path in found if "/" not in path[len(prefix) :]]
        elif any(DENIED in path.split("/") for path in found):
            raise Refusal(403, "AuthorizationPermissionMismatch")
        return sorted(found, key=lambda path: path.split("/"))


def parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: number + 1]) for number in range(len(parts))]
