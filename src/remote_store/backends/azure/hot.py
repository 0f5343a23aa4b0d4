"""The hot path: obstore, as far as it knows what a folder of a hierarchical account is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from remote_store.backend import FileInfo, FolderEntry
from remote_store.backends import _obstore
from remote_store.backends._obstore import Engine
from remote_store.backends.azure import names
from remote_store.backends.azure.access import Key, Sas
from remote_store.backends.azure.rest import FOLDER_HERE, Rest, etag_of
from remote_store.backends.azure.signing import Tokens
from remote_store.errors import NotFound

if TYPE_CHECKING:
    from remote_store._io import Io
    from remote_store.backend import Body, Buffer, Entry, PutOptions, Span
    from remote_store.backends.azure.access import Access, Login

__all__ = ["HotPath", "open_store"]


def open_store(access: Access, io: Io, tokens: Tokens | None = None) -> Any:
    """Make obstore's store of the container; ``tokens`` are those that our own requests are let in by."""
    from obstore.store import AzureStore

    place, login = access.place(), access.login()
    options: Any = _obstore.client_options(
        access.connect_timeout, access.read_timeout, access.ca_bundle, http=urlsplit(place.blob).scheme == "http"
    )
    # Everything is stated: what is left out, obstore would take from the environment.
    return AzureStore(
        access.container,
        account_name=place.account,
        endpoint=place.blob,
        use_emulator=False,
        use_fabric_endpoint=False,
        skip_signature=login is None,
        client_options=options,
        retry_config={"max_retries": 0},
        **_signed(login, io, tokens),
    )


def _signed(login: Login, io: Io, tokens: Tokens | None) -> dict[str, Any]:
    """Return the options that sign; a key is handed over, as being asked for it costs a tenth of a request."""
    if login is None:
        return {}
    if isinstance(login, Key):
        return {"account_key": login.key.reveal(), "credential_type": "access_key"}
    if isinstance(login, Sas):
        return {"sas_key": login.token.reveal(), "credential_type": "sas_token"}
    if login.credential is None:
        import azure.identity  # noqa: F401  if it is missing, obstore would not say so
    source = tokens or Tokens(login.credential, io)

    async def renewed() -> dict[str, Any]:
        token, until = await source.current()
        return {"token": token, "expires_at": datetime.fromtimestamp(until, UTC)}

    return {"credential_provider": _Renewing(renewed, io)}


class _Renewing:
    """Hands out tokens in the colour of its io."""

    def __init__(self, renewed: Any, io: Io) -> None:
        self._renewed = renewed
        self._io = io

    def __call__(self) -> Any:
        from remote_store._io import Inline, run

        return run(self._renewed()) if isinstance(self._io, Inline) else self._renewed()


class HotPath(Engine):
    """The obstore engine of one container."""

    def __init__(self, store: Any, io: Io, rest: Rest, *, hierarchical: bool) -> None:
        super().__init__(store, io, names)
        self._rest = rest
        self._hierarchical = hierarchical
        failed = self._obs.exceptions
        self._refusals = (failed.AlreadyExistsError, failed.PreconditionError, failed.GenericError, FileNotFoundError)

    async def stat(self, key: str, version: str | None = None) -> Entry:  # type: ignore[override]
        """Return what stands at a key."""
        if not key:
            return await self._rest.stat("")
        try:
            found = await self._facts(key, version)
        except FileNotFoundError:
            if not self._hierarchical:
                raise
            # The answer names its reason in a header that obstore does not show: is it the container?
            return await self._rest.stat(key)
        return FolderEntry(key) if not found.size and names.is_folder(found.metadata) else found

    async def get(self, key: str, span: Span | None, if_match: str | None, version: str | None) -> Body:
        """Open a file or a range of it."""
        try:
            body = await super().get(key, span, None if if_match is None else etag_of(if_match), version)
        except FileNotFoundError as missing:
            if "x-ms-resource-type: directory" in str(missing):
                raise NotFound(FOLDER_HERE) from None
            raise
        if not body.length and names.is_folder(body.entry.metadata):
            await body.close()
            raise NotFound(FOLDER_HERE)
        return body

    async def put(self, key: str, data: Buffer, options: PutOptions) -> FileInfo:
        """Publish a file whole."""
        if options.if_match is not None:
            options = options._replace(if_match=etag_of(options.if_match))
        try:
            return await super().put(key, data, options)
        except self._refusals as refused:
            return await self._rest.put_after(refused, key, data, options, hierarchical=self._hierarchical)
