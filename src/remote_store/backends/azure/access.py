"""How a container is reached: account, addresses and credentials, as options, connection string and environment say."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from remote_store._arguments import check_flag, check_seconds, check_texts
from remote_store.errors import ConfigError, PermissionDenied
from remote_store.secret import Secret

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["NO_KEYS", "NO_TOKEN", "Access", "Key", "Login", "Place", "Sas", "Token"]

NO_KEYS = (
    "no usable credentials were found; pass account_key, sas_token, connection_string or credential='default', "
    "or say anonymous=True"
)
NO_TOKEN = "the credential handed out no token; log in, or give this process an identity"  # noqa: S105  no password
_TEXTS = ("container", "account", "endpoint_url", "dfs_endpoint_url", "ca_bundle")
_CONTAINER = re.compile(r"\$root|\$web|\$logs|[a-z0-9](?:-?[a-z0-9]){2,62}").fullmatch
_ADDRESS = re.compile(r"https?://[^/?#@\s]+/?[^?#@\s]*").fullmatch
_ACCOUNT = re.compile(r"[A-Za-z0-9-]+").fullmatch


class Key(NamedTuple):
    """The account's own key, in base64."""

    key: Secret


class Sas(NamedTuple):
    """A shared access signature, without its question mark."""

    token: Secret


class Token(NamedTuple):
    """Something of azure-identity that hands out tokens; ``None`` stands for the default one."""

    credential: Any


if TYPE_CHECKING:
    Login: TypeAlias = Key | Sas | Token | None
"""How requests are signed; None: not at all."""


class Place(NamedTuple):
    """Where a container is."""

    account: str
    blob: str
    """The address of the Blob service, the account included, without a slash at its end."""
    dfs: str
    """The address of the Data Lake service."""


class Access(NamedTuple):
    """The options of an AzureBackend that say how to reach its container."""

    container: str
    account: str | None
    account_key: Secret | None
    sas_token: Secret | None
    connection_string: Secret | None
    credential: Any
    anonymous: bool
    endpoint_url: str | None
    dfs_endpoint_url: str | None
    connect_timeout: float
    read_timeout: float
    ca_bundle: str | None

    def check(self) -> None:
        """Refuse what cannot be meant, before any I/O."""
        check_texts("container", **{name: getattr(self, name) for name in _TEXTS})
        check_flag("anonymous", self.anonymous)
        if not _CONTAINER(self.container):
            raise ConfigError(
                f"container is the name of a container (3 to 63 of a-z, 0-9 and '-'), not {self.container!r}"
            )
        self._check_login()
        self._check_addresses()
        check_seconds(connect_timeout=self.connect_timeout, read_timeout=self.read_timeout)

    def _check_login(self) -> None:
        ways = ("account_key", "sas_token", "connection_string", "credential")
        given = [name for name in ways if getattr(self, name) is not None] + ["anonymous"] * self.anonymous
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} exclude each other")
        if self.account_key is not None:
            _key(self.account_key)
        if self.sas_token is not None:
            _sas(self.sas_token.reveal())
        self._check_credential()

    def _check_addresses(self) -> None:
        for name in ("endpoint_url", "dfs_endpoint_url"):
            if (url := getattr(self, name)) is not None and not _ADDRESS(url):
                message = f"{name} is an address such as 'https://account.blob.core.windows.net', without user or query"
                raise ConfigError(message)
        if self.account and not _ACCOUNT(self.account):
            raise ConfigError(f"account is the name of an account, without its domain, not {self.account!r}")
        if self.connection_string is not None:
            _parts(self.connection_string)
            if self.account or self.endpoint_url:
                raise ConfigError("connection_string says account and endpoint_url itself")

    def _check_credential(self) -> None:
        credential = self.credential
        if isinstance(credential, str) and credential != "default":
            raise ConfigError("credential is 'default' or an object of azure-identity; a key goes to account_key")
        if credential is not None and not isinstance(credential, str) and not hasattr(credential, "get_token"):
            raise TypeError(
                f"credential is 'default' or has get_token, as azure-identity's, not {type(credential).__name__}"
            )

    def _said(self) -> dict[str, str]:
        """Return the connection string's parts, that of the environment included where no option speaks."""
        if self.connection_string is not None:
            return _parts(self.connection_string)
        spoken = (self.account, self.account_key, self.sas_token, self.credential, self.endpoint_url)
        found = os.environ.get("AZURE_STORAGE_CONNECTION_STRING")
        return _parts(Secret(found)) if found and not self.anonymous and spoken == (None,) * 5 else {}

    def login(self) -> Login:
        """Return what signs requests: as options say, else the connection string, else the environment.

        Raises:
            PermissionDenied: nothing says.
        """
        if self.anonymous:
            return None
        if self.account_key is not None:
            return _key(self.account_key)
        if self.sas_token is not None:
            return _sas(self.sas_token.reveal())
        if self.credential is not None:
            return Token(None if self.credential == "default" else self.credential)
        said, found = self._said(), os.environ
        if key := said.get("accountkey") or found.get("AZURE_STORAGE_ACCOUNT_KEY") or found.get("AZURE_STORAGE_KEY"):
            return _key(Secret(key))
        if sas := said.get("sharedaccesssignature") or found.get("AZURE_STORAGE_SAS_TOKEN"):
            return _sas(sas)
        raise PermissionDenied(NO_KEYS)

    def place(self) -> Place:
        """Return where the container is.

        Raises:
            ConfigError: nothing names the account.
        """
        said, found = self._said(), os.environ
        blob = self.endpoint_url or said.get("blobendpoint")
        account = self.account or said.get("accountname")
        if blob is None:
            account = account or found.get("AZURE_STORAGE_ACCOUNT_NAME") or found.get("AZURE_STORAGE_ACCOUNT")
            if account is None:
                raise ConfigError("no account: pass account=…, endpoint_url=… or a connection string")
            scheme, suffix = (
                said.get("defaultendpointsprotocol", "https"),
                said.get("endpointsuffix", "core.windows.net"),
            )
            blob = f"{scheme}://{account}.blob.{suffix}"
        parts = urlsplit(blob)
        # An emulator has the account in the path, as its host has no names of its own.
        account = account or parts.path.strip("/").partition("/")[0] or (parts.hostname or "").partition(".")[0]
        blob = blob.rstrip("/")
        dfs = self.dfs_endpoint_url or said.get("dfsendpoint") or blob.replace(".blob.", ".dfs.", 1)
        return Place(account, blob, dfs.rstrip("/"))

    def service(self) -> str:
        """Return the service as a message names it."""
        try:
            parts = urlsplit(self.place().blob)
        except ConfigError:
            return "Azure"
        return f"the service at {parts.scheme}://{parts.netloc}"


