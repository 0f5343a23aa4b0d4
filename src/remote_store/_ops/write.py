"""Writing: small contents in one put, everything else in parts that nobody sees until the commit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from remote_store._arguments import check_codec, check_etag, check_flag
from remote_store._ops import info
from remote_store._source import open_source, whole
from remote_store.backend import Op, PutOptions, Puts, Uploads
from remote_store.capabilities import Capability
from remote_store.errors import AlreadyExists, NotFound, PreconditionFailed, RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from remote_store._io import Group, Task
    from remote_store._source import AsyncContent
    from remote_store._stack import Scope
    from remote_store.backend import Buffer, FileInfo, Upload
    from remote_store.models import WriteResult
    from remote_store.path import PathInput

_METADATA_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,127}").fullmatch
_METADATA_VALUE = re.compile(r"[\x20-\x7e]*").fullmatch
_TAKEN = "a file stands here already; pass overwrite=True to replace it"
METADATA_LIMIT = 2048
"""Bytes of all metadata keys and values together; what S3 allows."""


def put_options(
    overwrite: bool, metadata: Mapping[str, str] | None, content_type: str | None, if_match: str | None
) -> PutOptions:
    """Check the types of a write's options and put them together."""
    check_flag("overwrite", overwrite)
    if if_match is not None:
        check_etag(if_match)
    if metadata is not None and not hasattr(metadata, "items"):
        raise TypeError(f"metadata is a mapping of str to str, not {type(metadata).__name__}")
    return PutOptions(overwrite, if_match, metadata or None, content_type)


async def write(
    scope: Scope, path: PathInput, content: AsyncContent, options: PutOptions, *, atomic: bool = False
) -> WriteResult:
    """Publish a file whole and return what was published."""
    key = prepare(scope, path, options, Capability.ATOMIC_WRITE if atomic else Capability.WRITE)
    data = whole(content)
    limit = scope.backend.traits.put_limit
    if data is not None and (limit is None or len(data) <= limit):
        return info.written(await _put(scope, key, data, options), key)
    async with open_source(scope.stack.io, content) as source:
        publication = Publication(scope, key, options)
        publication.expect(source.left())
        try:
            while chunk := await source.next(publication.part_size):
                await publication.write(chunk)
            return await publication.commit()
        except BaseException:
            await publication.abort()
            raise


def prepare(scope: Scope, path: PathInput, options: PutOptions, capability: Capability) -> str:
    """Check everything about a write that can be checked before any I/O, and return the key."""
    key = scope.key(path)
    scope.require(Puts, capability, key)
    if options.if_match is not None and Capability.COMPARE_AND_SWAP not in scope.stack.capabilities:
        raise scope.lacks(Capability.COMPARE_AND_SWAP, key)
    if options.metadata or options.content_type is not None:
        if Capability.USER_METADATA not in scope.stack.capabilities:
            raise scope.lacks(Capability.USER_METADATA, key)
        _check_metadata(options.metadata or {}, options.content_type)
    return key


def _check_metadata(metadata: Mapping[str, str], content_type: str | None) -> None:
    for name, value in metadata.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"metadata maps str to str, not {type(name).__name__} to {type(value).__name__}")
        if not _METADATA_KEY(name):
            raise ValueError(f"metadata key {name!r} is not lower-case letters, digits, '-' and '_'")
        if not _METADATA_VALUE(value) or value != value.strip():
            raise ValueError(f"the value of metadata key {name!r} is not printable ASCII without outer spaces")
    if sum(len(name) + len(value) for name, value in metadata.items()) > METADATA_LIMIT:
        raise ValueError(f"metadata is longer than {METADATA_LIMIT} bytes")
    if content_type is not None:
        if not isinstance(content_type, str):
            raise TypeError(f"content_type is a str or None, not {type(content_type).__name__}")
        if not content_type or not _METADATA_VALUE(content_type) or content_type != content_type.strip():
            raise ValueError("content_type is a media type in printable ASCII without outer spaces, such as 'text/csv'")


async def _put(scope: Scope, key: str, data: Buffer, options: PutOptions) -> FileInfo:
    puts: Any = scope.backend
    op = Op("put", key, repeatable=options.overwrite and options.if_match is None, writes=True)
    try:
        done: FileInfo = await scope.stack.call(op, puts.put, scope.prefix + key, data, options)
    except NotFound as error:
        raise _swapped(scope, key, options, error) from error.__cause__
    except PreconditionFailed as error:
        raise _taken(scope, key, options, error) from error.__cause__
    return done


def _swapped(scope: Scope, key: str, options: PutOptions, error: NotFound) -> Exception:
    """A swap of a file that is gone failed its precondition."""
    if options.if_match is None or type(error) is not NotFound:
        return error
    return scope.error(PreconditionFailed, "the file that if_match names is gone", key)


def _taken(scope: Scope, key: str, options: PutOptions, error: PreconditionFailed) -> Exception:
    """Services answer a refused exclusive create with a failed precondition."""
    if options.if_match is not None or options.overwrite:
        return error
    return scope.error(AlreadyExists, _TAKEN, key)


def encoded(text: str, encoding: str, errors: str) -> bytes:
    """Return text as bytes; newlines stay as they are."""
    if not isinstance(text, str):
        raise TypeError(f"text is a str, not {type(text).__name__}; write takes bytes")
    check_codec(encoding, errors)
    return text.encode(encoding, errors)


