"""The facts a store answers with: immutable, comparable, picklable, and cheap enough to make a million of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from remote_store.path import RemotePath

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["ContentDigest", "FileInfo", "FolderEntry", "FolderInfo", "Metadata", "ResolutionPlan", "WriteResult"]


class ContentDigest(NamedTuple):
    """A digest of a file's bytes."""

    algorithm: str
    """Lower-case name as in hashlib, such as ``"sha256"`` or ``"md5"``."""
    value: str
    """Lower-case hexadecimal."""

    def to_dict(self) -> dict[str, Any]:
        """Return the digest as JSON-able data."""
        return self._asdict()


class Metadata(dict[str, str]):
    """The user's metadata of a file: a dict that cannot be changed, since a store answers with it more than once."""

    def _refuse(self, *args: Any, **items: Any) -> Any:
        raise TypeError("the metadata in an answer is immutable; dict(metadata) is a copy of your own")

    __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return Metadata, (dict(self),)


class _Keyed:
    """What every answer about a path can do. Its fields are those of a tuple that it is mixed into."""

    __slots__ = ()
    if TYPE_CHECKING:

        @property
        def key(self) -> str: ...

    @property
    def path(self) -> RemotePath:
        """The path, ready for any other call."""
        return RemotePath(self.key)

    @property
    def name(self) -> str:
        """The last segment of the path; empty for the root."""
        return self.key.rpartition("/")[2]

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as JSON-able data."""
        return _plain(self)


class _Changed(_Keyed):
    """An answer with a time of change, if one is known."""

    __slots__ = ()
    if TYPE_CHECKING:

        @property
        def modified(self) -> float | None: ...

    @property
    def modified_at(self) -> datetime | None:
        """The time of change, in UTC."""
        return None if self.modified is None else _utc(self.modified)


class _FileFields(NamedTuple):
    key: str
    """The path as text, relative to the store that answered."""
    size: int
    """Bytes."""
    modified: float
    """Time of the last change, seconds since the Unix epoch."""
    etag: str | None = None
    """Opaque name of these bytes; pass it as ``if_match``."""
    content_type: str | None = None
    metadata: Mapping[str, str] | None = None
    """The user's metadata, where the backend keeps it and the call carries it."""
    version: str | None = None
    digest: ContentDigest | None = None


class FileInfo(_Keyed, _FileFields):
    """What is known of a file. Fields that a listing or service does not tell are None."""

    __slots__ = ()

    @property
    def modified_at(self) -> datetime:
        """Time of the last change, in UTC."""
        return _utc(self.modified)


class _FolderFields(NamedTuple):
    key: str


class FolderEntry(_Keyed, _FolderFields):
    """A folder as a listing shows it."""

    __slots__ = ()


class _SumFields(NamedTuple):
    key: str
    file_count: int
    total_size: int
    """Bytes; -1 where the size of one file is unknown."""
    modified: float | None
    """Time of the newest change below, seconds since the Unix epoch; None for a folder without files."""


class FolderInfo(_Changed, _SumFields):
    """The sum over all files below a folder."""

    __slots__ = ()


class _ResultFields(NamedTuple):
    key: str
    size: int
    """Bytes."""
    etag: str | None = None
    """Opaque name of the bytes; pass it as ``if_match`` to replace exactly these."""
    version: str | None = None
    modified: float | None = None
    """Time of the change, seconds since the Unix epoch, where the answer carries it."""
    content_type: str | None = None
    metadata: Mapping[str, str] | None = None
    digest: ContentDigest | None = None


class WriteResult(_Changed, _ResultFields):
    """What a write published, or what ``head`` found."""

    __slots__ = ()


class ResolutionPlan(NamedTuple):
    """Where a path of this store really lies."""

    key: str
    """The path as the caller gave it."""
    backend: str
    """The backend's name, such as ``"s3"``."""
    native_path: str
    """The service's own name for it: an absolute file path, ``s3://bucket/key``, …"""

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON-able data."""
        return self._asdict()


def _utc(seconds: float) -> datetime:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC)


def _plain(model: Any) -> dict[str, Any]:
    plain: dict[str, Any] = model._asdict()
    for name, value in plain.items():
        if isinstance(value, ContentDigest):
            plain[name] = value.to_dict()
        elif name == "metadata" and value is not None:
            plain[name] = dict(value)
    return plain
