"""RemoteStoreSensor: wait for files."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.sensor import BaseSensorOperator, PokeReturnValue

from airflow_provider_remote_store.connection import naming_users
from airflow_provider_remote_store.hooks import RemoteStoreHook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk.definitions.context import Context

__all__ = ["RemoteStoreSensor"]


class RemoteStoreSensor(BaseSensorOperator):
    """Wait until a file is in a store, or files that match a pattern; XCom is the list of their keys.

    Args:
        path: a file, or a pattern with ``*``, ``?``, ``[…]`` or ``**``, relative to the store's folder.
        remote_store_conn_id: the connection of the store; by default ``remote_store_default``.
        min_files: how many files have to be there; more than one needs a pattern.
        limit: how many keys an XCom may hold; those of the first files, in order.
    """

    template_fields: Sequence[str] = ("path", "remote_store_conn_id")
    ui_color = "#e3f0ea"

    def __init__(
        self,
        *,
        path: str,
        remote_store_conn_id: str = RemoteStoreHook.default_conn_name,
        min_files: int = 1,
        limit: int = 1000,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.remote_store_conn_id = remote_store_conn_id
        self.min_files = min_files
        self.limit = limit

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once. Errors other than absence are raised: a store that cannot be reached is not an empty one.

        Raises:
            ValueError: more files are wanted than the path can name, or the path was rendered to nothing.
            TypeError: the path was rendered to something that is no text.
            remote_store.RemoteStoreError: the errors of the store.
        """
        if not isinstance(self.path, str):
            raise TypeError(f"path={self.path!r}: a path is text, not {type(self.path).__name__}")
        if not self.path:
            raise ValueError("path='': name a file or a pattern")
        is_pattern = any(mark in self.path for mark in "*?[")
        if self.min_files < 1 or (self.min_files > 1 and not is_pattern):
            raise ValueError(
                f"min_files={self.min_files}: at least 1, and more than 1 needs a pattern in {self.path!r}"
            )
        used = self.remote_store_conn_id
        with naming_users(used), RemoteStoreHook(used).get_store() as store:
            if is_pattern:
                found = [info.key for info in itertools.islice(store.glob(self.path), max(self.limit, self.min_files))]
            else:
                found = [self.path] if store.is_file(self.path) else []
        self.log.info("%d files match %r", len(found), self.path)
        return PokeReturnValue(is_done=len(found) >= self.min_files, xcom_value=found[: self.limit])
