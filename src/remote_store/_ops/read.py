"""Reading: whole files, ranges, many files, and the Feed behind every stream."""

from __future__ import annotations

import io
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from remote_store._arguments import check_codec, check_concurrency
from remote_store._ops import info
from remote_store.backend import Body, GetsMany, Op, Span
from remote_store.capabilities import Capability
from remote_store.errors import IntegrityError, NotFound, PreconditionFailed, RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence
    from typing import Any

    from remote_store._io import Group, Task
    from remote_store._stack import Scope
    from remote_store.backend import Buffer, FileInfo
    from remote_store.path import PathInput

T = TypeVar("T")

PART = 2 << 20
"""Bytes of one range request where several fetch one big object: many small ones hide latency in little memory."""

TASTE = 512 << 10
"""Bytes that a reader takes before the rest of a big object is asked for ahead: many read only a header."""

SHORT = "the stream ended {missing} bytes early; the file may have been cut or replaced while it was read"
LONG = "more bytes arrived than were announced"
BROKEN = "an earlier read of this stream failed, was cancelled or still goes on; open the file again"
ELSEWHERE = "the service sent other bytes of the file than were asked for"


async def open_feed(
    scope: Scope, path: PathInput, *, span: Span | None = None, etag: str | None = None, version: str | None = None
) -> Feed:
    """Open a file for reading; one request."""
    key = scope.key(path)
    need_versions(scope, key, version)
    return Feed(scope, key, await _open(scope, key, span, etag, version))


def need_versions(scope: Scope, key: str, version: str | None) -> None:
    """Refuse a version where the store keeps none."""
    if version is None:
        return
    if not isinstance(version, str):
        raise TypeError(f"version is a str or None, not {type(version).__name__}")
    if Capability.VERSIONS not in scope.stack.capabilities:
        raise scope.lacks(Capability.VERSIONS, key)


async def _open(scope: Scope, key: str, span: Span | None, etag: str | None, version: str | None) -> Body:
    try:
        return await scope.stack.call(Op("get", key), scope.backend.get, scope.prefix + key, span, etag, version)
    except NotFound as missing:
        raise await info.absent(scope, key, missing) from missing.__cause__


async def read_bytes(scope: Scope, path: PathInput, *, version: str | None = None) -> bytes:
    """Return a whole file; a big one is fetched by several range requests into one buffer."""
    key = scope.key(path)
    need_versions(scope, key, version)
    return await _whole(scope, key, None, version)


async def _whole(scope: Scope, key: str, span: Span | None, version: str | None) -> bytes:
    try:
        got = await scope.stack.call(Op("get", key), _take, scope, key, span, version)
    except NotFound as missing:
        raise await info.absent(scope, key, missing) from missing.__cause__
    if isinstance(got, Body):
        return await Feed(scope, key, got).all()
    return bytes(got)  # no copy of what is bytes already


async def read_text(scope: Scope, path: PathInput, encoding: str, errors: str) -> str:
    """Return a whole file as text."""
    check_codec(encoding, errors)
    return (await read_bytes(scope, path)).decode(encoding, errors)


async def _take(scope: Scope, key: str, span: Span | None, version: str | None) -> Buffer | Body:
    """Fetch a file in one trip, or hand back its open body if it is better fetched in parts."""
    body = await scope.backend.get(scope.prefix + key, span, None, version)
    return body if _worth_parts(scope, body) else await _drain(body)


async def _drain(body: Body) -> Buffer:
    """Read a body to its end, check its length and let go of it."""
    try:
        data = await body.all()
    finally:
        await body.close()
    if len(data) < body.length:
        raise IntegrityError(SHORT.format(missing=body.length - len(data)))
    if len(data) > body.length:
        raise IntegrityError(LONG)
    return data


def _worth_parts(scope: Scope, body: Body) -> bool:
    return body.length >= 2 * PART and scope.backend.traits.parallel_reads > 1 and body.entry.etag is not None


async def read_range(scope: Scope, path: PathInput, offset: int, length: int | None) -> bytes:
    """Return the bytes of ``[offset, offset + length)`` that exist, as slicing does."""
    key = scope.key(path)
    for name, value in (("offset", offset), ("length", 0 if length is None else length)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} is an int, not {type(value).__name__}")
        if value < 0:
            raise ValueError(f"{name} is 0 or more, not {value}")
    if length == 0:
        await info.file_info(scope, key)
        return b""
    if Capability.LAZY_READ not in scope.stack.capabilities:
        whole = await read_bytes(scope, key)
        return whole[offset:] if length is None else whole[offset : offset + length]
    return await _whole(scope, key, Span(offset, length), None)


