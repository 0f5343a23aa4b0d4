"""The one way to a backend: a Stack holds backend, colour and layers; a Scope is a stack and a root in it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from remote_store import backend as spi
from remote_store._io import Inline, Io, Native, Threads
from remote_store.backend import Backend, Concurrency, Op
from remote_store.capabilities import Capability
from remote_store.errors import CapabilityNotSupported, InvalidPath, RemoteStoreError
from remote_store.layers.errors import Errors
from remote_store.layers.retry import Retry, RetryPolicy
from remote_store.path import MAX_KEY, MAX_SEGMENT, parse_folder, parse_key

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from remote_store.layers import Layer
    from remote_store.path import PathInput

T = TypeVar("T")
P = TypeVar("P")

TRIPS = 8
"""Trips to worker threads worth having on the way at the same time, even of calls that wait for nothing themselves."""

__all__ = ["Scope", "Stack", "open_stack"]


def open_stack(backend: Backend, layers: Iterable[Any], retry: RetryPolicy, *, awaits: bool) -> Stack:
    """Put a backend on the colour of a face: ``awaits`` is True for the async one."""
    if not isinstance(retry, RetryPolicy):
        raise TypeError(f"retry is a RetryPolicy, not {type(retry).__name__}")
    retry.check()
    layers = tuple(layers)
    for layer in layers:
        if not callable(layer) and not hasattr(layer, "on"):
            raise TypeError(f"a layer is an async function of op and call, not {type(layer).__name__}")
    concurrency = backend.traits.concurrency
    io: Io
    if not awaits:
        io = Inline()
    elif concurrency is Concurrency.BLOCKS:
        io = Threads()
    else:
        io = Native()
    return Stack(backend, io, layers, retry)


class Stack:
    """A backend under its layers. ``call`` is the choke point that every call, page and chunk passes."""

    __slots__ = ("_bare", "_enter", "at_once", "backend", "capabilities", "closed", "declared", "io", "layers", "retry")

    def __init__(self, backend: Backend, io: Io, layers: tuple[Any, ...], retry: RetryPolicy) -> None:
        self.declared = backend  # as the user made it; what is compared, printed and pickled
        if backend.traits.concurrency is Concurrency.AWAITS:
            backend = cast("spi.Binds", backend).bind(io)
        self.backend = backend
        self.io = io
        self.at_once = max(backend.traits.parallel_calls, TRIPS if isinstance(io, Threads) else 1)
        """Small calls worth having on the way at the same time."""
        self.retry = retry
        self.closed = False
        self._wear(layers)

    def _wear(self, layers: tuple[Any, ...]) -> None:
        self.layers = layers
        removed = {cap for layer in layers for cap in getattr(layer, "removes", ())}
        self.capabilities = capabilities_of(self.backend) - removed
        at_work = [layer.on(self.io) if hasattr(layer, "on") else layer for layer in layers]
        within = [layer for layer in at_work if getattr(layer, "inside_retry", False)]
        around = [layer for layer in at_work if not getattr(layer, "inside_retry", False)]
        self._enter = _compose([*around, Retry(self.retry, self.io), *within, Errors(self.backend)])
        self._bare = not layers and not isinstance(self.io, Threads)

    def wearing(self, layers: tuple[Any, ...]) -> Stack:
        """Return a stack on the same connections under other layers; whoever opened this one closes both."""
        twin = object.__new__(Stack)
        twin.declared, twin.backend, twin.io = self.declared, self.backend, self.io
        twin.at_once, twin.retry, twin.closed = self.at_once, self.retry, self.closed
        twin._wear(layers)
        return twin

    async def call(self, op: Op, function: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
        """Run one call of the backend inside all layers."""
        if self.closed and op.name != "abort":  # a late abort still cleans up
            raise RemoteStoreError("the store is closed", path=op.key, backend=self.backend.traits.name)
        failure: Exception | None = None
        if self._bare:
            # With no layer of the user's, only a failure needs the others: they then see it as their first try.
            try:
                return await function(*args)
            except Exception as failed:  # noqa: BLE001  the layers judge it
                failure = failed
        call: Callable[[], Coroutine[Any, Any, T]] = partial(self.io.drive, function, args)
        if failure is not None:
            call, failure = _Replayed(failure, call), None
        try:
            result: T = await self._enter(op, call)
        except RemoteStoreError as error:
            if error.backend is None:  # raised by a layer, which need not know whom it wraps
                error.backend = self.backend.traits.name
            raise
        return result

    async def close(self) -> None:
        """Close the backend, once."""
        if not self.closed:
            self.closed = True
            await Errors(self.backend)(Op("close", ""), partial(self.io.drive, self.backend.close, ()))


class _Replayed:
    """A call that was tried once already, in vain."""

    __slots__ = ("_call", "_failed")

    def __init__(self, failed: Exception, call: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._failed: Exception | None = failed
        self._call = call

    async def __call__(self) -> Any:
        failed, self._failed = self._failed, None
        if failed is None:
            return await self._call()
        try:
            raise failed
        finally:
            failed = None  # it holds this frame


def _compose(layers: list[Layer]) -> Callable[[Op, Callable[[], Any]], Any]:
    *outer, enter = layers
    for layer in reversed(outer):
        enter = _inside(layer, enter)
    return enter


def _inside(layer: Layer, inner: Callable[[Op, Callable[[], Any]], Any]) -> Any:
    return lambda op, call: layer(op, partial(inner, op, call))


def capabilities_of(backend: Backend) -> frozenset[Capability]:
    """Work out what a store on this backend can do, from its protocols and traits."""
    traits = backend.traits
    lists, puts = isinstance(backend, spi.Lists) and traits.lists, isinstance(backend, spi.Puts)
    deletes, moves = isinstance(backend, spi.Deletes), isinstance(backend, spi.Moves)
    facts = {
        Capability.READ: True,
        Capability.METADATA: True,
        Capability.LAZY_READ: traits.ranges,
        Capability.SEEKABLE_READ: traits.ranges,
        Capability.LIST: lists,
        Capability.GLOB: lists,
        Capability.WRITE: puts,
        Capability.DELETE: deletes,
        Capability.COPY: puts,
        Capability.MOVE: moves or (puts and deletes),
        Capability.ATOMIC_WRITE: puts and traits.atomic_put,
        Capability.ATOMIC_MOVE: moves and traits.atomic_move,
        Capability.EXCLUSIVE_CREATE: puts and traits.exclusive_create,
        Capability.COMPARE_AND_SWAP: puts and traits.compare_and_swap,
        Capability.USER_METADATA: traits.user_metadata,
        Capability.WRITE_RESULT_NATIVE: puts and traits.native_results,
        Capability.SERVER_COPY: isinstance(backend, spi.Copies),
        Capability.PRESIGN: isinstance(backend, spi.Signs),
        Capability.VERSIONS: isinstance(backend, spi.Versions),
    }
    return frozenset(capability for capability, holds in facts.items() if holds)


class Scope:
    """A stack and a folder in it: where a Store's keys begin."""

    __slots__ = ("backend", "closed", "prefix", "root", "shared", "stack")

    def __init__(self, stack: Stack, root: str, *, shared: bool = False) -> None:
        self.stack = stack
        self.backend = stack.backend
        self.root = root
        self.prefix = f"{root}/" if root else ""
        self.closed = False
        self.shared = shared  # a child does not close what its parent opened

    def key(self, path: PathInput) -> str:
        """Parse the path of a file into the key that the caller knows; ``prefix + key`` is the backend's."""
        return self._proven(parse_key(path))

    def folder(self, path: PathInput) -> str:
        """Parse the path of a folder; ``""`` is this scope's own root."""
        return self._proven(parse_folder(path))

    def _proven(self, key: str) -> str:
        if self.closed:
            raise self.error(RemoteStoreError, "the store is closed", key)
        if self.prefix and len(self.prefix) + len(key) > MAX_SEGMENT and len((self.prefix + key).encode()) > MAX_KEY:
            raise self.error(InvalidPath, f"with the store's root it is longer than {MAX_KEY} bytes", key)
        return key

    def full(self, key: str) -> str:
        """Return the backend's key for one of ours."""
        return self.prefix + key if key else self.root

    def child(self, path: PathInput) -> Scope:
        """Return the scope of a folder below."""
        return Scope(self.stack, self.full(self.folder(path)), shared=True)

    def require(self, protocol: type[P], capability: Capability, path: str | None = None) -> P:
        """Return the backend as one that has the capability, typed so.

        Raises:
            CapabilityNotSupported: it has not, or a layer took it away.
        """
        if capability not in self.stack.capabilities:
            raise self.lacks(capability, path)
        return cast("P", self.backend)

    def lacks(self, capability: Capability, path: str | None = None) -> CapabilityNotSupported:
        """Return the error for a missing capability."""
        message = f"this store has no {capability.name}; ask store.supports(Capability.{capability.name}) first"
        for layer in self.stack.layers:
            if capability in getattr(layer, "removes", ()):
                message = f"the layer {type(layer).__name__} of this store takes {capability.name} away"
        return CapabilityNotSupported(message, path=path, backend=self.backend.traits.name)

    def error(self, kind: type[RemoteStoreError], message: str, path: str) -> RemoteStoreError:
        """Return a typed error about one of our keys."""
        return kind(message, path=path, backend=self.backend.traits.name)
