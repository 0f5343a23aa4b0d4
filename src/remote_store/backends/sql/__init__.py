"""Databases: files kept in tables (``sql-blob``), and queries served as files (``sql-query``)."""

from __future__ import annotations

from remote_store.backends.sql.blob import SqlBlobBackend
from remote_store.backends.sql.query import SqlQueryBackend

__all__ = ["SqlBlobBackend", "SqlQueryBackend"]
