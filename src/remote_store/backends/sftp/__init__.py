"""The SFTP backend, for OpenSSH and every server that speaks version 3 of the protocol."""

from __future__ import annotations

from remote_store.backends.sftp.backend import SFTPBackend

__all__ = ["SFTPBackend"]
