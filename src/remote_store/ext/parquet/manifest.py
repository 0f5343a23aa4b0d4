"""The manifest: which files a dataset consists of now, with their schema, sizes and ranges, as JSON."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from remote_store.errors import IntegrityError
from remote_store.ext._extras import need
from remote_store.ext.parquet.schema import kinds_of, plain, typed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from remote_store.ext.partition import Value

pa = need("pyarrow", "arrow")

__all__ = ["DataFile", "Manifest", "Range", "Removed"]

FORMAT = "remote-store parquet 1"


class Range(NamedTuple):
    """What is known of a column's values."""

    least: Any
    """None where no value is there, or none that can be ordered."""
    greatest: Any
    nulls: int | None


class DataFile(NamedTuple):
    """One Parquet file of a dataset."""

    path: str
    """Below the dataset's folder."""
    rows: int
    size: int
    """Bytes."""
    modified: float
    """Seconds since the Unix epoch."""
    etag: str | None
    partition: Mapping[str, Value]
    columns: Mapping[str, Range]


class Removed(NamedTuple):
    """A file that is no longer of the dataset, but may still be read by those who began before."""

    path: str
    at: float
    """Seconds since the Unix epoch."""


class Manifest(NamedTuple):
    """One state of a dataset."""

    schema: Any
    """A ``pyarrow.Schema``, partition columns included."""
    partition_by: tuple[str, ...]
    files: tuple[DataFile, ...]
    version: int
    """Counts commits."""
    commit: str
    """Names the commit that made this state."""
    created: float
    updated: float
    """Seconds since the Unix epoch."""
    removed: tuple[Removed, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum([file.rows for file in self.files])

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum([file.size for file in self.files])

    @property
    def partitions(self) -> dict[tuple[Value, ...], list[DataFile]]:
        """The files by the values of their partition, in order of those values."""
        groups: dict[tuple[Value, ...], list[DataFile]] = {}
        for file in self.files:
            groups.setdefault(tuple(file.partition.values()), []).append(file)
        return dict(sorted(groups.items(), key=lambda item: [(value is None, value) for value in item[0]]))

    def range_of(self, column: str) -> Range:
        """Return least and greatest value and the number of nulls over all files."""
        if column in self.partition_by:
            values = [(file.partition[column], file.rows) for file in self.files]
            known = [value for value, _ in values if value is not None]
            nulls = sum([rows for value, rows in values if value is None])
            return Range(min(known, default=None), max(known, default=None), nulls)
        ranges = [file.columns[column] for file in self.files if column in file.columns]
        whole = len(ranges) == len(self.files)
        counts = [found.nulls for found in ranges]
        nulls_known = whole and None not in counts
        if not whole or any(_has_no_range(file, column) for file in self.files):
            return Range(None, None, sum(filter(None, counts)) if nulls_known else None)
        least = [found.least for found in ranges if found.least is not None]
        greatest = [found.greatest for found in ranges if found.greatest is not None]
        total = sum(filter(None, counts)) if nulls_known else None
        return Range(min(least, default=None), max(greatest, default=None), total)

    def after(self, commit: str, files: tuple[DataFile, ...], **changes: Any) -> Manifest:
        """Return the next state, with these files; those no longer in it are noted as removed."""
        now = time.time()
        kept = {file.path for file in files}
        gone = tuple([Removed(file.path, now) for file in self.files if file.path not in kept])
        state = self._replace(files=files, version=self.version + 1, commit=commit, updated=now)
        return state._replace(removed=(*self.removed, *gone), **changes)

    def to_json(self) -> bytes:
        """Return the manifest as it is stored."""
        files = [
            {
                "path": file.path,
                "rows": file.rows,
                "size": file.size,
                "modified": file.modified,
                "etag": file.etag,
                "partition": [plain(value) for value in file.partition.values()],
                "columns": {name: [plain(part) for part in found] for name, found in file.columns.items()},
            }
            for file in self.files
        ]
        document = {
            "format": FORMAT,
            "version": self.version,
            "commit": self.commit,
            "created": self.created,
            "updated": self.updated,
            "rows": self.rows,
            "size": self.size,
            "partition_by": self.partition_by,
            "columns": {field.name: str(field.type) for field in self.schema},
            "schema": base64.b64encode(self.schema.serialize()).decode(),
            "files": files,
            "removed": self.removed,
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes, path: str) -> Manifest:
        """Read a stored manifest.

        Raises:
            IntegrityError: it is none, or one of a newer version of this library.
        """
        try:
            found = json.loads(data)
            if found["format"] != FORMAT:
                message = f"the manifest has the format {found['format']!r}; this version reads {FORMAT!r}"
                raise IntegrityError(message, path=path, retryable=False)
            schema = pa.ipc.read_schema(pa.BufferReader(base64.b64decode(found["schema"])))
            by = tuple(found["partition_by"])
            kinds = kinds_of(schema)
            return cls(
                schema,
                by,
                tuple([_file(file, by, kinds) for file in found["files"]]),
                found["version"],
                found["commit"],
                found["created"],
                found["updated"],
                tuple([Removed(*gone) for gone in found["removed"]]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as broken:
            if isinstance(broken, IntegrityError):
                raise
            raise IntegrityError("the manifest cannot be read; it was damaged", path=path, retryable=False) from broken


def _has_no_range(file: DataFile, column: str) -> bool:
    """Say whether values may be in the file that its range does not tell."""
    found = file.columns[column]
    return found.least is None and found.nulls != file.rows


def _file(found: dict[str, Any], by: tuple[str, ...], kinds: dict[str, type]) -> DataFile:
    values = dict(zip(by, found["partition"], strict=True))
    partition = {name: typed(value, kinds.get(name, str)) for name, value in values.items()}
    columns = {
        name: Range(typed(least, kinds.get(name, str)), typed(greatest, kinds.get(name, str)), nulls)
        for name, (least, greatest, nulls) in found["columns"].items()
    }
    return DataFile(found["path"], found["rows"], found["size"], found["modified"], found["etag"], partition, columns)
