"""Lake: bronze, silver and gold over one store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from remote_store.errors import NotFound
from remote_store.ext._extras import need
from remote_store.ext.parquet import Vacuumed
from remote_store.lake import engines
from remote_store.lake.bronze import Bronze
from remote_store.lake.progress import reporter
from remote_store.lake.tables import Layer, Table
from remote_store.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from remote_store.ext.parquet import Limits, Manifest
    from remote_store.lake.chart import Chart
    from remote_store.lake.progress import Report

__all__ = ["Lake"]

LAYERS = ("silver", "gold")


class Lake:
    """A data lake in a store: ``bronze`` keeps raw files, ``silver`` and ``gold`` keep tables.

    Args:
        store: where it is kept; the layers are its folders.
        limits: sizes that writes of tables aim at.
        progress: a callback for ``Progress``; True for a line on stderr, None for one if that is a terminal.
        single_writer: a promise that only one process writes at a time, needed where the store cannot decide
            between two.
    """

    def __init__(
        self,
        store: Store,
        *,
        limits: Limits | None = None,
        progress: Report | bool | None = None,
        single_writer: bool = False,
    ) -> None:
        if not isinstance(store, Store):
            raise TypeError(f"a lake lies in a Store, not {type(store).__name__}")
        self.store = store
        self._made = {"limits": limits, "progress": progress, "single_writer": single_writer}
        report = reporter(progress)
        self.bronze = Bronze(store.child("bronze"), report, single_writer=single_writer)
        self._layers = {
            name: Layer(store.child(name), name, report, limits=limits, single_writer=single_writer) for name in LAYERS
        }

    @property
    def silver(self) -> Layer:
        """Typed tables."""
        return self._layers["silver"]

    @property
    def gold(self) -> Layer:
        """Results."""
        return self._layers["gold"]

    def __repr__(self) -> str:
        return f"Lake({self.store!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _lake, (self.store, self._made)

    def sql(self, query: str, *, params: Any = None, **frames: Any) -> Any:
        """Run a DuckDB query over the lake's tables and return a relation.

        Tables are ``silver.name`` and ``gold.name``; only those that the query names are opened. Keyword arguments
        are frames (Polars, Arrow, pandas) that the query may name too: ``lake.sql("… FROM rates", rates=frame)``.
        ``params`` fills the query's ``?`` or ``$name`` placeholders.

        Raises:
            NotFound: a table that the query names does not exist.
        """
        engines.refuse_text(query)
        return engines.sql(query, LAYERS, lambda layer, name: self._layers[layer][name], frames, params)

    def _folders(self) -> list[Table]:
        return [
            layer[folder.name]
            for layer in self._layers.values()
            for folder in layer.store.list_folders()
            if not folder.name.startswith(("_", "."))
        ]

    def tables(self) -> list[tuple[Table, Manifest]]:
        """Return every table with its present state, in order."""
        folders = self._folders()
        with ThreadPoolExecutor(8, thread_name_prefix="lake") as pool:
            states = list(pool.map(_state, folders))
        return [(table, state) for table, state in zip(folders, states, strict=True) if state is not None]

    def describe(self) -> Any:
        """Return what is in the lake as a ``polars.DataFrame``: a row for each raw file and each table."""
        pl = need("polars", "lake")
        rows: list[tuple[Any, ...]] = [
            ("bronze", entry.key, None, 1, entry.size, None, "", datetime.fromtimestamp(entry.ingested, UTC))
            for entry in self.bronze.files()
        ]
        for table, state in self.tables():
            layer, _, name = table.name.partition(".")
            updated = datetime.fromtimestamp(state.updated, UTC)
            partitions = len(state.partitions) if state.partition_by else None
            by = ", ".join(state.partition_by)
            rows.append((layer, name, state.rows, len(state.files), state.size, partitions, by, updated))
        schema = {
            "layer": pl.String,
            "name": pl.String,
            "rows": pl.Int64,
            "files": pl.Int64,
            "bytes": pl.Int64,
            "partitions": pl.Int64,
            "partition_by": pl.String,
            "updated": pl.Datetime("us", "UTC"),
        }
        return pl.DataFrame(rows, schema=schema, orient="row")

    def report(self, *, title: str | None = None, charts: Mapping[str, Chart] | None = None) -> str:
        """Return one self-contained HTML page about the lake; ``charts`` (of ``lake.chart``) come first."""
        from remote_store.lake.report import page

        return page(title or "Lake", self.store.native_path(), self.bronze.files(), self.tables(), charts or {})

    def vacuum(self, older_than: timedelta | float = timedelta(days=1)) -> Vacuumed:
        """Vacuum every table: delete files that left it, or were never published, so long ago."""
        done = [table.vacuum(older_than) for table in self._folders()]
        return Vacuumed(sum([one.files for one in done]), sum([one.size for one in done]))


def _state(table: Table) -> Manifest | None:
    try:
        return table.manifest()
    except NotFound:
        return None


def _lake(store: Store, options: dict[str, Any]) -> Lake:
    return Lake(store, **options)
