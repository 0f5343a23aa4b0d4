"""Writing many files: what a loop over ``write`` does, several at a time, small ones in few trips where that goes."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from remote_store._arguments import check_concurrency
from remote_store._io import Native
from remote_store._ops import info
from remote_store._ops.write import prepare, write
from remote_store._source import whole
from remote_store.backend import Op, Puts, PutsMany
from remote_store.capabilities import Capability

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeAlias

    from remote_store._io import Task
    from remote_store._source import AsyncContent, AsyncFiles
    from remote_store._stack import Scope
    from remote_store.backend import Buffer, FileInfo, PutOptions
    from remote_store.models import WriteResult
    from remote_store.path import PathInput

    Pairs: TypeAlias = Iterator[Any] | AsyncIterator[Any]

TOGETHER = 256
"""Files that go along with each other."""
SMALL = 64 << 10
"""Bytes of one of them at most; a bigger one fills a trip by itself."""

_PAIRS = "write_many takes a mapping of paths to contents, or pairs of path and content"


async def write_many(
    scope: Scope, files: AsyncFiles, options: PutOptions, concurrency: int | None
) -> list[WriteResult]:
    """Publish files and return what was published, in the order in which they were named."""
    pairs = _iterated(files, awaits=isinstance(scope.stack.io, Native))
    limit = check_concurrency(concurrency, scope.stack.at_once)
    scope.require(Puts, Capability.WRITE)
    per_stretch, ahead = 1, 2 * limit
    if isinstance(scope.backend, PutsMany):  # two of them are on their way
        per_stretch, ahead = TOGETHER if concurrency is None else (limit + 1) // 2, 2
    return await _ManyWrites(scope, pairs, options, limit, per_stretch, ahead).all()


def _iterated(files: Any, *, awaits: bool) -> Pairs:
    if isinstance(files, Mapping):
        return iter(files.items())
    if awaits and isinstance(files, AsyncIterable):
        return aiter(files)
    if isinstance(files, Iterable):
        return iter(files)
    raise TypeError(f"{_PAIRS}, not {type(files).__name__}")


class _ManyWrites:
    """Files on their way in stretches: of one file each, or of as many as go together."""

    def __init__(
        self, scope: Scope, pairs: Pairs, options: PutOptions, limit: int, per_stretch: int, ahead: int
    ) -> None:
        self.scope = scope
        self.options = options
        self.group = scope.stack.io.group(limit)
        self._pairs = pairs
        self._per_stretch = per_stretch
        self._most_ahead = ahead
        self._ahead: deque[_Stretch] = deque()
        self._on_way: set[str] = set()
        self._held: tuple[str, AsyncContent] | None = None
        self._failure: Exception | None = None

    async def all(self) -> list[WriteResult]:
        """Write all of them. A failure is raised in its turn, when those named before it are written."""
        done: list[WriteResult] = []
        try:
            while True:
                while len(self._ahead) < self._most_ahead and (files := await self._pull()):
                    self._ahead.append(_Stretch(self, files))
                if not self._ahead:
                    break
                stretch = self._ahead.popleft()
                await stretch.end(done)
                self._on_way.difference_update(key for key, _ in stretch.files)
            self._raise_failure()
        except Exception as error:
            error.add_note(f"files that were named before it, and are written: {len(done)}")
            raise
        finally:
            await self.group.close()
        return done

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _pull(self) -> list[tuple[str, AsyncContent]]:
        """Return the next files, up to one whose path is on its way: its contents come one after the other."""
        found: list[tuple[str, AsyncContent]] = []
        while len(found) < self._per_stretch:
            self._held = self._held or await self._next()
            if self._held is None or self._held[0] in self._on_way:
                break
            self._on_way.add(self._held[0])
            found.append(self._held)
            self._held = None
        return found

    async def _next(self) -> tuple[str, AsyncContent] | None:
        if self._failure is not None:
            return None
        try:
            pairs = self._pairs
            path, content = _pair(await anext(pairs) if isinstance(pairs, AsyncIterator) else next(pairs))
            data = whole(content)
            # Copied, as whoever makes the pairs may use a buffer again for the next one.
            return prepare(self.scope, path, self.options, Capability.WRITE), content if data is None else bytes(data)
        except (StopIteration, StopAsyncIteration):
            return None
        except Exception as error:  # noqa: BLE001  its turn comes after the files named before it
            self._failure = error
            return None


class _Stretch:
    """Files that began together; their keys are all different."""

    def __init__(self, many: _ManyWrites, files: list[tuple[str, AsyncContent]]) -> None:
        self.files = files
        self._many = many
        self._small = _small(files)
        self._together: Task[Sequence[FileInfo | None]] | None = None
        if self._small:
            self._together = many.group.spawn(_put_many, many.scope, self._small, many.options)
        along = {key for key, _ in self._small}
        self._alone = {key: self._begin(key, content) for key, content in files if key not in along}

    def _begin(self, key: str, content: AsyncContent) -> Task[WriteResult]:
        return self._many.group.spawn(write, self._many.scope, key, content, self._many.options)

    async def end(self, done: list[WriteResult]) -> None:
        """Wait for the files in their order, and add to what is done."""
        together: dict[str, FileInfo] = {}
        for key, _ in self.files:
            if key not in self._alone and self._together is not None:  # in its turn, as it may have failed
                together, self._together = await self._gathered(self._together), None
            if key in together:
                done.append(info.written(together[key], key))
            else:
                done.append(await self._alone[key].result())

    async def _gathered(self, task: Task[Sequence[FileInfo | None]]) -> dict[str, FileInfo]:
        """Return what went together; what was left out begins alone, and says itself what is wrong."""
        found = {}
        for (key, data), facts in zip(self._small, await task.result(), strict=True):
            if facts is None:
                self._alone[key] = self._begin(key, data)
            else:
                found[key] = facts
        return found


def _pair(item: Any) -> tuple[PathInput, AsyncContent]:
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise TypeError(f"{_PAIRS}, not {type(item).__name__}")
    path, content = item
    return path, content


def _small(files: list[tuple[str, AsyncContent]]) -> list[tuple[str, Buffer]]:
    """Return the files that can go together, if they are several: one alone spares no trip."""
    found: list[tuple[str, Buffer]] = [
        (key, data) for key, data in files if isinstance(data, bytes) and len(data) <= SMALL
    ]
    return found if len(found) > 1 else []


async def _put_many(scope: Scope, files: list[tuple[str, Buffer]], options: PutOptions) -> Sequence[FileInfo | None]:
    puts: Any = scope.backend
    op = Op("put_many", files[0][0], repeatable=options.overwrite, writes=True)
    full = [(scope.prefix + key, data) for key, data in files]
    done: Sequence[FileInfo | None] = await scope.stack.call(op, puts.put_many, full, options)
    return done
