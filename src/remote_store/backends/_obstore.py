"""The engine of object stores: obstore (Rust, native in both colours) behind the SPI's verbs, whatever the service."""

from __future__ import annotations

import os
import re
import sys
import time
import weakref
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from remote_store.backend import Body, BytesBody, FileInfo
from remote_store.errors import PreconditionFailed
from remote_store.models import Metadata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from remote_store._io import Io
    from remote_store.backend import Buffer, PutOptions, Span

__all__ = ["Engine", "Failure", "Names", "client_options", "failure", "gathered", "is_usable", "restart_after_fork"]

CHUNK = 256 << 10
"""Bytes a chunk of a stream has at least."""

JOINED = 1 << 20
"""Bytes that obstore may collect and join by itself, which takes twice their room for a moment."""

_STANDARD = frozenset(
    {"Content-Type", "Content-Disposition", "Content-Encoding", "Content-Language", "Cache-Control", "Storage-Class"}
)
_HEAD: Any = {"head": True}


class Restarts(Protocol):
    """What holds connections, and begins anew in a forked process, whose parent owns them."""

    def restart(self) -> None:
        """Forget every connection, without closing it."""


_holders: weakref.WeakSet[Restarts] = weakref.WeakSet()
_state = {"lost": False}


def restart_after_fork(holder: Restarts) -> None:
    """Let a holder of connections begin anew in every process that is forked while it lives."""
    _holders.add(holder)


def _after_fork() -> None:
    # Its runtime threads stay in the parent: in a child every call would wait for them without end.
    _state["lost"] = _state["lost"] or "obstore" in sys.modules
    for holder in _holders:
        holder.restart()


os.register_at_fork(after_in_child=_after_fork)


def is_usable() -> bool:
    """Say whether obstore works in this process."""
    return not _state["lost"]


def client_options(connect_timeout: float, read_timeout: float, ca_bundle: str | None, *, http: bool) -> dict[str, Any]:
    """Return the options of a store's HTTP client."""
    options: dict[str, Any] = {
        "connect_timeout": timedelta(seconds=connect_timeout),
        "read_timeout": timedelta(seconds=read_timeout),
        # This one would span the whole body and cut a long stream, however steadily it flows.
        "timeout": timedelta(days=30),
        "allow_http": http,
        "pool_idle_timeout": timedelta(seconds=30),
    }
    if ca_bundle is not None:
        from pathlib import Path

        options["root_certificate"] = Path(ca_bundle).read_bytes()
    return options


class Names(Protocol):
    """How a service that takes only some names of metadata keeps the others; a module may be one."""

    def encoded(self, metadata: Mapping[str, str]) -> dict[str, str]:
        """Return metadata under names that the service takes."""

    def decoded(self, metadata: Mapping[str, str]) -> dict[str, str]:
        """Return metadata under the names that the user gave."""


class Engine:
    """One store of obstore, bound to an io."""

    def __init__(self, store: Any, io: Io, names: Names | None = None) -> None:
        import obstore

        self.store = store
        self._io = io
        self._obs = obstore
        self._names = names

    async def stat(self, key: str, version: str | None = None) -> FileInfo:
        """Return the facts of an object, metadata and content type included."""
        return await self._facts(key, version)

    async def _facts(self, key: str, version: str | None) -> FileInfo:
        options = _HEAD if version is None else {"head": True, "version": version}
        got = await self._io.pick(self._obs.get, self._obs.get_async, self.store, key, options=options)
        return _info(key, got, self._names)

    async def get(self, key: str, span: Span | None, if_match: str | None, version: str | None) -> Body:
        """Open an object or a range of it."""
        options: Any = {}
        if span is not None:
            start, length = span
            options["range"] = {"offset": start} if length is None else (start, start + length)
        if if_match is not None:
            options["if_match"] = if_match
        if version is not None:
            options["version"] = version
        obs = self._obs
        try:
            got = await self._io.pick(obs.get, obs.get_async, self.store, key, options=options or None)
        except obs.exceptions.GenericError as refused:
            if span is None or not _lies_behind(refused):
                raise
            empty = refused
        else:
            return _Stream(self._io, key, got, self._names)
        # Nothing of the file lies in the span; its facts are in no answer yet.
        found = await self._facts(key, version)
        if found.size > span.offset:
            raise empty
        if if_match is not None and found.etag != if_match:
            raise PreconditionFailed("the file is another version by now")
        return BytesBody(found, b"", span.offset)

    async def put(self, key: str, data: Buffer, options: PutOptions) -> FileInfo:
        """Publish an object whole; its time of change is this machine's, as the answer carries none."""
        _, _, metadata, content_type = options
        attributes: dict[str, str] | None = None
        if metadata or content_type is not None:
            attributes = dict(metadata or ()) if self._names is None else self._names.encoded(metadata or {})
            if content_type is not None:
                attributes["Content-Type"] = content_type
        obs = self._obs
        done = await self._io.pick(
            obs.put,
            obs.put_async,
            self.store,
            key,
            data,
            mode=self._mode(options),
            attributes=attributes,
            use_multipart=False,
        )
        kept = Metadata(metadata or {})
        return FileInfo(key, len(data), time.time(), done["e_tag"], content_type, kept, done["version"])

    def _mode(self, options: PutOptions) -> Any:
        """Return the precondition of a write."""
        if options.if_match is not None:
            return {"e_tag": options.if_match}
        return "overwrite" if options.overwrite else "create"

    async def delete(self, key: str) -> None:
        """Delete an object; most services say nothing of a missing one."""
        await self._io.pick(self._obs.delete, self._obs.delete_async, self.store, key)

    def sign(self, key: str, expires: float, method: Any) -> str:
        """Return a signed link; no request."""
        return self._obs.sign(self.store, method, key, timedelta(seconds=expires))


