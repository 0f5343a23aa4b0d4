"""Dagster resources and IO managers, which the distribution ``dagster-remote-store`` brings."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from remote_store.errors import ConfigError

__all__ = ["RemoteStoreIOManager", "RemoteStoreResource"]  # noqa: F822  found when asked for


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        return getattr(import_module("dagster_remote_store"), name)
    except ImportError as missing:
        message = "dagster-remote-store is not installed; run: pip install dagster-remote-store"
        raise ConfigError(message) from missing
