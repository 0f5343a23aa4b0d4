"""Addresses: origins, targets of requests, the URL that keys lie below, and which networks may be reached."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

from remote_store.errors import ConfigError, PermissionDenied, RemoteStoreError

__all__ = ["Origin", "Target", "encoded", "is_folder_of", "parse_url", "permitted", "redirected"]

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._~-]*)|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*").fullmatch
_AS_IT_IS = "/%~!$&'()*+,;=:@"
"""What an encoded path may hold besides letters and digits."""


class Origin(NamedTuple):
    """Scheme, host and port: what credentials belong to."""

    scheme: str
    host: str
    port: int

    def authority(self) -> str:
        """Return host and port as a URL and the header ``Host`` write them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Target:
    """Where a request goes. The query may be a signature, so it is shown nowhere."""

    __slots__ = ("_query", "origin", "path")

    def __init__(self, origin: Origin, path: str, query: str = "") -> None:
        self.origin = origin
        self.path = path
        self._query = query

    def line(self) -> str:
        """Return path and query as a request names them."""
        return f"{self.path}?{self._query}" if self._query else self.path

    def __repr__(self) -> str:
        return f"{self.origin.scheme}://{self.origin.authority()}{self.path}"


def encoded(key: str) -> str:
    """Return a key as the path of a URL."""
    return quote(key, safe="/~=,@:")


def parse_url(text: str) -> Target:
    """Take a URL apart.

    Raises:
        ConfigError: it is none that can be asked. The message never repeats it.
    """
    try:
        parts = urlsplit("" if re.search(r"[\x00-\x1f\x7f]", text) else text)
        port = parts.port
    except ValueError:
        raise ConfigError("the URL cannot be read") from None
    if parts.scheme not in _PORTS:
        raise ConfigError("the URL begins with http:// or https://")
    if "@" in parts.netloc:
        raise ConfigError("the URL carries no user and no password; pass user=… and password=… beside it")
    host = _ascii(parts.hostname or "")
    if not _HOST(host) or port == 0 or " " in parts.netloc:
        raise ConfigError("the URL names no host that can be asked")
    path = quote(parts.path, safe=_AS_IT_IS) or "/"
    query = quote(parts.query, safe=f"{_AS_IT_IS}?")
    return Target(Origin(parts.scheme, host, port or _PORTS[parts.scheme]), path, query)


def _ascii(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return ""


def redirected(target: Target, location: str) -> Target:
    """Return where a redirect leads.

    Raises:
        RemoteStoreError: to a URL that cannot be asked.
        PermissionDenied: from https to http.
    """
    # Servers write bytes as they are, too; which characters they mean is nobody's guess.
    plain = re.sub(r"[\x80-\xff]", lambda byte: f"%{ord(byte[0]):02X}", location)
    try:
        found = parse_url(urljoin(f"{target!r}", plain))
    except (ConfigError, ValueError) as why:
        reason = why.message if isinstance(why, ConfigError) else "the URL cannot be read"
        raise RemoteStoreError(f"the server redirects to what cannot be asked: {reason}") from None
    if target.origin.scheme == "https" and found.origin.scheme == "http":
        raise PermissionDenied("the server redirects from https to http, which is not followed")
    return found


def is_folder_of(path: str, folder: str) -> bool:
    """Say whether a path is another one with ``/`` behind it; servers spell names in their own way."""
    return unquote_to_bytes(folder) == unquote_to_bytes(path) + b"/"


def permitted(host: str, addresses: list[str]) -> list[str]:
    """Return the addresses that belong to the public internet.

    Raises:
        PermissionDenied: none does.
    """
    public = [address for address in addresses if _is_public(address)]
    if not public:
        raise PermissionDenied(f"{host!r} is an address of a private network, and block_private=True refuses those")
    return public


_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")
"""What of IPv6 is given out; the rest is local, or another form of an address of IPv4."""


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        within = address.ipv4_mapped or address.sixtofour
        if address in _TRANSLATED:
            within = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if within is not None:
            return _is_public(str(within))
        if address not in _UNICAST:
            return False
    return address.is_global and not address.is_multicast
