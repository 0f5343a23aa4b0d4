"""Dataset: a folder of Parquet files with a manifest that says which of them count."""

from __future__ import annotations

import contextlib
import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from remote_store.errors import NotFound, PreconditionFailed, RemoteStoreError
from remote_store.ext._extras import need
from remote_store.ext.parquet.commits import Commits
from remote_store.ext.parquet.frames import open_frame
from remote_store.ext.parquet.manifest import DataFile, Manifest
from remote_store.ext.parquet.reading import open_dataset
from remote_store.ext.parquet.schema import SchemaMismatch, check_fits, check_partition, normal
from remote_store.ext.parquet.staging import Limits, Stage
from remote_store.path import parse_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from remote_store.path import PathInput
    from remote_store.store import Store

pa = need("pyarrow", "arrow")

__all__ = ["Dataset", "Limits", "Vacuumed"]

MANIFEST = "_manifest.json"
SUCCESS = "_SUCCESS"
OURS = re.compile(r"\d{8}T\d{6}-[0-9a-f]{12}-\d+\.parquet").fullmatch
"""Names of staged files; whatever else lies in the folder is not ours to delete."""
MODES = ("append", "overwrite", "overwrite_partitions")


class Vacuumed(NamedTuple):
    """What a vacuum deleted."""

    files: int
    size: int
    """Bytes."""


class Dataset:
    """A table kept as Parquet files in a folder of a store.

    Readers see the files that one state of the manifest names: the old set or the new one, never a mixture. A write
    first stages its files, then publishes them all by one conditional write of the manifest. Files that a write
    replaced stay for readers under way until ``vacuum``.

    Args:
        store: where it is kept.
        folder: the dataset's folder; the store's root if empty.
        name: what errors call it; the folder unless given.
        limits: sizes that writes aim at.
        single_writer: a promise that only one process writes at a time, needed where the store cannot decide
            between two (no EXCLUSIVE_CREATE and COMPARE_AND_SWAP).
    """

    def __init__(
        self,
        store: Store,
        folder: PathInput = "",
        *,
        name: str | None = None,
        limits: Limits | None = None,
        single_writer: bool = False,
    ) -> None:
        self.store = store
        self.folder = parse_folder(folder)
        self.name = name or self.folder or "the dataset"
        self.limits = limits or Limits()
        self._single_writer = single_writer

    def key(self, path: str) -> str:
        """Return the store's path of one of the dataset's files."""
        return f"{self.folder}/{path}" if self.folder else path

    def _commits(self) -> Commits:
        return Commits(self.store, self.key(MANIFEST), self.name, single_writer=self._single_writer)

    def __repr__(self) -> str:
        return f"Dataset({self.store!r}, {self.folder!r})"

    def exists(self) -> bool:
        """Say whether something was written yet."""
        return self._commits().read()[0] is not None

    def manifest(self) -> Manifest:
        """Return the present state; one request.

        Raises:
            NotFound: nothing was written yet.
        """
        found = self._commits().read()[0]
        if found is None:
            message = f"{self.name} does not exist yet; write it first"
            raise NotFound(message, path=self.key(MANIFEST))
        return found

    @property
    def schema(self) -> Any:
        """The columns as a ``pyarrow.Schema``, partition columns included."""
        return self.manifest().schema

    def files(self) -> tuple[DataFile, ...]:
        """Return the files of the present state."""
        return self.manifest().files

    def dataset(self, *, native: bool = True) -> Any:
        """Return the present state as a ``pyarrow.dataset.Dataset``.

        pyarrow reads local files and S3 by its own client; with ``native=False``, and elsewhere, through the store.
        """
        return self.open(self.manifest(), native=native)

    def open(self, state: Manifest, *, native: bool = True) -> Any:
        """Return one state as a ``pyarrow.dataset.Dataset``; see ``dataset``."""
        return open_dataset(self.store, self.key, state, native=native)

    def read(self, columns: Sequence[str] | None = None) -> Any:
        """Return the rows as a ``pyarrow.Table``."""
        return self.dataset().to_table(columns=None if columns is None else list(columns))

    def write(
        self,
        frame: Any,
        *,
        mode: str = "overwrite",
        partition_by: Sequence[str] | None = None,
        change_schema: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Manifest:
        """Write a frame and return the state that it made.

        Args:
            frame: a pyarrow Table, RecordBatch, RecordBatchReader or Dataset, a polars DataFrame or LazyFrame, a
                pandas DataFrame or a DuckDB relation. Lazy ones are run as a stream, in constant memory.
            mode: ``"overwrite"`` replaces all rows, ``"overwrite_partitions"`` those of the partitions that occur in
                the frame, ``"append"`` none.
            partition_by: columns whose values become folders; those of the dataset if None.
            change_schema: let an overwrite bring other columns or another ``partition_by``.
            progress: called with the number of rows so far.

        Two appends at once both land. Of two overwrites at once one wins, the other raises PreconditionFailed.

        Raises:
            SchemaMismatch: the columns are not those of the dataset; the message names the one.
            PreconditionFailed: another writer replaced what this write was to replace.
            CapabilityNotSupported: the store cannot decide between two writers; see ``single_writer``.
        """
        if mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(map(repr, MODES))}, not {mode!r}")
        if isinstance(partition_by, str):
            raise TypeError("partition_by is a sequence of column names, not one str")
        commits = self._commits()
        commits.check()
        written, rows = open_frame(frame)
        written = normal(written)
        before, etag = commits.read()
        plan = _Plan(self.name, mode, written, partition_by, change_schema=change_schema, before=before)
        commit = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid4().hex[:12]}"
        with Stage(self.store, self.folder, commit, plan.schema, plan.by, self.limits) as stage:
            count = 0
            for table in rows:
                stage.add(_cast(table, plan.schema, self.name))
                count += table.num_rows
                if progress is not None:
                    progress(count)
            files = stage.finish()
        try:
            done = commits.commit(commit, files, plan.change(commit, files), before, etag)
        except PreconditionFailed:  # after any other failure the commit may still take effect: vacuum finds out
            stage.discard()
            raise
        with contextlib.suppress(RemoteStoreError):  # the manifest is the truth; the marker is for other tools
            self.store.write(self.key(SUCCESS), f"{done.version}\n".encode(), overwrite=True)
        return done

    def vacuum(self, older_than: timedelta | float = timedelta(days=1)) -> Vacuumed:
        """Delete files that left the dataset, or were staged and never published, so long ago.

        ``older_than`` (a timedelta, or seconds) must exceed the longest read and the longest write.
        """
        seconds = older_than.total_seconds() if isinstance(older_than, timedelta) else older_than
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise TypeError(f"older_than is a timedelta or seconds, not {type(older_than).__name__}")
        if seconds < 0:
            raise ValueError(f"older_than is 0 or more, not {older_than}")
        limit = time.time() - seconds
        commits = self._commits()
        # Listed before the manifest is read: what is committed in between is then seen in the manifest.
        found = {info.key: info for info in self._litter()}
        before, _ = commits.read()
        members = {self.key(file.path) for file in before.files} if before else set()
        left = {self.key(gone.path): gone.at for gone in before.removed} if before else {}
        old = [info for key, info in found.items() if key not in members and left.get(key, info.modified) <= limit]
        self.store.delete_many([info.key for info in old])
        deleted = {info.key for info in old}
        forget = {gone.path for gone in before.removed} if before else set()
        forget = {path for path in forget if self.key(path) in deleted or self.key(path) not in found}
        if forget:
            commits.forget(forget)
        return Vacuumed(len(old), sum([info.size for info in old]))

    def _litter(self) -> Iterator[Any]:
        for info in self.store.list_files(self.folder, recursive=True):
            if OURS(info.name):
                yield info


