"""obstore's engine in the words of Google Cloud Storage, where a generation names a version better than an etag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remote_store.backend import FileInfo, FolderEntry, Page
from remote_store.backends._listed import is_normal, order
from remote_store.backends._obstore import Engine
from remote_store.errors import PreconditionFailed

if TYPE_CHECKING:
    from remote_store.backend import Body, Buffer, Entry, PutOptions, Span

__all__ = ["GcsEngine"]

PAGE = 1000
"""Entries of one answer."""


def _named(info: FileInfo) -> FileInfo:
    """Make the generation the etag: preconditions of writes want it."""
    return info._replace(etag=info.version or info.etag, version=None)


class GcsEngine(Engine):
    """One bucket."""

    async def stat(self, key: str, version: str | None = None) -> FileInfo:
        """Return the facts of an object."""
        return _named(await super().stat(key, version))

    async def get(self, key: str, span: Span | None, if_match: str | None, version: str | None) -> Body:
        """Open an object or a range of it; a generation that is gone has been replaced."""
        try:
            body = await super().get(key, span, None, if_match or version)
        except FileNotFoundError:
            if if_match is None:
                raise
            await super().stat(key)  # raises if the object itself is gone
            raise PreconditionFailed("the file is another version by now") from None
        body.entry = _named(body.entry)
        return body

    async def put(self, key: str, data: Buffer, options: PutOptions) -> FileInfo:
        """Publish an object whole."""
        if options.if_match is not None and not options.if_match.isdecimal():
            await super().stat(key)
            raise PreconditionFailed("if_match names no generation of the file")
        return _named(await super().put(key, data, options))

    def _mode(self, options: PutOptions) -> Any:
        if options.if_match is not None:
            return {"e_tag": options.if_match, "version": options.if_match}
        return "overwrite" if options.overwrite else "create"

    async def delete_version(self, key: str, if_match: str) -> None:
        """Delete an object if it is the generation that was named; asked first, as obstore has no condition here."""
        if (await self.stat(key)).etag != if_match:
            raise PreconditionFailed("the file is another version by now")
        await self.delete(key)

    async def copy(self, source: str, target: str, overwrite: bool) -> None:
        """Copy an object inside the service."""
        obs = self._obs
        await self._io.pick(obs.copy, obs.copy_async, self.store, source, target, overwrite=overwrite)

    async def page(self, folder: str, recursive: bool, token: object | None, limit: int | None) -> Page:
        """Return the next page below a folder."""
        prefix = f"{folder}/" if folder else None
        if recursive:
            return await self._deep(prefix, token, min(limit or PAGE, PAGE))
        obs = self._obs
        call = obs.list_with_delimiter, obs.list_with_delimiter_async
        found = await self._io.pick(*call, self.store, prefix)
        entries: list[Entry] = [*_files(found["objects"]), *[FolderEntry(name) for name in found["common_prefixes"]]]
        entries.sort(key=order)
        return Page(entries)

    async def _deep(self, prefix: str | None, token: Any, limit: int) -> Page:
        stream = self._obs.list(self.store, prefix, offset=token, chunk_size=limit)
        found = await self._io.pick(next, anext, stream, [])
        last = found[-1]["path"] if len(found) == limit else None
        return Page(_files(found), last)


def _files(found: Any) -> list[FileInfo]:
    return [
        FileInfo(meta["path"], meta["size"], meta["last_modified"].timestamp())
        for meta in found
        if is_normal(meta["path"])
    ]
