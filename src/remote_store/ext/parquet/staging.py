"""Staging: rows arriving as a stream become Parquet files, one row of them a partition, that no manifest names yet."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from remote_store.errors import RemoteStoreError
from remote_store.ext._extras import need
from remote_store.ext.parquet.manifest import DataFile, Range
from remote_store.ext.parquet.schema import tellable
from remote_store.ext.partition import format_partition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from remote_store.ext.partition import Value
    from remote_store.store import Store

pa = need("pyarrow", "arrow")
pc = need("pyarrow.compute", "arrow")
pq = need("pyarrow.parquet", "arrow")

__all__ = ["Limits", "Stage"]


class Limits(NamedTuple):
    """Sizes that a write aims at."""

    group_rows: int = 262_144
    """Rows of a row group: small enough to skip by, big enough to compress well."""
    file_bytes: int = 128 << 20
    """A file that reaches so many bytes is closed and the next begun."""
    held_bytes: int = 256 << 20
    """Arrow bytes held in memory over all partitions before the biggest is written out."""
    open_files: int = 32
    """Files under way at once; beyond it the biggest is closed."""


class Stage:
    """The files of one write. Leaving the block by an exception deletes them all."""

    def __init__(
        self, store: Store, folder: str, commit: str, schema: Any, by: tuple[str, ...], limits: Limits
    ) -> None:
        self._store = store
        self._folder = f"{folder}/" if folder else ""
        self._commit = commit
        self._by = by
        self._limits = limits
        self._schema = pa.schema([field for field in schema if field.name not in by])
        self._parts: dict[tuple[Value, ...], _Part] = {}
        self._numbers = count()
        self.files: list[DataFile] = []

    def add(self, table: Any) -> None:
        """Take rows of the dataset's schema."""
        for values, rows in _split(table, self._by):
            part = self._parts.get(values)
            if part is None:
                part = self._parts[values] = _Part(dict(zip(self._by, values, strict=True)))
            part.hold(rows)
            if part.rows >= self._limits.group_rows:
                self._write_out(part)
        while sum([part.held_bytes for part in self._parts.values()]) > self._limits.held_bytes:
            self._write_out(max(self._parts.values(), key=lambda part: part.held_bytes))

    def _write_out(self, part: _Part) -> None:
        rows = part.take()
        for start in range(0, rows.num_rows, self._limits.group_rows):
            if part.file is None:
                self._make_room()
                part.file = self._open(part)
            part.file.write(rows.slice(start, self._limits.group_rows))
            if part.file.tell() >= self._limits.file_bytes:
                self._end(part)

    def _make_room(self) -> None:
        under_way = [(part.file.tell(), part) for part in self._parts.values() if part.file is not None]
        if len(under_way) >= self._limits.open_files:
            self._end(max(under_way, key=lambda found: found[0])[1])

    def _open(self, part: _Part) -> _File:
        folder = format_partition(part.partition) + "/" if part.partition else ""
        path = f"{folder}{self._commit}-{next(self._numbers)}.parquet"
        return _File(self._store, self._folder, path, self._schema)

    def _end(self, part: _Part) -> None:
        file, part.file = part.file, None
        if file is not None:
            self.files.append(file.publish(part.partition))

    def finish(self) -> tuple[DataFile, ...]:
        """Write out what is held and publish every file, several at once."""
        with ThreadPoolExecutor(8, thread_name_prefix="parquet") as pool:
            for done in [pool.submit(self._last, part) for part in self._parts.values()]:
                done.result()
        return tuple(sorted(self.files, key=lambda file: file.path))

    def _last(self, part: _Part) -> None:
        if part.rows:
            self._write_out(part)
        self._end(part)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        if kind is not None:
            self.discard()

    def discard(self) -> None:
        """Delete all files; what cannot be deleted now is litter for ``vacuum``."""
        for part in self._parts.values():
            if part.file is not None:
                part.file.abandon()
        if self.files:
            with contextlib.suppress(RemoteStoreError):
                self._store.delete_many([self._folder + file.path for file in self.files])


