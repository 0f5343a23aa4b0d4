"""Schemas: one plain form for what engines spell differently, and the check that a write fits what stands there."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from remote_store.errors import RemoteStoreError
from remote_store.ext._extras import need

if TYPE_CHECKING:
    from collections.abc import Sequence

pa = need("pyarrow", "arrow")

__all__ = ["SchemaMismatch", "check_fits", "check_partition", "kinds_of", "normal", "plain", "typed"]

LONGEST = 64
"""Characters of a text that the manifest keeps as a column's least or greatest value."""


class SchemaMismatch(RemoteStoreError, ValueError):
    """The columns of a write are not those of the dataset; the message names the first that differs."""


def normal(schema: Any) -> Any:
    """Return the schema with one spelling of each type: string for its large, view and dictionary forms, and so on."""
    return pa.schema([pa.field(field.name, _normal_type(field.type), nullable=True) for field in schema])


def _normal_type(kind: Any) -> Any:
    types = pa.types
    if types.is_dictionary(kind):
        return _normal_type(kind.value_type)
    if types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string()
    if types.is_large_binary(kind) or types.is_binary_view(kind):
        return pa.binary()
    if types.is_large_list(kind) or types.is_list(kind) or types.is_list_view(kind) or types.is_large_list_view(kind):
        return pa.list_(_normal_type(kind.value_type))
    if types.is_struct(kind):
        return pa.struct([pa.field(field.name, _normal_type(field.type)) for field in kind])
    if types.is_date64(kind):
        return pa.date32()
    return kind


def check_fits(name: str, written: Any, stands: Any) -> None:
    """Prove that every column of a dataset is written, no other, and each with a type that fits without loss."""
    for field in stands:
        if written.get_field_index(field.name) < 0:
            raise _mismatch(name, f"column {field.name!r} ({field.type}) is missing from what is written")
        kind = written.field(field.name).type
        if not _widens(kind, field.type):
            raise _mismatch(name, f"column {field.name!r} is {field.type}, but {kind} is written")
    for field in written:
        if stands.get_field_index(field.name) < 0:
            raise _mismatch(name, f"column {field.name!r} ({field.type}) is not in it")


def _mismatch(name: str, why: str) -> SchemaMismatch:
    hint = "cast or rename it, or rewrite the whole with mode='overwrite' and change_schema=True"
    return SchemaMismatch(f"the write does not fit {name}: {why}; {hint}")


def _widens(written: Any, stands: Any) -> bool:
    if written.equals(stands) or pa.types.is_null(written):
        return True
    types = pa.types
    if types.is_signed_integer(stands):
        fits = types.is_integer(written) and written.bit_width < stands.bit_width
        return bool(fits or (types.is_signed_integer(written) and written.bit_width <= stands.bit_width))
    if types.is_unsigned_integer(stands):
        return bool(types.is_unsigned_integer(written) and written.bit_width <= stands.bit_width)
    if types.is_floating(stands):
        return bool(types.is_floating(written) and written.bit_width <= stands.bit_width)
    return False


def check_partition(name: str, schema: Any, by: Sequence[str]) -> None:
    """Prove that the partition columns are there, of types that folder names can hold, and not all there is."""
    for column in by:
        index = schema.get_field_index(column)
        if index < 0:
            raise SchemaMismatch(f"{name} cannot be partitioned by {column!r}: no column has that name")
        kind = schema.field(index).type
        types = pa.types
        if not (types.is_integer(kind) or types.is_boolean(kind) or types.is_string(kind) or types.is_date32(kind)):
            hint = "partition columns are integers, texts, booleans or dates"
            raise SchemaMismatch(f"{name} cannot be partitioned by {column!r}, which is {kind}; {hint}")
    if len(set(by)) != len(by):
        raise ValueError(f"partition_by names a column twice: {list(by)}")
    if len(by) == len(schema):
        raise ValueError(f"{name} cannot be partitioned by all of its columns; one must remain in the files")


def kinds_of(schema: Any) -> dict[str, type]:
    """Return the Python type of each column whose values the manifest may hold."""
    kinds: dict[str, type] = {}
    for field in schema:
        types, kind = pa.types, field.type
        if types.is_date(kind):
            kinds[field.name] = date
        elif types.is_timestamp(kind):
            kinds[field.name] = datetime
        elif types.is_time(kind):
            kinds[field.name] = time
        elif types.is_decimal(kind):
            kinds[field.name] = Decimal
    return kinds


def plain(value: Any) -> Any:
    """Return a value as JSON holds it, or None if it cannot be told shortly and exactly."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return value
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else None


def tellable(value: Any) -> bool:
    """Say whether a column's least or greatest value goes into the manifest."""
    if isinstance(value, str):
        return len(value) <= LONGEST
    return plain(value) is not None and not isinstance(value, timedelta)


def typed(value: Any, kind: type) -> Any:
    """Return a value of the manifest as the type it had."""
    if value is None or not isinstance(value, str) or kind is str:
        return value
    if kind is Decimal:
        return Decimal(value)
    parse: Any = getattr(kind, "fromisoformat", None)
    return value if parse is None else parse(value)
