"""Copy and move: the service's own where it has one, else bytes through this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store._arguments import check_flag
from remote_store._ops import info, read
from remote_store._ops.write import Publication
from remote_store.backend import Copies, Deletes, Moves, Op, PutOptions, Puts
from remote_store.capabilities import Capability
from remote_store.errors import (
    AlreadyExists,
    CapabilityNotSupported,
    ContainerNotFound,
    IntegrityError,
    InvalidPath,
    NotFound,
    PreconditionFailed,
    ResourceLocked,
)

if TYPE_CHECKING:
    from remote_store._stack import Scope
    from remote_store.path import PathInput


async def copy(scope: Scope, source: PathInput, target: PathInput, *, overwrite: bool) -> None:
    """Copy a file with its metadata."""
    src, dst = scope.key(source), scope.key(target)
    check_flag("overwrite", overwrite)
    scope.require(Puts, Capability.COPY, src)
    if await _settled(scope, src, dst, overwrite=overwrite):
        return
    await _copy(scope, src, dst, overwrite=overwrite, pinned=False)


async def move(scope: Scope, source: PathInput, target: PathInput, *, overwrite: bool) -> None:
    """Move a file; without a rename in the service, the source goes once the copy is proven."""
    src, dst = scope.key(source), scope.key(target)
    check_flag("overwrite", overwrite)
    if Capability.MOVE not in scope.stack.capabilities:
        raise scope.lacks(Capability.MOVE, src)
    if await _settled(scope, src, dst, overwrite=overwrite):
        return
    backend = scope.backend
    if isinstance(backend, Moves):
        op = Op("move", src, repeatable=False, writes=True)
        call = scope.stack.call(op, backend.move, scope.prefix + src, scope.prefix + dst, overwrite)
        try:
            await _named(scope, src, dst, call, overwrite=overwrite)
        except CapabilityNotSupported:
            pass  # the service has just shown that it cannot
        else:
            return
    deletes = scope.require(Deletes, Capability.MOVE)
    copied = await _copy(scope, src, dst, overwrite=overwrite, pinned=backend.traits.compare_and_swap)
    await _delete_copied(scope, deletes, src, copied)


async def _delete_copied(scope: Scope, deletes: Deletes, src: str, etag: str | None) -> None:
    """Delete a file that was copied elsewhere, unless it is another version by now; one that is gone is fine."""
    try:
        await scope.stack.call(Op("delete", src, writes=True), deletes.delete, scope.prefix + src, etag)
    except ContainerNotFound:
        raise
    except NotFound:
        return
    except PreconditionFailed as refused:
        if await info.is_taken(scope, src):
            raise _changed(scope, src) from refused.__cause__


def _changed(scope: Scope, src: str) -> Exception:
    message = "the file was written while it was moved; it stays, and so does what was copied of it before"
    return scope.error(PreconditionFailed, message, src)


async def _settled(scope: Scope, src: str, dst: str, *, overwrite: bool) -> bool:
    """Answer what needs no copy: a file onto itself, or onto one that may not be replaced."""
    if src == dst:
        await info.file_info(scope, src)
        if overwrite:
            return True
        raise _exists(scope, dst)
    asks = isinstance(scope.backend, Copies | Moves) and not scope.backend.traits.exclusive_copy  # a put refuses itself
    if not overwrite and asks and await info.is_taken(scope, dst):
        await info.file_info(scope, src)  # a missing source is the first thing to say
        raise _exists(scope, dst)
    return False


def _exists(scope: Scope, key: str) -> Exception:
    return scope.error(AlreadyExists, "a file stands here already; pass overwrite=True to replace it", key)


async def _copy(scope: Scope, src: str, dst: str, *, overwrite: bool, pinned: bool) -> str | None:
    """Copy; return the etag of the version that was copied, if ``pinned`` to one."""
    backend = scope.backend
    if not isinstance(backend, Copies):
        etag = await _stream(scope, src, dst, overwrite=overwrite)
        return etag if pinned else None
    etag = (await info.file_info(scope, src)).etag if pinned else None
    op = Op("copy", src, repeatable=overwrite, writes=True)
    pin = (etag,) if etag is not None and backend.traits.pinned_copy else ()
    call = scope.stack.call(op, backend.copy, scope.prefix + src, scope.prefix + dst, overwrite, *pin)
    try:
        await _named(scope, src, dst, call, overwrite=overwrite, pinned=bool(pin))
    except ResourceLocked as error:  # a lock keeps others from writing, and the copy writes the target
        error.path = error.filename = dst
        raise
    return etag


async def _named(scope: Scope, src: str, dst: str, call: object, *, overwrite: bool, pinned: bool = False) -> None:
    """Put the right one of the two keys into an error."""
    try:
        await call  # type: ignore[misc]
    except AlreadyExists as error:
        error.path = error.filename = dst
        raise
    except InvalidPath as error:  # the tree's own refusal: both keys are well formed, and the source is a file
        error.path = error.filename = dst
        raise
    except PreconditionFailed as error:
        if overwrite or error.__cause__ is None or (pinned and not await info.is_taken(scope, dst)):
            raise _changed(scope, src) from error.__cause__
        raise _exists(scope, dst) from error.__cause__
    except ContainerNotFound:
        raise
    except NotFound as missing:
        raise await info.absent(scope, src, missing) from missing.__cause__


async def _stream(scope: Scope, src: str, dst: str, *, overwrite: bool) -> str | None:
    feed = await read.open_feed(scope, src)
    try:
        keeps = Capability.USER_METADATA in scope.stack.capabilities
        entry = feed.entry
        kept = (entry.metadata, entry.content_type) if keeps else (None, None)
        publication = Publication(scope, dst, PutOptions(overwrite, None, *kept))
        try:
            while data := await feed.next():
                await publication.write(data)
            result = await publication.commit()
        except BaseException:
            await publication.abort()
            raise
    finally:
        await feed.close()
    if result.size != entry.size:
        message = f"the copy has {result.size} bytes, its source {entry.size}"
        raise scope.error(IntegrityError, message, dst)
    return entry.etag
