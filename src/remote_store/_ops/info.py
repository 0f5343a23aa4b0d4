"""What stands where: stat, head, exists, is_file, is_folder, ping."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    return written(await file_info(scope, path))


def written(info: FileInfo) -> WriteResult:
    """Turn the facts of a file into the result of its write."""
    return WriteResult(
        info.key, info.size, info.etag, info.version, info.modified, info.content_type, info.metadata, info.digest
    )


_FOLDER = "a folder stands here, not a file; list it with list_files or iter_children"


async def absent(scope: Scope, key: str, missing: NotFound) -> NotFound:
    """Ask, once and on the error path only, whether it is a folder or the whole container that explains it."""
    if scope.backend.traits.hierarchical and missing.__cause__ is None:
        return missing  # the backend looked for itself and said what it saw
    try:
        if not await _is_folder_there(scope, key):
            return missing
    except ContainerNotFound as container:
        return container
    except RemoteStoreError:
        return missing  # the first answer stands; the question was only for a better message
    return NotFound(_FOLDER, path=key, backend=missing.backend)


async def _is_folder_there(scope: Scope, key: str) -> bool:
    if scope.backend.traits.hierarchical:
        return isinstance(await stat(scope, key), FolderEntry)
    return Capability.LIST in scope.stack.capabilities and await _any_below(scope, key)


async def _any_below(scope: Scope, key: str) -> bool:
    lists = scope.require(Lists, Capability.LIST)
    token: object | None = None
    while True:
        page = await scope.stack.call(Op("list", key), lists.list, scope.full(key), True, token, 1)
        if page.entries or page.marked:
            return True
        token = page.token
        if token is None:
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


async def is_folder(scope: Scope, path: PathInput) -> bool:
    """Say whether a folder stands there; the root always does, once the service answered."""
    key = scope.folder(path)
    if not key and not scope.root:
        await ping(scope)
        return True
    if scope.backend.traits.hierarchical:
        try:
            return isinstance(await scope.stack.call(Op("stat", key), scope.backend.stat, scope.full(key)), FolderEntry)
        except ContainerNotFound:
            raise
        except NotFound:
            return not key  # a child's root may not be made yet
    return await _is_virtual_folder(scope, key)


async def _is_virtual_folder(scope: Scope, key: str) -> bool:
    if scope.backend.traits.hierarchical or Capability.LIST not in scope.stack.capabilities:
        return False
    return await _any_below(scope, key) or not key


async def ping(scope: Scope) -> None:
    """Ask the service one cheap question that needs credentials and container to be right."""
    if Capability.LIST in scope.stack.capabilities:
        lists = scope.require(Lists, Capability.LIST)
        await scope.stack.call(Op("list", ""), lists.list, scope.root, False, None, 1)
    else:
        await scope.stack.call(Op("stat", ""), scope.backend.stat, scope.root)


def resolve(scope: Scope, path: PathInput) -> ResolutionPlan:
    """Say where a path really lies, without asking the service."""
    key = scope.folder(path)
    return ResolutionPlan(key, scope.backend.traits.name, scope.backend.native_path(scope.full(key)))
