"""What the errors of Azure mean, whichever client reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store import errors
from remote_store.backends import _obstore
from remote_store.backends._answers import (
    BROKE,
    TLS,
    Refused,
    denied,
    is_of_obstore,
    kind_of_obstore,
    kind_of_status,
    undone,
    unreached,
)
from remote_store.backends.azure.access import NO_KEYS
from remote_store.errors import RemoteStoreError
from remote_store.layers.retry import seconds_asked

if TYPE_CHECKING:
    from remote_store.backends._answers import Kind

__all__ = ["classify", "code_of"]

_CONTAINER = frozenset({"ContainerNotFound", "FilesystemNotFound", "ContainerBeingDeleted", "ContainerDisabled"})
_DENIED = frozenset(
    {
        "AccountIsDisabled",
        "AuthenticationFailed",
        "InvalidAuthenticationInfo",
        "KeyBasedAuthenticationNotPermitted",
        "NoAuthenticationInformation",
        "PublicAccessNotPermitted",
    }
)
_PLAIN: dict[str, type[RemoteStoreError]] = {
    "BlobAlreadyExists": errors.AlreadyExists,
    "DirectoryIsNotEmpty": errors.DirectoryNotEmpty,
    "DirectoryNotEmpty": errors.DirectoryNotEmpty,
    "InvalidDestinationPath": errors.InvalidPath,
    "InvalidSourceOrDestinationResourceType": errors.InvalidPath,
    "PathAlreadyExists": errors.AlreadyExists,
    "PathConflict": errors.InvalidPath,
    "ResourceTypeMismatch": errors.InvalidPath,
}
_NOBODY = ("Connection refused", "NewConnectionError", "NameResolutionError", "ClientConnector")
_PENDING = frozenset({"DestinationPathIsBeingDeleted", "PendingCopyOperation", "SourcePathIsBeingDeleted"})
_SAID: dict[str, str] = {
    "BlobArchived": "the file is in the archive tier; it must be brought back to an online tier before it is read",
    "SnapshotsPresent": "the file has snapshots, which must be deleted before it",
    "InvalidBlobOrBlock": "an unfinished upload of another program stands in the way; write under another name",
    "BlobImmutableDueToPolicy": "a policy of the container keeps the file from being changed",
}


def code_of(exc: Exception) -> tuple[int | None, str | None]:
    """Return HTTP status and the service's own code of an error of any client."""
    if isinstance(exc, Refused):
        return exc.status, exc.code
    status, code, _ = _obstore.failure(exc)
    return status, code


def classify(exc: Exception, container: str, service: str, no_keys: str = NO_KEYS) -> Kind | None:
    """Name the kind of an error of obstore, of the SDK, or of our own requests."""
    if isinstance(exc, Refused):
        kind = _of_answer(exc.status, exc.code, container)
        if isinstance(kind, RemoteStoreError):
            kind.retry_after = seconds_asked(exc.retry_after)
        return kind
    if is_of_obstore(exc):
        return kind_of_obstore(exc, lambda status, code: _of_answer(status, code, container), service, no_keys)
    if type(exc).__module__.partition(".")[0] == "azure":
        return _of_sdk(exc, container, service)
    return None


def _of_answer(status: int | None, code: str | None, container: str) -> Kind:
    said = code or status
    if code in _CONTAINER:
        return errors.ContainerNotFound(f"the container {container!r} does not exist")
    if code in _DENIED or status in (401, 403):
        return denied(said)
    if code is not None and code.startswith("Lease"):
        return undone(errors.ResourceLocked("someone holds a lease on this file"))
    if code in _PENDING:
        return undone(errors.ResourceLocked("a copy or deletion of this file is under way"))
    if code in _PLAIN:
        return _PLAIN[code]
    if code in _SAID:
        return RemoteStoreError(_SAID[code])
    return kind_of_status(status, said)


def _of_sdk(exc: Exception, container: str, service: str) -> Kind:
    from azure.core import exceptions as azure

    if isinstance(exc, azure.ServiceRequestTimeoutError):
        return undone(errors.Timeout("the service did not take the connection in time"))
    if isinstance(exc, azure.ServiceResponseTimeoutError):
        return errors.Timeout
    if isinstance(exc, azure.ServiceRequestError):
        return _of_connection(exc, service)
    if isinstance(exc, azure.ClientAuthenticationError):
        return errors.PermissionDenied(NO_KEYS)
    if isinstance(exc, azure.HttpResponseError) and exc.status_code:
        code = getattr(exc, "error_code", None)
        return _of_answer(exc.status_code, str(getattr(code, "value", code)) if code else None, container)
    if isinstance(exc, azure.AzureError):
        return errors.BackendUnavailable(BROKE)
    return RemoteStoreError(f"the client failed ({type(exc).__name__})")


def _of_connection(exc: Exception, service: str) -> Kind:
    """Tell a connection that was never made from one that broke, and from a certificate that nobody trusts."""
    text = str(exc)
    if "CERTIFICATE_VERIFY_FAILED" in text or "CertificateError" in text:
        return errors.BackendUnavailable(TLS, retryable=False)
    if any(said in text for said in _NOBODY):
        return unreached(service)
    return errors.BackendUnavailable(BROKE)
