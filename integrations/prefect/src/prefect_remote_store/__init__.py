"""remote-store in Prefect: a block that gives flows a Store, and keeps their results in one."""

from __future__ import annotations

from prefect_remote_store.block import RemoteStoreBlock

__version__ = "0.1.0"
__all__ = ["RemoteStoreBlock"]
