"""Which kind of account it is, by asking it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store.backends._answers import Refused

if TYPE_CHECKING:
    from remote_store.backends.azure.access import Access
    from remote_store.backends.azure.wire import Wire

__all__ = ["is_hierarchical"]


async def is_hierarchical(wire: Wire, access: Access) -> bool:
    """Ask the Blob service, and where that is not allowed the Data Lake service; to nobody an account is flat."""
    if access.anonymous:
        return False
    try:
        answer = await wire.ask("HEAD", "", {"restype": "account", "comp": "properties"})
    except Refused as refused:
        return await _ask_lake(wire, refused)
    return answer.headers.get("x-ms-is-hns-enabled", "").lower() == "true"


async def _ask_lake(wire: Wire, refused: Refused) -> bool:
    try:
        answer = await wire.ask("HEAD", "", {"resource": "filesystem"}, dfs=True)
    except Refused:
        raise refused from None
    return answer.headers.get("x-ms-namespace-enabled", "").lower() == "true"
