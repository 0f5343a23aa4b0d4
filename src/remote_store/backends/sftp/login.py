"""Logging in: a connection of paramiko, its ciphers, its trust and its user."""

from __future__ import annotations

import contextlib
import io
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remote_store.backends.sftp import hostkeys, wire
from remote_store.backends.sftp.channel import Lost, Silent
from remote_store.backends.sftp.pipes import PACKET, PatientSocket
from remote_store.errors import BackendUnavailable, ConfigError, PermissionDenied, RemoteStoreError
from remote_store.secret import reveal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from remote_store.backends.sftp.access import Access

__all__ = ["log_in"]

_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
_DIGESTS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512")
_WINDOW = 64 << 20
"""Bytes that the server may send ahead; requests on the way are fewer."""
_TRUST_TYPES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")}
"""Names that a key of a type is negotiated by, where they differ from the type's own."""
_IDENTITIES = ("id_ed25519", "id_ecdsa", "id_rsa")
_ANEW = "`ssh-keygen -p -f FILE` writes one of another form anew"


def log_in(access: Access) -> Any:
    """Connect, check the server, and authenticate; return paramiko's Transport.

    Raises:
        PermissionDenied: another host key, or the server refused the user.
        BackendUnavailable: nobody answers there, or not as an SSH server.
        Lost: it did not answer in time, or hung up.
    """
    import paramiko

    deadline = time.monotonic() + access.connect_timeout
    sock = _connect(access)
    transport = None
    try:
        transport = paramiko.Transport(sock, default_window_size=_WINDOW, default_max_packet_size=PACKET)
        _prepare(transport, access)
        _start(transport, access, deadline)
        key = transport.get_remote_server_key()
        hostkeys.verify(access, key.get_name(), key.asbytes())
        _authenticate(transport, access)
        # paramiko ends the timer of the handshake, which is over, with each packet.
        transport.packetizer.complete_handshake = _nothing  # type: ignore[method-assign]
        if access.keepalive:
            transport.set_keepalive(max(1, int(access.keepalive)))
    except BaseException:
        hang_up(transport, sock)
        raise
    return transport


def _nothing() -> None:
    """Do nothing."""


def hang_up(transport: Any, sock: socket.socket | None = None) -> None:
    """End a connection, without waiting for its thread to notice."""
    sock = sock if transport is None else transport.sock
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
    if transport is not None:
        transport.packetizer.complete_handshake()  # ends the timer of one that broke before the login
        transport.close()
    if sock is not None:
        sock.close()


def _connect(access: Access) -> PatientSocket:
    try:
        plain = socket.create_connection((access.host, access.port), access.connect_timeout)
    except TimeoutError:
        raise Silent(f"{access.place} did not answer within {access.connect_timeout:g} s", undone=True) from None
    except OSError as error:
        message = f"{access.place} cannot be reached: {error.strerror or error}"
        if isinstance(error, socket.gaierror):
            message = f"the host name {access.host!r} is not known: {error.strerror}"
        refused = BackendUnavailable(message)
        refused.undone = True
        raise refused from error
    sock = PatientSocket(fileno=plain.detach())
    sock.patience = access.read_timeout
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return sock


def _prepare(transport: Any, access: Access) -> None:
    """Fast and safe algorithms only, and first the types of keys by which the server is known."""
    options = transport.get_security_options()
    options.ciphers = tuple(name for name in _CIPHERS if name in options.ciphers)
    options.digests = tuple(name for name in _DIGESTS if name in options.digests)
    known = [name for kind in hostkeys.known_types(access) for name in _TRUST_TYPES.get(kind, (kind,))]
    options.key_types = tuple(sorted(options.key_types, key=lambda name: name not in known))
    transport.banner_timeout = transport.handshake_timeout = access.connect_timeout
    transport.auth_timeout = transport.channel_timeout = access.connect_timeout


def _start(transport: Any, access: Access, deadline: float) -> None:
    import paramiko

    error: Exception | None = None
    try:
        transport.start_client(timeout=max(deadline - time.monotonic(), 0.1))
    except (paramiko.SSHException, EOFError, OSError) as failed:
        error = failed
    if transport.initial_kex_done and transport.is_active():
        return
    if time.monotonic() >= deadline - 0.2 or "timed out" in str(error).lower():
        message = f"{access.place} did not speak SSH within {access.connect_timeout:g} s"
        raise Silent(message, undone=True) from error
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        message = f"{access.place} and this client share no algorithm: {error}"
        raise BackendUnavailable(message, retryable=False) from error
    raise Lost(f"{access.place} hung up or is no SSH server", undone=True) from error


