"""The key grammar, the one parser of paths, and RemotePath."""

from __future__ import annotations

import os
import re
import sys
from functools import total_ordering

from remote_store.errors import InvalidPath

TYPE_CHECKING = False  # as typing's own, without loading typing
if TYPE_CHECKING:
    from pathlib import PurePath
    from typing import TypeAlias

    PathInput: TypeAlias = "str | RemotePath | PurePath"

__all__ = ["PathInput", "RemotePath", "parse_folder", "parse_key"]

MAX_SEGMENT = 255
"""Longest segment, in bytes of UTF-8."""
MAX_KEY = 1024
"""Longest key, in bytes of UTF-8."""

# One pass over a normal key: segments that are neither empty nor dots, without control characters,
# backslashes or surrogates, and begin with no drive. What fails here is explained by _why.
_NORMAL = re.compile(
    r"(?!\.{1,2}(?:/|\Z)|[A-Za-z]:)[^/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]+"
    r"(?:/(?!\.{1,2}(?:/|\Z)|[A-Za-z]:)[^/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]+)*"
).fullmatch


@total_ordering
class RemotePath:
    """A path inside a store: immutable, normal, ordered, and accepted wherever a path is.

    ``RemotePath("raw/2024/a.csv")`` or ``RemotePath("raw", "2024") / "a.csv"``; the empty path is the root.

    Raises:
        InvalidPath: the text breaks the key grammar.
    """

    __slots__ = ("_key",)
    _key: str

    def __init__(self, *parts: PathInput) -> None:
        keys = [key for key in map(parse_folder, parts) if key]
        object.__setattr__(self, "_key", parse_folder("/".join(keys)))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"RemotePath is immutable; cannot set {name!r}")

    def __reduce__(self) -> tuple[object, ...]:
        return RemotePath, (self._key,)

    def __fspath__(self) -> str:
        return self._key

    def __str__(self) -> str:
        return self._key

    def __repr__(self) -> str:
        return f"RemotePath({self._key!r})"

    def __hash__(self) -> int:
        return hash((RemotePath, self._key))

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, RemotePath) else NotImplemented

    def __lt__(self, other: RemotePath) -> bool:
        return self._key < other._key if isinstance(other, RemotePath) else NotImplemented

    def __truediv__(self, other: PathInput) -> RemotePath:
        return RemotePath(self, other)

    @property
    def parts(self) -> tuple[str, ...]:
        """The segments, first to last."""
        return tuple(self._key.split("/")) if self._key else ()

    @property
    def name(self) -> str:
        """The last segment, or ``""`` for the root."""
        return self._key.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The name's last extension with its dot, such as ``".csv"``, or ``""``."""
        stem, dot, last = self.name.rpartition(".")
        return dot + last if stem and last else ""

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return self.name.removesuffix(self.suffix)

    @property
    def parent(self) -> RemotePath:
        """The folder that holds this path; the root is its own parent."""
        return RemotePath(self._key.rpartition("/")[0])


def parse_key(path: PathInput) -> str:
    """Return the canonical key of a file: the same text, once proven to follow the grammar.

    Raises:
        InvalidPath: the path is empty or breaks the grammar.
        TypeError: the path is not a str, RemotePath or PurePosixPath.
    """
    if isinstance(path, str) and len(path) <= MAX_SEGMENT and path.isascii() and _NORMAL(path):
        return path
    key = parse_folder(path)
    if not key:
        raise InvalidPath("a file needs a name; the empty path is the store's root", path="")
    return key


def parse_folder(path: PathInput) -> str:
    """Return the canonical key of a folder; the empty path is the root. Raises as parse_key does."""
    text = _text(path)
    if not text:
        return text
    if not _NORMAL(text) or len(text) > MAX_SEGMENT or not text.isascii():
        why = _why(text)
        if why:
            raise InvalidPath(f"not a valid path: {why}", path=text)
    return text


def _text(path: PathInput) -> str:
    if isinstance(path, str):
        return path
    if isinstance(path, RemotePath):
        return path._key
    pathlib = sys.modules.get("pathlib")  # loaded by whoever made the path; not needed otherwise
    if pathlib and isinstance(path, pathlib.PurePath) and not isinstance(path, pathlib.PureWindowsPath):
        text = os.fspath(path)
        return "" if text == "." else text  # PurePosixPath("") prints as "."
    raise TypeError(f"a path is a str, RemotePath or PurePosixPath, not {type(path).__name__}")


def _why(text: str) -> str | None:
    """Say which rule of the grammar the text breaks, or None if it breaks none."""
    if text.startswith("/"):
        return "it begins with '/'; paths are relative to the store"
    if "\\" in text:
        return "it holds a backslash; segments are separated by '/'"
    if re.search(r"[\x00-\x1f\x7f-\x9f]", text):
        return "it holds a control character"
    if re.search(r"[\ud800-\udfff]", text):
        return "it holds a lone surrogate, which has no UTF-8 form"
    if re.search(r"(?:^|/)[A-Za-z]:", text):
        return "a segment begins with a drive letter and a colon"
    segments = text.split("/")
    if "" in segments:
        return "it holds an empty segment ('//' or a trailing '/')"
    if "." in segments or ".." in segments:
        return "it holds a '.' or '..' segment"
    if any(len(segment.encode()) > MAX_SEGMENT for segment in segments):
        return f"a segment is longer than {MAX_SEGMENT} bytes"
    if len(text.encode()) > MAX_KEY:
        return f"it is longer than {MAX_KEY} bytes"
    return None
