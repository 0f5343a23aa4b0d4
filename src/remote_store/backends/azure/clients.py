"""The SDK's own clients, for those who ask for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remote_store.backends.azure.access import Key, Sas

if TYPE_CHECKING:
    from remote_store.backends.azure.access import Access

__all__ = ["make_client"]

_NAMES = ("BlobServiceClient", "ContainerClient", "DataLakeServiceClient", "FileSystemClient")


def make_client(kind: type[Any], access: Access) -> Any:
    """Return a client of that class, blocking or awaited, or None where it is none of an account or container."""
    if kind.__name__ not in _NAMES or not kind.__module__.startswith(
        ("azure.storage.blob", "azure.storage.filedatalake")
    ):
        return None
    place, login = access.place(), access.login()
    credential: Any = None
    if isinstance(login, Key):
        credential = {"account_name": place.account, "account_key": login.key.reveal()}
    elif isinstance(login, Sas):
        credential = login.token.reveal()
    elif login is not None:
        credential = login.credential or _default(awaits=".aio" in kind.__module__)
    address = place.dfs if "filedatalake" in kind.__module__ else place.blob
    named = {"ContainerClient": "container_name", "FileSystemClient": "file_system_name"}.get(kind.__name__)
    options: dict[str, Any] = {named: access.container} if named else {}
    return kind(
        address,
        credential=credential,
        connection_timeout=access.connect_timeout,
        read_timeout=access.read_timeout,
        connection_verify=access.ca_bundle or True,
        **options,
    )


def _default(*, awaits: bool) -> Any:
    if awaits:
        from azure.identity.aio import DefaultAzureCredential as Awaited

        return Awaited()
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()
