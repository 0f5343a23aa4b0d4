"""Codecs: which file a Python value becomes, chosen by its type, and the value again by the type that is asked for.

Bytes, text and JSON need nothing; frames (Arrow, Polars, pandas, DuckDB) become Parquet and need the extra ``arrow``.
Pickles can run code when they are read, so they are made and read only where ``allow_pickle`` says so.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Union, get_args, get_origin

from remote_store.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remote_store.models import WriteResult
    from remote_store.path import PathInput
    from remote_store.store import Store

__all__ = ["PICKLE", "SUFFIXES", "Encoded", "NoCodec", "Written", "decode", "encode", "is_json", "suffix_of"]

BYTES, TEXT, JSON, PARQUET, PICKLE = ".bin", ".txt", ".json", ".parquet", ".pickle"
SUFFIXES = (PARQUET, JSON, TEXT, BYTES, PICKLE)
"""The suffix of each codec."""

GROUP_ROWS = 262_144
"""Rows of a row group of Parquet."""
PREVIEW = 10
"""Rows kept to be shown."""

_FRAMES = {
    "pyarrow": ("Table", "RecordBatch", "RecordBatchReader"),
    "polars": ("DataFrame", "LazyFrame"),
    "pandas": ("DataFrame",),
    "duckdb": ("DuckDBPyRelation",),
}
_JSON = (dict, list, int, float, bool, type(None), Mapping, Sequence)


class NoCodec(TypeError):
    """No codec writes values of this type, or reads them."""


class Written(NamedTuple):
    """What a value became."""

    result: WriteResult
    rows: int | None = None
    """Rows of a frame."""
    columns: tuple[tuple[str, str], ...] = ()
    """Names and Arrow types of a frame's columns."""
    preview: tuple[dict[str, Any], ...] = ()
    """The first rows of a frame."""


class Encoded(NamedTuple):
    """A value that is known to be writable; ``write`` publishes it whole or not at all, and only once."""

    suffix: str
    write: Callable[[Store, PathInput], Written]


def suffix_of(kind: Any, *, allow_pickle: bool = False) -> str:
    """Return the suffix of the file that values of a type become.

    Args:
        kind: a type or an annotation, such as ``dict[str, int]`` or ``polars.DataFrame | None``.
        allow_pickle: values of any other type are pickled.

    Raises:
        NoCodec: no codec knows the type.
    """
    bare = _bare(kind)
    if isinstance(bare, type):
        if issubclass(bare, bytes | bytearray | memoryview):
            return BYTES
        if issubclass(bare, str):
            return TEXT
        if _frame_library(bare):
            return PARQUET
        if bare in _JSON or issubclass(bare, dict | list):
            return JSON
    if allow_pickle:
        return PICKLE
    name = getattr(bare, "__qualname__", str(bare))
    known = "frames (Arrow, Polars, pandas, DuckDB), dict, list, numbers, str and bytes"
    raise NoCodec(f"no codec knows {name}; there are codecs for {known}, and pickle for the rest where it is allowed")


def is_json(kind: Any) -> bool:
    """Say whether values of a type, or any value, may be in a file of JSON; text may too, inside of others."""
    try:
        return kind is Any or suffix_of(kind) in (JSON, TEXT)
    except NoCodec:
        return False


