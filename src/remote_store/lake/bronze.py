"""Bronze: raw files exactly as they arrived, each with where it came from and the digest of its bytes."""

from __future__ import annotations

import hashlib
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from remote_store.errors import AlreadyExists, ContainerNotFound, IntegrityError, NotFound, PreconditionFailed
from remote_store.ext.parquet.commits import DECIDES, PATIENCE
from remote_store.lake.engines import scan_raw
from remote_store.lake.progress import Progress
from remote_store.path import parse_folder, parse_key
from remote_store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from remote_store.lake.progress import Report
    from remote_store.models import FileInfo
    from remote_store.path import PathInput

__all__ = ["Bronze", "Ingested", "Provenance"]

LEDGER = "_provenance.json"
FORMAT = "remote-store bronze 1"
COPIES = 4
"""Files on their way at once."""


class Provenance(NamedTuple):
    """Where a raw file came from."""

    key: str
    """Its path in bronze."""
    source: str
    """The source service's own name for it."""
    size: int
    """Bytes."""
    etag: str | None
    modified: float
    """When the source changed last, seconds since the Unix epoch."""
    sha256: str
    ingested: float
    """Seconds since the Unix epoch."""
    replaced: tuple[str, ...] = ()
    """Digests that stood here before, oldest first."""


class Ingested(NamedTuple):
    """What an ingest did."""

    copied: tuple[Provenance, ...]
    skipped: int
    """Files that were here already, unchanged at their source."""

    @property
    def size(self) -> int:
        """Bytes copied."""
        return sum([file.size for file in self.copied])


