"""RemoteStoreHook: the store of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.bases.hook import BaseHook
from airflow.sdk.log import mask_secret
from asgiref.sync import sync_to_async

from airflow_provider_remote_store.connection import model_of_connection, naming, texts_to_mask
from remote_store import RemoteStoreError

if TYPE_CHECKING:
    from remote_store import Store
    from remote_store.aio import AsyncStore
    from remote_store.ext.pydantic import StoreModel

__all__ = ["RemoteStoreHook"]


class RemoteStoreHook(BaseHook):
    """Open the store that an Airflow connection of type ``remote_store`` describes.

    ``with RemoteStoreHook("lake").get_store() as store: ...``; nothing connects before the store's first call.

    Args:
        remote_store_conn_id: the name of the connection.
    """

    conn_name_attr = "remote_store_conn_id"
    default_conn_name = "remote_store_default"
    conn_type = "remote_store"
    hook_name = "Remote Store"

    def __init__(self, remote_store_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.remote_store_conn_id = remote_store_conn_id

    def get_model(self) -> StoreModel:
        """Return the typed configuration of the store; its secrets are masked in Airflow's logs from then on.

        Raises:
            AirflowNotFoundException: no connection has this name.
            remote_store.ConfigError: a field of the connection is missing, unknown or wrong; it is named.
        """
        model = model_of_connection(self.get_connection(self._named()))
        _mask(model)
        return model

    def get_store(self) -> Store:
        """Open a store that is the caller's to close. Errors as ``get_model``."""
        model = self.get_model()
        with naming(self.remote_store_conn_id):
            return model.to_store()

    async def aget_store(self) -> AsyncStore:
        """Open a store for use with ``await``, in async tasks and triggers; it is the caller's to close.

        Airflow is asked for the connection without holding up the event loop. Errors as ``get_model``.
        """
        model = model_of_connection(await self.aget_connection(self._named()))
        await sync_to_async(_mask)(model)  # Airflow's own call talks to the supervisor, and waits
        with naming(self.remote_store_conn_id):
            return model.to_async_store()

    def get_conn(self) -> Store:
        """Open a store: Airflow's name for ``get_store``."""
        return self.get_store()

    def test_connection(self) -> tuple[bool, str]:
        """Ask the service whether the store can be reached: Airflow's button *Test*."""
        try:
            with self.get_store() as store:
                store.ping()
                return True, f"{store.native_path()} can be reached"
        except RemoteStoreError as error:
            return False, str(error)

    def _named(self) -> str:
        name = self.remote_store_conn_id
        if not isinstance(name, str) or not name:
            raise ValueError(f"a connection is its name, not {name!r}; look at remote_store_conn_id and target_conn_id")
        return name


def _mask(model: StoreModel) -> None:
    for text in texts_to_mask(model):
        mask_secret(text)
