"""SFTPBackend: the files below one folder of a server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from remote_store._arguments import check_age, check_flag, secret_of
from remote_store._io import run
from remote_store.backend import Concurrency, Declared, Op, Page, PartLimits, Traits
from remote_store.backends.sftp import reading, sweep, wire
from remote_store.backends.sftp.access import Access
from remote_store.backends.sftp.channel import Lost, Silent
from remote_store.backends.sftp.copying import copy_file, move_file
from remote_store.backends.sftp.publish import SFTPUpload, publish
from remote_store.backends.sftp.session import Session
from remote_store.backends.sftp.together import put_many
from remote_store.backends.sftp.tree import Tree
from remote_store.backends.sftp.walk import list_page
from remote_store.backends.sftp.wire import Garbled, Status
from remote_store.errors import (
    AlreadyExists,
    BackendUnavailable,
    CapabilityNotSupported,
    ConfigError,
    IntegrityError,
    InvalidPath,
    NotFound,
    PermissionDenied,
    RemoteStoreError,
    Timeout,
)
from remote_store.layers.errors import Errors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from remote_store.backend import Body, Buffer, Entry, FileInfo, PutOptions, Span, Upload
    from remote_store.secret import Secret
    from remote_store.uri import Uri

__all__ = ["SFTPBackend"]

_DAY = 24 * 3600.0
_KINDS: dict[int, type[RemoteStoreError] | RemoteStoreError] = {
    wire.NO_SUCH_FILE: NotFound,
    wire.NO_SUCH_PATH: NotFound,
    wire.DENIED: PermissionDenied("the server refused; check owner and mode of the file and its folders"),
    wire.BAD_MESSAGE: InvalidPath("the server does not take this name; it may be too long there"),
    wire.UNSUPPORTED: CapabilityNotSupported("the server cannot do this"),
    wire.NO_CONNECTION: BackendUnavailable,
    wire.LOST: BackendUnavailable,
    wire.EXISTS: AlreadyExists,
    wire.READ_ONLY: PermissionDenied("the server's file system is read-only"),
    wire.NO_SPACE: BackendUnavailable("no space is left for the file; nothing was published", retryable=False),
    wire.OVER_QUOTA: BackendUnavailable("no space is left for the file; nothing was published", retryable=False),
}


class SFTPBackend(Declared):
    """Files below a folder of an SFTP server.

    Options:
        host: name or address of the server.
        port: TCP port; default 22.
        user: login name; default: the name of the user who runs this program.
        root: the folder on the server; one without a leading "/" is taken from the login folder, the default.
        password: for login by password.
        key_file: path of a private key (ed25519, ecdsa or rsa).
        key: the text of a private key, in place of ``key_file``.
        passphrase: opens an encrypted private key.
        agent: ask the ssh-agent, then the key files in ~/.ssh, where neither password nor key is given; default True.
        known_hosts: path of the file of trusted host keys; default ~/.ssh/known_hosts, then the system's.
        fingerprint: trust only this host key, "SHA256:…" as ``ssh-keygen -l`` shows it; several with commas between.
        trust: "known" refuses unknown host keys; "tofu" keeps the first one seen in known_hosts. Default "known".
        accept_any_host_key: do not check the host key at all, and warn; for tests only. Default False.
        transport: "paramiko", or "ssh" for the program with the user's configuration, agent and jump hosts.
        create: make the root folder when the first file is written; False: it must be there. Default True.
        durable: wait until each file is on the server's disk; default False.
        plain: accept servers that cannot replace in one step, without the promises that need it. Default False.
        channels: SFTP channels open at once at most; each takes many requests. Default 4.
        connect_timeout: seconds for connecting, and for each step of the login; default 10.
        read_timeout: seconds without a byte of an answer; default 60.
        keepalive: seconds between signs of life on an idle connection, 0 for none; default 30.
    """

    traits = Traits(
        name="sftp",
        concurrency=Concurrency.BLOCKS,
        hierarchical=True,
        atomic_put=True,
        exclusive_create=True,
        atomic_move=True,
        exclusive_copy=True,
        ranges=True,
        delete_reports_absence=True,
        native_results=True,
        parallel_calls=64,
        parts=PartLimits(size=4 << 20),
    )

    def __init__(
        self,
        host: str,
        *,
        port: int = 22,
        user: str | None = None,
        root: str = ".",
        password: Secret | str | None = None,
        key_file: str | os.PathLike[str] | None = None,
        key: Secret | str | None = None,
        passphrase: Secret | str | None = None,
        agent: bool = True,
        known_hosts: str | os.PathLike[str] | None = None,
        fingerprint: str | None = None,
        trust: Literal["known", "tofu"] = "known",
        accept_any_host_key: bool = False,
        transport: Literal["paramiko", "ssh"] = "paramiko",
        create: bool = True,
        durable: bool = False,
        plain: bool = False,
        channels: int = 4,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        keepalive: float = 30.0,
    ) -> None:
        secrets = {"password": password, "key": key, "passphrase": passphrase}
        hidden = {name: secret_of(value, name) for name, value in secrets.items()}
        del password, key, passphrase, secrets
        files = [os.fspath(file) if isinstance(file, os.PathLike) else file for file in (key_file, known_hosts)]
        self._access = Access(
            host, port, user, hidden["password"], files[0], hidden["key"], hidden["passphrase"], agent, files[1],
            fingerprint, trust, accept_any_host_key, transport, channels, connect_timeout, read_timeout, keepalive,
        )  # fmt: skip
        self._access.check()
        if not isinstance(root, str):
            raise TypeError(f"root is a str, not {type(root).__name__}")
        if not root or "\0" in root or not root.isprintable():
            raise ValueError("root is the path of a folder, neither empty nor with control characters")
        for name, flag in (("create", create), ("durable", durable), ("plain", plain)):
            check_flag(name, flag)
        self._session = Session(self._access)
        self._tree = Tree(self._session, root, create=create)
        self._ways = {"durable": durable, "plain": plain}
        if plain:
            self.traits = self.traits._replace(atomic_put=False, exclusive_create=False, atomic_move=False)

    @staticmethod
    def from_uri(uri: Uri) -> tuple[dict[str, Any], str]:
        """``sftp://me@host:2222/folder`` from the server's root; ``/~/folder`` is taken from the login folder."""
        if not uri.host:
            raise ConfigError("an SFTP URI is 'sftp://user@host:port/folder'")
        options: dict[str, Any] = {"host": uri.host.removeprefix("[").removesuffix("]")}
        if uri.user:
            options["user"] = uri.user
        if uri.port:
            options["port"] = uri.port
        if uri.path.startswith("/~/") or uri.path == "/~":
            options["root"] = uri.path[3:].rstrip("/") or "."
        elif uri.path.strip("/"):
            options["root"] = uri.path.rstrip("/")
        elif uri.path:
            options["root"] = "/"
        return options, ""

    async def stat(self, key: str) -> Entry:
        return self._tree.entry(key)

    async def get(
        self, key: str, span: Span | None = None, if_match: str | None = None, version: str | None = None
    ) -> Body:
        return reading.open_body(self._tree, key, span, if_match)

    async def get_many(self, keys: Sequence[str]) -> Sequence[Buffer | None]:
        return reading.read_many(self._tree, keys)

    async def list(self, folder: str, recursive: bool, token: object | None, limit: int | None) -> Page:
        return list_page(self._tree, folder, token, limit, recursive=recursive) or Page([])

    async def put(self, key: str, data: Buffer, options: PutOptions) -> FileInfo:
        return publish(self._tree, key, options, lambda draft: draft.write(data, 0, last=True), **self._ways)

    async def put_many(self, files: Sequence[tuple[str, Buffer]], options: PutOptions) -> Sequence[FileInfo | None]:
        if any(self._ways.values()):
            return [None] * len(files)
        return put_many(self._tree, files, options)

    async def begin(self, key: str, options: PutOptions) -> Upload:
        return SFTPUpload(self._tree, key, options, **self._ways)

    async def delete(self, key: str, if_match: str | None = None) -> None:
        sweep.remove(self._tree, key)

    async def delete_many(self, keys: Sequence[str]) -> Sequence[tuple[str, Exception]]:
        return sweep.remove_many(self._tree, keys)

    async def remove_folder(self, folder: str) -> None:
        sweep.remove_folder(self._tree, folder)

    async def delete_tree(self, folder: str) -> None:
        sweep.remove_tree(self._tree, folder)

    async def copy(self, source: str, target: str, overwrite: bool) -> None:
        copy_file(self._tree, source, target, overwrite=overwrite, **self._ways)

    async def move(self, source: str, target: str, overwrite: bool) -> None:
        move_file(self._tree, source, target, overwrite=overwrite, **self._ways)

    def cleanup(self, older_than: float = _DAY) -> int:
        """Delete what killed writers left: their hidden drafts, if older than so many seconds; return how many.

        Reach it from a store with ``store.unwrap(SFTPBackend).cleanup()``. Ages are taken by this machine's clock,
        and a writer that writes still is not told from a killed one: leave it the time that it may need.
        """
        check_age("older_than", older_than)

        async def work() -> int:
            return sweep.sweep(self._tree, older_than)

        return run(Errors(self)(Op("cleanup", "", writes=True), work))

    def classify(self, exc: Exception, op: Op) -> type[RemoteStoreError] | RemoteStoreError | None:
        if isinstance(exc, Silent):
            return _marked(Timeout(str(exc)), exc)
        if isinstance(exc, Lost):
            return _marked(BackendUnavailable(str(exc)), exc)
        if isinstance(exc, Garbled):
            return IntegrityError(f"the server sent what is not SFTP: {exc}", retryable=False)
        if isinstance(exc, Status):
            return _KINDS.get(exc.code, RemoteStoreError(_why(exc)))
        return None

    def native_path(self, key: str) -> str:
        access, root = self._access, self._tree.root
        address = f"[{access.host}]" if ":" in access.host else access.host
        user = f"{access.user}@" if access.user else ""
        port = "" if access.port == 22 else f":{access.port}"
        folder = root.rstrip("/") if root.startswith("/") else f"/~/{root}"
        return f"sftp://{user}{address}{port}{folder}" + (f"/{key}" if key else "")

    def unwrap(self, kind: type[Any]) -> Any:
        """Return the connection of paramiko, if that is asked for and there is one by now."""
        transport = self._session.transport
        return transport if transport is not None and isinstance(transport, kind) else None

    async def close(self) -> None:
        self._session.close()


def _why(failure: Status) -> str:
    if failure.message in ("", "Failure"):  # all that OpenSSH ever says
        return "the server failed and does not say why; a full disk or a quota looks like this, and its log may tell"
    return f"the server failed: {wire.printable(failure.message)}"


def _marked(error: RemoteStoreError, lost: Lost) -> RemoteStoreError:
    error.undone = lost.undone
    return error
