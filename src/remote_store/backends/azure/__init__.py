"""The Azure backend: containers of Blob Storage accounts, flat and hierarchical (Data Lake Storage Gen2)."""

from __future__ import annotations

from remote_store.backends.azure.backend import AzureBackend

__all__ = ["AzureBackend"]
