"""Results as files: rows in batches into Arrow's columns, and these into Parquet, CSV or Arrow IPC."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from remote_store.errors import RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["render"]

_ZONED = pa.timestamp("us", tz="UTC")
_LOCAL = pa.timestamp("us")
_NUMERIC = pa.decimal128(38, 9)
"""Of a number that says neither digits nor scale."""

_POSTGRESQL: dict[int, Any] = {
    16: pa.bool_(), 17: pa.binary(), 20: pa.int64(), 21: pa.int16(), 23: pa.int32(), 26: pa.int64(),
    700: pa.float32(), 701: pa.float64(), 1082: pa.date32(), 1083: pa.time64("us"), 1114: _LOCAL, 1184: _ZONED,
    1186: pa.duration("us"), 25: pa.string(), 1042: pa.string(), 1043: pa.string(), 19: pa.string(),
    114: pa.string(), 3802: pa.string(), 2950: pa.string(),
}  # fmt: skip
_MYSQL: dict[int, Any] = {
    1: pa.int64(), 2: pa.int64(), 3: pa.int64(), 8: pa.int64(), 9: pa.int64(), 13: pa.int64(), 16: pa.binary(),
    4: pa.float32(), 5: pa.float64(), 7: _LOCAL, 12: _LOCAL, 10: pa.date32(), 11: pa.duration("us"), 245: pa.string(),
}  # fmt: skip


def render(dialect: str, columns: Sequence[Any], batches: Iterable[Sequence[Any]], form: str, sink: Any) -> None:
    """Write a result into a binary file, batch by batch.

    ``columns`` is the cursor's description. A column's type is what the database says; where it says none, as
    SQLite, the first batch decides.
    """
    names = _distinct([column[0] for column in columns])
    kinds = [_kind(dialect, column) for column in columns]
    rest = iter(batches)
    first = next(rest, [])
    held = list(zip(*first, strict=True)) if first else [()] * len(names)
    kinds = [kind or _seen(values) for kind, values in zip(kinds, held, strict=True)]
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    with _writer(form, schema, sink) as write:
        if first:
            write(_batch(schema, held))
        for rows in rest:
            write(_batch(schema, list(zip(*rows, strict=True))))


def _distinct(names: Sequence[str]) -> list[str]:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise RemoteStoreError(f"the query has two columns {twice!r}; give one another name with AS")
    return list(names)


def _kind(dialect: str, column: Any) -> Any:
    code, precision, scale = column[1], column[4], column[5]
    if dialect == "postgresql":
        if code == 1700:
            return pa.decimal128(precision, scale) if precision and precision <= 38 and (scale or 0) >= 0 else _NUMERIC
        return _POSTGRESQL.get(code)
    if dialect == "mysql":
        if code in (0, 246):
            return pa.decimal128(38, scale) if scale is not None and scale <= 38 else _NUMERIC
        return _MYSQL.get(code)
    return None


def _seen(values: Sequence[Any]) -> Any:
    """Return the type of values that are here; text where there are none."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {int, float}:
        return pa.float64()
    if len(kinds) != 1:
        return pa.string()
    (kind,) = kinds
    if kind is datetime:
        return _ZONED if any(value is not None and value.tzinfo is not None for value in values) else _LOCAL
    if kind is Decimal:
        return _NUMERIC
    return _PLAIN.get(kind, pa.string())


_PLAIN: dict[type, Any] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bytes: pa.binary(),
    bytearray: pa.binary(),
    memoryview: pa.binary(),
    date: pa.date32(),
    time: pa.time64("us"),
    timedelta: pa.duration("us"),
}


def _batch(schema: Any, columns: Sequence[Sequence[Any]]) -> Any:
    return pa.record_batch(
        [_array(field, values) for field, values in zip(schema, columns, strict=True)], schema=schema
    )


def _array(field: Any, values: Sequence[Any]) -> Any:
    convert = _CONVERSIONS.get(field.type)
    try:
        if convert is not None:
            values = [None if value is None else convert(value) for value in values]
        return pa.array(values, type=field.type)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as odd:
        message = f"the column {field.name!r} holds a value that is no {field.type}; cast it in the query"
        raise RemoteStoreError(message) from odd


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bytes | bytearray | memoryview):
        raise TypeError("bytes among texts")
    return str(value)


def _zoned(value: Any) -> Any:
    return value.astimezone(UTC)


_CONVERSIONS: dict[Any, Callable[[Any], Any]] = {
    pa.string(): _text,
    _ZONED: _zoned,
    pa.binary(): bytes,
}


@contextmanager
def _writer(form: str, schema: Any, sink: Any) -> Iterator[Callable[[Any], None]]:
    if form == "parquet":
        import pyarrow.parquet

        with pyarrow.parquet.ParquetWriter(sink, schema) as writer:
            # A batch by itself is held back until a million rows are together; a table is written at once.
            yield lambda batch: writer.write_table(pa.Table.from_batches([batch]))
    elif form == "csv":
        import pyarrow.csv

        plain = pa.schema([(field.name, _in_csv(field.type)) for field in schema])
        with pyarrow.csv.CSVWriter(sink, plain) as writer:
            yield lambda batch: writer.write_batch(_shown(batch, plain))
    else:
        with pa.ipc.new_file(sink, schema) as writer:
            yield writer.write_batch


def _in_csv(kind: Any) -> Any:
    if pa.types.is_binary(kind) or pa.types.is_duration(kind):
        return pa.string()
    return kind


def _shown(batch: Any, plain: Any) -> Any:
    """CSV has texts only: bytes are written in base64, durations in seconds."""
    from base64 import b64encode

    columns = []
    for column, field in zip(batch.columns, plain, strict=True):
        if column.type == field.type:
            columns.append(column)
            continue
        values = column.to_pylist()
        if pa.types.is_binary(column.type):
            shown = [None if value is None else b64encode(value).decode() for value in values]
        else:
            shown = [None if value is None else f"{value.total_seconds():g}" for value in values]
        columns.append(pa.array(shown, pa.string()))
    return pa.record_batch(columns, schema=plain)
