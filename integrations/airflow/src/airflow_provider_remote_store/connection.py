"""From what an Airflow connection holds to the typed model of a store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from airflow_provider_remote_store.form import backends
from remote_store import ConfigError, InvalidPath, RemotePath, RemoteStoreError, Secret
from remote_store.ext.pydantic import StoreModel
from remote_store.options import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remote_store.options import Option

__all__ = ["connection_of_model", "model_of_connection", "naming", "naming_users", "texts_to_mask"]

_STANDARD = {
    "host": ("host",),
    "port": ("port",),
    "login": ("user", "username"),
    "password": ("password",),
    "schema": (),
}
"""A connection's own fields and the options that they give where ``extra`` does not: a connection may be a URI."""


def model_of_connection(connection: Any) -> StoreModel:
    """Return the typed model of the store that an Airflow connection describes.

    Raises:
        ConfigError: a field is missing, unknown or wrong; it is named together with the connection.
    """
    with naming(connection.conn_id):
        fields = _given(connection)
        backend = fields.pop("backend", None)
        known = backends()
        if not isinstance(backend, str) or backend not in known:
            given = f"{backend!r} is no backend{nearest(str(backend), known)}" if backend else "the field is empty"
            raise ConfigError(f"backend: {given}; known are {', '.join(sorted(known))}")
        declared = known[backend]
        fields = {**_standard(connection, backend, declared), **fields}
        store = {"root": _folder(fields.pop("folder", ""))}
        store |= {name: fields.pop(name) for name in ("readonly", "max_calls") if name in fields}
        options = {name: _parsed(declared.get(name), value) for name, value in fields.items()}
        try:
            return StoreModel.model_validate({"backend": {"type": backend, **options}, **store})
        except ValidationError as error:
            found = "; ".join(_said(backend, declared, each) for each in error.errors())
        raise ConfigError(found)


@contextmanager
def naming(connection: str) -> Iterator[None]:
    """Let what is wrong with a configuration name the connection that holds it."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"connection {connection!r}: {error.message}") from None


@contextmanager
def naming_users(*connections: str) -> Iterator[None]:
    """Let what a store refuses name the connections in use: a path and a backend may be those of several."""
    try:
        yield
    except RemoteStoreError as error:
        if not error.message.startswith("connection "):  # as ``naming`` begins
            several = "connections" if len(connections) > 1 else "connection"
            error.message = f"{several} {' and '.join(map(repr, connections))}: {error.message}"
            error.args, error.strerror = (error.message,), error.message
        raise


def connection_of_model(model: StoreModel) -> str:
    """Return the connection that describes a store, as the JSON that ``AIRFLOW_CONN_…`` takes; it holds the secrets."""
    config = model.to_config()
    backend = config.backends["store"]
    extra: dict[str, Any] = {"backend": backend.type}
    extra |= {name: getattr(model, name) for name in ("readonly", "max_calls") if getattr(model, name)}
    extra |= {"folder": model.root} if model.root else {}
    extra |= {name: _plain(value) for name, value in backend.options.items()}
    return json.dumps({"conn_type": "remote_store", "extra": extra})


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _given(connection: Any) -> dict[str, Any]:
    """The fields of the form that are filled in; Airflow keeps empty ones as None or empty text."""
    try:
        extra = json.loads(connection.extra) if connection.extra else {}
    except ValueError:
        raise ConfigError("extra: not JSON") from None
    if not isinstance(extra, dict):
        raise ConfigError("extra: expected an object of JSON")
    return {name: value for name, value in extra.items() if value is not None and value not in ("", {})}


def _standard(connection: Any, backend: str, declared: Mapping[str, Option]) -> dict[str, Any]:
    """The options that the connection's own fields give; what this backend cannot use is not passed over."""
    found = {}
    for field, options in _STANDARD.items():
        if value := getattr(connection, field, None):
            taking = [option for option in options if option in declared]
            if not taking:
                raise ConfigError(f"{field}: backend {backend!r} takes none; its options stand in extra by their names")
            found[taking[0]] = value
    return found


def _folder(given: Any) -> Any:
    """The folder, checked here under the name that the form has for it."""
    try:
        return str(RemotePath(given)) if given else ""
    except (InvalidPath, TypeError) as error:
        raise ConfigError(f"folder: {getattr(error, 'message', error)}") from None


def _parsed(option: Option | None, value: Any) -> Any:
    """A table that came as text, as URIs and text fields give it."""
    if option and isinstance(value, str) and not {"Mapping", "Secrets", "dict"}.isdisjoint(option.types):
        try:
            return json.loads(value)
        except ValueError:
            return value  # the model refuses it by name
    return value


def _said(backend: str, declared: Mapping[str, Option], wrong: Any) -> str:
    """What is wrong with one field, by the name that the form has for it, and never its value."""
    steps = [str(step) for step in wrong["loc"] if step not in ("backend", backend)]
    if wrong["type"] == "extra_forbidden" and len(steps) == 1:
        return f"{steps[0]}: backend {backend!r} has no such option{nearest(steps[0], declared)}"
    return f"{'.'.join(steps) or 'backend'}: {wrong['msg']}"


def texts_to_mask(model: StoreModel) -> Iterator[str]:
    """Yield the secrets of a model in plain text, and the password within one that is a URL."""
    declared = backends()[model.backend.backend]
    for name, value in model.backend:
        if name in declared and declared[name].secret and value is not None:
            for secret in value.values() if isinstance(value, dict) else (value,):
                reveal = getattr(secret, "get_secret_value", None)
                text = str(secret) if reveal is None else reveal()
                yield text
                if "://" in text and (password := urlsplit(text).password):
                    yield from {password, unquote(password)}
