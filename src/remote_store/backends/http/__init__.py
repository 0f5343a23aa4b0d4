"""Files behind a web server, read-only: ``HttpBackend``."""

from __future__ import annotations

from remote_store.backends.http.backend import HttpBackend

__all__ = ["HttpBackend"]