async def read_part(scope: Scope, key: str, offset: int, length: int, etag: str | None, version: str | None) -> Buffer:
    """Return one range of one version of a file; fewer bytes are an error."""
    return await scope.stack.call(Op("get", key), _part, scope, key, offset, length, etag, version)


async def _part(scope: Scope, key: str, offset: int, length: int, etag: str | None, version: str | None) -> Buffer:
    body = await scope.backend.get(scope.prefix + key, Span(offset, length), etag, version)
    data = await _drain(body)
    if body.start != offset or len(data) > length:
        raise IntegrityError(ELSEWHERE, retryable=False)
    if len(data) < length:
        raise IntegrityError(SHORT.format(missing=length - len(data)), retryable=False)
    return data


async def _get_many(scope: Scope, keys: list[str]) -> Sequence[Buffer | None]:
    gets: Any = scope.backend
    full = [scope.prefix + key for key in keys]
    found: Sequence[Buffer | None] = await scope.stack.call(Op("get_many", keys[0]), gets.get_many, full)
    return found


class ManyReads:
    """Several files on their way at once; ``next`` returns them in the order they were named."""

    def __init__(self, scope: Scope, paths: Iterable[PathInput], concurrency: int | None) -> None:
        if isinstance(paths, str | bytes):
            raise TypeError("read_many takes several paths; read_bytes takes one")
        limit = check_concurrency(concurrency, scope.stack.at_once)
        self._scope = scope
        self._limit = limit
        self._paths = iter(paths)
        self._group = scope.stack.io.group(limit)
        self._batch = 1
        if isinstance(scope.backend, GetsMany):
            self._batch = limit if concurrency is None else (limit + 1) // 2  # two of them are on their way
        self._batches: list[tuple[list[str], Task[Sequence[Buffer | None]]]] = []
        self._ahead: list[tuple[str, Task[bytes] | Buffer]] = []
        self._failure: Exception | None = None

    async def next(self) -> tuple[str, bytes] | None:
        """Return the next path and its bytes, or None at the end."""
        if self._batch > 1:  # one alone spares no trip
            await self._ask_in_batches()
        else:
            while len(self._ahead) < 2 * self._limit and (key := self._next_key()) is not None:
                self._ahead.append((key, self._alone(key)))
        if not self._ahead:
            failure, self._failure = self._failure, None
            if failure is not None:
                raise failure
            return None
        key, got = self._ahead.pop(0)
        if isinstance(got, bytes | bytearray | memoryview):
            return key, bytes(got)
        return key, await got.result()

    def _next_key(self) -> str | None:
        if self._failure is not None:
            return None
        try:
            return self._scope.key(next(self._paths))
        except StopIteration:
            return None
        except Exception as error:  # noqa: BLE001  its turn comes after the files named before it
            self._failure = error
            return None

    async def _ask_in_batches(self) -> None:
        """Keep two batches on their way; what comes back unread is read alone, and says itself what is wrong."""
        while len(self._batches) < 2:
            keys = list(islice(iter(self._next_key, None), self._batch))
            if not keys:
                break
            self._batches.append((keys, self._group.spawn(_get_many, self._scope, keys)))
        if not self._ahead and self._batches:
            keys, task = self._batches.pop(0)
            for key, data in zip(keys, await task.result(), strict=True):
                self._ahead.append((key, self._alone(key) if data is None else data))

    def _alone(self, key: str) -> Task[bytes]:
        return self._group.spawn(read_bytes, self._scope, key)

    async def close(self) -> None:
        """Drop what is still on its way."""
        await self._group.close()


