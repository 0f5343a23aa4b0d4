"""What the errors of S3 mean, whichever client reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from remote_store.errors import RemoteStoreError
from remote_store.layers.retry import seconds_asked

if TYPE_CHECKING:
    from remote_store.backends._answers import Kind

__all__ = ["classify", "code_of"]

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
    """Name the kind of an error of obstore, botocore or our own listing, and how long the service wants to be left."""
    kind = _kind(exc, bucket, service)
    if isinstance(kind, RemoteStoreError):
        kind.retry_after = seconds_asked(_asked(exc))
    return kind


def _asked(exc: Exception) -> str | None:
    """Return the Retry-After of an answer; obstore tells of none."""
    if isinstance(exc, Refused):
        return exc.retry_after
    response: Any = getattr(exc, "response", None)
    found = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}) if isinstance(response, dict) else {}
    header: str | None = found.get("retry-after")
    return header


def _kind(exc: Exception, bucket: str, service: str) -> Kind | None:
    home = type(exc).__module__.partition(".")[0]
    if isinstance(exc, Refused):
        return _of_answer(exc.status, exc.code, bucket)
    if home == "botocore":
        if isinstance(getattr(exc, "response", None), dict):
            return _of_answer(*code_of(exc), bucket)
        return _of_botocore(exc, service)
    if is_of_obstore(exc):
        if "redirect" in str(exc) and _obstore.failure(exc).status is None:
            return errors.ConfigError(_REGION.format(bucket=bucket))
        return kind_of_obstore(exc, lambda status, code: _of_answer(status, code, bucket), service, _NO_KEYS)
    return None


def _of_answer(status: int | None, code: str | None, bucket: str) -> Kind:
    said = code or status
    if code == "NoSuchBucket":
        return errors.ContainerNotFound(f"the bucket {bucket!r} does not exist")
    if code in _DENIED or status in (401, 403):
        return denied(said)
    if code == "NoSuchUpload":
        return RemoteStoreError("somebody else ended the upload of this file; nothing was published")
    if code in _CONFLICTS:
        return undone(errors.ResourceLocked("another write of this file is under way"))
    if code in _BUSY:
        return undone(errors.BackendUnavailable(f"the service cannot serve now ({said})"))
    if code in _FAULTS:
        return errors.BackendUnavailable(f"the service failed ({said})")
    if code in _ELSEWHERE or status in (301, 302, 307):
        return errors.ConfigError(_REGION.format(bucket=bucket))
    return kind_of_status(status, said)


_REGION = "the bucket {bucket!r} lives in another region; pass region=…"
_NO_KEYS = "no usable credentials were found; pass keys or a profile, set AWS_ACCESS_KEY_ID, or say anonymous=True"


def _of_botocore(exc: Exception, service: str) -> Kind | None:
    from botocore import exceptions as boto

    if isinstance(exc, boto.ConnectTimeoutError):
        return undone(errors.Timeout("the service did not take the connection in time"))
    if isinstance(exc, boto.ReadTimeoutError):
        return errors.Timeout
    if isinstance(exc, boto.SSLError):
        return errors.BackendUnavailable(TLS, retryable=False)
    if isinstance(exc, boto.EndpointConnectionError | boto.ProxyConnectionError):
        return unreached(service)
    if isinstance(exc, boto.HTTPClientError | boto.IncompleteReadError):
        return errors.BackendUnavailable(BROKE)
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
