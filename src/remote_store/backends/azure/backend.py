"""AzureBackend: one container of a storage account, flat or hierarchical."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

from remote_store._arguments import secret_of
from remote_store._io import gather
from remote_store.backend import Concurrency, Native, PartLimits, Traits
from remote_store.backends._answers import Refused
from remote_store.backends._lanes import Laned
from remote_store.backends.azure.access import NO_KEYS, NO_TOKEN, Access, Key, Sas
from remote_store.backends.azure.errors import classify
from remote_store.errors import CapabilityNotSupported, ConfigError, RemoteStoreError

if TYPE_CHECKING:
    from typing import Literal

    from remote_store.backend import Body, Entry, FileInfo, Op, Page, PutOptions, Upload
    from remote_store.backends._obstore import Engine
    from remote_store.backends.azure.folders import Tree
    from remote_store.backends.azure.listing import Lister
    from remote_store.backends.azure.rest import Rest
    from remote_store.secret import Secret
    from remote_store.uri import Uri

__all__ = ["AzureBackend"]

MIB = 1 << 20
DOTS = (
    "a file below has '.' or '..' in its name, which clients resolve, so that another file would be deleted; "
    "remove it with the program that made it"
)
ABFSS = "an abfss URI is 'abfss://container@account.dfs.core.windows.net/path'"


class AzureBackend(Laned):
    """The files of one container.

    Options:
        container: the container's name; "filesystem" is another word for it.
        account: the account's name; by default that of endpoint_url, connection string or environment.
        account_key: the account's key; by default that of the environment.
        sas_token: a shared access signature, in place of a key.
        connection_string: account, address and key or signature in one text; by default that of the environment.
        credential: "default" for azure-identity's DefaultAzureCredential, or one of its credentials itself.
        anonymous: send requests unsigned, for public containers; default False.
        endpoint_url: address of the Blob service; default "https://<account>.blob.core.windows.net".
        dfs_endpoint_url: address of the Data Lake service; default: that of the Blob service with ".dfs." in it.
        hierarchical: whether the account has a hierarchical namespace; by default it is asked, once.
        lane: "auto" takes obstore where it works and plain requests elsewhere; "obstore" and "sdk" insist on one.
        connect_timeout: seconds; default 10.
        read_timeout: seconds without a byte of an answer; default 60.
        ca_bundle: path of a PEM file of certificates to trust; default: the system's.
    """

    extra = "azure"
    lanes = ("auto", "obstore", "sdk")
    traits = Traits(
        name="azure",
        concurrency=Concurrency.AWAITS,
        atomic_put=True,
        exclusive_create=True,
        compare_and_swap=True,
        user_metadata=True,
        exclusive_copy=True,
        pinned_copy=True,
        ranges=True,
        delete_reports_absence=True,
        native_results=True,
        parallel_reads=12,
        parallel_calls=32,
        put_limit=8 * MIB,
        parts=PartLimits(size=5 * MIB, most=50_000, parallel=8),
    )

    def __init__(
        self,
        container: str,
        *,
        account: str | None = None,
        account_key: Secret | str | None = None,
        sas_token: Secret | str | None = None,
        connection_string: Secret | str | None = None,
        credential: Any = None,
        anonymous: bool = False,
        endpoint_url: str | None = None,
        dfs_endpoint_url: str | None = None,
        hierarchical: bool | None = None,
        lane: Literal["auto", "obstore", "sdk"] = "auto",
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        ca_bundle: str | None = None,
    ) -> None:
        key, sas = secret_of(account_key, "account_key"), secret_of(sas_token, "sas_token")
        connection = secret_of(connection_string, "connection_string")
        self._access = Access(
            container, account, key, sas, connection, credential, anonymous, endpoint_url, dfs_endpoint_url,
            connect_timeout, read_timeout, ca_bundle,
        )  # fmt: skip
        self._access.check()
        if hierarchical not in (None, True, False):
            raise TypeError(f"hierarchical is True, False or None, not {type(hierarchical).__name__}")
        self._choose(lane)
        self._know(hierarchical)

    @staticmethod
    def from_uri(uri: Uri) -> tuple[dict[str, Any], str]:
        """``az://container/path``, or with the account ``abfss://container@account.dfs.core.windows.net/path``."""
        root = uri.path.removeprefix("/").removesuffix("/")
        if not uri.user:
            if not uri.host or uri.port:
                raise ConfigError("an Azure URI is 'az://container/path'; account=… or endpoint_url=… says where")
            if "." in uri.host:
                raise ConfigError(ABFSS)
            return {"container": uri.host}, root
        account, dot, domain = (uri.host or "").partition(".dfs.")
        if not dot or not account or uri.port:
            raise ConfigError(ABFSS)
        # With "abfs" too: plain http would show the signature or token to everybody on the way.
        return {"container": uri.user, "endpoint_url": f"https://{account}.blob.{domain}"}, root

    def _know(self, hierarchical: bool | None) -> None:
        """Take in what kind of account it is; None: it is to be asked."""
        self._hierarchical = hierarchical
        self.traits = type(self).traits._replace(hierarchical=hierarchical, atomic_move=bool(hierarchical))

    def _kind(self) -> type[Self]:
        kind = type(self) if self._hierarchical is False else _Renaming
        return cast("type[Self]", kind)

    def _start(self) -> None:
        super()._start()
        self._rest_made: Rest | None = None
        self._lister: Lister | None = None
        self._unwrapped: dict[type[Any], Any] = {}

    def _rest(self) -> Rest:
        with self._lock:
            if self._rest_made is None:
                from remote_store.backends.azure.rest import Rest
                from remote_store.backends.azure.wire import Wire

                self._rest_made = Rest(Wire(self._access, self._io), self._io)
            return self._rest_made

    def _tree(self) -> Tree:
        from remote_store.backends.azure.folders import Tree

        return Tree(self._rest())

    def _listing(self) -> Lister:
        with self._lock:
            if self._lister is None:
                from remote_store.backends.azure.listing import Lister

                self._lister = Lister(self._rest().wire, self._access.container)
            return self._lister

    def _make_engine(self) -> Engine:
        from remote_store.backends.azure.hot import HotPath, open_store

        rest = self._rest()
        store = open_store(self._access, self._io, rest.wire.signer.tokens)
        return HotPath(store, self._io, rest, hierarchical=self._hierarchical is True)

    async def _hot(self) -> Engine | None:
        if not self._decided:
            await self._is_hierarchical()
        return await super()._hot()

    async def _is_hierarchical(self) -> bool:
        """Say what kind of account it is; asked once."""
        if self._hierarchical is None:
            from remote_store.backends.azure.asking import is_hierarchical

            self._know(await is_hierarchical(self._rest().wire, self._access))
        return self._hierarchical is True

    async def _sdk_stat(self, key: str) -> Entry:
        return await self._rest().stat(key)

    async def _sdk_get(self, *args: Any) -> Body:
        return await self._rest().get(*args)

    async def _sdk_put(self, key: str, *args: Any) -> FileInfo:
        return await self._rest().put(key, *args, hierarchical=self._hierarchical is True)

    async def delete(self, key: str, if_match: str | None = None) -> None:
        if await self._is_hierarchical():
            await self._tree().delete(key, if_match)
        else:
            await self._rest().delete(key, if_match)

    async def list(self, folder: str, recursive: bool, token: object | None, limit: int | None) -> Page:
        hierarchical = await self._is_hierarchical()
        return await self._listing().page(folder, recursive, token, limit, hierarchical=hierarchical)

    async def delete_tree(self, folder: str) -> None:
        if await self._is_hierarchical():
            await self._tree().delete_tree(folder)
            return
        before: list[str] = []
        while keys := await self._listing().keys(f"{folder}/"):
            if keys == before:
                raise RemoteStoreError("the service still lists what it said it had deleted")
            if any({".", ".."} & set(key.split("/")) for key in keys):
                raise RemoteStoreError(DOTS)
            calls = [(self._delete_listed, key) for key in keys]
            await gather(self._io, self.traits.parallel_calls, calls)
            before = keys
        await self._rest().drop_marker(folder)

    async def _delete_listed(self, key: str) -> None:
        try:
            await self._rest().delete(key)
        except Refused as refused:
            if refused.code != "BlobNotFound":
                raise

    async def remove_folder(self, folder: str) -> None:
        if await self._is_hierarchical():
            await self._tree().remove(folder)
            return
        try:
            await self._rest().delete(f"{folder}/")
        except Refused as refused:
            if refused.code != "BlobNotFound" or not await self._rest().drop_marker(folder):
                raise

    async def begin(self, key: str, options: PutOptions) -> Upload:
        from remote_store.backends.azure.upload import Upload

        return Upload(self._rest(), key, options, hierarchical=await self._is_hierarchical())

    async def copy(self, source: str, target: str, overwrite: bool, if_match: str | None = None) -> None:
        rest = self._rest()
        if await self._is_hierarchical():
            await self._tree().file(source)
        try:
            await rest.copy(source, target, overwrite, if_match)
        except Refused as refused:
            if refused.status == 409:
                await rest.stat(source)  # a missing source is the first thing to say
            if self._hierarchical:
                await rest.explain(refused, target)
            raise

    async def presign(self, key: str, expires: float, method: str) -> str:
        from remote_store.backends.azure.links import link

        return await link(self._rest().wire, self._access, self._io, key, expires, method)

    def classify(self, exc: Exception, op: Op) -> type[RemoteStoreError] | RemoteStoreError | None:
        access = self._access
        no_keys = NO_KEYS if access.credential is None else NO_TOKEN
        return classify(exc, access.container, access.service(), no_keys)

    def native_path(self, key: str) -> str:
        root = f"az://{self._access.container}"
        return f"{root}/{key}" if key else root

    def describe(self, key: str) -> Native | None:
        access = self._access
        place, login = access.place(), access.login()
        if access.ca_bundle is not None or (login is not None and not isinstance(login, Key | Sas)):
            return None  # they take no certificates of ours, and cannot ask our credential for tokens
        options: dict[str, Secret | str] = {"azure_storage_account_name": place.account}
        options["azure_storage_endpoint"] = place.blob
        if place.blob.startswith("http:"):
            options["azure_allow_http"] = "true"
        if login is None:
            options["azure_skip_signature"] = "true"
        elif isinstance(login, Key):
            options["azure_storage_account_key"] = login.key
        else:
            options["azure_storage_sas_key"] = login.token
        return Native(self.native_path(key), options)

    def unwrap(self, kind: type[Any]) -> Any:
        home = kind.__module__.partition(".")[0]
        if home == "obstore" and self._lane != "sdk" and self._obstore_works("auto"):
            from remote_store.backends.azure.hot import open_store

            store = open_store(self._access, self._io)
            return store if isinstance(store, kind) else None
        if home == "azure":
            from remote_store.backends.azure.clients import make_client

            with self._lock:
                if kind not in self._unwrapped:
                    self._unwrapped[kind] = make_client(kind, self._access)
                return self._unwrapped[kind]
        return None

    async def close(self) -> None:
        if "_io" not in self.__dict__:
            return
        rest, clients = self._rest_made, self._unwrapped
        self._engine = self._rest_made = self._lister = None
        self._decided, self._unwrapped = False, {}
        if rest is not None:
            await rest.wire.close()
        for client in clients.values():
            await self._io.pick(_close, _closed, client)


def _close(client: Any) -> None:
    client.close()


async def _closed(client: Any) -> None:
    done = client.close()
    if hasattr(done, "__await__"):
        await done


class _Renaming(AzureBackend):
    """An account that can rename, or may turn out to."""

    async def move(self, source: str, target: str, overwrite: bool) -> None:
        if not await self._is_hierarchical():
            raise CapabilityNotSupported("an account with a flat namespace cannot rename")
        await self._tree().move(source, target, overwrite)
