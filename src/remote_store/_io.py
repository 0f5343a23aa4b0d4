"""Where the colour lives: the ways an operation can wait, run beside others and call blocking code."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

__all__ = ["Group", "Inline", "Io", "Native", "Threads", "run"]


def run(coro: Coroutine[Any, Any, T]) -> T:
    """Drive a coroutine that never waits to its end, on this thread and without an event loop."""
    try:
        coro.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    coro.close()
    raise RuntimeError("a coroutine of the sync face waited for an event loop; it must await only the kernel's Io")


class Task(Protocol[T_co]):
    """One call running beside the others."""

    async def result(self) -> T_co:
        """Wait for the call and return or raise what it did."""


class Group(Protocol):
    """Calls that run at the same time, so many at once; leaving it by ``close`` leaves none running."""

    def spawn(self, function: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> Task[T]:
        """Begin one call as soon as there is room."""

    async def close(self) -> None:
        """Drop calls that have not begun and wait for those that have."""


class Io(Protocol):
    """What the kernel and backends may wait on."""

    async def drive(self, function: Callable[..., Coroutine[Any, Any, T]], args: tuple[Any, ...]) -> T:
        """Run a backend's coroutine function where this colour runs it."""

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run a blocking function."""

    async def pick(
        self, blocking: Callable[..., T], awaiting: Callable[..., Awaitable[T]], *args: Any, **options: Any
    ) -> T:
        """Run whichever of a client's two functions fits this colour."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    def group(self, limit: int) -> Group:
        """Return a group that runs at most ``limit`` calls at once."""


class Inline:
    """Everything on the caller's own thread; groups of several use a pool of threads that ends with them."""

    async def drive(self, function: Callable[..., Coroutine[Any, Any, T]], args: tuple[Any, ...]) -> T:
        return await function(*args)

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        return function(*args)

    async def pick(
        self, blocking: Callable[..., T], awaiting: Callable[..., Awaitable[T]], *args: Any, **options: Any
    ) -> T:
        return blocking(*args, **options)

    async def sleep(self, seconds: float) -> None:
        import time

        time.sleep(seconds)  # noqa: ASYNC251  this colour blocks its own thread

    def group(self, limit: int) -> Group:
        return _ThreadGroup(limit) if limit > 1 else _InTurn()


class _InTurn:
    """Calls that run one after the other, each when its result is asked for."""

    def spawn(self, function: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> Task[T]:
        return _Turn(function, args)

    async def close(self) -> None:
        """Nothing runs by now."""


class _Turn:
    def __init__(self, function: Callable[..., Coroutine[Any, Any, Any]], args: tuple[Any, ...]) -> None:
        self._function = function
        self._args = args

    async def result(self) -> Any:
        return await self._function(*self._args)


class _ThreadGroup:
    def __init__(self, limit: int) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._pool: ThreadPoolExecutor = ThreadPoolExecutor(limit, thread_name_prefix="remote-store")

    def spawn(self, function: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> Task[T]:
        from contextvars import copy_context

        return _FutureTask(self._pool.submit(copy_context().run, lambda: run(function(*args))))

    async def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


class _FutureTask:
    def __init__(self, future: Future[Any]) -> None:
        self._future = future

    async def result(self) -> Any:
        return self._future.result()


class Native:
    """On the running event loop; blocking functions go to a worker thread."""

    async def drive(self, function: Callable[..., Coroutine[Any, Any, T]], args: tuple[Any, ...]) -> T:
        return await function(*args)

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        return await _in_thread(function, args)

    async def pick(
        self, blocking: Callable[..., T], awaiting: Callable[..., Awaitable[T]], *args: Any, **options: Any
    ) -> T:
        return await awaiting(*args, **options)

    async def sleep(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)

    def group(self, limit: int) -> Group:
        return _TaskGroup(limit)


class Threads(Native):
    """On the running event loop, for a backend that blocks: each of its calls takes one trip to a worker thread."""

    async def drive(self, function: Callable[..., Coroutine[Any, Any, T]], args: tuple[Any, ...]) -> T:
        return await _in_thread(_run, (function, args))


def _run(function: Callable[..., Coroutine[Any, Any, T]], args: tuple[Any, ...]) -> T:
    return run(function(*args))


async def _in_thread(function: Callable[..., T], args: tuple[Any, ...]) -> T:
    import asyncio
    from contextvars import copy_context

    loop = asyncio.get_running_loop()
    future = loop.run_in_executor(None, partial(copy_context().run, function, *args))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        # The thread cannot be stopped and may hold a handle: let it finish, and let go of what it made.
        await _settle(future)
        raise


async def _settle(future: asyncio.Future[Any]) -> None:
    import asyncio

    with suppress(Exception, asyncio.CancelledError):  # what cancelled the call is the news
        made = await _outlast(future)
        undo = getattr(made, "close", None) or getattr(made, "abort", None)
        if undo is not None:
            await _outlast(asyncio.get_running_loop().run_in_executor(None, _undo, undo))


async def _outlast(future: asyncio.Future[Any]) -> Any:
    """Return or raise what a thread comes to, however often the wait for it is cancelled."""
    import asyncio

    while not future.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([future])
    return future.result()


def _undo(undo: Callable[[], Any]) -> None:
    done = undo()
    if hasattr(done, "send"):  # bodies and uploads are let go of by a coroutine, files of this machine at once
        run(done)


class _TaskGroup:
    def __init__(self, limit: int) -> None:
        import asyncio

        self._room = asyncio.Semaphore(limit)
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, function: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> Task[T]:
        import asyncio

        async def guarded() -> T:
            async with self._room:
                return await function(*args)

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._leave)
        return _LoopTask(task)

    def _leave(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, since nobody may ask any more: the first failure ends the others

    async def close(self) -> None:
        import asyncio

        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _LoopTask:
    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task = task

    async def result(self) -> Any:
        return await self._task


async def gather(io: Io, limit: int, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Run ``function(*args)`` for each ``(function, *args)``, at most ``limit`` at once, and keep their order.

    The first failure ends the rest and is raised.
    """
    group = io.group(min(limit, len(calls)))
    try:
        tasks = [group.spawn(function, *args) for function, *args in calls]
        return [await task.result() for task in tasks]
    finally:
        await group.close()
