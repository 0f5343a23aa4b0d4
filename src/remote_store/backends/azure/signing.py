"""What lets a request in: the signature of the account's key, a shared access signature, or a token of Entra ID."""

from __future__ import annotations

import base64
import hmac
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from remote_store._io import Inline
from remote_store.backends.azure.access import NO_TOKEN, Key, Sas
from remote_store.errors import ConfigError, PermissionDenied

if TYPE_CHECKING:
    from collections.abc import Mapping

    from remote_store._io import Io
    from remote_store.backends.azure.access import Login

__all__ = ["SCOPE", "Signer", "Tokens", "canonical", "query_text"]

SCOPE = "https://storage.azure.com/.default"
"""What a token is asked for."""

EARLY = 300.0
"""Seconds before its end that a token is renewed."""

_SIGNED = (
    "content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
    "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range",
)  # fmt: skip


def query_text(query: Mapping[str, str]) -> str:
    """Return the query of a URL."""
    return "&".join([f"{name}={quote(value, safe='-_.~')}" for name, value in query.items()])


def canonical(account: str, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """Return the text that a shared key signs."""
    said = {name.lower(): value for name, value in headers.items()}
    if said.get("content-length") == "0":
        del said["content-length"]
    # The service sorts as for readers of text: hyphens count for nothing, underscores come first.
    ours = sorted((name for name in said if name.startswith("x-ms-")), key=_weight)
    return "\n".join(
        [
            method,
            *(said.get(name, "") for name in _SIGNED),
            *(f"{name}:{said[name]}" for name in ours),
            f"/{account}{path}",
            *(f"{name.lower()}:{value}" for name, value in sorted(query.items())),
        ]
    )


def _weight(name: str) -> tuple[str, str]:
    return name.replace("-", "").replace("_", "!"), name


class Signer:
    """Puts the login into requests."""

    def __init__(self, login: Login, account: str, io: Io) -> None:
        self._key = base64.b64decode(login.key.reveal(), validate=False) if isinstance(login, Key) else None
        self._sas = login.token if isinstance(login, Sas) else None
        self.tokens = Tokens(login.credential, io) if login is not None and not isinstance(login, Key | Sas) else None
        self._account = account

    async def sign(self, method: str, path: str, query: dict[str, str], headers: dict[str, str]) -> None:
        """Add what lets the request in to its headers."""
        headers["x-ms-date"] = formatdate(usegmt=True)
        if self.tokens is not None:
            try:
                token, _ = await self.tokens.current()
            except ImportError:
                raise  # azure-identity is missing
            except Exception as refused:
                raise PermissionDenied(NO_TOKEN) from refused
            headers["Authorization"] = f"Bearer {token}"
        elif self._key is not None:
            text = canonical(self._account, method, path, query, headers)
            mark = base64.b64encode(hmac.digest(self._key, text.encode(), "sha256")).decode()
            headers["Authorization"] = f"SharedKey {self._account}:{mark}"

    def extra(self) -> str:
        """Return what stands in every query, and in addresses that the service itself asks; empty for most logins."""
        return self._sas.reveal() if self._sas is not None else ""

    async def close(self) -> None:
        """Let go of a credential that was made here."""
        if self.tokens is not None:
            await self.tokens.close()


class Tokens:
    """Tokens of one credential of azure-identity, renewed before they expire."""

    def __init__(self, credential: Any, io: Io) -> None:
        if credential is not None and _awaits(credential) and isinstance(io, Inline):
            raise ConfigError("a credential of azure.identity.aio is for AsyncStore; pass the plain one here")
        self._given = credential
        self._own: Any = None
        self._io = io
        self._token = ""
        self._until = 0.0

    async def current(self) -> tuple[str, float]:
        """Return a token, and when it expires."""
        if self._until - EARLY < time.time():
            credential = self._given or await self._default()
            if _awaits(credential):
                found = await credential.get_token(SCOPE)
            else:
                found = await self._io.call(credential.get_token, SCOPE)
            self._token, self._until = found.token, float(found.expires_on)
        return self._token, self._until

    async def _default(self) -> Any:
        if self._own is None:
            from azure.identity import DefaultAzureCredential

            self._own = DefaultAzureCredential()
        return self._own

    async def close(self) -> None:
        """Let go of the default credential; one that was given stays its giver's."""
        own, self._own = self._own, None
        if own is not None:
            await self._io.call(own.close)


def _awaits(credential: Any) -> bool:
    import inspect

    return inspect.iscoroutinefunction(credential.get_token)
