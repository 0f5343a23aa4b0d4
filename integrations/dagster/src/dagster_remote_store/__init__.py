"""remote-store in Dagster: files of any store as a resource, and an IO manager that keeps values in them.

The options of each backend have a class of their own: ``LocalConfig``, ``S3Config`` and so on.
"""

from __future__ import annotations

from typing import Any

from dagster_shared.libraries import DagsterLibraryRegistry

from dagster_remote_store.io_manager import RemoteStoreIOManager
from dagster_remote_store.resource import BackendConfig, RemoteStoreResource, config_named

__all__ = ["BackendConfig", "RemoteStoreIOManager", "RemoteStoreResource"]

__version__ = "0.1.0"

DagsterLibraryRegistry.register("dagster-remote-store", __version__, is_dagster_package=False)


def __getattr__(name: str) -> Any:
    found = config_named(name)
    if found is None:
        raise AttributeError(f"module 'dagster_remote_store' has no attribute {name!r}")
    return found
