"""Hive partition paths, ``month=1/carrier=AA``: formatted from values, and parsed back with their types."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from remote_store.path import PathInput

__all__ = ["NULL", "Value", "format_partition", "parse_partition"]

Value: TypeAlias = "str | int | bool | date | None"
"""What can name a partition."""

NULL = "__HIVE_DEFAULT_PARTITION__"
"""Stands for a missing value, as in Hive."""

# What Hive escapes, and the C1 controls, which keys refuse.
_ESCAPED = re.compile(r"[\x00-\x1f\x7f-\x9f\"#%'*/:=?\\{}\[\]^]")
_WORDS = {"true": True, "false": False}


def format_partition(values: Mapping[str, Value]) -> str:
    """Return the folder of a partition: ``{"month": 1, "carrier": "AA"}`` gives ``month=1/carrier=AA``.

    Raises:
        TypeError: a value is not str, int, bool, date or None.
        ValueError: a name is empty, or a text holds half a surrogate pair.
    """
    return "/".join([f"{_name(name)}={_format(name, value)}" for name, value in values.items()])


def _name(name: str) -> str:
    if not name:
        raise ValueError("a partition needs a name")
    return _escape(name)


def _format(name: str, value: Value) -> str:
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "%5F" + NULL[1:] if value == NULL else _escape(value)
    if isinstance(value, datetime) or not isinstance(value, int | date):
        raise TypeError(f"partition {name!r} is a str, int, bool, date or None, not {type(value).__name__}")
    return str(value)


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda found: "".join([f"%{byte:02X}" for byte in found[0].encode()]), text)


def parse_partition(path: PathInput, types: Mapping[str, type] | None = None) -> dict[str, Value]:
    """Return the values that a path's ``name=value`` segments carry; other segments are passed over.

    Args:
        path: a folder or file, such as ``month=1/carrier=AA/part-0.parquet``.
        types: what each name's value is: str (unless said otherwise), int, bool or date.

    Raises:
        ValueError: a value is not of its type.
    """
    types = types or {}
    values: dict[str, Value] = {}
    for segment in str(path).split("/"):
        name, equals, text = segment.partition("=")
        if equals and name:
            name = unquote(name)
            values[name] = _parse(name, text, types.get(name, str))
    return values


def _parse(name: str, text: str, kind: type) -> Value:
    if text == NULL:
        return None
    text = unquote(text)
    if kind is str:
        return text
    try:
        if kind is bool:
            return _WORDS[text.lower()]
        if kind is int:
            return int(text)
        if kind is date:
            return date.fromisoformat(text)
    except (KeyError, ValueError):
        raise ValueError(f"partition {name!r} holds {text!r}, which is no {kind.__name__}") from None
    raise TypeError(f"partition {name!r} cannot be read as {kind.__name__}; str, int, bool and date can")
