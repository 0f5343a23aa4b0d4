"""Links that carry their own permission: service SAS of one file, signed by the account's key or a key of the user."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from remote_store.backends.azure.access import Key
from remote_store.backends.azure.clients import make_client
from remote_store.errors import CapabilityNotSupported

if TYPE_CHECKING:
    from remote_store._io import Io
    from remote_store.backends.azure.access import Access
    from remote_store.backends.azure.wire import Wire

__all__ = ["link"]


async def link(wire: Wire, access: Access, io: Io, key: str, expires: float, method: str) -> str:
    """Return a URL for one file; a login by token asks the service for a key to sign it with."""
    from azure.storage.blob import generate_blob_sas

    login = access.login()
    until = datetime.now(UTC) + timedelta(seconds=expires)
    signed: dict[str, Any]
    if isinstance(login, Key):
        signed = {"account_key": login.key.reveal()}
    elif login is not None and hasattr(login, "credential"):
        signed = {"user_delegation_key": await io.pick(_user_key, _awaited_user_key, access, until)}
    else:
        raise CapabilityNotSupported(
            "a link is signed by an account's key or a credential, not by a signature or nobody"
        )
    token = generate_blob_sas(
        wire.place.account,
        access.container,
        key,
        permission="r" if method == "GET" else "cw",
        expiry=until,
        **signed,
    )
    return f"{wire.url(key)}?{token}"


def _user_key(access: Access, until: datetime) -> Any:
    from azure.storage.blob import BlobServiceClient

    with make_client(BlobServiceClient, access) as client:
        return client.get_user_delegation_key(None, until)


async def _awaited_user_key(access: Access, until: datetime) -> Any:
    from azure.storage.blob.aio import BlobServiceClient

    async with make_client(BlobServiceClient, access) as client:
        return await client.get_user_delegation_key(None, until)
