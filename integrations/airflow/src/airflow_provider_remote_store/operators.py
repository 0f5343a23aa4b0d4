"""RemoteStoreOperator: one thing to do with files, as a task."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.bases.operator import BaseOperator

from airflow_provider_remote_store.between import copy_between, move_between
from airflow_provider_remote_store.connection import naming_users
from airflow_provider_remote_store.hooks import RemoteStoreHook
from remote_store import Store
from remote_store.backends.local import LocalBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow.sdk.definitions.context import Context

    from remote_store import WriteResult

__all__ = ["RemoteStoreOperator"]

Action = Literal["list", "put", "get", "copy", "move", "delete"]


class RemoteStoreOperator(BaseOperator):
    """List, put, get, copy, move or delete files of a store.

    ========== =============================================================== =================================
    action     what it does                                                    XCom
    ========== =============================================================== =================================
    ``list``   the files in folder ``path``                                    list of key, size and modified
    ``put``    the worker's file ``local_path`` to ``path``                    key, size and etag
    ``get``    ``path`` to the worker's file ``local_path``, in one step       key and size
    ``copy``   ``path`` to ``target_path``, in ``target_conn_id`` if given     key, size and etag
    ``move``   likewise, and the source is gone afterwards                     key, size and etag
    ``delete`` the file ``path``; a folder with all below it if ``recursive``  none
    ========== =============================================================== =================================

    Args:
        action: one of the six.
        path: a file of the store, or a folder for ``list``; "" is the store's own folder.
        target_path: where ``copy`` and ``move`` put the file.
        local_path: a file of the worker, for ``put`` and ``get``.
        remote_store_conn_id: the connection of the store; by default ``remote_store_default``.
        target_conn_id: another store to ``copy`` or ``move`` to; the same one if None. Within one store the service
            copies by itself where it can; between two the bytes stream through the worker in constant memory.
        pattern: for ``list``: a glob on names, or on paths if it holds ``/`` or ``**``.
        recursive: for ``list``: files at any depth; for ``delete``: a folder.
        overwrite: replace what is there; otherwise that is AlreadyExists.
        missing_ok: for ``delete``: no error if nothing is there.
        limit: for ``list``: how many files an XCom may hold; more are an error.
    """

    template_fields: Sequence[str] = (
        "action",
        "path",
        "target_path",
        "local_path",
        "remote_store_conn_id",
        "target_conn_id",
        "pattern",
    )
    ui_color = "#d6ead8"

    def __init__(
        self,
        *,
        action: Action,
        path: str = "",
        target_path: str | None = None,
        local_path: str | None = None,
        remote_store_conn_id: str = RemoteStoreHook.default_conn_name,
        target_conn_id: str | None = None,
        pattern: str | None = None,
        recursive: bool = False,
        overwrite: bool = False,
        missing_ok: bool = False,
        limit: int = 1000,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.action = action
        self.path = path
        self.target_path = target_path
        self.local_path = local_path
        self.remote_store_conn_id = remote_store_conn_id
        self.target_conn_id = target_conn_id
        self.pattern = pattern
        self.recursive = recursive
        self.overwrite = overwrite
        self.missing_ok = missing_ok
        self.limit = limit
        self._left_out = {
            name for name, value in (("target_conn_id", target_conn_id), ("pattern", pattern)) if value is None
        }

    def execute(self, context: Context) -> Any:
        """Do it and return what goes to XCom.

        Raises:
            ValueError: the action is unknown, or an argument that it needs is missing or was rendered to nothing.
            TypeError: an argument was rendered to something that is no text.
            remote_store.RemoteStoreError: the errors of the store.
        """
        actions: dict[str, Callable[[Store], Any]] = {
            "list": self._list,
            "put": self._put,
            "get": self._get,
            "copy": self._copy,
            "move": self._copy,
            "delete": self._delete,
        }
        if not isinstance(self.action, str) or self.action not in actions:
            raise ValueError(f"action={self.action!r}: known are {', '.join(actions)}")
        if not isinstance(self.path, str):
            raise TypeError(f"path={self.path!r}: a path is text, not {type(self.path).__name__}")
        to = self.target_conn_id if self.action in ("copy", "move") else None
        used = (
            [self.remote_store_conn_id, to] if to and to != self.remote_store_conn_id else [self.remote_store_conn_id]
        )
        with naming_users(*used), RemoteStoreHook(self.remote_store_conn_id).get_store() as store:
            return actions[self.action](store)

    def _needed(self, name: str) -> str:
        value = getattr(self, name)
        if not value:
            raise ValueError(f"action={self.action!r} needs {name}, not {value!r}")
        if not isinstance(value, str | os.PathLike):
            raise TypeError(f"{name}={value!r}: expected text, not {type(value).__name__}")
        return os.fspath(value)

    def _optional(self, name: str) -> str | None:
        """An argument that may be left out; one that was given and is None by now was rendered to it."""
        return None if name in self._left_out and getattr(self, name) is None else self._needed(name)

    def _list(self, store: Store) -> list[dict[str, Any]]:
        found = store.list_files(self.path, pattern=self._optional("pattern"), recursive=self.recursive)
        files = [
            {"key": info.key, "size": info.size, "modified": info.modified_at.isoformat()}
            for info in itertools.islice(found, self.limit + 1)
        ]
        if len(files) > self.limit:
            raise ValueError(f"more than limit={self.limit} files in {self.path!r}; narrow the pattern, or raise it")
        self.log.info("%d files in %s", len(files), store.native_path(self.path))
        return files

    def _put(self, store: Store) -> dict[str, Any]:
        source = Path(self._needed("local_path"))
        return self._done(source, store.write(self.path, source, overwrite=self.overwrite), store)

    def _get(self, store: Store) -> dict[str, Any]:
        target = Path(self._needed("local_path")).absolute()
        with Store(LocalBackend(target.parent)) as here:
            done = copy_between(store, self.path, here, target.name, overwrite=self.overwrite)
        self.log.info("%r to %s: %d bytes", self.path, target, done.size)
        return {"key": self.path, "size": done.size}

    def _copy(self, store: Store) -> dict[str, Any]:
        target_path = self._needed("target_path")
        other = self._optional("target_conn_id") or self.remote_store_conn_id
        if other == self.remote_store_conn_id:
            inside = store.move if self.action == "move" else store.copy
            inside(self.path, target_path, overwrite=self.overwrite)
            return self._done(self.path, store.head(target_path), store)
        between = move_between if self.action == "move" else copy_between
        with RemoteStoreHook(other).get_store() as target:
            done = between(store, self.path, target, target_path, overwrite=self.overwrite)
            return self._done(self.path, done, target)

    def _delete(self, store: Store) -> None:
        if self.recursive:
            store.delete_folder(self.path, recursive=True, missing_ok=self.missing_ok)
        else:
            store.delete(self.path, missing_ok=self.missing_ok)
        self.log.info("%r is deleted", self.path)

    def _done(self, source: str | Path, result: WriteResult, store: Store) -> dict[str, Any]:
        self.log.info("%s %s to %s: %d bytes", self.action, source, store.native_path(result.key), result.size)
        return {"key": result.key, "size": result.size, "etag": result.etag}
