"""Two lanes to one object store: obstore carries the hot path where it works; the service's SDK does the rest."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar, Self

from remote_store._arguments import check_choice
from remote_store.backend import Declared
from remote_store.backends import _obstore
from remote_store.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from remote_store._io import Io
    from remote_store.backend import Body, Buffer, Entry, FileInfo, PutOptions, Span
    from remote_store.backends._obstore import Engine

__all__ = ["Laned"]


class Laned(Declared):
    """A backend with an obstore engine for ``stat``, ``get`` and ``put``, and another way where obstore does not work.

    A subclass says how the engine is made and what the other way is.
    """

    extra: ClassVar[str]
    """What installs the packages, as in ``pip install 'remote-store[s3]'``."""
    lanes: ClassVar[tuple[str, ...]]
    """The names of the lanes; without the last one everything goes through obstore."""

    _lane: str
    _io: Io
    _engine: Engine | None

    def _choose(self, lane: str) -> None:
        check_choice("lane", lane, self.lanes)
        self._lane = lane

    def bind(self, io: Io) -> Self:
        """Return this backend at work on an io; it connects when first used."""
        bound = object.__new__(self._kind())
        bound.__dict__.update(self.__dict__)
        bound._io = io
        bound._start()
        _obstore.restart_after_fork(bound)
        return bound

    def _kind(self) -> type[Self]:
        """Return the class of the backend at work."""
        return type(self)

    def _start(self) -> None:
        """Begin without any connection; a subclass adds what it holds."""
        self._lock = threading.RLock()
        self._engine = None
        self._decided = False

    def restart(self) -> None:
        """Begin anew in a forked process."""
        # Kept, because the end of a client may touch connections that are the parent's.
        self._parents = dict(self.__dict__)
        self._start()

    async def _hot(self) -> Engine | None:
        """Return the obstore engine where that is the lane."""
        if not self._decided:
            await self._io.call(self._decide)
        return self._engine

    def _decide(self) -> None:
        with self._lock:
            if not self._decided:
                if self._lane in ("auto", "obstore") and self._obstore_works(self._lane):
                    self._engine = self._make_engine()
                self._decided = True

    def _obstore_works(self, lane: str) -> bool:
        from importlib.util import find_spec

        if find_spec("obstore") is None:
            if lane == "obstore":
                raise ConfigError(f"the obstore lane needs obstore; pip install 'remote-store[{self.extra}]'")
            return False
        return _obstore.is_usable()

    def _make_engine(self) -> Engine:
        raise NotImplementedError

    # stat, get and put hand the engine's coroutine on instead of wrapping it: they are the hot path.

    def stat(self, key: str) -> Coroutine[Any, Any, Entry]:
        return self._engine.stat(key) if self._engine is not None else self._stat(key)

    async def _stat(self, key: str) -> Entry:
        engine = await self._hot()
        return await (engine.stat(key) if engine else self._sdk_stat(key))

    async def _sdk_stat(self, key: str) -> Entry:
        raise NotImplementedError

    def get(
        self, key: str, span: Span | None = None, if_match: str | None = None, version: str | None = None
    ) -> Coroutine[Any, Any, Body]:
        if self._engine is not None:
            return self._engine.get(key, span, if_match, version)
        return self._get(key, span, if_match, version)

    async def _get(self, *args: Any) -> Body:
        engine = await self._hot()
        return await (engine.get(*args) if engine else self._sdk_get(*args))

    async def _sdk_get(self, key: str, span: Span | None, if_match: str | None, version: str | None) -> Body:
        raise NotImplementedError

    def put(self, key: str, data: Buffer, options: PutOptions) -> Coroutine[Any, Any, FileInfo]:
        return self._engine.put(key, data, options) if self._engine is not None else self._put(key, data, options)

    async def _put(self, *args: Any) -> FileInfo:
        engine = await self._hot()
        return await (engine.put(*args) if engine else self._sdk_put(*args))

    async def _sdk_put(self, key: str, data: Buffer, options: PutOptions) -> FileInfo:
        raise NotImplementedError
