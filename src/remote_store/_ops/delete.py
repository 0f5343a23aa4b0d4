"""Deleting files: one, or many in few requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store._arguments import check_etag, check_flag
from remote_store._io import gather
from remote_store._ops import info
from remote_store.backend import Deletes, DeletesMany, Op
from remote_store.capabilities import Capability
from remote_store.errors import ContainerNotFound, NotFound, PreconditionFailed, RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from remote_store._stack import Scope
    from remote_store.path import PathInput

BATCH = 1000
"""Keys a bulk request; what S3 allows at most."""


async def delete(scope: Scope, path: PathInput, *, missing_ok: bool, if_match: str | None) -> None:
    """Delete one file."""
    key = scope.key(path)
    check_flag("missing_ok", missing_ok)
    deletes = scope.require(Deletes, Capability.DELETE, key)
    if if_match is not None:
        check_etag(if_match)
        if Capability.COMPARE_AND_SWAP not in scope.stack.capabilities:
            raise scope.lacks(Capability.COMPARE_AND_SWAP, key)
    silent = missing_ok or not scope.backend.traits.delete_reports_absence  # once or twice, it says the same
    op = Op("delete", key, repeatable=if_match is None and silent, writes=True)
    if not missing_ok and if_match is None and not scope.backend.traits.delete_reports_absence:
        await info.file_info(scope, key)
    try:
        await scope.stack.call(op, deletes.delete, scope.prefix + key, if_match)
    except ContainerNotFound:
        raise
    except NotFound as missing:
        if if_match is not None:
            gone = "the file that if_match names is gone"
            raise scope.error(PreconditionFailed, gone, key) from missing.__cause__
        if not missing_ok:
            raise await info.absent(scope, key, missing) from missing.__cause__


async def delete_many(scope: Scope, paths: Iterable[PathInput]) -> None:
    """Delete files in as few requests as the service allows; missing ones are no error.

    All are tried; then the first failure is raised, with the number of the others.
    """
    if isinstance(paths, str | bytes):
        raise TypeError("delete_many takes several paths; delete takes one")
    keys = [scope.key(path) for path in paths]
    scope.require(Deletes, Capability.DELETE)
    await delete_keys(scope, keys)


async def delete_keys(scope: Scope, keys: Sequence[str]) -> None:
    """Delete parsed keys."""
    first: RemoteStoreError | None = None
    count = 0
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        try:
            failed = await _delete_batch(scope, batch)
        except RemoteStoreError as error:  # of the whole request
            failed = [error] * len(batch)
        count += len(failed)
        first = first or (failed[0] if failed else None)
    if first is not None:
        first.add_note(f"{count} of {len(keys)} files could not be deleted")
        raise first


async def _delete_batch(scope: Scope, keys: Sequence[str]) -> list[RemoteStoreError]:
    """Delete files; return what failed."""
    if isinstance(scope.backend, DeletesMany):
        op = Op("delete_many", keys[0], writes=True)
        answers = await scope.stack.call(op, scope.backend.delete_many, [scope.prefix + key for key in keys])
        outcomes = [await _typed(scope, key, reason) for key, reason in answers]
    else:
        outcomes = await gather(scope.stack.io, scope.stack.at_once, [(_try_delete, scope, key) for key in keys])
    return [error for error in outcomes if error is not None]


async def _try_delete(scope: Scope, key: str) -> RemoteStoreError | None:
    try:
        await delete(scope, key, missing_ok=True, if_match=None)
    except RemoteStoreError as error:
        return error
    return None


async def _typed(scope: Scope, full_key: str, reason: Exception) -> RemoteStoreError | None:
    """Let the layers turn one reason of a bulk answer into a typed error, or put up with it."""

    async def fail() -> None:
        raise reason

    try:
        await scope.stack.call(Op("delete", full_key[len(scope.prefix) :], repeatable=False, writes=True), fail)
    except RemoteStoreError as error:
        return error
    return None
