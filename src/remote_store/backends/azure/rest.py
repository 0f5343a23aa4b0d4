"""The verbs of the Blob service: complete by themselves, and all that obstore has no word for."""

from __future__ import annotations

import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from remote_store.backend import Body, BytesBody, FileInfo, FolderEntry
from remote_store.backends._answers import Refused
from remote_store.backends._obstore import JOINED, gathered
from remote_store.backends.azure.errors import code_of
from remote_store.backends.azure.names import decoded, encoded, is_folder
from remote_store.errors import IntegrityError, InvalidPath, NotFound, PreconditionFailed, RemoteStoreError, Timeout
from remote_store.models import Metadata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from remote_store._io import Io
    from remote_store.backend import Buffer, Entry, PutOptions, Span
    from remote_store.backends.azure.wire import Answer, Wire

__all__ = ["Rest", "conditions", "described", "etag_of", "published"]

CHUNK = 64 << 10
"""Bytes that a chunk of a stream has at least."""

PAUSES = (0.05, 0.2, 0.5, 1.0)
"""Seconds between looks at a copy that the service makes in its own time; the last one again and again."""

STUCK = 300.0
"""Seconds without progress after which a copy is given up."""

FOLDER_HERE = "a folder stands here, not a file; list it with list_files or iter_children"


def etag_of(etag: str) -> str:
    """Return an etag as a header has it; what is none would be refused as a header, not as a condition."""
    return etag if etag.endswith('"') else f'"{etag}"'


def conditions(options: PutOptions) -> dict[str, str]:
    """Return the precondition of a write."""
    if options.if_match is not None:
        return {"If-Match": etag_of(options.if_match)}
    return {} if options.overwrite else {"If-None-Match": "*"}


def described(options: PutOptions) -> dict[str, str]:
    """Return what a request says of a file besides its bytes."""
    said = {f"x-ms-meta-{name}": value for name, value in encoded(options.metadata or {}).items()}
    if options.content_type is not None:
        said["x-ms-blob-content-type"] = options.content_type
    return said


def published(key: str, size: int, options: PutOptions, answer: Answer) -> FileInfo:
    """Return the facts of what was just written, as far as the answer tells them."""
    said = answer.headers
    kept = Metadata(options.metadata or {})
    modified = _stamp(said["Last-Modified"]) if "Last-Modified" in said else time.time()
    return FileInfo(key, size, modified, told(said, "ETag"), options.content_type, kept, said.get("x-ms-version-id"))


