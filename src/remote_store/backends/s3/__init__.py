"""The S3 backend, for AWS and every service that speaks its protocol."""

from __future__ import annotations

from remote_store.backends.s3.backend import S3Backend

__all__ = ["S3Backend"]