class Bronze:
    """The raw layer of a lake."""

    def __init__(self, store: Store, report: Report, *, single_writer: bool = False) -> None:
        self.store = store
        self._report = report
        self._conditional = store.capabilities >= DECIDES and not single_writer

    def __repr__(self) -> str:
        return f"Bronze({self.store!r})"

    def ingest(self, source: Store, pattern: str = "**", *, into: PathInput = "") -> Ingested:
        """Copy files from another store, bytes unchanged; run again, it copies only what is new or changed.

        Args:
            source: the landing store.
            pattern: a glob over its files.
            into: the folder in bronze that keeps their paths.

        Raises:
            NotFound: no file of the source matches.
            AlreadyExists: a file from another source has the same path; ``into`` sets them apart.
        """
        if not isinstance(source, Store):
            raise TypeError(f"ingest copies from a Store, not {type(source).__name__}")
        folder = parse_folder(into)
        found = list(source.glob(pattern))
        if not found:
            raise NotFound(f"no file matches {pattern!r} in {source.native_path()}; nothing to ingest", path=pattern)
        ledger, _ = self._read()
        present = {info.key: info.size for info in self.store.list_files(recursive=True)}
        wanted = []
        for info in found:
            key = parse_key(f"{folder}/{info.key}" if folder else info.key)
            known = ledger.get(key)
            _refuse_other_source(known, source, info)
            if known is None or not _same(known, info) or present.get(key) != known.size:
                wanted.append((key, info))
        return Ingested(tuple(self._copy_all(source, wanted, ledger)), len(found) - len(wanted))

    def _copy_all(
        self, source: Store, wanted: list[tuple[str, FileInfo]], ledger: dict[str, Provenance]
    ) -> list[Provenance]:
        copied: list[Provenance] = []
        try:
            with ThreadPoolExecutor(COPIES, thread_name_prefix="ingest") as pool:
                jobs = [pool.submit(self._copy, source, info, key, ledger.get(key)) for key, info in wanted]
                for job in jobs:
                    try:
                        copied.append(job.result())
                    except BaseException:
                        pool.shutdown(cancel_futures=True)
                        raise
                    self._report(Progress("bronze", len(copied), len(wanted), "files"))
        finally:
            if copied:  # what did arrive is noted even if a later file failed
                self._note(copied)
        return copied

    def _copy(self, source: Store, info: FileInfo, key: str, known: Provenance | None) -> Provenance:
        digest = hashlib.sha256()
        with source.read(info.key) as reader, self.store.open_atomic(key, overwrite=True) as writer:
            for chunk in reader.chunks():
                digest.update(chunk)
                writer.write(chunk)
            read = reader.info
        replaced: tuple[str, ...] = ()
        if known is not None:
            replaced = known.replaced if known.sha256 == digest.hexdigest() else (*known.replaced, known.sha256)
        name = source.native_path(info.key)
        return Provenance(key, name, read.size, read.etag, read.modified, digest.hexdigest(), time.time(), replaced)

    def files(self) -> tuple[Provenance, ...]:
        """Return the provenance of every file, in order of their paths."""
        return tuple([entry for _, entry in sorted(self._read()[0].items())])

    def scan(self, pattern: str, **options: Any) -> Any:
        """Return raw files as one ``polars.LazyFrame``; the suffix says how: csv, tsv, ndjson, jsonl or parquet.

        ``options`` go to Polars, such as ``null_values="NA"`` for ``polars.scan_csv``.

        Raises:
            NotFound: no file matches.
        """
        keys = [info.key for info in self.store.glob(pattern) if not info.key.startswith("_")]
        if not keys:
            raise NotFound(f"no file of bronze matches {pattern!r}; ingest it first", path=pattern)
        return scan_raw(self.store, keys, options)

    def verify(self) -> tuple[str, ...]:
        """Read every file and return the paths of those whose bytes are not what the digest says, or that are gone."""
        broken = []
        for entry in self.files():
            digest = hashlib.sha256()
            try:
                with self.store.read(entry.key) as reader:
                    for chunk in reader.chunks():
                        digest.update(chunk)
            except ContainerNotFound:
                raise
            except NotFound:
                broken.append(entry.key)
                continue
            if digest.hexdigest() != entry.sha256:
                broken.append(entry.key)
        return tuple(broken)

    def _read(self) -> tuple[dict[str, Provenance], str | None]:
        try:
            with self.store.read(LEDGER) as reader:
                found = json.loads(reader.read())
                etag = reader.info.etag
            if found["format"] != FORMAT:
                message = f"the ledger has the format {found['format']!r}; this version reads {FORMAT!r}"
                raise IntegrityError(message, path=LEDGER, retryable=False)
            entries = [Provenance(*entry)._replace(replaced=tuple(entry[-1])) for entry in found["files"]]
        except ContainerNotFound:
            raise
        except NotFound:
            return {}, None
        except (ValueError, KeyError, TypeError) as broken:
            raise IntegrityError("bronze's ledger cannot be read; it was damaged", path=LEDGER) from broken
        return {entry.key: entry for entry in entries}, etag

    def _note(self, entries: Iterable[Provenance]) -> None:
        """Add entries to the ledger, beside those that others add at the same time."""
        end = time.monotonic() + PATIENCE
        while True:
            ledger, etag = self._read()
            ledger.update({entry.key: entry for entry in entries})
            document = {"format": FORMAT, "files": [list(entry) for _, entry in sorted(ledger.items())]}
            data = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
            try:
                if not self._conditional:
                    self.store.write(LEDGER, data, overwrite=True)
                elif etag is None:
                    self.store.write(LEDGER, data)
                else:
                    self.store.write(LEDGER, data, if_match=etag)
            except (AlreadyExists, PreconditionFailed):
                if time.monotonic() >= end:
                    raise
                time.sleep(random.uniform(0, 0.05))  # noqa: S311  spreads the writers, hides nothing
            else:
                return


def _refuse_other_source(known: Provenance | None, source: Store, info: FileInfo) -> None:
    name = source.native_path(info.key)
    if known is not None and known.source != name:
        message = f"bronze holds this path from {known.source}; ingest {name} with into='…' to keep both"
        raise AlreadyExists(message, path=known.key)


def _same(known: Provenance, info: FileInfo) -> bool:
    if known.size != info.size:
        return False
    if known.etag is not None and info.etag is not None:
        return known.etag == info.etag
    return known.modified == info.modified
