"""What to say when an optional package is missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from remote_store.errors import ConfigError

__all__ = ["need"]


def need(module: str, extra: str) -> Any:
    """Import an optional package.

    Raises:
        ConfigError: it is not installed; the message holds the line that installs it.
    """
    try:
        return import_module(module)
    except ImportError as missing:
        name = module.partition(".")[0]
        raise ConfigError(f"{name} is not installed; run: pip install 'remote-store[{extra}]'") from missing
