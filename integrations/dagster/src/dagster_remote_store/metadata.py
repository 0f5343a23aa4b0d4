"""What Dagster shows of an output: where it lies, its size, and of a frame rows, columns and a preview."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from remote_store import Store
    from remote_store.ext.codecs import Written

__all__ = ["of_partitions", "of_value"]

LONGEST = 80
"""Characters of one cell of a preview."""


def of_value(store: Store, key: str, written: Written, *, partition: bool, preview: bool) -> dict[str, Any]:
    """Return the metadata of one file."""
    shown: dict[str, Any] = {"uri": dg.MetadataValue.path(store.native_path(key)), "size": written.result.size}
    if written.result.etag is not None:
        shown["etag"] = written.result.etag
    if written.rows is not None:
        shown["dagster/partition_row_count" if partition else "dagster/row_count"] = written.rows
        shown.update(_of_frame(written, preview=preview))
    return shown


def of_partitions(
    store: Store, keys: Mapping[str, str], written: Mapping[str, Written], *, preview: bool
) -> dict[str, Any]:
    """Return one set of metadata for all partitions that a run wrote."""
    first = next(iter(written.values()))
    shown: dict[str, Any] = {
        "uri": dg.MetadataValue.path(store.native_path(_folder(list(keys.values())))),
        "partitions of the run": len(written),
        "size of the run": sum([one.result.size for one in written.values()]),
    }
    if first.rows is not None:
        shown["rows of the run"] = sum([one.rows or 0 for one in written.values()])
        shown.update(_of_frame(first, preview=preview))
    return shown


def _folder(keys: list[str]) -> str:
    """Return the folder that all keys are in."""
    first, last = min(keys).split("/"), max(keys).split("/")
    depth = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), 0)
    return "/".join(first[:depth])


def _of_frame(written: Written, *, preview: bool) -> dict[str, Any]:
    columns = [dg.TableColumn(name, kind) for name, kind in written.columns]
    shown: dict[str, Any] = {"dagster/column_schema": dg.TableSchema(columns)}
    if preview and written.columns:
        shown["preview"] = dg.MetadataValue.md(_table(written))
    return shown


def _table(written: Written) -> str:
    names = [name for name, _ in written.columns]
    lines = [names, ["---"] * len(names), *[[row[name] for name in names] for row in written.preview]]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("\r", " ")
