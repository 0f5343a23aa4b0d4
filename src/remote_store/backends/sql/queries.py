"""Declared queries: their parameters, and the keys that name them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import product
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

from remote_store.errors import ConfigError, InvalidPath, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FORMATS", "Asked", "Query", "bound", "keys_of", "parsed", "queries_of"]

FORMATS = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv", "arrow": "application/vnd.apache.arrow.file"}
"""Suffixes, and the content types of what they name."""

_MOST_KEYS = 100_000
_NAME = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*").fullmatch
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch
_BOUND = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
_BOOLS = {"true": True, "false": False}


def _bool(text: str) -> bool:
    return _BOOLS[text]


# What some database cannot take is refused for all of them.
def _str(text: str) -> str:
    if "\0" in text:
        raise ValueError
    return text


def _int(text: str) -> int:
    value = int(text)
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError
    return value


def _float(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError
    return value


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError
    return value


_KINDS: dict[str, Callable[[str], Any]] = {
    "str": _str,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "decimal": _decimal,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
}


class Query(NamedTuple):
    """A statement and what may be bound in it."""

    sql: str
    kinds: Mapping[str, str]
    """The type of each parameter, in the order of the key."""
    values: Mapping[str, Sequence[Any]]
    """The values that a parameter may have, where they are declared."""


class Asked(NamedTuple):
    """What a key asks for."""

    sql: str
    values: Mapping[str, Any]
    format: str


def queries_of(declared: Any) -> dict[str, Query]:
    """Check the declared queries.

    Raises:
        ConfigError: a name, statement or parameter that cannot be meant.
    """
    if not isinstance(declared, Mapping):
        raise TypeError(f"queries is a mapping of names to queries, not {type(declared).__name__}")
    return {_checked_name(name): _query(name, query) for name, query in declared.items()}


def _checked_name(name: Any) -> str:
    if not isinstance(name, str) or not _NAME(name):
        raise ConfigError(f"the name of a query is letters, digits, '_' and '-', with '/' for folders, not {name!r}")
    return name


def _query(name: str, declared: Any) -> Query:
    if isinstance(declared, str):
        declared = {"sql": declared}
    if not isinstance(declared, Mapping) or not isinstance(declared.get("sql"), str) or not declared["sql"].strip():
        raise ConfigError(f"query {name!r} is its SQL, or a table with 'sql' and 'parameters'")
    if unknown := set(declared) - {"sql", "parameters"}:
        raise ConfigError(f"query {name!r} has no setting {min(map(str, unknown))!r}; there are 'sql' and 'parameters'")
    parameters = declared.get("parameters", {})
    if not isinstance(parameters, Mapping):
        raise ConfigError(f"parameters of query {name!r} map names to types or lists of values")
    kinds: dict[str, str] = {}
    values: dict[str, Sequence[Any]] = {}
    for parameter, kind in parameters.items():
        if not isinstance(parameter, str) or not _PARAMETER(parameter):
            raise ConfigError(f"query {name!r}: {parameter!r} is no name for a parameter")
        if isinstance(kind, str):
            kinds[parameter] = kind
        else:
            values[parameter] = _values(name, parameter, kind)
            kinds[parameter] = _kind_of(values[parameter])
        if kinds[parameter] not in _KINDS:
            raise ConfigError(f"query {name!r}: the type of {parameter!r} is one of {', '.join(_KINDS)}")
    bound = set(_BOUND.findall(declared["sql"]))
    if bound != set(kinds):
        message = f"query {name!r} binds {sorted(bound) or 'nothing'} and declares {sorted(kinds) or 'nothing'}"
        raise ConfigError(f"{message}; a parameter is written :name (a colon before a word of another meaning: \\:)")
    return Query(declared["sql"], kinds, values)


def _values(name: str, parameter: str, listed: Any) -> Sequence[Any]:
    if not isinstance(listed, Sequence) or not listed:
        raise ConfigError(f"query {name!r}: {parameter!r} is a type or a list of values")
    if len({type(value) for value in listed}) > 1:
        raise ConfigError(f"query {name!r}: the values of {parameter!r} are of several types")
    return list(dict.fromkeys(listed))


def _kind_of(listed: Sequence[Any]) -> str:
    return {Decimal: "decimal"}.get(type(listed[0]), type(listed[0]).__name__)


def parsed(queries: Mapping[str, Query], formats: Sequence[str], key: str) -> Asked:
    """Return the statement and the bound values that a key asks for.

    Raises:
        NotFound: no such query, or a value that is not among those declared.
        InvalidPath: its parameters are not named as declared, or a value is of a wrong type.
    """
    stem, dot, kind = key.rpartition(".")
    if not dot or kind not in formats:
        raise NotFound(f"nothing stands here; queries are served as .{', .'.join(formats)}")
    name = "/".join(segment for segment in stem.split("/") if "=" not in segment)
    query = queries.get(name)
    given = stem[len(name) + 1 :].split("/") if len(stem) > len(name) else []
    if query is None or not (stem == name or stem.startswith(f"{name}/")):
        raise NotFound("no query of this name is declared")
    pairs = [pair.partition("=")[::2] for pair in given]
    if [parameter for parameter, _ in pairs] != list(query.kinds):
        shape = "/".join([name, *[f"{parameter}=…" for parameter in query.kinds]])
        raise InvalidPath(f"the query is read as {shape!r} and a suffix")
    values = {parameter: _value(query, parameter, text) for parameter, text in pairs}
    return Asked(query.sql, values, kind)


def _value(query: Query, parameter: str, text: str) -> Any:
    kind = query.kinds[parameter]
    try:
        value = _KINDS[kind](unquote(text, errors="strict"))
    except (ValueError, KeyError, InvalidOperation):
        raise InvalidPath(f"the parameter {parameter!r} is of the type {kind}, which this value is not") from None
    if _shown(value) != text:
        raise InvalidPath(f"the value of {parameter!r} has another spelling here: {_shown(value)!r}")
    if parameter in query.values and value not in query.values[parameter]:
        raise NotFound(f"the parameter {parameter!r} has no such value")
    return value


def bound(dialect: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as a driver takes them: sqlite3 knows numbers and texts only."""
    if dialect != "sqlite":
        return dict(values)
    return {name: _SQLITE.get(type(value), _as_it_is)(value) for name, value in values.items()}


def _as_it_is(value: Any) -> Any:
    return value


_SQLITE: dict[type, Callable[[Any], Any]] = {
    Decimal: float,
    date: date.isoformat,
    datetime: lambda value: value.isoformat(" "),
}


def _shown(value: Any) -> str:
    """Spell a value in a key: one spelling each, so that one result has one key."""
    if isinstance(value, bool):
        return str(value).lower()
    text = value.isoformat() if isinstance(value, date) else str(value)
    return quote(text, safe=" !$&'()+,-.:;@[]^_`{}~")


def keys_of(queries: Mapping[str, Query], formats: Sequence[str]) -> list[str]:
    """Return the keys of all results that can be listed, in order.

    Raises:
        ConfigError: there are too many.
    """
    stems: list[str] = []
    for name, query in queries.items():
        if set(query.values) != set(query.kinds):
            continue  # nobody said which values there are
        pairs = [[f"{parameter}={_shown(value)}" for value in query.values[parameter]] for parameter in query.kinds]
        for chosen in product(*pairs):
            stems.append("/".join([name, *chosen]))
            if len(stems) > _MOST_KEYS:
                raise ConfigError(
                    f"the declared values make more than {_MOST_KEYS} files; name a type instead of values"
                )
    return sorted(f"{stem}.{kind}" for stem in stems for kind in formats)
