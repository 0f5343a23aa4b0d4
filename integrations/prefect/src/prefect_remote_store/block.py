"""RemoteStoreBlock: any store of remote-store, saved under a name on the Prefect server."""

from __future__ import annotations

import asyncio
import threading
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

from prefect._internal.compatibility.async_dispatch import async_dispatch
from prefect.filesystems import WritableFileSystem
from pydantic import ConfigDict, Field, PrivateAttr

from remote_store.ext.pydantic import StoreModel, any_backend

if TYPE_CHECKING:
    from typing import Self

    from remote_store import RegistryConfig, Store
    from remote_store.aio import AsyncStore
    from remote_store.path import PathInput

    AnyBackend = Any
else:
    AnyBackend = any_backend()

__all__ = ["RemoteStoreBlock"]


class _Connection:
    """The store behind a block once it was used; no part of the block's value, so all are equal and none is copied."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: tuple[StoreModel, Store] | None = None

    def store(self, model: StoreModel) -> Store:
        """Return the store of the block as it is now; one of changed fields is a new one."""
        opened = self._opened  # without the lock, which a fork may copy while it is held
        if opened is None or opened[0] != model:
            with self._lock:
                opened = self._opened
                if opened is None or opened[0] != model:
                    opened = self._opened = model, model.to_store()
                    weakref.finalize(self, opened[1].close)
        return opened[1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Connection)

    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        return _Connection, ()


class RemoteStoreBlock(WritableFileSystem):
    """Keep files in a store of remote-store: local folders, S3 and every other backend, by one set of methods.

    ``get_store()`` gives the Store itself. The block also keeps the results of flows and tasks:
    ``@flow(result_storage="remote-store/BLOCK_NAME")``.

    Example:
        Load a stored block and read a file:
        ```python
        from prefect_remote_store import RemoteStoreBlock

        block = RemoteStoreBlock.load("BLOCK_NAME")
        with block.get_store() as store:
            text = store.read_text("reports/today.txt")
        ```
    """

    _block_type_name: ClassVar[str | None] = "Remote Store"
    _block_type_slug: ClassVar[str | None] = "remote-store"
    _documentation_url: ClassVar[Any] = "https://docs.prefect.io/v3/advanced/results"

    model_config = ConfigDict(hide_input_in_errors=True)

    backend: AnyBackend = Field(description="The service that keeps the files, told by its type, and its options.")
    root: str = Field("", description="The folder of the service that all paths are relative to.")
    readonly: bool = Field(default=False, description="Whether everything that changes something is refused.")
    max_calls: int | None = Field(None, ge=1, description="Calls to the service at once; more wait. Empty: no limit.")

    _connection: _Connection = PrivateAttr(default_factory=_Connection)

    def __copy__(self) -> Self:
        copied = super().__copy__()
        copied._connection = _Connection()
        return copied

    @classmethod
    def from_uri(cls, uri: str, /, **options: Any) -> Self:
        """Make a block from a URI as ``Store.from_uri`` takes it; secrets are given beside it.

        Raises:
            remote_store.ConfigError: unknown scheme or option, a wrong value, a secret in the URI.
        """
        return cls(**dict(StoreModel.from_uri(uri, **options)))

    @classmethod
    def from_config(cls, config: RegistryConfig, name: str) -> Self:
        """Make a block from a store of a configuration, as ``RegistryConfig.from_toml`` reads it.

        Raises:
            remote_store.ConfigError: no store has this name.
        """
        return cls(**dict(StoreModel.from_config(config, name)))

    def to_model(self) -> StoreModel:
        """Return the typed configuration of the store."""
        return StoreModel(backend=self.backend, root=self.root, readonly=self.readonly, max_calls=self.max_calls)

    def get_store(self) -> Store:
        """Open a store that is the caller's to close; nothing connects before its first call."""
        return self.to_model().to_store()

    def get_async_store(self) -> AsyncStore:
        """Open a store for use with ``await``; it is the caller's to close."""
        return self.to_model().to_async_store()

    async def aread_path(self, path: PathInput) -> bytes:
        """Return the contents of a file.

        Raises:
            remote_store.NotFound: no file is there.
            remote_store.RemoteStoreError: the store's other errors.
        """
        return await asyncio.to_thread(self._read, path)

    @async_dispatch(aread_path)
    def read_path(self, path: PathInput) -> bytes:  # type: ignore[override] # as Prefect's own
        """Return the contents of a file; to be awaited in an async flow. Errors as ``aread_path``."""
        return self._read(path)

    async def awrite_path(self, path: PathInput, content: bytes) -> str:
        """Put a file there in one step, in place of an older one; return its path.

        Raises:
            remote_store.RemoteStoreError: the store's errors; the older file is then still there.
        """
        return await asyncio.to_thread(self._write, path, content)

    @async_dispatch(awrite_path)
    def write_path(self, path: PathInput, content: bytes) -> str:  # type: ignore[override] # likewise
        """Put a file there in one step; to be awaited in an async flow. Otherwise as ``awrite_path``."""
        return self._write(path, content)

    def _read(self, path: PathInput) -> bytes:
        return self._connected().read_bytes(path)

    def _write(self, path: PathInput, content: bytes) -> str:
        return self._connected().write(path, content, overwrite=True).key

    def _connected(self) -> Store:
        return self._connection.store(self.to_model())
