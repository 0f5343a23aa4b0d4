"""The catalog: the names under which configuration and URIs know backends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from remote_store.errors import ConfigError
from remote_store.options import nearest, options_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from remote_store.backend import Backend
    from remote_store.options import Option

__all__ = ["find", "make", "missing_extra", "names", "register_backend"]

GROUP = "remote_store.backends"
"""Entry points that distributions announce backends with."""

_BUILT_IN: dict[str, str] = {
    "azure": "remote_store.backends.azure:AzureBackend",
    "gcs": "remote_store.backends.gcs:GCSBackend",
    "http": "remote_store.backends.http:HttpBackend",
    "local": "remote_store.backends.local:LocalBackend",
    "memory": "remote_store.backends.memory:MemoryBackend",
    "s3": "remote_store.backends.s3:S3Backend",
    "sftp": "remote_store.backends.sftp:SFTPBackend",
    "sql-blob": "remote_store.backends.sql:SqlBlobBackend",
    "sql-query": "remote_store.backends.sql:SqlQueryBackend",
}
_EXTRAS = {"azure": "azure", "gcs": "gcs", "s3": "s3", "sftp": "sftp", "sql-blob": "sql", "sql-query": "sql-query"}
"""The extra that brings what a built-in backend needs."""

_registered: dict[str, Any] = {}
_declared: dict[str, tuple[Any, dict[str, Option]]] = {}


def register_backend(name: str, factory: Callable[..., Backend] | str) -> None:
    """Give a backend a name for configuration and URIs: its class, a function that makes one, or "module:Class".

    A class or function is registered for this process; distributions announce theirs to every process with an
    entry point of the group ``remote_store.backends``.

    Raises:
        ConfigError: another backend has this name.
    """
    if not isinstance(name, str):
        raise TypeError(f"a backend's name is a str, not {type(name).__name__}")
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*", name):
        raise ConfigError(f"{name!r} is no name for a backend: lower-case letters, digits, '+', '-' and '.'")
    if isinstance(factory, str):
        if not re.fullmatch(r"[\w.]+:\w+", factory):
            raise ConfigError(f"a backend named by text is 'module:Class', not {factory!r}")
    elif not callable(factory) or not hasattr(factory, "__name__"):
        raise TypeError(f"a backend is its class, a function or 'module:Class', not {type(factory).__name__}")
    taken = _registered.get(name, _BUILT_IN.get(name))
    if taken is not None and taken != factory:
        raise ConfigError(f"a backend named {name!r} exists already; choose another name")
    _registered[name] = factory


def names() -> list[str]:
    """Return all known names."""
    return sorted({*_BUILT_IN, *_registered, *(point.name for point in _entry_points())})


def _entry_points() -> Any:
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)


def is_known(name: str) -> bool:
    """Say whether a backend has this name, without asking the installed distributions if it need not."""
    return _named(name) is not None


def _named(name: str) -> Any:
    factory = _registered.get(name) or _BUILT_IN.get(name)
    return factory or next((point.value for point in _entry_points() if point.name == name), None)


def find(name: str, where: str = "") -> Any:
    """Return the class or function behind a name.

    Raises:
        ConfigError: unknown name, or its module or a package that it needs is not installed.
    """
    factory = _named(name)
    if factory is None:
        raise ConfigError(f"{where}unknown backend type {name!r}{nearest(name, names())}")
    if not isinstance(factory, str):
        return factory
    from importlib import import_module

    module, _, attribute = factory.partition(":")
    try:
        found = getattr(import_module(module), attribute, None)
    except ImportError as missing:
        if (missing.name or "").partition(".")[0] == "remote_store" and _BUILT_IN.get(name) == factory:
            raise  # no package is missing: a part of this one is broken
        raise missing_extra(missing, name, where) from missing
    if found is None:
        raise ConfigError(f"backend {name!r} is registered as {factory!r}, but that module has no {attribute}")
    return found


def declared(name: str, where: str = "") -> tuple[Any, Mapping[str, Option]]:
    """Return the class or function behind a name, and its options."""
    factory = find(name, where)
    kept = _declared.get(name)
    if kept is None or kept[0] is not factory:
        kept = _declared[name] = (factory, options_of(factory))
    return kept


def make(name: str, options: Mapping[str, Any], where: str = "") -> Backend:
    """Make a backend from checked options; ``where`` they stand begins every refusal.

    Raises:
        ConfigError: the backend refuses a value, or a package that it needs is not installed.
    """
    factory = find(name)
    try:
        backend: Backend = factory(**options)
    except ImportError as missing:
        raise missing_extra(missing, name, where) from missing
    except ConfigError as refused:
        if not where:
            raise
        raise ConfigError(f"{where}{refused.message}") from refused
    except (TypeError, ValueError) as refused:
        # Their message is ours or a third party's, about a value of the configuration.
        raise ConfigError(f"{where or f'backend {name!r}: '}{refused}") from refused
    return backend


def missing_extra(missing: Exception, backend: str, where: str = "") -> ConfigError:
    """Return the error for a package that is not installed, with the line that installs it."""
    module = getattr(missing, "name", None) or str(missing)
    extra = _EXTRAS.get(backend)
    todo = f'pip install "remote-store[{extra}]"' if extra else "install the package that brings it"
    message = f"{where}backend {backend!r} needs the module {module!r}, which is not installed: {todo}"
    return ConfigError(message, backend=backend)