def _bare(kind: Any) -> Any:
    """Return the class behind an annotation."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _bare(get_args(kind)[0])
    if origin is Union or origin is types.UnionType:
        inner = [part for part in get_args(kind) if part is not type(None)]
        return _bare(inner[0]) if len(inner) == 1 else kind
    return origin or kind


def _frame_library(kind: type) -> str:
    """Return the library that a class of frames is of; no library is loaded to find out."""
    for library, names in _FRAMES.items():
        module = sys.modules.get(library)
        for name in names if module is not None else ():
            frame = getattr(module, name, None)
            if isinstance(frame, type) and issubclass(kind, frame):
                return library
    return ""


def encode(value: Any, *, allow_pickle: bool = False) -> Encoded:
    """Check that a value can be written, and how; nothing is written yet.

    Raises:
        NoCodec: no codec knows its type.
        TypeError: JSON would not give the value back.
    """
    suffix = suffix_of(type(value), allow_pickle=allow_pickle)
    if suffix == PARQUET:
        return Encoded(suffix, _parquet(value))
    if suffix == JSON:
        _check_json(value, "")
        data = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    elif suffix == TEXT:
        data = value.encode()
    elif suffix == PICKLE:
        import pickle

        data = pickle.dumps(value, protocol=5)
    else:
        data = bytes(value)
    return Encoded(suffix, lambda store, key: Written(store.write_atomic(key, data, overwrite=True)))


def _check_json(value: Any, where: str) -> None:
    """Refuse what would come back as something else, such as a tuple or a number as a key."""
    if isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(name, str):
                raise TypeError(f"JSON has no {type(name).__name__} as a key, such as {name!r} of value{where}")
            _check_json(item, f"{where}[{name!r}]")
    elif isinstance(value, list):
        for at, item in enumerate(value):
            _check_json(item, f"{where}[{at}]")
    elif isinstance(value, float) and value - value != 0:
        raise TypeError(f"JSON has no {value}, which is value{where}")
    elif value is not None and not isinstance(value, str | int | float):
        raise TypeError(f"JSON has no {type(value).__name__}, which is value{where}")


def _parquet(frame: Any) -> Callable[[Store, PathInput], Written]:
    from remote_store.ext._extras import need

    pq = need("pyarrow.parquet", "arrow")
    schema, pieces = _opened(frame)

    def write(store: Store, key: PathInput) -> Written:
        rows, preview = 0, None
        context = store.open_atomic(key, overwrite=True)
        with context as sink:
            writer = pq.ParquetWriter(sink, schema, compression="zstd", compression_level=1)
            try:
                for piece in pieces:
                    writer.write_table(piece, row_group_size=GROUP_ROWS)
                    rows += piece.num_rows
                    preview = piece.slice(0, PREVIEW).to_pylist() if preview is None else preview
                writer.close()
            finally:
                writer.is_open = False  # or its finalizer would write a footer into a file that is gone
        assert sink.result is not None
        columns = tuple([(field.name, str(field.type)) for field in schema])
        return Written(sink.result, rows, columns, tuple(preview or ()))

    return write


def _opened(frame: Any) -> tuple[Any, Iterator[Any]]:
    from remote_store.ext.parquet.frames import open_frame

    if _frame_library(type(frame)) == "pandas":
        from pyarrow import Table

        frame = Table.from_pandas(frame)  # with its index, which comes back
    opened: tuple[Any, Iterator[Any]] = open_frame(frame)
    return opened


def decode(
    store: Store,
    key: PathInput,
    kind: Any,
    *,
    columns: Sequence[str] | None = None,
    suffix: str | None = None,
    allow_pickle: bool = False,
) -> Any:
    """Read a file as a value of the type asked for.

    Args:
        store: where it is.
        key: the file.
        kind: a type or an annotation; frames of all libraries read one another's files.
        columns: the columns of a frame that are wanted; only they are fetched where the service has ranges.
        suffix: the codec, where ``kind`` does not tell it.
        allow_pickle: read pickles, which can run code.

    Raises:
        NotFound: no file stands there.
        NoCodec: no codec knows the type.
        IntegrityError: the file is not of this kind.
    """
    suffix = suffix_of(kind, allow_pickle=allow_pickle) if suffix is None else suffix
    if suffix == PARQUET:
        return _read_frame(store, str(key), _bare(kind), columns)
    if columns is not None:
        raise TypeError(f"only frames have columns to choose from, not {kind}")
    data = store.read_bytes(key)
    try:
        if suffix == JSON:
            return json.loads(data)
        if suffix == TEXT:
            return data.decode()
    except ValueError:
        what = "JSON" if suffix == JSON else "UTF-8 text"
        raise IntegrityError(f"the file is not {what}", path=str(key), retryable=False) from None
    if suffix == PICKLE:
        if not allow_pickle:
            raise NoCodec("pickles are not read unless allow_pickle says so, since they can run code")
        import pickle

        return pickle.loads(data)  # noqa: S301  asked for by name
    return bytearray(data) if _bare(kind) is bytearray else data


def _read_frame(store: Store, key: str, kind: Any, columns: Sequence[str] | None) -> Any:
    from remote_store.ext._extras import need

    library = _frame_library(kind) if isinstance(kind, type) else ""
    if library == "polars" and kind.__name__ == "LazyFrame":
        frame = _scan(store, key)
        return frame if columns is None else frame.select(columns)
    pa = need("pyarrow", "arrow")
    table = _table(store, key, columns)
    if library == "polars":
        return need("polars", "lake").from_arrow(table)
    if library == "pandas":
        return table.to_pandas()
    if library == "duckdb":
        duckdb = need("duckdb", "lake")
        return duckdb.connect(":memory:").from_arrow(table)
    if library == "pyarrow" and issubclass(kind, pa.RecordBatchReader):
        return table.to_reader()
    if library == "pyarrow" and issubclass(kind, pa.RecordBatch):
        whole = table.combine_chunks().to_batches()
        return whole[0] if whole else pa.RecordBatch.from_pylist([], schema=table.schema)
    if library == "pyarrow":
        return table
    try:  # the type is unknown: what stands there decides
        return need("polars", "lake").from_arrow(table)
    except ImportError:
        return table


def _table(store: Store, key: str, columns: Sequence[str] | None) -> Any:
    """Read a whole file by as few requests as the store needs for one, or by what its wanted columns need."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from remote_store.ext.arrow import filesystem

    source = pa.BufferReader(store.read_bytes(key)) if columns is None else filesystem(store).open_input_file(key)
    try:
        with source, pq.ParquetFile(source, pre_buffer=True) as file:
            _check_columns(key, columns or (), file.schema_arrow.names)
            return file.read(columns=columns)
    except pa.ArrowInvalid:
        raise IntegrityError("the file is not Parquet", path=key, retryable=False) from None


def _check_columns(key: str, wanted: Sequence[str], present: Sequence[str]) -> None:
    for name in wanted:
        if name not in present:
            raise KeyError(f"{key} has no column {name!r}; it has {', '.join(present)}")


def _scan(store: Store, key: str) -> Any:
    """Return a LazyFrame over one file: by Polars' own client where it has one, else through the store."""
    from remote_store.ext._extras import need
    from remote_store.ext.arrow import filesystem
    from remote_store.secret import reveal

    pl = need("polars", "lake")
    info = store.get_file_info(key)  # now, since the scan itself would find out late
    place = store.describe(key)
    if place is None:
        import pyarrow.dataset as ds

        return pl.scan_pyarrow_dataset(ds.dataset(key, filesystem=filesystem(store, known=[info]), format="parquet"))
    access = {name: reveal(value) or "" for name, value in place.options.items()}
    more = {"storage_options": access, "credential_provider": None} if access else {}
    return pl.scan_parquet(place.uri, glob=False, hive_partitioning=False, **more)