def _authenticate(transport: Any, access: Access) -> None:
    """Try what there is, in order.

    Raises:
        PermissionDenied: all was refused. No frame or cause of it holds a secret.
    """
    refusal: RemoteStoreError | Lost | None = None
    try:
        refusal = _try_all(transport, access)
    except RemoteStoreError as error:
        refusal = error.with_traceback(None)
        refusal.__cause__ = refusal.__context__ = None
    if refusal is not None:
        raise refusal


def _try_all(transport: Any, access: Access) -> RemoteStoreError | Lost | None:
    import paramiko

    user = access.user or _login_name()
    tried: list[str] = []
    allowed: list[str] = []
    for name, attempt in _attempts(transport, access, user):
        began = time.monotonic()
        try:
            attempt()
        except paramiko.BadAuthenticationType as error:
            allowed = list(error.allowed_types)
        except paramiko.AuthenticationException:
            if time.monotonic() - began >= access.connect_timeout:
                return Silent(
                    f"{access.place} did not answer the login within {access.connect_timeout:g} s", undone=True
                )
        except (paramiko.SSHException, EOFError, OSError):
            pass
        tried.append(name)
        if transport.is_authenticated():
            return None
        if not transport.is_active():
            break
    if not tried:
        return PermissionDenied("there is no password, key or agent to log in with; pass password, key or key_file")
    if not transport.is_active() and len(tried) == 1 and not allowed and transport.get_exception() is not None:
        return Lost(f"{access.place} hung up during the login", undone=True)
    wants = f"; it wants {wire.printable(' or '.join(allowed))}" if allowed else ""
    return PermissionDenied(f"{access.place} refused {user!r} with {', '.join(dict.fromkeys(tried))}{wants}")


def _attempts(transport: Any, access: Access, user: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    if access.key is not None or access.key_file is not None:
        key = _key(access)
        yield "the key", lambda: transport.auth_publickey(user, key)
    if access.password is not None:
        yield "the password", lambda: transport.auth_password(user, reveal(access.password))
    if access.key is None and access.key_file is None and access.password is None:
        if access.agent:
            agent = _agent(access.connect_timeout)
            try:
                for held in agent.get_keys():
                    yield "the agent's keys", lambda held=held: transport.auth_publickey(user, held)  # type: ignore[misc]
            finally:
                agent._close()
        for file in _IDENTITIES:
            path = hostkeys.expanded(f"~/.ssh/{file}")
            if path.exists():
                with contextlib.suppress(PermissionDenied):
                    key = _loaded(_read(path), None, str(path))
                    yield f"the key {path}", lambda key=key: transport.auth_publickey(user, key)  # type: ignore[misc]


def _agent(patience: float) -> Any:
    """Return the agent of the user; one that is gone, silent or confused has no keys."""
    from paramiko.agent import AgentSSH, get_agent_connection

    agent: Any = AgentSSH()
    if (connection := get_agent_connection()) is not None:
        try:
            if isinstance(connection, socket.socket):
                connection.settimeout(patience)  # paramiko would wait without end
            agent._connect(connection)
        except Exception:  # noqa: BLE001  whatever its answer was, it is no agent
            connection.close()
            return AgentSSH()
    return agent


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise ConfigError("the user who runs this program has no name on this machine; pass user=…") from None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise PermissionDenied(f"the private key {str(path)!r} cannot be read: {reason}") from None


def _key(access: Access) -> Any:
    import paramiko

    if access.key is not None:
        return _loaded(reveal(access.key) or "", reveal(access.passphrase), "given as text")
    path = hostkeys.expanded(access.key_file or "")
    key = _loaded(_read(path), reveal(access.passphrase), repr(str(path)))
    certificate = Path(f"{path}-cert.pub")
    if certificate.is_file():
        try:
            key.load_certificate(str(certificate))
        except (OSError, ValueError, paramiko.SSHException):
            message = (
                f"the certificate {str(certificate)!r} cannot be read; renew it, or move it away to use the key alone"
            )
            raise PermissionDenied(message) from None
    return key


def _loaded(text: str, passphrase: str | None, name: str) -> Any:
    import paramiko

    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with contextlib.suppress(paramiko.PasswordRequiredException, paramiko.SSHException, ValueError, IndexError):
            return kind.from_private_key(io.StringIO(text), passphrase)
    if passphrase is None and "ENCRYPTED" not in text and "OPENSSH" not in text:
        raise PermissionDenied(f"the private key {name} is not an ed25519, ecdsa or rsa key; {_ANEW}")
    what = "it wants a passphrase" if passphrase is None else "the passphrase is wrong"
    raise PermissionDenied(f"the private key {name} cannot be opened: {what}, or it is damaged; {_ANEW}")
