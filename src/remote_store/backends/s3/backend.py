"""S3Backend: one bucket of AWS or of any service that speaks its protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remote_store._arguments import secret_of
from remote_store.backend import Concurrency, Native, PartLimits, Traits
from remote_store.backends._lanes import Laned
from remote_store.backends.s3.access import Access, Clients
from remote_store.backends.s3.errors import classify
from remote_store.errors import ConfigError, RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from remote_store.backend import Body, Entry, FileInfo, Op, Page, PutOptions, Upload
    from remote_store.backends._obstore import Engine
    from remote_store.backends.s3.boto import Boto
    from remote_store.backends.s3.listing import Lister
    from remote_store.secret import Secret
    from remote_store.uri import Uri

__all__ = ["S3Backend"]

MIB = 1 << 20


class S3Backend(Laned):
    """The objects of one bucket.

    Options:
        bucket: the bucket's name.
        region: such as "eu-west-1"; by default that of environment or AWS configuration, else "us-east-1".
        endpoint_url: address of a service other than AWS, such as "http://localhost:9000"; default: environment, AWS.
        access_key: with ``secret_key`` the credentials; by default the environment, then botocore's chain.
        secret_key: belongs to ``access_key``.
        session_token: belongs to temporary keys.
        profile: a profile of the AWS configuration files, in place of keys.
        anonymous: send requests unsigned, for public buckets; default False.
        addressing: "path" or "virtual"; by default "virtual" on AWS and "path" elsewhere.
        lane: "auto" takes obstore where it works and botocore elsewhere; "obstore" and "boto3" insist on one.
        connect_timeout: seconds; default 10.
        read_timeout: seconds without a byte of an answer; default 60.
        ca_bundle: path of a PEM file of certificates to trust; default: environment, system.

    A write's time of change is the answer's date, or this machine's clock where obstore carried it.
    """

    extra = "s3"
    lanes = ("auto", "obstore", "boto3")
    traits = Traits(
        name="s3",
        concurrency=Concurrency.AWAITS,
        atomic_put=True,
        exclusive_create=True,
        compare_and_swap=True,
        pinned_copy=True,
        user_metadata=True,
        ranges=True,
        native_results=True,
        parallel_reads=12,
        parallel_calls=32,
        put_limit=8 * MIB,
        parts=PartLimits(size=5 * MIB, most=10_000, parallel=8),
    )

    def __init__(
        self,
        bucket: str,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        access_key: str | None = None,
        secret_key: Secret | str | None = None,
        session_token: Secret | str | None = None,
        profile: str | None = None,
        anonymous: bool = False,
        addressing: Literal["path", "virtual"] | None = None,
        lane: Literal["auto", "obstore", "boto3"] = "auto",
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        ca_bundle: str | None = None,
    ) -> None:
        secret, token = secret_of(secret_key, "secret_key"), secret_of(session_token, "session_token")
        self._access = Access(
            bucket, region, endpoint_url, access_key, secret, token, profile, anonymous, addressing,
            connect_timeout, read_timeout, ca_bundle,
        )  # fmt: skip
        self._access.check()
        self._choose(lane)

    @staticmethod
    def from_uri(uri: Uri) -> tuple[dict[str, Any], str]:
        """``s3://bucket/prefix?region=eu-west-1``; ``endpoint_url=http://…`` in the query names another service."""
        if not uri.host or uri.user or uri.port:
            raise ConfigError("an S3 URI is 's3://bucket/prefix'; the address of another service goes to endpoint_url")
        return {"bucket": uri.host}, uri.path.removeprefix("/").removesuffix("/")

    def _start(self) -> None:
        super()._start()
        self._clients = Clients(self._access)
        self._boto: Boto | None = None
        self._lister: Lister | None = None

    def _make_engine(self) -> Engine:
        return self._clients.engine(self._io)

    def _sdk(self) -> Boto:
        with self._lock:
            if self._boto is None:
                from remote_store.backends.s3.boto import Boto

                self._boto = Boto(self._clients, self._io)
            return self._boto

    def _listing(self) -> Lister:
        with self._lock:
            if self._lister is None:
                from remote_store.backends.s3.listing import Lister

                self._lister = Lister(self._clients)
            return self._lister

    async def _sdk_stat(self, key: str) -> Entry:
        return await self._io.call(lambda: self._sdk().stat(key))

    async def _sdk_get(self, *args: Any) -> Body:
        return await self._io.call(lambda: self._sdk().get(*args))

    async def _sdk_put(self, *args: Any) -> FileInfo:
        return await self._io.call(lambda: self._sdk().put(*args))

    async def delete(self, key: str, if_match: str | None = None) -> None:
        engine = await self._hot()
        if if_match is not None:
            await self._io.call(lambda: self._sdk().delete_version(key, if_match))
        elif engine is not None:
            await engine.delete(key)
        else:
            await self._io.call(lambda: self._sdk().delete(key))

    async def list(self, folder: str, recursive: bool, token: object | None, limit: int | None) -> Page:
        return await self._io.call(lambda: self._listing().page(folder, recursive, token, limit))

    async def delete_many(self, keys: Sequence[str]) -> Sequence[tuple[str, Exception]]:
        return await self._io.call(lambda: self._sdk().delete_many(keys))

    async def delete_tree(self, folder: str) -> None:
        await self._io.call(self._delete_tree, folder)

    def _delete_tree(self, folder: str) -> None:
        before: list[str] = []
        while keys := self._listing().keys(f"{folder}/"):
            if keys == before:
                raise RemoteStoreError("the service still lists what it said it had deleted")
            # The deepest first: some services keep a marker as long as something is below it.
            failed = self._sdk().delete_many(keys[::-1])
            if failed:
                raise failed[0][1]
            before = keys

    async def remove_folder(self, folder: str) -> None:
        await self._io.call(lambda: self._sdk().delete_marker(folder))

    async def begin(self, key: str, options: PutOptions) -> Upload:
        return await self._io.call(lambda: self._sdk().begin(key, options))

    async def copy(self, source: str, target: str, overwrite: bool, if_match: str | None = None) -> None:
        await self._io.call(lambda: self._sdk().copy(source, target, overwrite, if_match))

    async def versions(self, key: str, token: object | None) -> Page:
        return await self._io.call(lambda: self._sdk().versions(key, token))

    async def presign(self, key: str, expires: float, method: str) -> str:
        engine = await self._hot()
        if engine is not None and not self._access.anonymous:
            return engine.sign(key, expires, method)
        return await self._io.call(lambda: self._sdk().presign(key, expires, method))

    def classify(self, exc: Exception, op: Op) -> type[RemoteStoreError] | RemoteStoreError | None:
        return classify(exc, self._access.bucket, self._access.service())

    def native_path(self, key: str) -> str:
        return f"s3://{self._access.bucket}/{key}" if key else f"s3://{self._access.bucket}"

    def describe(self, key: str) -> Native | None:
        options = self._clients.for_engines()
        return None if options is None else Native(self.native_path(key), options)

    def unwrap(self, kind: type[Any]) -> Any:
        home = kind.__module__.partition(".")[0]
        if home == "obstore" and self._obstore_works("auto"):
            self._decide()
            store = self._engine.store if self._engine is not None else None
            return store if isinstance(store, kind) else None
        if home in ("botocore", "boto3"):
            client = self._clients.boto3_client()
            return client if isinstance(client, kind) else None
        return None

    async def close(self) -> None:
        if "_clients" in self.__dict__:
            await self._io.call(self._close)

    def _close(self) -> None:
        self._clients.close()
        if self._lister is not None:
            self._lister.close()
        self._engine = self._boto = self._lister = None
        self._decided = False
