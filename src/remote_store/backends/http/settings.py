"""What the options of an HttpBackend must look like, and the credentials and headers that are made of them."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

from remote_store._arguments import secret_of
from remote_store.errors import ConfigError
from remote_store.secret import Secret, reveal

__all__ = [
    "check_base",
    "credentials",
    "extra",
    "query_of",
]

OURS = {"host", "range", "if-match", "content-length", "transfer-encoding", "connection", "accept-encoding"}
"""Headers that requests have from us."""
_token = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch


def check_base(url: str, path: str) -> None:
    """Refuse parts of a URL that no key can be put behind."""
    if "?" in url:
        raise ConfigError("url has a query; pass it as query=…, which is kept as a secret")
    if "#" in url:
        raise ConfigError("url has a '#' part; write '%23' for '#' in a path")
    if {".", ".."} & set(path.split("/")):
        raise ConfigError("url has a '.' or '..' segment")


def query_of(value: Secret | str | None) -> Secret | None:
    """Return a query as it goes behind ``?``."""
    secret = secret_of(value, "query")
    if secret is not None and not re.fullmatch(r"[!$-~]*", (reveal(secret) or "").removeprefix("?")):
        raise ConfigError("query is the encoded text behind '?', without spaces, quotes and '#'")
    return None if secret is None else Secret((reveal(secret) or "").removeprefix("?"))


def credentials(
    user: str | None, password: Secret | str | None, token: Secret | str | None
) -> list[tuple[str, Secret]]:
    """Return the header of user and password or of a token, if there is one."""
    secret, bearer = secret_of(password, "password"), secret_of(token, "token")
    if (user is None) is not (secret is None):
        raise ConfigError("user and password belong together; give both or neither")
    if user is not None and bearer is not None:
        raise ConfigError("give a user with password or a token, not both")
    if user is not None and ":" in user:
        raise ConfigError("user holds a ':', which basic authentication has no form for")
    if secret is not None:
        pair = f"{user}:{reveal(secret)}".encode()
        return [("Authorization", Secret(f"Basic {base64.b64encode(pair).decode()}"))]
    if bearer is not None:
        if not re.fullmatch(r"[!-~]+", reveal(bearer) or ""):
            raise ConfigError("token holds a character that no header can carry")
        return [("Authorization", Secret(f"Bearer {reveal(bearer)}"))]
    return []


def extra(headers: Mapping[str, Secret | str] | None) -> list[tuple[str, Secret]]:
    """Return the user's own headers."""
    if headers is not None and not isinstance(headers, Mapping):
        raise TypeError(f"headers is a table of names and values, not {type(headers).__name__}")
    checked = []
    for name, value in (headers or {}).items():
        if not isinstance(name, str) or not _token(name) or name.lower() in OURS:
            raise ConfigError(f"headers: {name!r} is no header that can be set")
        secret = secret_of(value, f"headers: {name}")
        if secret is None or not re.fullmatch(r"[!-~](?:[ -~]*[!-~])?", reveal(secret) or ""):
            raise ConfigError(f"headers: the value of {name} holds a character that no header can carry")
        checked.append((name, secret))
    return checked
