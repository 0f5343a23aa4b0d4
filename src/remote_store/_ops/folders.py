"""Folders: sums over what is in them, and deleting them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store._arguments import check_flag
from remote_store._io import gather
from remote_store._ops import info, listing
from remote_store.backend import DeletesTrees, FolderEntry, Folders, Lists, Op
from remote_store.capabilities import Capability
from remote_store.errors import ContainerNotFound, DirectoryNotEmpty, InvalidPath, NotFound
from remote_store.models import FolderInfo

if TYPE_CHECKING:
    from remote_store._stack import Scope
    from remote_store.path import PathInput


async def folder_info(scope: Scope, path: PathInput) -> FolderInfo:
    """Sum size, count and newest change over all files below."""
    folder = scope.folder(path)
    found = listing.files(scope, folder, recursive=True, pattern=None, max_depth=None)
    count, size, newest = 0, 0, None
    while (page := await found.next()) is not None:
        if page:
            count += len(page)
            sizes = [entry.size for entry in page]
            size = -1 if size < 0 or min(sizes) < 0 else size + sum(sizes)  # one that nobody knows leaves none
            latest = max([entry.modified for entry in page])
            newest = latest if newest is None else max(newest, latest)
    if not count and folder and not await info.is_folder(scope, folder):
        raise scope.error(NotFound, "no folder stands here", folder)
    return FolderInfo(folder, count, size, newest)


async def delete_folder(scope: Scope, path: PathInput, *, recursive: bool, missing_ok: bool) -> None:
    """Delete a folder; with ``recursive`` all that is in it too."""
    folder = scope.folder(path)
    if not folder:
        raise scope.error(InvalidPath, "the store's root cannot be deleted", folder)
    check_flag("recursive", recursive)
    check_flag("missing_ok", missing_ok)
    scope.require(Lists, Capability.DELETE, folder)
    try:
        if not recursive:
            await _delete_empty(scope, folder, missing_ok=missing_ok)
        elif isinstance(scope.backend, DeletesTrees):
            if not scope.backend.traits.hierarchical:  # the others say themselves that nothing is there
                await _prove(scope, folder)
            harmless = missing_ok or not scope.backend.traits.hierarchical
            op = Op("delete_tree", folder, repeatable=harmless, writes=True)
            await scope.stack.call(op, scope.backend.delete_tree, scope.full(folder))
        else:
            await _delete_below(scope, folder)
    except ContainerNotFound:
        raise
    except NotFound:
        if not missing_ok:
            raise


async def _prove(scope: Scope, folder: str) -> None:
    """Raise unless a folder stands there; asked apart, so that a repeated deletion may find nothing left."""
    if not await info.is_folder(scope, folder):
        raise scope.error(NotFound, "no folder stands here", folder)


async def _delete_empty(scope: Scope, folder: str, *, missing_ok: bool) -> None:
    found = listing.pages(scope, folder, recursive=False)
    while (page := await found.next()) is not None:
        if page.entries or page.hidden:
            message = "the folder is not empty; pass recursive=True to delete all in it"
            raise scope.error(DirectoryNotEmpty, message, folder)
    if not isinstance(scope.backend, Folders):
        raise scope.error(NotFound, "no folder stands here", folder)
    op = Op("remove_folder", folder, repeatable=missing_ok, writes=True)
    await scope.stack.call(op, scope.backend.remove_folder, scope.full(folder))


async def _delete_below(scope: Scope, folder: str) -> None:
    from remote_store._ops.delete import delete_keys

    await _prove(scope, folder)
    found = listing.files(scope, folder, recursive=True, pattern=None, max_depth=None)
    while (page := await found.next()) is not None:
        await delete_keys(scope, [entry.key for entry in page])
    if isinstance(scope.backend, Folders):
        await _remove_folders(scope, scope.backend, folder)


async def _remove_folders(scope: Scope, backend: Folders, folder: str) -> None:
    """Remove what is left, level by level: folders, the deepest first."""
    io, limit = scope.stack.io, scope.stack.at_once
    levels = [[folder]]
    while levels[-1]:
        found = await gather(io, limit, [(_folders_in, scope, above) for above in levels[-1]])
        levels.append([key for below in found for key in below])
    for level in reversed(levels):
        await gather(io, limit, [(_remove, scope, backend, key) for key in level])


async def _folders_in(scope: Scope, folder: str) -> list[str]:
    found = listing.folders(scope, folder)
    below: list[FolderEntry] = []
    while (page := await found.next()) is not None:
        below += page
    return [entry.key for entry in below]


async def _remove(scope: Scope, backend: Folders, folder: str) -> None:
    try:
        op = Op("remove_folder", folder, writes=True)
        await scope.stack.call(op, backend.remove_folder, scope.full(folder))
    except NotFound:
        return  # a flat store's folder is gone with its last file