class Feed:
    """The pull side of a read: chunks in order, of one version, their length checked.

    A cut stream is taken up again where it broke. A big object on a service that likes it comes by several range
    requests at once, the first of which is the stream that was opened anyway.
    """

    def __init__(self, scope: Scope, key: str, body: Body) -> None:
        self._scope = scope
        self._key = key
        self._body: Body | None = body
        self._fills = type(body).fill is not Body.fill
        self.entry: FileInfo = body.entry if not scope.prefix else body.entry._replace(key=key)
        self._at = body.start
        self._end = body.start + body.length
        self.length = body.length
        self._first_part_ends = self._at + PART if _worth_parts(scope, body) else self._end
        self._group: Group | None = None
        self._ahead: list[Task[Buffer]] = []
        self._asked = self._first_part_ends
        self._ahead_from = self._at + TASTE
        self._cuts = 0
        self._broken = False

    async def next(self) -> Buffer:
        """Return the next bytes, or empty bytes at the end; after a failure there are none any more."""
        if self._broken:
            raise self._integrity(BROKEN, retryable=False)
        self._broken = True  # until the bytes are here: what a failed or cancelled read had taken is lost
        data = await self._next()
        self._broken = False
        return data

    async def fill(self, buffer: memoryview) -> int | None:
        """Put the next bytes at the start of a buffer and return how many; None where they come by ``next`` alone."""
        room = self._end - self._at
        if self._broken or not room or self._first_part_ends < self._end or not self._fills:
            return None
        self._broken = True
        count = await self._pull(lambda body: body.fill(buffer[:room]))
        if count is not None and count > min(room, len(buffer)):
            raise self._integrity(LONG)
        self._broken = False
        self._at += count or 0
        return count

    async def _next(self) -> Buffer:
        if self._at >= self._ahead_from:
            self._ask_ahead()
        if self._at < self._first_part_ends:
            return await self._next_of_body()
        if self._at >= self._end:
            await self._expect_end()
            return b""
        data = await self._ahead.pop(0).result()
        self._at += len(data)
        return data

    async def _next_of_body(self) -> Buffer:
        data = await self._pull(lambda body: body.next())
        room = self._first_part_ends - self._at
        if len(data) > room and self._first_part_ends == self._end:
            raise self._integrity(LONG)
        if len(data) >= room:
            data = memoryview(data)[:room]
            if self._first_part_ends < self._end:
                await self._release()
        self._at += len(data)
        return data

    async def _pull(self, take: Callable[[Body], Coroutine[Any, Any, T]]) -> T:
        """Take bytes of the open body, opening it again where it was cut."""
        while True:
            try:
                if self._body is None:
                    await self._reopen()
                assert self._body is not None
                taken = await self._scope.stack.call(Op("chunk", self._key, repeatable=False), take, self._body)
                if taken or taken is None:
                    self._cuts = 0
                    return taken
                raise self._integrity(SHORT.format(missing=self._end - self._at))
            except RemoteStoreError as error:
                await self._release()
                self._cuts += 1
                if not error.retryable or not self._can_resume() or self._cuts >= self._scope.stack.retry.attempts:
                    raise
                await self._scope.stack.io.sleep(self._scope.stack.retry.wait(self._cuts, error))

    def _can_resume(self) -> bool:
        pinned = self.entry.etag is not None or self.entry.version is not None
        return pinned and self._scope.backend.traits.ranges

    async def _reopen(self) -> None:
        span = Span(self._at, self._end - self._at)
        try:
            self._body = await _open(self._scope, self._key, span, self.entry.etag, self.entry.version)
        except (NotFound, PreconditionFailed) as gone:
            raise self._integrity("the file was replaced or deleted while it was read", retryable=False) from gone
        if self._body.start != self._at:
            raise self._integrity(ELSEWHERE, retryable=False)

    def _ask_ahead(self) -> None:
        window = self._scope.backend.traits.parallel_reads
        while self._asked < self._end and len(self._ahead) < window:
            if self._group is None:
                self._group = self._scope.stack.io.group(window)
            length = min(PART, self._end - self._asked)
            pins = (self.entry.etag, self.entry.version)
            self._ahead.append(self._group.spawn(read_part, self._scope, self._key, self._asked, length, *pins))
            self._asked += length

    async def _expect_end(self) -> None:
        """Prove that the body ends where it said it would."""
        if self._body is not None:
            extra = await self._scope.stack.call(Op("chunk", self._key, repeatable=False), self._body.next)
            await self._release()
            if extra:
                raise self._integrity(LONG)

    async def all(self) -> bytes:
        """Return all that is left, in one buffer."""
        # It grows by remapping and hands its buffer over without a copy; taking the room at once would fill it twice.
        buffer = io.BytesIO()
        self._ahead_from = self._at
        try:
            while data := await self.next():
                buffer.write(data)
        finally:
            await self.close()
        return buffer.getvalue()

    async def close(self) -> None:
        """Let go of everything; safe to call twice."""
        try:
            await self._release()
        finally:
            group, self._group = self._group, None
            self._ahead.clear()
            if group is not None:
                await group.close()

    async def _release(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            await self._scope.stack.io.drive(body.close, ())

    def _integrity(self, message: str, *, retryable: bool = True) -> IntegrityError:
        name = self._scope.backend.traits.name
        return IntegrityError(message, path=self._key, backend=name, retryable=retryable)