class _Plan:
    """What a write means, decided against the state it found and again against each newer one."""

    def __init__(
        self,
        name: str,
        mode: str,
        written: Any,
        partition_by: Sequence[str] | None,
        *,
        change_schema: bool,
        before: Manifest | None,
    ) -> None:
        self._name = name
        self._mode = mode
        self._written = written
        self._partition_by = None if partition_by is None else tuple(partition_by)
        self._before = before
        self._free = before is None or (mode == "overwrite" and change_schema)
        if change_schema and mode != "overwrite":
            raise ValueError("change_schema goes with mode='overwrite' only: other rows would keep the old columns")
        if before is None or self._free:
            self.schema = written
            self.by = self._partition_by if self._partition_by is not None else (before.partition_by if before else ())
        else:
            self._fits(before)
            self.schema, self.by = before.schema, before.partition_by
        check_partition(name, self.schema, self.by)
        if mode == "overwrite_partitions" and not self.by:
            raise ValueError(f"{name} is not partitioned; mode='overwrite_partitions' needs partition_by")

    def _fits(self, stands: Manifest) -> None:
        check_fits(self._name, self._written, stands.schema)
        if self._partition_by is not None and self._partition_by != stands.partition_by:
            now, then = list(self._partition_by), list(stands.partition_by)
            hint = "leave it out, or rewrite the whole with mode='overwrite' and change_schema=True"
            raise SchemaMismatch(f"{self._name} is partitioned by {then}, not by {now}; {hint}")

    def change(self, commit: str, files: tuple[DataFile, ...]) -> Callable[[Manifest | None], Manifest]:
        """Return how this write turns a state into the next."""

        def after(now: Manifest | None) -> Manifest:
            if now is None:
                when = time.time()
                return Manifest(self.schema, self.by, files, 1, commit, when, when)
            if self._before is None or now.version != self._before.version:
                self._still_right(now, files)
            if self._mode == "overwrite":
                return now.after(commit, files, schema=self.schema, partition_by=self.by)
            if self._mode == "overwrite_partitions":
                mine = {tuple(file.partition.values()) for file in files}
                kept = tuple([file for file in now.files if tuple(file.partition.values()) not in mine])
                return now.after(commit, (*kept, *files))
            return now.after(commit, (*now.files, *files))

        return after

    def _still_right(self, now: Manifest, files: tuple[DataFile, ...]) -> None:
        """Refuse to publish over what another writer published meanwhile, unless both have room."""
        if self._mode == "overwrite":
            raise self._lost()
        if not now.schema.equals(self.schema) or now.partition_by != self.by:
            raise self._lost()
        if self._mode == "overwrite_partitions":
            mine = {tuple(file.partition.values()) for file in files}
            then = self._before.files if self._before else ()
            if _of(then, mine) != _of(now.files, mine):
                raise self._lost()

    def _lost(self) -> PreconditionFailed:
        message = f"another writer changed {self._name} while this write was under way; nothing of it was published"
        return PreconditionFailed(f"{message}; run it again on the new state")


def _of(files: Sequence[DataFile], partitions: set[Any]) -> set[str]:
    return {file.path for file in files if tuple(file.partition.values()) in partitions}


def _cast(table: Any, schema: Any, name: str) -> Any:
    table = table.select(schema.names)
    if table.schema.equals(schema):
        return table
    try:
        return table.cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise SchemaMismatch(f"the write does not fit {name}: {error}") from error
