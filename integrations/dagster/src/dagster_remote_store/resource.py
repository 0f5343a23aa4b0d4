"""The store as a Dagster resource: a backend's typed options, and how the store is used."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar

import dagster as dg
from pydantic import ConfigDict, Field, PrivateAttr

from remote_store import BackendConfig as Configured
from remote_store import ConfigError, Store, StoreProfile
from remote_store.ext.pydantic import any_backend, given_options, model_named, secrets_of
from remote_store.registry import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["STRICT", "AnyBackend", "BackendConfig", "RemoteStoreResource", "config_named"]

STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)
"""Refuse what is misspelt, and show no value, which may be a secret."""


class BackendConfig(dg.Config):
    """A backend by its options; those that are secrets take ``dagster.EnvVar`` and are never printed."""

    model_config = STRICT
    backend: ClassVar[str] = ""

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        secret = secrets_of(self.backend)
        for name, value in super().__repr_args__():
            yield name, "***" if name in secret and value is not None else value

    def to_config(self) -> Configured:
        """Return what the core is configured with.

        Raises:
            ConfigError: the backend refuses a value, or a variable is not set.
        """
        values = {name: _resolved(name, getattr(self, name)) for name in type(self).model_fields}
        return Configured(self.backend, given_options(self.backend, values))


def _resolved(name: str, value: Any) -> Any:
    """Return a value with its environment variables read, which Dagster does in runs only."""
    if isinstance(value, Mapping):
        return {key: _resolved(name, item) for key, item in value.items()}
    if not isinstance(value, dg.EnvVar):
        return value
    found = value.get_value()
    if found is None:
        raise ConfigError(f"{name}: the environment variable {value.env_var_name} is not set")
    return found


config_named = partial(model_named, kind=BackendConfig, secret=str, suffix="Config", plain=True)
"""Return the class of a backend's options by its name, such as ``S3Config``, or None."""

if TYPE_CHECKING:
    AnyBackend = BackendConfig
else:
    AnyBackend = any_backend(BackendConfig, str, "Config", plain=True)


class RemoteStoreResource(dg.ConfigurableResource[Any]):
    """A store for assets, ops, sensors and IO managers: opened when first asked for, closed when the run is over.

    ``RemoteStoreResource(backend=S3Config(bucket="lake", secret_key=dg.EnvVar("LAKE_SECRET")), root="raw")``
    """

    model_config = STRICT

    backend: AnyBackend = Field(description="Where the files are: LocalConfig, S3Config and so on.")
    root: str = Field(default="", description="The folder that paths are relative to.")
    readonly: bool = Field(default=False, description="Take away everything that changes something.")
    max_calls: int | None = Field(
        default=None, ge=1, description="Calls on the way at once; more wait. None: no limit."
    )

    _store: Store | None = PrivateAttr(default=None)
    _lock: Any = PrivateAttr(default_factory=Lock)

    def get_store(self) -> Store:
        """Return the store; the same one each time, until the run is over.

        Raises:
            ConfigError: the backend refuses a value, or the root is no path.
        """
        with self._lock:
            if self._store is None:
                profile = StoreProfile("store", self.root, readonly=self.readonly, max_calls=self.max_calls)
                self._store = open_store(Store, self.backend.to_config(), profile)
            return self._store

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Let go of connections; the next ``get_store`` opens a new store."""
        with self._lock:
            store, self._store = self._store, None
        if store is not None:
            store.close()
