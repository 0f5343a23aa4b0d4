"""Presigned links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store.backend import Op, Puts, Signs
from remote_store.capabilities import Capability

if TYPE_CHECKING:
    from datetime import timedelta

    from remote_store._stack import Scope
    from remote_store.path import PathInput

LONGEST = 7 * 24 * 3600.0
"""Seconds; the longest life that signature version 4 allows."""


async def presign(scope: Scope, path: PathInput, *, expires: float | timedelta, method: str) -> str:
    """Return a URL that needs no credentials until it expires."""
    from datetime import timedelta

    key = scope.key(path)
    seconds = expires.total_seconds() if isinstance(expires, timedelta) else expires
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"expires is seconds or a timedelta, not {type(expires).__name__}")
    if not 1 <= seconds <= LONGEST:
        raise ValueError(f"expires lies between 1 second and 7 days, not {seconds:g} seconds")
    if not isinstance(method, str):
        raise TypeError(f"method is a str, not {type(method).__name__}")
    if method not in ("GET", "PUT"):
        raise ValueError(f"method is 'GET' or 'PUT', not {method!r}")
    signs = scope.require(Signs, Capability.PRESIGN, key)
    writes = method == "PUT"
    if writes:
        scope.require(Puts, Capability.WRITE, key)
    op = Op("presign", key, writes=writes)
    return await scope.stack.call(op, signs.presign, scope.prefix + key, float(seconds), method)
