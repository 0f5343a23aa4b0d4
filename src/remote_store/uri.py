"""URIs: ``scheme://address/path?option=value`` to a backend and a root in it.

A URI is printed, logged and shown, so it never carries a secret; those come as options, from configuration or from
the environment. Text is percent-decoded as RFC 3986 has it: ``+`` is a plus sign, and ``?`` or ``#`` in a path are
written ``%3F`` and ``%23``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from remote_store import _catalog
from remote_store.errors import ConfigError, InvalidPath
from remote_store.options import checked, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from remote_store.backend import Backend

__all__ = ["Uri", "open_uri", "parse_uri"]

_DATABASES = ("mariadb", "mysql", "postgres", "postgresql", "sqlite")
_SCHEMES = {
    "abfs": "azure",
    "abfss": "azure",
    "az": "azure",
    "file": "local",
    "gs": "gcs",
    "http": "http",
    "https": "http",
    **dict.fromkeys(_DATABASES, "sql-blob"),
    **{f"sql-query+{name}": "sql-query" for name in _DATABASES},
}
"""Schemes that are not called as their backend is."""

_SHAPE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(#.*)?", re.DOTALL).fullmatch
_ADDRESS = re.compile(r"(?:([^@]*)@)?(\[[^\]]*\]|[^:@]*)(?::(\d{1,5}))?").fullmatch


class Uri(NamedTuple):
    """The parts of a URI, decoded. A backend's ``from_uri(uri)`` turns them into its options and a root."""

    scheme: str
    user: str | None
    host: str | None
    """None where no ``//`` stood; ``""`` for an empty address, as in ``file:///data``."""
    port: int | None
    path: str
    """With its leading ``/`` where one stood."""
    query: dict[str, str]


def parse_uri(text: str) -> Uri:
    """Take a URI apart.

    Raises:
        ConfigError: it is not a URI, or holds a password. The message never repeats it.
    """
    if not isinstance(text, str):
        raise TypeError(f"a URI is a str, not {type(text).__name__}")
    found = _SHAPE(text)
    if not found:
        raise ConfigError("not a URI: it begins with a scheme, such as 'file:///data', 'memory:' or 's3://bucket'")
    scheme, address, path, query, fragment = found.groups()
    if fragment:
        raise ConfigError("a URI of a store has no '#' part; write '%23' for '#' in a path")
    user, host, port = None, None, None
    if address is not None:
        parts = _ADDRESS(address)
        if not parts:
            raise ConfigError("the address of the URI is not host, host:port or user@host")
        user, host = parts[1] and _decoded(parts[1]), _decoded(parts[2])
        port = int(parts[3]) if parts[3] else None
        if ":" in (parts[1] or ""):
            raise ConfigError("a URI carries no password, since URIs are logged; pass it as an option")
    return Uri(scheme.lower(), user, host, port, _decoded(path), _pairs(query))


def _pairs(query: str | None) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        name, equals, value = pair.partition("=")
        name = _decoded(name)
        if not equals or not name:
            raise ConfigError("an option of the URI is not of the form name=value")
        if name in pairs:
            raise ConfigError(f"the URI gives the option {name!r} twice")
        pairs[name] = _decoded(value)
    return pairs


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise ConfigError("the URI holds a '%' that is not followed by two hex digits; write '%25' for '%'")
    raw = re.sub(rb"%(..)", lambda code: bytes.fromhex(code[1].decode()), text.encode("utf-8", "surrogatepass"))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ConfigError("the percent-encoded text of the URI is not UTF-8") from None


def open_uri(uri: str, options: Mapping[str, Any]) -> tuple[Backend, str]:
    """Make the backend that a URI names, and return it with the root in it; options win over the URI's query.

    Raises:
        ConfigError: unknown scheme or option, wrong value, a secret in the URI, missing extra.
        InvalidPath: the path of the URI is no path.
    """
    try:
        name, values, root = read_uri(uri, options)
        return _catalog.make(name, values), root
    except (ConfigError, InvalidPath) as error:
        refusal = error.with_traceback(None)  # the frames below hold what was refused, secrets among it
    del uri, options
    raise refusal


def read_uri(text: str, options: Mapping[str, Any]) -> tuple[str, dict[str, Any], str]:
    """Return the backend's name, its options and the root that a URI and the options beside it say."""
    uri = parse_uri(text)
    name = _backend_name(uri.scheme)
    factory, declared = _catalog.declared(name)
    if not hasattr(factory, "from_uri"):
        raise ConfigError(f"backend {name!r} is not opened by a URI; use its class or a configuration")
    address, root = factory.from_uri(uri)
    for option in uri.query:
        if option in declared and declared[option].secret:
            raise ConfigError(f"{option}: a URI carries no secrets, since URIs are logged; pass {option}=… beside it")
    for option in {*uri.query, *options} & {*address}:
        raise ConfigError(f"{option}: the address of the URI says it already")
    return name, checked(declared, {**address, **uri.query, **options}, ""), root


def _backend_name(scheme: str) -> str:
    if scheme in _SCHEMES:
        return _SCHEMES[scheme]
    own = [f"'{word}:'" for word, name in _SCHEMES.items() if name == scheme]
    if own:
        raise ConfigError(f"unknown URI scheme {scheme!r}; URIs of that backend begin with {' or '.join(own)}")
    if not _catalog.is_known(scheme):
        known = {*_SCHEMES} | {*_catalog.names()} - {*_SCHEMES.values()}
        raise ConfigError(f"unknown URI scheme {scheme!r}{nearest(scheme, known)}")
    return scheme
