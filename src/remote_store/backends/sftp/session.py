"""The session with a server: connected when first used, shared by all threads, begun anew when the server died."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from remote_store.backends.sftp.channel import Channel, Lost, Silent
from remote_store.backends.sftp.hostkeys import expanded, warn_unchecked
from remote_store.backends.sftp.pipes import Arrivals, ParamikoPipe, ProcessPipe
from remote_store.backends.sftp.wire import printable
from remote_store.errors import BackendUnavailable, PermissionDenied, RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from remote_store.backends.sftp.access import Access
    from remote_store.backends.sftp.wire import Request

__all__ = ["Session"]

_BUSY = 128
"""Requests on the way over each channel before another one is opened."""


class Session:
    """The channels to one server."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._start()
        _sessions.add(self)

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._channels: list[Channel] = []
        self._transport: Any = None
        self._attempt: _Attempt | None = None
        self._left: deque[Request] = deque()
        self._most = self._access.channels
        self._pid = os.getpid()
        self.closed = False

    def channel(self) -> Channel:
        """Return the least busy channel, a new one if all are busy and there may be more.

        Raises:
            RemoteStoreError, Lost: the server cannot be reached or refuses.
        """
        channels = self._channels
        if len(channels) == 1 and (only := channels[0]).is_usable() and only.load < _BUSY:
            return only
        with self._lock:
            if self.closed:
                raise RemoteStoreError("the store is closed")
            alive = [channel for channel in self._channels if channel.is_usable()]
            dead = [channel for channel in self._channels if channel not in alive]
            self._channels = alive
            best = min(alive, key=lambda channel: channel.load, default=None)
            if best is not None and (best.load < _BUSY or len(alive) >= self._most or self._attempt is not None):
                return best
            mine = self._attempt is None
            if self._attempt is None:
                self._attempt = _Attempt()
            attempt = self._attempt
        for channel in dead:
            channel.end()
        if not mine:
            return attempt.result()
        return attempt.make(self._open, best, self._settle)

    def _settle(self, channel: Channel | None, full: bool) -> None:
        with self._lock:
            self._attempt = None
            late = self.closed
            if full:
                self._most = max(1, len(self._channels))  # the server allows no more
            elif channel is not None and not late:
                self._channels = [*self._channels, channel]
        if late:
            if channel is not None:
                channel.end()
            self._hang_up()

    def _open(self) -> Channel:
        channel = self._new_channel()
        channel.session = self  # so that the session lives while a stream of it does
        while self._left:
            channel.later(self._left.popleft())
        return channel

    def leave(self, *requests: Request) -> None:
        """Leave requests to the next channel that is opened, whose answers nobody hears; a finalizer may call it."""
        self._left.extend(requests)

    def _new_channel(self) -> Channel:
        if self._access.transport == "ssh":
            return _through_ssh(self._access)
        import paramiko

        from remote_store.backends.sftp.login import log_in

        if not any(channel.broken is None for channel in self._channels):
            self._hang_up()  # if there is a connection at all, the last channel over it died
            self._transport = log_in(self._access)
        try:
            pipe = ParamikoPipe(_subsystem(self._transport, self._access), self._access.read_timeout)
        except TimeoutError as error:
            raise Silent(f"{self._access.place} did not open a channel in time", undone=True) from error
        except (OSError, EOFError) as error:
            raise Lost(undone=True) from error
        except paramiko.SSHException as error:
            if not self._transport.is_active():
                raise Lost(undone=True) from error
            message = f"{self._access.place} lets the user in and has no SFTP for it: {printable(str(error))}"
            raise BackendUnavailable(message, retryable=False) from error
        return _greeted(Channel(pipe))

    def _hang_up(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            from remote_store.backends.sftp.login import hang_up

            hang_up(transport)

    def close(self) -> None:
        """End all; safe to call twice."""
        for channel in self._channels:
            with contextlib.suppress(Lost):
                channel.settle()
        self._end()

    def _end(self) -> None:
        with self._lock:
            self.closed = True
            channels, self._channels = self._channels, []
        for channel in channels:
            channel.end()
        self._hang_up()

    def __del__(self) -> None:
        # May run on any thread, even the connection's own: it must not wait for an answer.
        if not getattr(self, "closed", True) and self._pid == os.getpid():
            with contextlib.suppress(Exception):  # nobody is there to hear of it
                self._end()

    def restart(self) -> None:
        """Begin anew in a forked process; the connections are the parent's."""
        transport = self._transport
        for channel in self._channels:
            channel.abandon()
        if transport is not None:
            transport.active = False
            with contextlib.suppress(OSError):
                transport.sock.close()
        # Kept, because the end of them may wait for threads that stayed behind.
        self._parents = (self._channels, transport, self._attempt)
        closed = self.closed
        self._start()
        self.closed = closed

    @property
    def transport(self) -> Any:
        """The connection of paramiko, if there is one by now."""
        return self._transport


class _Attempt:
    """One try to open a channel, whose outcome all that wait for one share."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._channel: Channel | None = None
        self._failure: Exception | None = None

    def make(
        self, work: Callable[[], Channel], instead: Channel | None, settle: Callable[[Channel | None, bool], None]
    ) -> Channel:
        """Do it; where it fails, take the channel that is there instead."""
        made, full = None, False
        try:
            self._channel = made = work()
        except Exception as error:
            self._failure = error
            if instead is None or instead.broken is not None:
                raise
            self._channel, full = instead, True
        finally:
            settle(made, full)
            self._ended.set()
        return self._channel

    def result(self) -> Channel:
        """Wait for it."""
        self._ended.wait()
        if self._channel is not None:
            return self._channel
        raise _again(self._failure)


def _again(failure: Exception | None) -> Exception:
    """Return a failure of another thread's as one of this thread's own."""
    if isinstance(failure, RemoteStoreError):
        error = type(failure)(failure.message, retryable=failure.retryable)
        error.undone = failure.undone
        return error
    if isinstance(failure, Lost):
        return type(failure)(str(failure), undone=failure.undone)
    return Lost(undone=True)


def _subsystem(transport: Any, access: Access) -> Any:
    channel = transport.open_session(timeout=access.connect_timeout)
    Arrivals.take_over(channel)
    try:
        channel.settimeout(access.connect_timeout)
        channel.invoke_subsystem("sftp")
    except BaseException:
        channel.close()
        raise
    return channel


def _greeted(channel: Channel) -> Channel:
    try:
        channel.greet()
    except BaseException as error:
        channel.end()
        if isinstance(error, Lost):
            error.undone = True
        raise
    return channel


def _through_ssh(access: Access) -> Channel:
    """Open a channel by the program ``ssh``, with the user's own configuration, keys, agent and jump hosts."""
    if access.accept_any_host_key:
        warn_unchecked(access)
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(  # noqa: S603  the options are checked, and no shell reads them
                _command(access),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,  # Ctrl-C is for us
            )
        except FileNotFoundError as missing:
            raise BackendUnavailable("the program ssh is not installed", retryable=False) from missing
        pipe = ProcessPipe(process, access.connect_timeout + 1)
        try:
            channel = _greeted(Channel(pipe))
        except Lost as lost:
            if isinstance(lost, Silent):
                raise
            said.seek(0)
            raise _told(said.read(4096).decode(errors="replace"), access) from lost
        pipe.wait_for(access.read_timeout)
        return channel


def _command(access: Access) -> list[str]:
    options = {"BatchMode": "yes", "ConnectTimeout": f"{max(1, round(access.connect_timeout))}"}
    if access.keepalive:
        options["ServerAliveInterval"] = f"{max(1, round(access.keepalive))}"
    if access.known_hosts is not None:
        options["UserKnownHostsFile"] = f'"{_literal(access.known_hosts)}"'
        options["GlobalKnownHostsFile"] = "none"
    if access.accept_any_host_key:
        options |= {"StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null", "LogLevel": "ERROR"}
    else:
        options["StrictHostKeyChecking"] = "accept-new" if access.trust == "tofu" else "yes"
    command = ["ssh", "-T", "-x", "-a", *(f"-o{name}={value}" for name, value in options.items())]
    if access.port != 22:
        command += ["-p", str(access.port)]
    if access.user is not None:
        command += ["-l", access.user]
    if access.key_file is not None:
        command += [f'-oIdentityFile="{_literal(access.key_file)}"']  # -i would look for a file named "%%"
    return [*command, "-s", "--", access.host, "sftp"]


def _literal(path: str) -> str:
    """Return a path that ssh takes as it stands."""
    return str(expanded(path)).replace("%", "%%")


def _told(said: str, access: Access) -> RemoteStoreError:
    """Return what ssh complained about as an error."""
    lines = [printable(line.strip()) for line in said.splitlines() if line.strip()]
    last = "; ".join(lines[-2:]) or "ssh ended without a word"  # the one before says what led to it
    if "Permission denied" in said or "Too many authentication failures" in said:
        return PermissionDenied(f"{access.place} refused the login: {last}")
    if "verification failed" in said or "host key" in said.lower():
        return PermissionDenied(f"the host key of {access.place} is unknown or has changed: {last}")
    error = BackendUnavailable(f"{access.place} cannot be reached: {last}")
    error.undone = True
    return error


_sessions: weakref.WeakSet[Session] = weakref.WeakSet()


def _after_fork() -> None:
    for session in _sessions:
        session.restart()


if hasattr(os, "register_at_fork"):  # elsewhere there is no fork
    os.register_at_fork(after_in_child=_after_fork)
