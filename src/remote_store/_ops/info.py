"""What stands where: stat, head, exists, is_file, is_folder, ping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store._catalog import missing_extra
from remote_store._ops.pages import Pages
from remote_store.backend import FileInfo, FolderEntry, Lists, Op
from remote_store.capabilities import Capability
from remote_store.errors import ContainerNotFound, NotFound, RemoteStoreError
from remote_store.models import ResolutionPlan, WriteResult

if TYPE_CHECKING:
    from remote_store._stack import Scope
    from remote_store.backend import Entry
    from remote_store.path import PathInput


async def stat(scope: Scope, key: str) -> Entry:
    """Return what stands at the key, under the key that the caller knows."""
    entry = await scope.stack.call(Op("stat", key), scope.backend.stat, scope.prefix + key)
    return own(scope, entry, key)


def own(scope: Scope, entry: Entry, key: str) -> Entry:
    """Give an entry of the backend the caller's key."""
    return entry._replace(key=key) if scope.prefix else entry


async def file_info(scope: Scope, path: PathInput) -> FileInfo:
    """Return the facts of a file; a folder there is not a file."""
    key = scope.key(path)
    try:
        entry = await stat(scope, key)
    except NotFound as missing:
        if scope.backend.traits.hierarchical:
            raise  # it has just looked
        raise await absent(scope, key, missing) from missing.__cause__
    if isinstance(entry, FolderEntry):
        raise scope.error(NotFound, _FOLDER, key)
    return entry


async def head(scope: Scope, path: PathInput) -> WriteResult:
    """Return the facts of a file in the shape of a write's result."""
    found = await file_info(scope, path)
    return written(found, found.key)


def written(info: FileInfo, key: str) -> WriteResult:
    """Turn the facts of a file into the result of its write, under the caller's key."""
    return WriteResult(
        key, info.size, info.etag, info.version, info.modified, info.content_type, info.metadata, info.digest
    )


_FOLDER = "a folder stands here, not a file; list it with list_files or iter_children"


async def absent(scope: Scope, key: str, missing: NotFound) -> NotFound:
    """Ask, once and on the error path only, whether it is a folder or the whole container that explains it.

    Raises:
        ContainerNotFound: the container is missing, as the answer to this question shows.
    """
    if scope.backend.traits.hierarchical and missing.__cause__ is None:
        return missing  # the backend looked for itself and said what it saw
    try:
        if not await _is_folder_there(scope, key):
            return missing
    except ContainerNotFound:
        raise
    except RemoteStoreError:
        return missing  # the first answer stands; the question was only for a better message
    return NotFound(_FOLDER, path=key, backend=missing.backend)


async def _is_folder_there(scope: Scope, key: str) -> bool:
    if scope.backend.traits.hierarchical:
        return isinstance(await stat(scope, key), FolderEntry)
    return await _is_virtual_folder(scope, key)


async def _any_below(scope: Scope, key: str) -> bool:
    lists, full = scope.require(Lists, Capability.LIST), scope.full(key)
    pages = Pages(scope, key, lambda token: lists.list(full, True, token, 1))
    while (page := await pages.next()) is not None:
        if page.entries or page.marked or page.hidden:
            return True
    return False


async def exists(scope: Scope, path: PathInput) -> bool:
    """Say whether a file or folder stands there; False only on proven absence."""
    key = scope.folder(path)
    if not key:
        return await is_folder(scope, path)
    try:
        await stat(scope, key)
    except ContainerNotFound:
        raise
    except NotFound:
        return await _is_virtual_folder(scope, key)
    return True


async def is_file(scope: Scope, path: PathInput) -> bool:
    """Say whether a file stands there."""
    key = scope.folder(path)
    if not key:
        return False
    try:
        return isinstance(await stat(scope, key), FileInfo)
    except ContainerNotFound:
        raise
    except NotFound:
        await _is_virtual_folder(scope, key)  # a missing container raises here; a missing file does not
        return False


async def is_taken(scope: Scope, key: str) -> bool:
    """Say whether a file stands there, by one question: the call that follows will know if the container is missing."""
    try:
        return isinstance(await stat(scope, key), FileInfo)
    except ContainerNotFound:
        raise
    except NotFound:
        return False


async def is_folder(scope: Scope, path: PathInput) -> bool:
    """Say whether a folder stands there; the root always does, once the service answered."""
    key = scope.folder(path)
    if key and scope.backend.traits.hierarchical is False:
        return await _is_virtual_folder(scope, key)
    try:
        # A child's root in a tree is looked at instead: some trees read a whole folder to list one entry.
        if not key and (not scope.root or not scope.backend.traits.hierarchical):
            await _answers(scope)
            return True
        found = await scope.stack.call(Op("stat", key), scope.backend.stat, scope.full(key))
    except ContainerNotFound:
        raise
    except NotFound:
        # A child's root stands before it is made; a flat service may have shown only now that it is one.
        return not key or await _is_virtual_folder(scope, key)
    return not key or isinstance(found, FolderEntry) or await _is_virtual_folder(scope, key)


async def _is_virtual_folder(scope: Scope, key: str) -> bool:
    if scope.backend.traits.hierarchical or Capability.LIST not in scope.stack.capabilities:
        return False
    return await _any_below(scope, key)


async def ping(scope: Scope) -> None:
    """Ask the service what needs credentials and container to be right."""
    await _answers(scope)
    if scope.backend.traits.hierarchical:
        await scope.stack.call(
            Op("stat", ""), scope.backend.stat, ""
        )  # listed as empty, a root may be one still to come


async def _answers(scope: Scope) -> None:
    """Ask one cheap question."""
    if Capability.LIST in scope.stack.capabilities:
        lists = scope.require(Lists, Capability.LIST)
        await scope.stack.call(Op("list", ""), lists.list, scope.root, False, None, 1)
    else:
        await scope.stack.call(Op("stat", ""), scope.backend.stat, scope.root)


def resolve(scope: Scope, path: PathInput) -> ResolutionPlan:
    """Say where a path really lies, without asking the service."""
    key, name = scope.folder(path), scope.backend.traits.name
    try:
        return ResolutionPlan(key, name, scope.backend.native_path(scope.full(key)))
    except ImportError as missing:
        raise missing_extra(missing, name) from missing
