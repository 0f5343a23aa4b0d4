"""What a run writes: one value taken apart into the partitions of the run, all of them or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args, get_origin

import dagster as dg

from remote_store.ext.codecs import is_json

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["is_table", "split", "value_of"]

PARTITION_BY = "partition_by"
"""Metadata of the output: the column that tells a row's partition, or a column a dimension."""
STREAMS = {"LazyFrame", "RecordBatchReader", "DuckDBPyRelation"}
"""Frames whose rows are not there yet."""


def is_table(kind: Any) -> bool:
    """Say whether an annotation is that of a dict."""
    return (get_origin(kind) or kind) in (dict, Mapping)


def value_of(kind: Any) -> Any:
    """Return what the values of an annotated dict are."""
    arguments = get_args(kind)
    return arguments[1] if len(arguments) == 2 else Any


def split(context: dg.OutputContext, value: Any) -> dict[str, Any]:
    """Return the value of each partition of the run.

    Raises:
        ValueError: partitions are missing, or there are others, or rows belong to none.
        TypeError: of several partitions, the value is neither a dict nor a frame with a column that tells them.
    """
    keys = sorted(context.asset_partition_keys)  # Dagster has them in no order
    if len(keys) == 1 and not _is_divided(context, keys[0], value):
        return {keys[0]: value}
    if isinstance(value, Mapping):
        return _of_mapping(keys, value)
    if value is None:
        raise TypeError(f"this run writes {len(keys)} partitions: annotate the asset '-> None' if it returns nothing")
    columns = (context.definition_metadata or {}).get(PARTITION_BY)
    if columns is None:
        raise TypeError(
            f"this run writes {len(keys)} partitions: return a dict with a value for each, or a frame and metadata "
            f"{PARTITION_BY!r} that names the column of the partition, not {type(value).__name__}"
        )
    return _of_frame(context, keys, value, columns)


def _is_divided(context: dg.OutputContext, key: str, value: Any) -> bool:
    """Say whether the value of a run of one partition is divided by partition, as that of several would be."""
    if not isinstance(value, Mapping):
        return value is not None and PARTITION_BY in (context.definition_metadata or {})
    kind = context.dagster_type.typing_type
    if is_table(kind) and not is_json(value_of(kind)):
        return True  # it could be nothing else
    if list(map(str, value)) != [str(key)]:
        return False
    return _runs_several(context) or not is_json(type(next(iter(value.values()))))


def _runs_several(context: dg.OutputContext) -> bool:
    """Say whether the asset is one that writes several partitions by one run."""
    try:
        assets = context.step_context.assets_def
    except dg.DagsterInvariantViolationError:  # outside of a run
        return False
    policy = None if assets is None else assets.backfill_policy
    return policy is not None and policy.max_partitions_per_run != 1


def _of_mapping(keys: Sequence[str], value: Mapping[Any, Any]) -> dict[str, Any]:
    given = {str(key): one for key, one in value.items()}
    wanted = {str(key): key for key in keys}
    missing, unknown = sorted(wanted.keys() - given.keys()), sorted(given.keys() - wanted.keys())
    if missing or unknown:
        wrong = [f"{_some(missing)} missing"] if missing else []
        wrong += [f"{_some(unknown)} not of this run"] if unknown else []
        what = f"{len(keys)} partitions" if len(keys) > 1 else "partition"
        raise ValueError(f"the dict has to hold the {what} of this run: {'; '.join(wrong)}")
    values = {key: given[text] for text, key in wanted.items()}
    return values if len(keys) == 1 else {key: _held(one) for key, one in values.items()}


def _held(value: Any) -> Any:
    """Return a value that cannot fail any more for want of its rows: those of a stream are fetched now."""
    if STREAMS.isdisjoint([cls.__name__ for cls in type(value).__mro__]):
        return value
    import pyarrow as pa

    from remote_store.ext.parquet.frames import open_frame

    schema, pieces = open_frame(value)
    return pa.concat_tables([schema.empty_table(), *pieces])


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:5]))
    return (
        f"{shown} and {len(names) - 5} more are" if len(names) > 5 else f"{shown} {'is' if len(names) == 1 else 'are'}"
    )


def _of_frame(context: dg.OutputContext, keys: Sequence[str], frame: Any, columns: Any) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    from remote_store.ext.parquet.frames import open_frame

    schema, pieces = open_frame(frame)
    table = pa.concat_tables([schema.empty_table(), *pieces])
    dimensions = _dimensions(context.asset_partitions_def, columns)
    for column in dimensions:
        if column not in schema.names:
            raise ValueError(f"{PARTITION_BY} names the column {column!r}; the frame has {', '.join(schema.names)}")
    found = {}
    left = pa.chunked_array([pa.repeat(pa.scalar(value=True), table.num_rows)])
    for key in keys:
        mask = None
        for column, (dimension, definition) in dimensions.items():
            name = key.keys_by_dimension[dimension] if isinstance(key, dg.MultiPartitionKey) else str(key)
            fits = pc.fill_null(_fits(table[column], name, definition), fill_value=False)
            mask = fits if mask is None else pc.and_(mask, fits)
        found[key] = table.filter(mask)
        left = pc.and_not(left, mask)
    rest = table.filter(left)
    if rest.num_rows:
        first = rest.select(list(dimensions)).slice(0, 1).to_pylist()[0]
        shown = ", ".join([f"{column} = {value}" for column, value in first.items()])
        raise ValueError(f"{rest.num_rows} rows belong to no partition of this run, such as one with {shown}")
    return found


def _dimensions(definition: Any, columns: Any) -> dict[str, tuple[str, Any]]:
    """Return the dimension, and how it is divided, that each column tells."""
    if not isinstance(definition, dg.MultiPartitionsDefinition):
        if not isinstance(columns, str):
            raise TypeError(f"metadata {PARTITION_BY!r} is the name of a column, not {columns!r}")
        return {columns: ("", definition)}
    names = definition.partition_dimension_names
    if not isinstance(columns, Mapping) or set(columns) != set(names):
        raise TypeError(f"metadata {PARTITION_BY!r} names a column for each of {', '.join(names)}, not {columns!r}")
    return {columns[name]: (name, definition.get_partitions_def_for_dimension(name)) for name in names}


def _fits(column: Any, key: str, definition: Any) -> Any:
    """Say of each row whether it belongs to a partition: its time lies in the window, or its text is the key."""
    import pyarrow as pa
    import pyarrow.compute as pc

    temporal = pa.types.is_date(column.type) or pa.types.is_timestamp(column.type)
    if not temporal or not isinstance(definition, dg.TimeWindowPartitionsDefinition):
        return pc.equal(pc.cast(column, pa.string()), key)
    window = definition.time_window_for_partition_key(key)
    zone = getattr(column.type, "tz", None)
    kind = pa.timestamp("us", zone)
    start, end = [pa.scalar(at if zone else at.replace(tzinfo=None), kind) for at in (window.start, window.end)]
    times = pc.cast(column, kind, safe=False)
    return pc.and_(pc.greater_equal(times, start), pc.less(times, end))
