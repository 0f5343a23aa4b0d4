"""Sockets to servers: who may be reached, on which terms, and quiet when they are dropped."""

from __future__ import annotations

import select
import socket
import ssl
from typing import TYPE_CHECKING, Any, NamedTuple

from remote_store.backends.http.address import permitted
from remote_store.backends.http.answers import Silent

if TYPE_CHECKING:
    from remote_store.backends.http.address import Origin

__all__ = ["Network", "Socket", "connected", "is_quiet", "reachable"]


class Network(NamedTuple):
    """How servers are reached."""

    connect_timeout: float
    read_timeout: float
    verify: bool
    ca_bundle: str | None
    block_private: bool
    connections: int

    def tls(self) -> ssl.SSLContext:
        """Return the terms of TLS."""
        context = ssl.create_default_context(cafile=self.ca_bundle)
        context.set_alpn_protocols(["http/1.1"])
        context.sslsocket_class = _TlsSocket
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class Socket(socket.socket):
    """A socket that closes without a word when a store is dropped unclosed."""

    def __del__(self) -> None:
        self.close()


class _TlsSocket(ssl.SSLSocket):
    def __del__(self) -> None:
        self.close()


def is_quiet(sock: socket.socket) -> bool:
    """Say whether nothing came on an idle socket: neither its end nor anything unasked for."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return not poll.poll(0)


def reachable(host: str, found: list[Any], network: Network) -> list[Any]:
    """Return what of an answer of ``getaddrinfo`` may be connected to; the very address that is looked at is used."""
    if not network.block_private:
        return found
    public = permitted(host, [str(entry[4][0]) for entry in found])
    return [entry for entry in found if entry[4][0] in public]


def connected(origin: Origin, network: Network, tls: ssl.SSLContext | None) -> socket.socket:
    """Return a socket to an origin: that of the first address that answers."""
    found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    failed: OSError = OSError(f"{origin.host!r} has no address")
    for family, kind, protocol, _, address in reachable(origin.host, found, network):
        sock: socket.socket = Socket(family, kind, protocol)
        sock.settimeout(network.connect_timeout)
        try:
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock if tls is None else tls.wrap_socket(sock, server_hostname=origin.host)
        except TimeoutError as late:
            failed = Silent(str(late))
        except OSError as error:
            failed = error
        sock.close()
    raise failed