def open_publication(scope: Scope, path: PathInput, options: PutOptions) -> Publication:
    """Begin a file that is written piece by piece; no I/O yet."""
    return Publication(scope, prepare(scope, path, options, Capability.ATOMIC_WRITE), options)


class Publication:
    """A file being written: parts out of sight, one commit, or nothing at all.

    Content that fits one part is put whole. A backend without Uploads gets everything in one put.
    """

    def __init__(self, scope: Scope, key: str, options: PutOptions) -> None:
        self._scope = scope
        self._key = key
        self._options = options
        self._limits = scope.backend.traits.parts
        self._uploads = isinstance(scope.backend, Uploads)
        self.part_size = self._limits.size
        self._buffer = bytearray()
        self._upload: Upload | None = None
        self._number = 0
        self._group: Group | None = None
        self._on_way: list[Task[None]] = []
        self._broken = False
        self.size = 0

    def expect(self, size: int | None) -> None:
        """Share so many bytes evenly among the parts that travel together: a last round of few would waste the rest."""
        smallest, _, parallel = self._limits
        if size is not None and parallel > 1:
            rounds = -(-5 * size // (6 * smallest * parallel))  # parts grow by a fifth at most, to spare memory
            self.part_size = max(smallest, -(-size // (parallel * max(rounds, 1))))

    async def write(self, data: Buffer) -> None:
        """Take the next bytes; they may be reused by the caller afterwards. After a failure nothing is published."""
        self.size += len(data)
        if not self._uploads or len(self._buffer) + len(data) <= self.part_size:
            self._buffer += data
            return
        self._prove_whole()
        try:
            await self._send_full(memoryview(data))
        except BaseException:
            self._broken = True  # the caller may swallow this and go on
            raise

    def _prove_whole(self) -> None:
        if self._broken:
            message = "an earlier part of this file failed or was cancelled; begin the file again"
            raise self._scope.error(RemoteStoreError, message, self._key)

    async def _send_full(self, view: memoryview) -> None:
        """Send the parts that are full by now, and keep the rest."""
        while len(self._buffer) + len(view) > self.part_size:
            room = self.part_size - len(self._buffer)
            if self._buffer:
                self._buffer += view[:room]
                part, self._buffer = self._buffer, bytearray()
                await self._send(part)
            else:
                await self._send(view[:room] if self._limits.parallel < 2 else bytes(view[:room]))
            view = view[room:]
        self._buffer += view

    async def _send(self, part: Buffer) -> None:
        if self._upload is None:
            await self._begin()
        assert self._upload is not None
        number, self._number = self._number, self._number + 1
        if self._number % 1000 == 0:
            self.part_size *= 2  # 10,000 parts then hold more than any service's largest object
        op = Op("part", self._key, writes=True)
        if self._limits.parallel < 2:
            await self._scope.stack.call(op, self._upload.part, number, part)
            return
        if self._group is None:
            self._group = self._scope.stack.io.group(self._limits.parallel)
        while len(self._on_way) >= self._limits.parallel:
            await self._on_way.pop(0).result()
        self._on_way.append(self._group.spawn(self._scope.stack.call, op, self._upload.part, number, part))

    async def _begin(self) -> None:
        uploads: Any = self._scope.backend
        if (
            not self._options.overwrite
            and self._options.if_match is None
            and await info.is_taken(self._scope, self._key)
        ):
            # The commit decides; asking now saves the bytes of an upload that cannot win.
            raise self._scope.error(AlreadyExists, _TAKEN, self._key)
        key = self._scope.prefix + self._key
        op = Op("begin", self._key, repeatable=False, writes=True)
        self._upload = await self._scope.stack.call(op, uploads.begin, key, self._options)

    async def commit(self) -> WriteResult:
        """Publish everything that was written."""
        self._prove_whole()
        data, self._buffer = self._buffer, bytearray()
        if self._upload is None:
            return info.written(await _put(self._scope, self._key, data, self._options), self._key)
        await self._send(data)  # never empty: a full part is sent only when there is a byte behind it
        while self._on_way:
            await self._on_way.pop(0).result()
        await self._leave_group()
        op = Op("commit", self._key, repeatable=False, writes=True)
        try:
            done = await self._scope.stack.call(op, self._upload.commit)
        except NotFound as error:
            raise _swapped(self._scope, self._key, self._options, error) from error.__cause__
        except PreconditionFailed as error:
            raise _taken(self._scope, self._key, self._options, error) from error.__cause__
        self._upload = None
        return info.written(done, self._key)

    @property
    def has_begun(self) -> bool:
        """Whether there is something that only ``abort`` takes away."""
        return self._upload is not None

    def forget_tasks(self) -> None:
        """Let ``abort`` wait for no parts on their way: their event loop is gone."""
        self._group = None

    async def abort(self) -> None:
        """Leave nothing behind; safe to call at any time, also twice. What led here is the error to report."""
        self._buffer = bytearray()
        self._on_way.clear()
        try:
            await self._leave_group()
        finally:
            upload, self._upload = self._upload, None
            if upload is not None:
                await self._drop(upload)

    async def _drop(self, upload: Upload) -> None:
        try:
            await self._scope.stack.call(Op("abort", self._key), upload.abort)
        except RemoteStoreError as error:
            import logging

            logging.getLogger("remote_store").warning("an unpublished upload was left behind: %a", str(error))

    async def _leave_group(self) -> None:
        group, self._group = self._group, None
        if group is not None:
            await group.close()
