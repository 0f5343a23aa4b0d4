"""Engines: what Polars and DuckDB read by themselves is handed over by name; the rest goes through the store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from remote_store.errors import ConfigError, NotFound
from remote_store.ext._extras import need
from remote_store.ext.partition import NULL
from remote_store.secret import reveal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from remote_store.ext.parquet import Dataset, Manifest
    from remote_store.store import Store

__all__ = ["scan_raw", "scan_table", "sql"]


def _handed_over(store: Store, keys: Sequence[str]) -> tuple[list[str], dict[str, str]] | None:
    """Return the engine's own names of files and the options that open them, or None if it cannot."""
    places = [store.describe(key) for key in keys]
    if not places or any(place is None for place in places):
        return None
    options = {name: reveal(value) or "" for name, value in places[0].options.items()} if places[0] else {}
    return [place.uri for place in places if place is not None], options


def scan_raw(store: Store, keys: Sequence[str], options: Mapping[str, Any]) -> Any:
    """Return raw files of one kind as a LazyFrame."""
    pl = need("polars", "lake")
    readers = {
        "csv": pl.scan_csv,
        "tsv": pl.scan_csv,
        "ndjson": pl.scan_ndjson,
        "jsonl": pl.scan_ndjson,
        "parquet": pl.scan_parquet,
    }
    suffixes = {key.rpartition(".")[2].lower() for key in keys}
    if len(suffixes) > 1 or not suffixes <= readers.keys():
        raise ValueError(f"one scan reads files of one kind ({', '.join(readers)}), not {sorted(suffixes)}")
    (suffix,) = suffixes
    more = {"separator": "\t", **options} if suffix == "tsv" else dict(options)
    handed = _handed_over(store, keys)
    if handed is None:
        return readers[suffix]([store.read_bytes(key) for key in keys], **more)
    names, access = handed
    if suffix not in {"ndjson", "jsonl"}:
        more = {"glob": False, **more}
    return readers[suffix](names, **({"storage_options": access, **more} if access else more))


def scan_table(dataset: Dataset, *, native: bool = True) -> Any:
    """Return the present state of a table as a LazyFrame."""
    pl = need("polars", "lake")
    state = dataset.manifest()
    if not state.files:
        return pl.from_arrow(state.schema.empty_table()).lazy()
    keys = [dataset.key(file.path) for file in state.files]
    # Polars takes the text for a missing value, however it is escaped.
    exact = not any(NULL in file.partition.values() for file in state.files)
    handed = _handed_over(dataset.store, keys) if native and exact else None
    if handed is None:
        return pl.scan_pyarrow_dataset(dataset.open(state, native=native))
    names, access = handed
    schema = pl.from_arrow(state.schema.empty_table()).schema
    frame = pl.scan_parquet(
        names,
        glob=False,
        hive_partitioning=bool(state.partition_by),
        hive_schema={name: schema[name] for name in state.partition_by} or None,
        storage_options=access or None,
        credential_provider=None,
    )
    return frame.select(state.schema.names)


_TOKENS = re.compile(
    r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$|(?P<name>"(?:[^"]|"")+"|\w+)|(?P<dot>\.)|\S""", re.DOTALL
)


def named_tables(query: str, layers: Sequence[str]) -> list[tuple[str, str]]:
    """Return every ``layer.table`` that a query may name, in order; a name that is no table does no harm."""
    tokens = [token for token in _TOKENS.finditer(query) if token["name"] or token["dot"] or not _is_comment(token[0])]
    found: dict[tuple[str, str], None] = {}
    for layer, dot, table in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if layer["name"] and dot["dot"] and table["name"] and (name := _bare(layer["name"]).lower()) in layers:
            found[name, _bare(table["name"])] = None
    return list(found)


def _is_comment(text: str) -> bool:
    return text.startswith(("--", "/*"))


def _bare(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def sql(
    query: str,
    layers: Sequence[str],
    table_of: Callable[[str, str], Dataset],
    frames: Mapping[str, Any],
    params: Any,
) -> Any:
    """Run a query over the tables that it names and return a DuckDB relation."""
    duckdb = need("duckdb", "lake")
    connection = duckdb.connect(":memory:")
    connection.execute("SET python_enable_replacements = false")  # no variable of ours is a table by accident
    for layer in layers:
        connection.execute(f"CREATE SCHEMA {_quoted(layer)}")
    missing = []
    for number, (layer, name) in enumerate(named_tables(query, layers)):
        try:
            dataset = table_of(layer, name)
            state = dataset.manifest()
        except (NotFound, ValueError):
            missing.append(f"{layer}.{name}")
            continue
        source = _source(connection, dataset, state, f"_lake_{number}")
        columns = ", ".join(map(_quoted, state.schema.names))
        connection.execute(f"CREATE VIEW {_quoted(layer)}.{_quoted(name)} AS SELECT {columns} FROM {source}")  # noqa: S608  every name is quoted
    for name, frame in frames.items():
        connection.register(name, frame)
    try:
        return connection.sql(query, params=params)
    except duckdb.CatalogException as error:
        if missing:
            message = f"{' and '.join(missing)} named in the query does not exist; see lake.describe()"
            raise NotFound(message) from error
        raise


def _source(connection: Any, dataset: Dataset, state: Manifest, name: str) -> str:
    """Return what follows FROM: DuckDB's own reader for local files, else a registered pyarrow dataset."""
    handed = _handed_over(dataset.store, [dataset.key(file.path) for file in state.files])
    if handed is None or any("://" in path or set("*?[") & set(path) for path in handed[0]):
        connection.register(name, dataset.open(state))
        return name
    paths = ", ".join([_text(path) for path in handed[0]])
    if not state.partition_by:
        return f"read_parquet([{paths}], hive_partitioning = false)"
    kinds = connection.from_arrow(state.schema.empty_table())
    types = dict(zip(kinds.columns, kinds.types, strict=True))
    hive = ", ".join([f"{_text(column)}: {types[column]}" for column in state.partition_by])
    return f"read_parquet([{paths}], hive_partitioning = true, hive_types = {{{hive}}})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def refuse_text(query: object) -> None:
    """Refuse what is no query."""
    if not isinstance(query, str):
        raise TypeError(f"a query is a str, not {type(query).__name__}")
    if not query.strip():
        raise ConfigError("the query is empty")