class _Part:
    """One partition: its rows still held, and its file if one is under way."""

    def __init__(self, partition: dict[str, Value]) -> None:
        self.partition = partition
        self.file: _File | None = None
        self._held: list[Any] = []
        self.rows = 0
        self.held_bytes = 0

    def hold(self, rows: Any) -> None:
        self._held.append(rows)
        self.rows += rows.num_rows
        self.held_bytes += rows.nbytes

    def take(self) -> Any:
        rows = pa.concat_tables(self._held)
        self._held, self.rows, self.held_bytes = [], 0, 0
        return rows


class _File:
    """One Parquet file under way."""

    def __init__(self, store: Store, folder: str, path: str, schema: Any) -> None:
        self._path = path
        self._schema = schema
        self._context = store.open_atomic(folder + path)
        self._sink = self._context.__enter__()
        self._facts: list[Any] = []
        self._writer: Any = pq.ParquetWriter(
            self._sink, schema, compression="zstd", compression_level=1, metadata_collector=self._facts
        )

    def tell(self) -> int:
        return self._sink.tell()

    def write(self, rows: Any) -> None:
        """Write one row group."""
        self._writer.write_table(rows, row_group_size=rows.num_rows)

    def publish(self, partition: dict[str, Value]) -> DataFile:
        self._writer.close()
        self._context.__exit__(None, None, None)
        done, facts = self._sink.result, self._facts[0]
        assert done is not None
        modified = time.time() if done.modified is None else done.modified
        return DataFile(
            self._path, facts.num_rows, done.size, modified, done.etag, partition, _ranges(facts, self._schema)
        )

    def abandon(self) -> None:
        self._writer.is_open = False  # or its finalizer would write a footer into a file that is gone
        self._context.__exit__(Exception, None, None)


def _split(table: Any, by: tuple[str, ...]) -> Iterator[tuple[tuple[Value, ...], Any]]:
    """Yield the values and rows of each partition; rows keep their order."""
    if not by:
        yield (), table
        return
    codes = _codes(table, by)
    order = pc.sort_indices(codes)
    ends = pc.run_end_encode(codes.take(order)).run_ends.to_pylist()
    names = [name for name in table.column_names if name not in by]
    ordered = table if len(ends) == 1 else table.take(order)
    start = 0
    for end in ends:
        rows = ordered.slice(start, end - start)
        yield tuple([rows[name][0].as_py() for name in by]), rows.select(names)
        start = end


def _codes(table: Any, by: tuple[str, ...]) -> Any:
    """Return one number a row that tells its partition."""
    codes = None
    for name in by:
        column = table[name].combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = pa.concat_arrays(column.chunks)
        encoded = pc.dictionary_encode(column, null_encoding="encode")
        indices = encoded.indices.cast(pa.int64())
        codes = indices if codes is None else pc.add(pc.multiply(codes, len(encoded.dictionary)), indices)
    return codes


def _ranges(facts: Any, schema: Any) -> dict[str, Range]:
    """Gather each plain column's range from the footer of a file just written."""
    ranges: dict[str, Range] = {}
    for index in range(facts.num_columns):
        name = facts.schema.column(index).path
        if name == facts.schema.names[index] and "." not in name:
            if schema.field(name).type == pa.null():
                ranges[name] = Range(None, None, facts.num_rows)
                continue
            groups = range(facts.num_row_groups)
            ranges[name] = _range([facts.row_group(group).column(index).statistics for group in groups])
    return ranges


def _range(groups: list[Any]) -> Range:
    if any(group is None for group in groups):
        return Range(None, None, None)
    nulls = sum([group.null_count for group in groups]) if all(group.has_null_count for group in groups) else None
    with_values = [group for group in groups if group.num_values]
    if not all(group.has_min_max for group in with_values):
        return Range(None, None, nulls)
    return Range(_told(min, with_values, "min"), _told(max, with_values, "max"), nulls)


def _told(choose: Callable[..., Any], groups: list[Any], end: str) -> Any:
    value = choose([getattr(group, end) for group in groups], default=None)
    return value if value is not None and tellable(value) else None
