"""Folders that are real: what only the Data Lake service of a hierarchical account can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store.backend import FileInfo
from remote_store.backends._answers import Refused
from remote_store.backends.azure.rest import FOLDER_HERE, etag_of
from remote_store.backends.azure.wire import quoted
from remote_store.errors import NotFound, RemoteStoreError, ResourceLocked

if TYPE_CHECKING:
    from remote_store.backends.azure.rest import Rest

__all__ = ["Tree"]

STEPS = 10_000
"""Answers that one deletion of a folder may take; each clears thousands of entries."""

LAPS = 100
"""Tries to delete a file that others write meanwhile."""


class Tree:
    """The folders of one container."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._wire = rest.wire

    async def file(self, key: str) -> FileInfo:
        """Return the facts of a file; a folder is none."""
        found = await self._rest.stat(key)
        if not isinstance(found, FileInfo):
            raise NotFound(FOLDER_HERE)
        return found

    async def delete(self, key: str, if_match: str | None) -> None:
        """Delete a file, never a folder, which the service would delete as well if it is empty."""
        for _ in range(LAPS):
            found = await self.file(key)
            try:
                await self._rest.delete(key, if_match or found.etag)
            except Refused as refused:
                if refused.code != "ConditionNotMet" or if_match is not None:
                    raise
            else:
                return
        raise ResourceLocked("others write the file faster than it can be deleted; nothing was deleted, try again")

    async def move(self, source: str, target: str, overwrite: bool) -> None:
        """Rename a file in one step; its permissions, metadata and content stay as they are."""
        found = await self.file(source)
        assert found.etag is not None
        try:
            await self._rename(source, target, overwrite, found.etag)
        except Refused as refused:
            if refused.code != "RenameDestinationParentPathNotFound":
                await self._rest.explain(refused, target)
                raise
            await self._make(target.rpartition("/")[0])
            await self._rename(source, target, overwrite, found.etag)

    async def _rename(self, source: str, target: str, overwrite: bool, etag: str) -> None:
        place = "x-ms-rename-source", f"/{self._wire.container}/{quoted(source)}"
        headers = {"x-ms-source-if-match": etag_of(etag)}
        if not overwrite:
            headers["If-None-Match"] = "*"
        await self._wire.ask("PUT", target, {"mode": "legacy"}, headers, dfs=True, source=place)

    async def _make(self, folder: str) -> None:
        """Make a folder and those above it; one that is there stays."""
        try:
            await self._wire.ask("PUT", folder, {"resource": "directory"}, {"If-None-Match": "*"}, dfs=True)
        except Refused as refused:
            if refused.code != "PathAlreadyExists":
                raise

    async def delete_tree(self, folder: str) -> None:
        """Delete a folder with all that is in it; the service does it in one step, or in a few where it is big."""
        await self._prove(folder)
        query = {"recursive": "true"}
        for _ in range(STEPS):
            answer = await self._wire.ask("DELETE", folder, query, dfs=True)
            token = answer.headers.get("x-ms-continuation")
            if not token:
                return
            query = {"recursive": "true", "continuation": token}
        raise RemoteStoreError("the service does not come to an end with the deletion")

    async def remove(self, folder: str) -> None:
        """Delete an empty folder."""
        await self._prove(folder)
        await self._wire.ask("DELETE", folder, {"recursive": "false"}, dfs=True)

    async def _prove(self, folder: str) -> None:
        """Raise unless a folder stands there: the service would delete a file as well."""
        if isinstance(await self._rest.stat(folder), FileInfo):
            raise NotFound("a file stands here, not a folder")
