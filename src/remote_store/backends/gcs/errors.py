"""What the errors of Google Cloud Storage mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store import errors
from remote_store.backends import _obstore
from remote_store.backends._answers import is_of_obstore, kind_of_obstore, kind_of_status
from remote_store.errors import RemoteStoreError

if TYPE_CHECKING:
    from remote_store.backends._answers import Kind

__all__ = ["NO_KEYS", "classify"]

NO_KEYS = "no usable credentials were found; pass service_account or access_token, or say anonymous=True"


def classify(exc: Exception, bucket: str, service: str) -> Kind | None:
    """Name the kind of an error of obstore."""
    if not is_of_obstore(exc):
        return None
    text = str(exc)
    if "Got invalid list response" in text:
        return errors.IntegrityError("the listing that arrived is cut or none at all")
    if "Encountered object with invalid path" in text:
        return RemoteStoreError(
            "an object here has a key that no path can name; obstore lists no folder that holds one"
        )
    if "credential error" in text or "CryptoProvider error" in text:
        return errors.ConfigError(
            "the service account's key cannot be read: neither its JSON text nor the path of its file"
        )
    if "token request" in text or "TokenRequest" in text:
        return errors.PermissionDenied(NO_KEYS)
    if type(exc).__name__ == "AlreadyExistsError" and _obstore.failure(exc).status is None:
        return errors.AlreadyExists
    return kind_of_obstore(exc, lambda status, code: _of_answer(status, code, bucket), service, NO_KEYS)


def _of_answer(status: int | None, code: str | None, bucket: str) -> Kind:
    if code == "NoSuchBucket":
        return errors.ContainerNotFound(f"the bucket {bucket!r} does not exist")
    return kind_of_status(status, code or status)
