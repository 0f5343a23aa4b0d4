"""Commits: the one conditional write that turns staged files into the next state of a dataset."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from remote_store.capabilities import Capability
from remote_store.errors import (
    AlreadyExists,
    CapabilityNotSupported,
    ContainerNotFound,
    NotFound,
    PreconditionFailed,
    RemoteStoreError,
)
from remote_store.ext.parquet.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable

    from remote_store.ext.parquet.manifest import DataFile
    from remote_store.store import Store

__all__ = ["Commits"]

PATIENCE = 60.0
"""Seconds for which a commit gives way to others before it gives up."""

DECIDES = frozenset({Capability.EXCLUSIVE_CREATE, Capability.COMPARE_AND_SWAP})


class Commits:
    """The manifest of one dataset, read and swapped."""

    def __init__(self, store: Store, key: str, name: str, *, single_writer: bool) -> None:
        self._store = store
        self._key = key
        self._name = name
        self._decides = store.capabilities >= DECIDES
        self._single_writer = single_writer

    def check(self) -> None:
        """Refuse, before any work, where two writers could undo each other."""
        if not self._store.supports(Capability.WRITE):
            raise CapabilityNotSupported(f"{self._name} cannot be written: the store has no WRITE", path=self._key)
        if not self._decides and not self._single_writer:
            lacks = ", ".join(sorted([cap.name for cap in DECIDES - self._store.capabilities]))
            message = f"the store cannot decide between two writers of {self._name} (no {lacks})"
            hint = "pass single_writer=True if only one process ever writes at a time"
            raise CapabilityNotSupported(f"{message}; {hint}", path=self._key)

    def read(self) -> tuple[Manifest | None, str | None]:
        """Return the present state and its etag, or None where there is none yet."""
        try:
            with self._store.read(self._key) as reader:
                data = reader.read()
                etag = reader.info.etag
        except ContainerNotFound:
            raise
        except NotFound:
            return None, None
        return Manifest.from_json(data, self._key), etag

    def commit(
        self,
        commit: str,
        files: tuple[DataFile, ...],
        change: Callable[[Manifest | None], Manifest],
        before: Manifest | None,
        etag: str | None,
    ) -> Manifest:
        """Publish the next state; where another commit came first, work the change out again on what it left.

        Raises:
            PreconditionFailed: ``change`` found that it has no room beside the other commit, or patience ran out.
        """
        paths = {file.path for file in files}
        end, pause = time.monotonic() + PATIENCE, 0.005
        while True:
            after = change(before)
            try:
                self._swap(after, etag)
            except RemoteStoreError as error:
                raced = isinstance(error, AlreadyExists | PreconditionFailed)
                if not raced and not error.retryable:
                    raise
                # The answer may have been lost after the write took effect: look before judging.
                before, etag = self._seen(error)
                if before is not None and _landed(before, commit, paths):
                    return before
                if not raced:
                    raise
                if time.monotonic() >= end:
                    message = f"{self._name} is being written by too many at once; nothing of this write was published"
                    raise PreconditionFailed(message, path=self._key) from error
            else:
                return after
            time.sleep(random.uniform(0, pause))  # noqa: S311  spreads the writers, hides nothing
            pause = min(pause * 2, 0.5)

    def _seen(self, error: RemoteStoreError) -> tuple[Manifest | None, str | None]:
        try:
            return self.read()
        except RemoteStoreError:
            raise Unknown(error) from error

    def _swap(self, state: Manifest, etag: str | None) -> None:
        data = state.to_json()
        if not self._decides:
            self._store.write(self._key, data, overwrite=True)
        elif etag is None:
            self._store.write(self._key, data)
        else:
            self._store.write(self._key, data, if_match=etag)

    def forget(self, paths: set[str]) -> None:
        """Drop the notes about removed files that are gone by now."""
        while True:
            now, etag = self.read()
            if now is None:
                return
            removed = tuple([gone for gone in now.removed if gone.path not in paths])
            try:
                self._swap(now._replace(removed=removed), etag)
            except PreconditionFailed:
                continue
            return


class Unknown(RemoteStoreError):
    """Whether the commit took effect could not be found out; its files stay, and the next read tells."""

    def __init__(self, message: str | RemoteStoreError, **facts: object) -> None:
        if isinstance(message, RemoteStoreError):
            text = f"it is unknown whether the write was published ({message.message}); read the dataset to see"
            super().__init__(text, path=message.path, backend=message.backend)
        else:
            super().__init__(message, **facts)  # type: ignore[arg-type]


def _landed(now: Manifest, commit: str, paths: set[str]) -> bool:
    return now.commit == commit or (bool(paths) and paths <= {file.path for file in now.files})
