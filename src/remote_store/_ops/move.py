"""Copy and move: the service's own where it has one, else bytes through this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store._arguments import check_flag
from remote_store._ops import info, read
from remote_store._ops.write import Publication
from remote_store.backend import Copies, Deletes, Moves, Op, PutOptions, Puts
from remote_store.capabilities import Capability
from remote_store.errors import AlreadyExists, IntegrityError, InvalidPath, NotFound, PreconditionFailed

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
    await _copy(scope, src, dst, overwrite=overwrite)


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
        await _named(
            scope, src, dst, scope.stack.call(op, backend.move, scope.prefix + src, scope.prefix + dst, overwrite)
        )
        return
    await _copy(scope, src, dst, overwrite=overwrite)
    deletes = scope.require(Deletes, Capability.MOVE)
    await scope.stack.call(Op("delete", src, writes=True), deletes.delete, scope.prefix + src, None)


async def _settled(scope: Scope, src: str, dst: str, *, overwrite: bool) -> bool:
    """Answer what needs no copy: a file onto itself, or onto one that may not be replaced."""
    if src == dst:
        await info.file_info(scope, src)
        if overwrite:
            return True
        raise _exists(scope, dst)
    if not overwrite and not scope.backend.traits.exclusive_copy and await info.is_file(scope, dst):
        await info.file_info(scope, src)  # a missing source is the first thing to say
        raise _exists(scope, dst)
    return False


def _exists(scope: Scope, key: str) -> Exception:
    return scope.error(AlreadyExists, "a file stands here already; pass overwrite=True to replace it", key)


async def _copy(scope: Scope, src: str, dst: str, *, overwrite: bool) -> None:
    backend = scope.backend
    if isinstance(backend, Copies):
        op = Op("copy", src, repeatable=overwrite, writes=True)
        await _named(
            scope, src, dst, scope.stack.call(op, backend.copy, scope.prefix + src, scope.prefix + dst, overwrite)
        )
    else:
        await _stream(scope, src, dst, overwrite=overwrite)


async def _named(scope: Scope, src: str, dst: str, call: object) -> None:
    """Put the right one of the two keys into an error."""
    try:
        await call  # type: ignore[misc]
    except AlreadyExists as error:
        error.path = error.filename = dst
        raise
    except InvalidPath as error:
        if error.__cause__ is not None:  # the tree's own refusal is about where the file should go
            error.path = error.filename = dst
        raise
    except PreconditionFailed as error:
        raise _exists(scope, dst) from error.__cause__
    except NotFound as missing:
        raise await info.absent(scope, src, missing) from missing.__cause__


async def _stream(scope: Scope, src: str, dst: str, *, overwrite: bool) -> None:
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
