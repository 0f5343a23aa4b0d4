"""Layers and tables: a folder of Parquet datasets, each known by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remote_store.errors import InvalidPath
from remote_store.ext.parquet import Dataset
from remote_store.lake.engines import scan_table
from remote_store.lake.progress import Progress
from remote_store.path import parse_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from remote_store.ext.parquet import Limits, Manifest
    from remote_store.lake.progress import Report
    from remote_store.store import Store

__all__ = ["Layer", "Table"]


class Layer:
    """A layer of tables: ``lake.silver["flights"]``."""

    def __init__(self, store: Store, name: str, report: Report, *, limits: Limits | None, single_writer: bool) -> None:
        self.store = store
        self.name = name
        self._report = report
        self._limits = limits
        self._single_writer = single_writer

    def __getitem__(self, name: str) -> Table:
        """Return a table, whether it was written yet or not.

        Raises:
            InvalidPath: the name cannot be a table's.
        """
        if not isinstance(name, str):
            raise TypeError(f"a table's name is a str, not {type(name).__name__}")
        if "/" in name or name.startswith(("_", ".")):
            raise InvalidPath("a table's name holds no '/' and begins with neither '_' nor '.'", path=name)
        parse_key(name)
        return Table(
            self.store, name, f"{self.name}.{name}", self._report, self._limits, single_writer=self._single_writer
        )

    def __iter__(self) -> Iterator[Table]:
        """Yield the tables that exist, in order of their names."""
        for folder in self.store.list_folders():
            if not folder.name.startswith(("_", ".")) and (table := self[folder.name]).exists():
                yield table

    def __repr__(self) -> str:
        return f"Layer({self.name!r}, {self.store!r})"


class Table(Dataset):
    """A table of a lake: a Parquet dataset that engines read by themselves where they can."""

    def __init__(
        self, store: Store, folder: str, name: str, report: Report, limits: Limits | None, *, single_writer: bool
    ) -> None:
        super().__init__(store, folder, name=name, limits=limits, single_writer=single_writer)
        self._report = report

    def __repr__(self) -> str:
        return f"Table({self.name!r}, {self.store!r})"

    def write(
        self,
        frame: Any,
        *,
        mode: str = "overwrite",
        partition_by: Sequence[str] | None = None,
        change_schema: bool = False,
        progress: Any = None,
    ) -> Manifest:
        """Write a frame; see ``Dataset.write``. Progress goes to the lake's reporter unless a callback is given."""

        def report(rows: int) -> None:
            self._report(Progress(self.name, rows, None, "rows"))

        done = super().write(
            frame,
            mode=mode,
            partition_by=partition_by,
            change_schema=change_schema,
            progress=report if progress is None else progress,
        )
        if progress is None:
            self._report(Progress(self.name, done.rows, done.rows, "rows"))
        return done

    def scan(self, *, native: bool = True) -> Any:
        """Return the present state as a ``polars.LazyFrame``; projection and filters reach the files.

        Polars reads local files and S3 by its own client; with ``native=False``, and elsewhere, through the store.
        """
        return scan_table(self, native=native)
