"""Registry: opens the stores of a configuration; stores on one backend share its connections."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from remote_store import _catalog
from remote_store._catalog import register_backend
from remote_store._stack import Scope, open_stack
from remote_store.config import RegistryConfig
from remote_store.errors import ConfigError, RemoteStoreError
from remote_store.layers.limits import Limits
from remote_store.layers.readonly import ReadOnly
from remote_store.options import nearest

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from remote_store._face import Face
    from remote_store._stack import Stack
    from remote_store.aio import AsyncStore
    from remote_store.config import BackendConfig, StoreProfile
    from remote_store.store import Store

F = TypeVar("F", bound="Face")

__all__ = ["Registry", "open_store", "register_backend"]


class Registry:
    """The stores of a configuration, opened when first asked for.

    ``with Registry(config) as registry: registry.get_store("bronze")``; the end of the block closes them all.
    Closing one of its stores closes only that one.
    """

    def __init__(self, config: RegistryConfig | Mapping[str, Any]) -> None:
        """Take a configuration; nothing is opened yet. A mapping is read as ``RegistryConfig.from_dict`` does."""
        if not isinstance(config, RegistryConfig | Mapping):
            raise TypeError(f"a Registry takes a RegistryConfig or a dict, not {type(config).__name__}")
        self._config = config if isinstance(config, RegistryConfig) else RegistryConfig.from_dict(config)
        self._lock = threading.Lock()
        self._stacks: dict[tuple[str, bool], Stack] = {}  # by backend; these hold the connections
        self._dressed: dict[tuple[str, bool], Stack] = {}  # by store
        self._closed = False

    @property
    def config(self) -> RegistryConfig:
        """The configuration."""
        return self._config

    def get_store(self, name: str) -> Store:
        """Open a store by its name.

        Raises:
            ConfigError: no store has this name, its backend refuses a value, or a package is not installed.
        """
        from remote_store.store import Store

        return Store._on(self._scope(name, awaits=False))

    def get_async_store(self, name: str) -> AsyncStore:
        """Open a store by its name for use with ``await``. Errors as ``get_store``."""
        from remote_store.aio import AsyncStore

        return AsyncStore._on(self._scope(name, awaits=True))

    def _scope(self, name: str, *, awaits: bool) -> Scope:
        if not isinstance(name, str):
            raise TypeError(f"a store's name is a str, not {type(name).__name__}")
        profile = self._config.stores.get(name)
        if profile is None:
            raise ConfigError(f"stores.{name}: no such store{nearest(name, self._config.stores)}")
        with self._lock:
            if self._closed:
                raise RemoteStoreError("the registry is closed")
            stack = self._dressed.get((name, awaits))
            if stack is None:
                stack = self._dressed[name, awaits] = self._stack(profile.backend, awaits).wearing(_layers(profile))
        return Scope(stack, profile.root, shared=True)

    def _stack(self, backend: str, awaits: bool) -> Stack:
        stack = self._stacks.get((backend, awaits))
        if stack is None:
            chosen = self._config.backends[backend]
            made = _catalog.make(chosen.type, chosen.options, f"backends.{backend}: ")
            stack = self._stacks[backend, awaits] = open_stack(made, (), self._config.retry, awaits=awaits)
        return stack

    def close(self) -> None:
        """Close every store; safe to call twice.

        Raises:
            RuntimeError: async stores are open, which only ``aclose`` can close.
        """
        from remote_store._io import run

        run(_close_all(self._leave(awaits=False)))
        if any(awaits for _, awaits in self._stacks):
            raise RuntimeError("async stores of this registry are open; close it with `await registry.aclose()`")

    async def aclose(self) -> None:
        """Close every store, the async ones too; safe to call twice."""
        try:
            await _close_all(self._leave(awaits=True))
        finally:
            self.close()

    def _leave(self, *, awaits: bool) -> list[Stack]:
        with self._lock:
            self._closed = True
            for stack in self._dressed.values():
                stack.closed = True
            return [self._stacks.pop(key) for key in list(self._stacks) if key[1] is awaits]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __eq__(self, other: object) -> bool:
        return self._config == other._config if isinstance(other, Registry) else NotImplemented

    def __hash__(self) -> int:
        return hash((Registry, self._config))

    def __reduce__(self) -> tuple[Any, ...]:
        return Registry, (self._config,)

    def __repr__(self) -> str:
        return f"Registry({self._config!r})"


async def _close_all(stacks: list[Stack]) -> None:
    """Close all, also where one fails; then raise the first failure."""
    failed: list[Exception] = []
    for stack in stacks:
        try:
            await stack.close()
        except Exception as error:  # noqa: BLE001  the others are closed first
            failed.append(error)
    if failed:
        raise failed[0]


def open_store(kind: type[F], backend: BackendConfig, profile: StoreProfile) -> F:
    """Open one store (``Store`` or ``AsyncStore``) with connections of its own, which its ``close`` lets go of.

    Raises:
        ConfigError: the backend refuses a value, or a package is not installed.
    """
    return kind(_catalog.make(backend.type, backend.options), profile.root, layers=_layers(profile))


def _layers(profile: StoreProfile) -> tuple[Any, ...]:
    layers: list[Any] = [ReadOnly()] if profile.readonly else []
    if profile.max_calls is not None:
        layers.append(Limits(profile.max_calls))
    return tuple(layers)