class Rest:
    """One container, through our own requests."""

    def __init__(self, wire: Wire, io: Io) -> None:
        self.wire = wire
        self._io = io

    async def stat(self, key: str) -> Entry:
        """Return what stands at a key; at the root the container does."""
        answer = await self.wire.ask("HEAD", key, {} if key else {"restype": "container"})
        if not key:
            return FolderEntry("")
        return entry_of(key, answer.headers)

    async def get(self, key: str, span: Span | None, if_match: str | None, version: str | None) -> Body:
        """Open a file or a range of it."""
        headers = {}
        if span is not None:
            start, length = span
            headers["x-ms-range"] = f"bytes={start}-" if length is None else f"bytes={start}-{start + length - 1}"
        if if_match is not None:
            headers["If-Match"] = etag_of(if_match)
        try:
            response = await self.wire.open(key, {}, headers)
        except Refused as refused:
            if span is None or refused.status != 416:
                raise
            return await self.nothing_of(key, span, if_match)
        body = Stream(self.wire, self._io, key, response)
        if not body.length and isinstance(body.found, FolderEntry):
            await body.close()
            raise NotFound(FOLDER_HERE)
        return body

    async def nothing_of(self, key: str, span: Span, if_match: str | None) -> Body:
        """Answer for a span in which nothing of the file lies; its facts are in no answer yet."""
        found = await self.stat(key)
        if isinstance(found, FolderEntry):
            raise NotFound(FOLDER_HERE)
        if if_match is not None and found.etag != if_match:
            raise PreconditionFailed("the file is another version by now")
        return BytesBody(found, b"", span.offset)

    async def put(self, key: str, data: Buffer, options: PutOptions, *, hierarchical: bool) -> FileInfo:
        """Publish a file whole."""
        headers = {"x-ms-blob-type": "BlockBlob", **described(options), **conditions(options)}
        try:
            answer = await self.wire.ask("PUT", key, {}, headers, data)
        except Refused as refused:
            return await self.put_after(refused, key, data, options, hierarchical=hierarchical)
        return published(key, len(data), options, answer)

    async def put_after(
        self, refused: Exception, key: str, data: Buffer, options: PutOptions, *, hierarchical: bool
    ) -> FileInfo:
        """Find out why a file could not be put, and put it in the other way if only blocks of nobody are in its way."""
        exclusive = not options.overwrite and options.if_match is None
        if exclusive and code_of(refused)[1] == "BlobAlreadyExists":
            found = await self._seen(key)
            if isinstance(found, FileInfo):
                raise refused
            if found is None:
                from remote_store.backends.azure.upload import Upload

                # Emulators take blocks that were never committed for a file; a commit sees that there is none.
                upload = Upload(self, key, options, hierarchical=hierarchical)
                await upload.part(0, data)
                return await upload.commit()
        if hierarchical:
            await self.explain(refused, key)
        raise refused

    async def explain(self, refused: Exception, key: str) -> None:
        """Say of a refused write what in the tree of a hierarchical account is in its way, if that is the reason."""
        status, code = code_of(refused)
        if status not in (404, 409, 412):
            return
        if isinstance(await self._seen(key), FolderEntry):
            raise InvalidPath("a folder stands here; a file cannot be put in its place") from refused
        while code != "BlobAlreadyExists" and (key := key.rpartition("/")[0]):
            if isinstance(found := await self._seen(key), FileInfo):
                raise InvalidPath("a file stands where a folder above this path is needed") from refused
            if found is not None:
                return

    async def _seen(self, key: str) -> Entry | None:
        try:
            return await self.stat(key)
        except Refused as missing:
            if missing.status != 404:
                raise
            return None

    async def delete(self, key: str, if_match: str | None = None) -> None:
        """Delete a file; the service says if there was none."""
        await self.wire.ask("DELETE", key, {}, {} if if_match is None else {"If-Match": etag_of(if_match)})

    async def drop_marker(self, folder: str) -> bool:
        """Delete the empty blob that marks a folder on a flat account by its metadata; say whether there was one."""
        try:
            said = (await self.wire.ask("HEAD", folder)).headers
            if not isinstance(entry_of(folder, said), FolderEntry):
                return False
            await self.delete(folder, said["ETag"])
        except Refused as refused:
            if refused.code not in ("BlobNotFound", "ConditionNotMet"):
                raise
            return False
        return True

    async def copy(self, source: str, target: str, overwrite: bool, if_match: str | None) -> None:
        """Copy a file with all that describes it, and wait until the service has done so."""
        headers = {}
        if not overwrite:
            headers["If-None-Match"] = "*"
        if if_match is not None:
            headers["x-ms-source-if-match"] = etag_of(if_match)
        place = "x-ms-copy-source", self.wire.url(source)
        answer = await self.wire.ask("PUT", target, {}, headers, source=place)
        if told(answer.headers, "x-ms-copy-status") != "success":
            await self._wait_for_copy(target, told(answer.headers, "x-ms-copy-id"))

    async def _wait_for_copy(self, target: str, copy: str) -> None:
        try:
            await self._watch_copy(target, copy)
        except BaseException:
            # An unfinished copy is a file without its bytes: it must not stay.
            await self._drop_copy(target, copy)
            raise

    async def _watch_copy(self, target: str, copy: str) -> None:
        laps, progress, since = 0, "", time.monotonic()
        while True:
            await self._io.sleep(PAUSES[min(laps, len(PAUSES) - 1)])
            laps += 1
            said = (await self.wire.ask("HEAD", target)).headers
            if said.get("x-ms-copy-id") != copy or said.get("x-ms-copy-status") == "success":
                return  # done, or somebody has written over it since
            if said.get("x-ms-copy-status") != "pending":
                raise RemoteStoreError("the service gave the copy up")
            if said.get("x-ms-copy-progress", "") != progress:
                progress, since = said.get("x-ms-copy-progress", ""), time.monotonic()
            elif time.monotonic() - since > STUCK:
                raise Timeout("the service makes no progress with the copy; it was called off")

    async def _drop_copy(self, target: str, copy: str) -> None:
        """Call a copy off and delete what there is of it; the failure that led here is the one to report."""
        with suppress(Refused):  # it has ended by itself
            await self.wire.ask("PUT", target, {"comp": "copy", "copyid": copy}, {"x-ms-copy-action": "abort"})
        try:
            said = (await self.wire.ask("HEAD", target)).headers
            if said.get("x-ms-copy-id") == copy and said.get("x-ms-copy-status") != "success":
                await self.delete(target, said["ETag"])
        except Refused as refused:
            if refused.status not in (404, 412):
                raise


def entry_of(key: str, said: Mapping[str, str]) -> Entry:
    """Return what the headers of an answer say of a file or folder."""
    start = len("x-ms-meta-")
    named = {name[start:]: value for name, value in said.items() if name.lower().startswith("x-ms-meta-")}
    metadata = decoded(named) if named else {}
    size = int(said["Content-Range"].rpartition("/")[2] if "Content-Range" in said else said.get("Content-Length", 0))
    if (not size and is_folder(metadata)) or said.get("x-ms-resource-type") == "directory":
        return FolderEntry(key)
    version, kind = said.get("x-ms-version-id"), said.get("Content-Type")
    modified, etag = _stamp(told(said, "Last-Modified")), told(said, "ETag")
    return FileInfo(key, size, modified, etag, kind, Metadata(metadata), version)


def told(said: Mapping[str, str], name: str) -> str:
    """Return a header that no answer of the service lacks; clients take one that is cut in its head for a whole one."""
    if name not in said:
        raise IntegrityError(f"the answer that arrived is cut or not the service's: it has no {name}")
    return said[name]


def _stamp(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError as odd:
        raise IntegrityError("the answer that arrived has no date that can be read") from odd


class Stream(Body):
    """The bytes of one answer."""

    def __init__(self, wire: Wire, io: Io, key: str, response: Any) -> None:
        said = response.headers
        self.found = entry_of(key, said)
        if isinstance(self.found, FileInfo):
            self.entry = self.found
        self.length = int(said.get("Content-Length", 0))
        placed = said.get("Content-Range")
        self.start = int(placed.removeprefix("bytes ").partition("-")[0]) if placed else 0
        self._wire = wire
        self._io = io
        self._response = response
        self._pieces: Any = None

    async def next(self) -> Buffer:
        if self._pieces is None:
            self._pieces = self._response.iter_raw()
        piece: bytes = await self._io.pick(next, anext, self._pieces, b"")
        if len(piece) >= CHUNK or not piece:
            return piece
        pieces = [piece]
        size = len(piece)
        while size < CHUNK and (piece := await self._io.pick(next, anext, self._pieces, b"")):
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces)

    async def all(self) -> Buffer:
        if self.length > JOINED:
            return await gathered(self, self.length)
        pieces = []
        while piece := await self.next():
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def close(self) -> None:
        await self._wire.end(self._response)