def _parts(connection: Secret) -> dict[str, str]:
    pairs = [part.partition("=") for part in connection.reveal().strip().strip(";").split(";")]
    if any(not equals or not name for name, equals, _ in pairs):
        pairs.clear()
        raise ConfigError("connection_string is not of the form 'AccountName=…;AccountKey=…'")
    said = {name.strip().lower(): value for name, _, value in pairs}
    if said.get("usedevelopmentstorage", "").lower() == "true":
        raise ConfigError("name the emulator by endpoint_url, account and account_key; its short form is not known")
    wrong = _wrong(said)
    if wrong:
        said.clear()
        pairs.clear()
        raise ConfigError(f"connection_string: {wrong}")
    return said


def _wrong(said: dict[str, str]) -> str | None:
    """Say what of a connection string's address cannot be meant; nothing of the text itself, which may be secret."""
    for name, shown in (("blobendpoint", "BlobEndpoint"), ("dfsendpoint", "DfsEndpoint")):
        if name in said and not _ADDRESS(said[name]):
            return f"{shown} is no address such as 'https://account.blob.core.windows.net', without user or query"
    if not _ACCOUNT(said.get("accountname", "any")):
        return "AccountName is no name of an account"
    if said.get("defaultendpointsprotocol", "https").lower() not in ("http", "https"):
        return "DefaultEndpointsProtocol is https or http"
    return None


def _key(key: Secret) -> Key:
    import base64

    try:
        base64.b64decode(key.reveal(), validate=True)
    except ValueError:
        known = False
    else:
        known = bool(key)
    if not known:
        raise ConfigError("account_key is not a key of an account: it is not base64")
    return Key(key)


def _sas(token: str) -> Sas:
    token = token.strip().lstrip("?")
    if "sig=" not in token:
        del token
        raise ConfigError("sas_token is not a shared access signature: it has no 'sig='")
    return Sas(Secret(token))
