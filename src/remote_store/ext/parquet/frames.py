"""Frames of every accepted kind as a schema and a stream of Arrow tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remote_store.ext._extras import need

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

pa = need("pyarrow", "arrow")

__all__ = ["open_frame"]

CHUNK = 131_072
"""Rows of one piece of a stream."""


def open_frame(frame: Any) -> tuple[Any, Iterator[Any]]:
    """Return the Arrow schema of a frame and its rows, piece by piece; lazy frames and relations run as it is pulled.

    Raises:
        TypeError: the frame is of no accepted kind.
    """
    library = type(frame).__module__.partition(".")[0].lstrip("_")
    if isinstance(frame, pa.Table):
        return frame.schema, _slices(frame)
    if isinstance(frame, pa.RecordBatch):
        return frame.schema, iter([pa.Table.from_batches([frame])])
    if isinstance(frame, pa.RecordBatchReader):
        return frame.schema, _batches(frame)
    if library == "polars" and hasattr(frame, "collect_batches"):
        return _lazy(frame)
    if library == "polars" and hasattr(frame, "iter_slices"):
        return _polars_schema(frame.clear()), _pieces(frame.iter_slices(8 * CHUNK))
    if library == "duckdb" and hasattr(frame, "to_arrow_reader"):
        return _of_reader(frame.to_arrow_reader(CHUNK))
    if library == "pandas" and hasattr(frame, "columns"):
        table = pa.Table.from_pandas(frame, preserve_index=False)
        return table.schema, _slices(table)
    if hasattr(frame, "to_reader") and hasattr(frame, "projected_schema"):  # a pyarrow scanner
        return _of_reader(frame.to_reader())
    if hasattr(frame, "scanner") and hasattr(frame, "schema"):  # a pyarrow dataset
        return _of_reader(frame.scanner().to_reader())
    if hasattr(frame, "__arrow_c_stream__") and hasattr(frame, "columns"):  # any other frame that speaks Arrow
        return _of_reader(pa.RecordBatchReader.from_stream(frame))
    accepted = (
        "a pyarrow Table, RecordBatch, RecordBatchReader or Dataset, a polars DataFrame or LazyFrame, "
        "a pandas DataFrame or a DuckDB relation"
    )
    raise TypeError(f"a frame is {accepted}, not {type(frame).__name__}")


def _slices(table: Any) -> Iterator[Any]:
    step = 8 * CHUNK
    for start in range(0, table.num_rows, step):
        yield table.slice(start, step)


def _of_reader(reader: Any) -> tuple[Any, Iterator[Any]]:
    return reader.schema, _batches(reader)


def _batches(reader: Any) -> Iterator[Any]:
    for batch in reader:
        if batch.num_rows:
            yield pa.Table.from_batches([batch])


def _lazy(frame: Any) -> tuple[Any, Iterator[Any]]:
    polars = need("polars", "lake")
    schema = _polars_schema(polars.DataFrame(schema=frame.collect_schema()))
    pieces = frame.collect_batches(chunk_size=CHUNK, maintain_order=True, lazy=True, engine="streaming")
    return schema, _pieces(pieces)


def _polars_schema(empty: Any) -> Any:
    for name, kind in empty.schema.items():
        if kind.is_(need("polars", "lake").Object):  # Arrow would get the addresses of the objects
            raise TypeError(f"column {name!r} holds Python objects, for which Parquet has no type")
    return empty.to_arrow().schema


def _pieces(frames: Iterable[Any]) -> Iterator[Any]:
    for frame in frames:
        if frame.height:
            yield frame.to_arrow()
