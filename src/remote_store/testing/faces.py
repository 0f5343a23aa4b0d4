"""Both faces under one test body: an AsyncStore shown as a plain Store, and calls that run together on either."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import sys
import threading
from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from remote_store.aio import AsyncStore
from remote_store.store import Store

if TYPE_CHECKING:
    from remote_store.backend import Backend
    from remote_store.layers.retry import RetryPolicy

__all__ = ["COLOURS", "Awaited", "Call", "Worker", "again", "call", "opened", "plainly", "renewed", "together"]

COLOURS = ("sync", "async")
HASTE = 1e-6
"""Seconds between switches of racing threads: a backend in memory would finish many calls within Python's own 5 ms."""

Run: TypeAlias = Callable[[Coroutine[Any, Any, Any]], Any]
Call: TypeAlias = tuple[str, tuple[Any, ...], dict[str, Any]]
Worker: TypeAlias = Callable[[], Generator[Call, Any, Any]]
"""What one of several does: a generator function that yields calls and is sent their results or errors."""


@contextmanager
def opened(backend: Backend, root: str, colour: str) -> Iterator[Store]:
    """Open a store of a colour; the async one is shown as a plain one, on an event loop of its own."""
    made: list[Any] = []
    _made.append(made)
    try:
        if colour == "sync":
            with Store(backend, root) as store:
                yield store
                _close_all(made)
            return
        with asyncio.Runner() as runner:
            shown = Awaited(AsyncStore(backend, root), plainly(runner))
            try:
                yield cast("Store", shown)
            finally:
                _close_all(made)
                shown.close()
    finally:
        _made.remove(made)


def plainly(runner: asyncio.Runner) -> Run:
    """Return what runs a coroutine on a runner's loop; its own ``run``, made for one call, takes twice the time."""
    return runner.get_loop().run_until_complete


_made: list[list[Any]] = []
"""For each open store, those that were made of it and have connections of their own."""


def _close_all(made: list[Any]) -> None:
    while made:
        made.pop().close()


class Awaited:
    """Something of the async face shown as its twin of the sync one: each call runs the loop until it is done."""

    def __init__(self, target: Any, run: Run) -> None:
        self._target = target
        self._run = run

    def __getattr__(self, name: str) -> Any:
        return _shown(getattr(self._target, name), self._run)

    def __enter__(self) -> Any:
        return _shown(self._run(self._target.__aenter__()), self._run)

    def __exit__(self, *failure: object) -> Any:
        return self._run(self._target.__aexit__(*failure))

    def __iter__(self) -> Any:
        return self if hasattr(self._target, "__anext__") else Awaited(aiter(self._target), self._run)

    def __next__(self) -> Any:
        try:
            return self._run(_next(self._target))
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        """Close a stream, a store, or an iteration that was left early."""
        ending = getattr(self._target, "aclose", None) or self._target.close
        self._run(_awaited(ending))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Awaited) and bool(self._target == other._target)

    def __hash__(self) -> int:
        return hash(self._target)

    def __repr__(self) -> str:
        return repr(self._target)


async def _next(target: Any) -> Any:
    return await anext(target)


async def _awaited(function: Callable[[], Any]) -> None:
    await function()


def _shown(value: Any, run: Run) -> Any:
    if inspect.iscoroutine(value):
        return _shown(run(value), run)
    if inspect.isroutine(value):
        return lambda *args, **options: _shown(value(*args, **options), run)
    if type(value).__module__.startswith("remote_store.aio") or hasattr(type(value), "__anext__"):
        return Awaited(value, run)
    return value


def again(
    store: Store, root: str | None = None, *, layers: Sequence[Any] = (), retry: RetryPolicy | None = None
) -> Store:
    """Open the same place once more, under layers; it may share the backend, so it is not to be closed by a test."""
    target: Any = store._target if isinstance(store, Awaited) else store
    scope = target._scope
    made = type(target)(scope.stack.declared, scope.root if root is None else root, layers=layers, retry=retry)
    return _like(store, made)


def renewed(store: Store) -> Store:
    """Send a store through pickle."""
    target: Any = store._target if isinstance(store, Awaited) else store
    return _like(store, pickle.loads(pickle.dumps(target)))


def _like(store: Store, made: Any) -> Store:
    shown = cast("Store", Awaited(made, store._run) if isinstance(store, Awaited) else made)
    stack = made._scope.stack
    if _made and stack.backend is not stack.declared:
        _made[-1].append(shown)
    return shown


def call(name: str, *args: Any, **options: Any) -> Call:
    """Name a call for a worker to yield."""
    return name, args, options


def together(store: Store, workers: Sequence[Worker]) -> list[Any]:
    """Run workers at the same time, as threads or as tasks, and return what each returned or raised."""
    if isinstance(store, Awaited):
        gathered: list[Any] = store._run(_gathered(store._target, workers))
        return gathered
    outcomes: list[Any] = [None] * len(workers)
    start = threading.Barrier(len(workers))

    def work(number: int) -> None:
        start.wait()
        try:
            outcomes[number] = _worked(store, workers[number])
        except Exception as error:  # noqa: BLE001  an outcome like any other
            outcomes[number] = error

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(workers))]
    patience = sys.getswitchinterval()
    sys.setswitchinterval(HASTE)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(patience)
    return outcomes


def _worked(store: Store, worker: Worker) -> Any:
    steps = worker()
    answer: Any = None
    failure: Exception | None = None
    while True:
        try:
            name, args, options = steps.throw(failure) if failure else steps.send(answer)
        except StopIteration as end:
            return end.value
        answer, failure = None, None
        try:
            answer = getattr(store, name)(*args, **options)
            answer = list(answer) if inspect.isgenerator(answer) else answer
        except Exception as error:  # noqa: BLE001  the worker decides
            failure = error


async def _gathered(store: AsyncStore, workers: Sequence[Worker]) -> list[Any]:
    return await asyncio.gather(*[_worked_async(store, worker) for worker in workers], return_exceptions=True)


async def _worked_async(store: AsyncStore, worker: Worker) -> Any:
    steps = worker()
    answer: Any = None
    failure: Exception | None = None
    while True:
        try:
            name, args, options = steps.throw(failure) if failure else steps.send(answer)
        except StopIteration as end:
            return end.value
        answer, failure = None, None
        try:
            answer = getattr(store, name)(*args, **options)
            answer = [item async for item in answer] if hasattr(answer, "__anext__") else await answer
        except Exception as error:  # noqa: BLE001  the worker decides
            failure = error
