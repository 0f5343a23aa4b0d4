"""GCSBackend: one bucket of Google Cloud Storage, all of it through obstore."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from remote_store._arguments import check_flag, check_seconds, check_texts, secret_of
from remote_store.backend import Concurrency, Traits
from remote_store.backends import _obstore
from remote_store.backends._lanes import Laned
from remote_store.backends.gcs.errors import classify
from remote_store.errors import ConfigError, RemoteStoreError

if TYPE_CHECKING:
    from remote_store.backend import Op, Page
    from remote_store.backends._obstore import Engine
    from remote_store.secret import Secret
    from remote_store.uri import Uri

__all__ = ["GCSBackend"]

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]").fullmatch
_ADDRESS = re.compile(r"https?://[^/?#@\s]+/?").fullmatch


class GCSBackend(Laned):
    """The objects of one bucket.

    Options:
        bucket: the bucket's name.
        service_account: a service account's key, as JSON text or the path of its file; by default the environment's.
        access_token: a token of OAuth 2, which is not renewed.
        anonymous: send requests unsigned, for public buckets; default False.
        endpoint_url: address of another service that speaks the XML interface; default: Google's.
        connect_timeout: seconds; default 10.
        read_timeout: seconds without a byte of an answer; default 60.
        ca_bundle: path of a PEM file of certificates to trust; default: the system's.
    """

    extra = "gcs"
    lanes = ("obstore",)
    traits = Traits(
        name="gcs",
        concurrency=Concurrency.AWAITS,
        atomic_put=True,
        exclusive_create=True,
        compare_and_swap=True,
        user_metadata=True,
        exclusive_copy=True,
        ranges=True,
        delete_reports_absence=True,
        native_results=True,
        parallel_reads=12,
        parallel_calls=32,
    )

    def __init__(
        self,
        bucket: str,
        *,
        service_account: Secret | str | None = None,
        access_token: Secret | str | None = None,
        anonymous: bool = False,
        endpoint_url: str | None = None,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        ca_bundle: str | None = None,
    ) -> None:
        check_texts("bucket", bucket=bucket, endpoint_url=endpoint_url, ca_bundle=ca_bundle)
        check_flag("anonymous", anonymous)
        if not _BUCKET(bucket):
            raise ConfigError(f"bucket is the name of a bucket, not {bucket!r}")
        if endpoint_url is not None and not _ADDRESS(endpoint_url):
            raise ConfigError("endpoint_url is an address such as 'http://localhost:4443', without path, user or query")
        self._account = secret_of(service_account, "service_account")
        self._token = secret_of(access_token, "access_token")
        if (self._account is not None) + (self._token is not None) + anonymous > 1:
            raise ConfigError("service_account, access_token and anonymous exclude each other")
        check_seconds(connect_timeout=connect_timeout, read_timeout=read_timeout)
        self._bucket = bucket
        self._anonymous = anonymous
        self._endpoint = endpoint_url and endpoint_url.rstrip("/")
        self._timeouts = connect_timeout, read_timeout
        self._ca_bundle = ca_bundle
        self._choose("obstore")

    @staticmethod
    def from_uri(uri: Uri) -> tuple[dict[str, Any], str]:
        """``gs://bucket/prefix``; ``endpoint_url=http://…`` in the query names another service."""
        if not uri.host or uri.user or uri.port:
            raise ConfigError("a URI of Google Cloud Storage is 'gs://bucket/prefix'")
        return {"bucket": uri.host}, uri.path.removeprefix("/").removesuffix("/")

    def _make_engine(self) -> Engine:
        from remote_store.backends.gcs.engine import GcsEngine

        return GcsEngine(self._open_store(), self._io)

    def _open_store(self) -> Any:
        from obstore.store import GCSStore

        plain = self._endpoint is not None and urlsplit(self._endpoint).scheme == "http"
        client: Any = _obstore.client_options(*self._timeouts, self._ca_bundle, http=plain)
        options: dict[str, Any] = {"client_options": client, "retry_config": {"max_retries": 0}}
        if self._endpoint is not None:
            options["base_url"] = self._endpoint
        if self._anonymous:
            # obstore asks for tokens when it writes, even unsigned; it is to find none elsewhere.
            options |= {"skip_signature": True, "credential_provider": lambda: {"token": "none", "expires_at": None}}
        elif self._token is not None:
            token = self._token
            options["credential_provider"] = lambda: {"token": token.reveal(), "expires_at": None}
        else:
            options |= self._login()
        try:
            return GCSStore(self._bucket, **options)
        finally:
            options.clear()  # the account's key: an error that is shown with its frames is not to show it

    def _login(self) -> dict[str, str]:
        said = self._account.reveal() if self._account is not None else ""
        if said.lstrip().startswith("{"):
            return {"service_account_key": said}
        if said:
            return {"service_account": said}
        found = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
        return {"application_credentials": found} if found else {}

    async def _sure(self) -> Any:
        engine = await self._hot()
        if engine is None:
            raise RemoteStoreError("obstore does not work in a process forked after it ran; start processes by spawn")
        return engine

    async def _sdk_stat(self, key: str) -> Any:
        await self._sure()

    async def _sdk_get(self, *_: Any) -> Any:
        await self._sure()

    async def _sdk_put(self, *_: Any) -> Any:
        await self._sure()

    async def delete(self, key: str, if_match: str | None = None) -> None:
        engine = await self._sure()
        await (engine.delete(key) if if_match is None else engine.delete_version(key, if_match))

    async def list(self, folder: str, recursive: bool, token: object | None, limit: int | None) -> Page:
        page: Page = await (await self._sure()).page(folder, recursive, token, limit)
        return page

    async def copy(self, source: str, target: str, overwrite: bool) -> None:
        engine = await self._sure()
        await engine.copy(source, target, overwrite)

    async def presign(self, key: str, expires: float, method: str) -> str:
        link: str = (await self._sure()).sign(key, expires, method)
        return link

    def classify(self, exc: Exception, op: Op) -> type[RemoteStoreError] | RemoteStoreError | None:
        service = f"the service at {self._endpoint}" if self._endpoint else "Google Cloud Storage"
        return classify(exc, self._bucket, service)

    def native_path(self, key: str) -> str:
        return f"gs://{self._bucket}/{key}" if key else f"gs://{self._bucket}"

    def unwrap(self, kind: type[Any]) -> Any:
        if kind.__module__.partition(".")[0] == "obstore" and self._obstore_works("auto"):
            store = self._open_store()
            return store if isinstance(store, kind) else None
        return None

    async def close(self) -> None:
        if "_io" in self.__dict__:
            self._engine = None
            self._decided = False
