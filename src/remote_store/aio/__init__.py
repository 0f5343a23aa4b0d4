"""The async face: AsyncStore has the methods of Store, awaited."""

from __future__ import annotations

from remote_store.aio.store import AsyncStore

__all__ = ["AsyncStore"]