def _lies_behind(refused: Exception) -> bool:
    """Say whether a range begins behind the end of the file; some services send an empty one, which obstore refuses."""
    text = str(refused)
    return failure(refused).status == 416 or "StartTooLarge" in text or "ParseContentRange" in text


def _info(key: str, got: Any, names: Names | None) -> FileInfo:
    meta, attributes = got.meta, got.attributes
    metadata = Metadata((name, value) for name, value in attributes.items() if name not in _STANDARD)
    if names is not None and metadata:
        metadata = Metadata(names.decoded(metadata))
    modified = meta["last_modified"].timestamp()
    content_type = attributes.get("Content-Type")
    return FileInfo(key, meta["size"], modified, meta["e_tag"], content_type, metadata, meta["version"])


class _Stream(Body):
    """The bytes of one answer."""

    def __init__(self, io: Io, key: str, got: Any, names: Names | None) -> None:
        self.start, end = got.range
        self.length = end - self.start
        self._names = names
        self._io = io
        self._key = key
        self._got = got
        self._chunks: Any = None

    def __getattr__(self, name: str) -> Any:
        # Reading a small file never looks at its facts, and they are a tenth of its cost.
        if name != "entry":
            raise AttributeError(name)
        self.entry = _info(self._key, self._got, self._names)
        return self.entry

    async def next(self) -> Buffer:
        if self._chunks is None:
            self._chunks = self._got.stream(min_chunk_size=CHUNK)
        chunk: Buffer = await self._io.pick(next, anext, self._chunks, b"")
        return chunk

    async def all(self) -> Buffer:
        if self._chunks is None and self.length <= JOINED:
            data: Buffer = await self._io.pick(self._got.bytes, self._got.bytes_async)
            return data
        return await gathered(self, self.length)

    async def close(self) -> None:
        self._got = self._chunks = None  # unread bytes end their connection


async def gathered(body: Body, length: int) -> Buffer:
    """Return what is left of a body, filled into one buffer."""
    import mmap

    # A map of its own goes back to the system at once; the heap would keep a part or two for every thread.
    kind = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_POPULATE", 0)
    buffer, at = memoryview(mmap.mmap(-1, length, kind)), 0
    while chunk := await body.next():
        if at + len(chunk) > length:
            return b"".join((buffer[:at], chunk))  # more than was announced: the caller finds out
        buffer[at : at + len(chunk)] = chunk
        at += len(chunk)
    return buffer[:at]


class Failure(NamedTuple):
    """What an error of obstore says, read from its text: it has no other form."""

    status: int | None
    """The service's HTTP status, None where no answer came."""
    code: str | None
    """The service's own word for it, such as ``NoSuchKey``."""
    cause: str | None
    """Why no answer came: ``Connect``, ``Timeout``, ``Interrupted``, ``Request``, …"""


_STATUS = re.compile(r"Server returned (?:non-2xx|error) status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_CAUSE = re.compile(r"HttpError \{\s*kind: (\w+)")


def failure(exc: Exception) -> Failure:
    """Read an error of obstore."""
    text = str(exc)
    status, code, cause = _STATUS.search(text), _CODE.search(text), _CAUSE.search(text)
    return Failure(int(status[1]) if status else None, code[1] if code else None, cause[1] if cause else None)
