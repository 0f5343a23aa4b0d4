"""The Google Cloud Storage backend."""

from __future__ import annotations

from remote_store.backends.gcs.backend import GCSBackend

__all__ = ["GCSBackend"]
