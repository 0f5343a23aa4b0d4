"""Comparing what a store answered with what it had to, and counting what was met on the way."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from remote_store.capabilities import Capability
from remote_store.testing.machine.performing import OK, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from remote_store.testing.machine.steps import Step

__all__ = ["Tally", "Versions", "difference", "names_a_place"]


def difference(expected: Outcome, got: Outcome) -> str | None:
    """Say how an answer differs from the expected one, or None."""
    if expected[:3] == got[:3]:
        return None
    if expected.kind == "Torn" and got.kind in {"AlreadyExists", "InvalidPath"}:
        return None  # a store may refuse before it takes the content that would have broken
    return f"answered {got}, has to answer {expected}"


class Versions:
    """Etags seen in one run: the same version has one etag, and other bytes have another (WRITE-12)."""

    def __init__(self, *, coarse: bool = False) -> None:
        self._coarse = coarse
        self.repeated = 0
        """Times that an etag named other bytes, where that is allowed."""
        self._seen: defaultdict[str, dict[Any, str]] = defaultdict(dict)
        self._contents: dict[tuple[str, Any], bytes] = {}

    def compare(self, expected: Outcome, got: Outcome) -> str | None:
        """Take in what both saw, and say what does not fit."""
        for right, seen in zip(expected.seen, got.seen, strict=False):
            if seen.etag is None or right.key != seen.key:
                continue
            if right.content is not None:
                self._contents[right.key, right.etag] = right.content
            versions = self._seen[seen.key]
            if versions.setdefault(right.etag, seen.etag) != seen.etag:
                return (
                    f"shows {seen.key!r} with etag {seen.etag!r}; it was {versions[right.etag]!r} and has not changed"
                )
            content = self._contents.get((seen.key, right.etag))
            for stamp, etag in versions.items():
                other = self._contents.get((seen.key, stamp), content)
                if etag == seen.etag and other != content and content is not None:
                    if self._coarse:
                        self.repeated += 1
                        continue
                    return f"shows {seen.key!r} with etag {etag!r}, which named other bytes before"
        return None


class Tally:
    """How often each kind of step met each kind of outcome. A run that met no conflict has shown nothing."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.steps = 0
        self.allowed = 0

    def add(self, one: Step, expected: Outcome) -> None:
        """Count a step by what it had to answer."""
        op = f"{one.op} if_match" if one.conditional else one.op
        self.steps += 1
        kinds = [expected.kind]
        if expected.kind == OK and expected.value:
            kinds.append("found")
        if expected.kind == "InvalidPath" and expected.key is not None and names_a_place(expected.key):
            kinds.append("clash")
        for kind in kinds:
            self.counts[op, kind] += 1
            self.counts[ANY, kind] += 1
        if expected.kind == OK and one.within:
            self.counts["within a child", OK] += 1

    def missing(self, capabilities: Collection[Capability], *, hierarchical: bool) -> list[str]:
        """Name what was met too seldom: of all operations from 2500 steps on, of each of them from 10,000 on."""
        return [
            f"{op}: {kind} ({self.counts[op, kind]})"
            for op, kind in _wanted(capabilities, hierarchical=hierarchical)
            if self.counts[op, kind] < self.steps // (2500 if op == ANY else 10_000)
        ]

    def as_table(self) -> str:
        """Return the counts, a line an operation."""
        lines: defaultdict[str, list[str]] = defaultdict(list)
        for (op, kind), count in sorted(self.counts.items()):
            lines[op].append(f"{kind} {count}")
        return "\n".join(f"{op}: {', '.join(found)}" for op, found in lines.items())


def names_a_place(path: str) -> bool:
    """Say whether a path is a key, so that only what stands around it can refuse it."""
    from remote_store.errors import InvalidPath
    from remote_store.path import parse_key

    try:
        parse_key(path)
    except InvalidPath:
        return False
    return True


ANY = "any"
"""The row of all operations together."""

_WANTED: Mapping[Capability, Mapping[str, str]] = {
    Capability.READ: {
        ANY: "ok found NotFound InvalidPath",
        "read": "ok found NotFound",
        "read_many": "ok found NotFound",
        "read_range": "ok found NotFound",
        "get_file_info": "ok NotFound",
        "head": "ok NotFound",
        "is_file": "ok found",
        "child": "ok",
        "reopen": "ok",
        "within a child": "ok",
    },
    Capability.WRITE: {ANY: "AlreadyExists Torn", "write": "ok AlreadyExists", "tear": "Torn"},
    Capability.COMPARE_AND_SWAP: {
        ANY: "PreconditionFailed",
        "write if_match": "ok PreconditionFailed",
        "delete if_match": "ok PreconditionFailed",
    },
    Capability.DELETE: {
        ANY: "DirectoryNotEmpty",
        "delete": "ok NotFound",
        "delete_many": "ok",
        "delete_folder": "ok NotFound DirectoryNotEmpty",
    },
    Capability.COPY: {"copy": "ok NotFound AlreadyExists"},
    Capability.MOVE: {"move": "ok NotFound AlreadyExists"},
    Capability.LIST: {
        "list_files": "ok found",
        "list_folders": "ok found",
        "iter_children": "ok found",
        "exists": "ok found",
        "is_folder": "ok found",
        "get_folder_info": "ok NotFound",
    },
    Capability.GLOB: {"glob": "ok found ValueError"},
}


def _wanted(capabilities: Collection[Capability], *, hierarchical: bool) -> list[tuple[str, str]]:
    wanted = [
        (op, kind)
        for capability, kinds in _WANTED.items()
        if capability in capabilities
        for op, named in kinds.items()
        for kind in named.split()
    ]
    if hierarchical:
        wanted += [(op, "clash") for op in ("write", "copy", "move") if (op, OK) in wanted]
    if Capability.LIST not in capabilities:  # nobody can tell a folder
        wanted = [(op, kind) for op, kind in wanted if op != "delete_folder" and kind != "DirectoryNotEmpty"]
    return wanted
