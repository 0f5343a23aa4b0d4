"""What the errors of S3 mean, whichever client reports them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from remote_store import errors
from remote_store.backends import _obstore
from remote_store.errors import RemoteStoreError

if TYPE_CHECKING:
    from typing import TypeAlias

    Kind: TypeAlias = type[RemoteStoreError] | RemoteStoreError

__all__ = ["Refused", "classify", "code_of"]

_DENIED = frozenset(
    {
        "AccessDenied",
        "AccountProblem",
        "AllAccessDisabled",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)
_ELSEWHERE = frozenset({"AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect", "Redirect"})
_BUSY = frozenset({"SlowDown", "ServiceUnavailable", "Throttling", "TooManyRequests", "RequestLimitExceeded"})
_CONFLICTS = frozenset({"ConditionalRequestConflict", "OperationAborted"})
_FAULTS = frozenset({"InternalError", "RequestTimeout", "IncompleteBody"})


class Refused(Exception):
    """An answer of the service that is not the one asked for."""

    def __init__(self, status: int, body: str) -> None:
        found = re.search(r"<Code>(\w+)</Code>", body)
        self.status = status
        self.code = found[1] if found else None
        super().__init__(f"the service answered {status} {self.code or ''}".rstrip())


def code_of(exc: Exception) -> tuple[int | None, str | None]:
    """Return HTTP status and the service's own code of an error of any client."""
    if isinstance(exc, Refused):
        return exc.status, exc.code
    response: Any = getattr(exc, "response", None)
    if isinstance(response, dict):
        code = response.get("Error", {}).get("Code")
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return status or (int(code) if code and code.isdigit() else None), None if code and code.isdigit() else code
    return _obstore.failure(exc)[:2]


def classify(exc: Exception, bucket: str, service: str) -> Kind | None:
    """Name the kind of an error of obstore, botocore or our own listing."""
    home = type(exc).__module__.partition(".")[0]
    if isinstance(exc, Refused):
        return _of_answer(exc.status, exc.code, bucket)
    if home == "botocore":
        if isinstance(getattr(exc, "response", None), dict):
            return _of_answer(*code_of(exc), bucket)
        return _of_botocore(exc, service)
    if home == "obstore" or (isinstance(exc, FileNotFoundError) and "Debug source" in str(exc)):
        return _of_obstore(exc, bucket, service)
    return None


def _of_answer(status: int | None, code: str | None, bucket: str) -> Kind:
    said = code or status
    if code == "NoSuchBucket":
        return errors.ContainerNotFound(f"the bucket {bucket!r} does not exist")
    if code in _DENIED or status in (401, 403):
        return errors.PermissionDenied(f"the service refused ({said}); check the credentials and their rights")
    if code == "NoSuchUpload":
        return RemoteStoreError("somebody else ended the upload of this file; nothing was published")
    if status == 404:
        return errors.NotFound
    if status == 412:
        return errors.PreconditionFailed
    if code in _CONFLICTS:
        return _undone(errors.ResourceLocked("another write of this file is under way"))
    if code in _BUSY or status in (429, 503):
        return _undone(errors.BackendUnavailable(f"the service cannot serve now ({said})"))
    if code in _FAULTS or (status or 0) >= 500:
        return errors.BackendUnavailable(f"the service failed ({said})")
    if code in _ELSEWHERE or status in (301, 302, 307):
        return errors.ConfigError(f"the bucket {bucket!r} lives in another region; pass region=…")
    return RemoteStoreError(f"the service refused the request ({said})")


def _undone(error: RemoteStoreError) -> RemoteStoreError:
    error.undone = True
    return error


_UNREACHED = "{service} could not be reached; check the address and the network"
_TLS = "the TLS connection failed: the service's certificate is not trusted"
_NO_KEYS = "no usable credentials were found; pass keys or a profile, set AWS_ACCESS_KEY_ID, or say anonymous=True"


def _of_botocore(exc: Exception, service: str) -> Kind | None:
    from botocore import exceptions as boto

    if isinstance(exc, boto.ConnectTimeoutError):
        return _undone(errors.Timeout("the service did not take the connection in time"))
    if isinstance(exc, boto.ReadTimeoutError):
        return errors.Timeout
    if isinstance(exc, boto.SSLError):
        return errors.BackendUnavailable(_TLS, retryable=False)
    if isinstance(exc, boto.EndpointConnectionError | boto.ProxyConnectionError):
        return _undone(errors.BackendUnavailable(_UNREACHED.format(service=service)))
    if isinstance(exc, boto.HTTPClientError | boto.IncompleteReadError):
        return errors.BackendUnavailable("the connection broke")
    missing = (
        boto.NoCredentialsError,
        boto.PartialCredentialsError,
        boto.CredentialRetrievalError,
        boto.SSOError,
        boto.TokenRetrievalError,
        boto.NoAuthTokenError,
        boto.MetadataRetrievalError,
    )
    if isinstance(exc, missing):
        return errors.PermissionDenied(_NO_KEYS)
    if isinstance(exc, boto.ProfileNotFound):
        return errors.ConfigError(f"the profile {exc.kwargs.get('profile')!r} is not in the AWS configuration files")
    if isinstance(exc, boto.BotoCoreError):
        return errors.ConfigError(f"the AWS configuration cannot be used ({type(exc).__name__})")
    return None


def _of_obstore(exc: Exception, bucket: str, service: str) -> Kind:
    status, code, cause = _obstore.failure(exc)
    kind = type(exc).__name__
    if status is not None:
        return _of_answer(status, code, bucket)
    if cause == "Timeout":
        return errors.Timeout
    if cause == "Connect":
        if "certificate" in str(exc):
            return errors.BackendUnavailable(_TLS, retryable=False)
        return _undone(errors.BackendUnavailable(_UNREACHED.format(service=service)))
    if cause is not None:
        return errors.BackendUnavailable("the connection broke")
    if kind in ("UnauthenticatedError", "PermissionDeniedError"):
        return errors.PermissionDenied(_NO_KEYS)
    if "redirect" in str(exc):
        return errors.ConfigError(f"the bucket {bucket!r} lives in another region; pass region=…")
    return RemoteStoreError(f"the client failed ({kind})")
