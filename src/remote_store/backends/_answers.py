"""What answers mean, whichever client brought them: the part that is the same for every object store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from remote_store import errors
from remote_store.backends import _obstore
from remote_store.errors import RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Kind: TypeAlias = type[RemoteStoreError] | RemoteStoreError

__all__ = [
    "BROKE",
    "TLS",
    "Refused",
    "denied",
    "is_of_obstore",
    "kind_of_obstore",
    "kind_of_status",
    "undone",
    "unreached",
]

TLS = "the TLS connection failed: the service's certificate is not trusted"
BROKE = "the connection broke"


class Refused(Exception):
    """An answer of the service that is not the one asked for."""

    def __init__(self, status: int, body: str, code: str | None = None, retry_after: str | None = None) -> None:
        self.retry_after = retry_after
        found = re.search(r"<Code>(\w+)</Code>", body)
        self.status = status
        self.code = code or (found[1] if found else None)
        super().__init__(f"the service answered {status} {self.code or ''}".rstrip())

    def __reduce__(self) -> tuple[object, ...]:
        return Refused, (self.status, "", self.code, self.retry_after)


def undone(error: RemoteStoreError) -> RemoteStoreError:
    """Mark an error as one after which the service certainly did nothing."""
    error.undone = True
    return error


def denied(said: str | int | None) -> RemoteStoreError:
    """Return the error for credentials that the service does not take."""
    return errors.PermissionDenied(f"the service refused ({said}); check the credentials and their rights")


def kind_of_status(status: int | None, said: str | int | None) -> Kind:
    """Name the kind of an answer by its status, where its code says nothing more; ``said`` is for the message."""
    if status in (401, 403):
        return denied(said)
    if status == 404:
        return errors.NotFound
    if status in (304, 412):
        return errors.PreconditionFailed
    if status in (429, 503):
        return undone(errors.BackendUnavailable(f"the service cannot serve now ({said})"))
    if (status or 0) >= 500:
        return errors.BackendUnavailable(f"the service failed ({said})")
    return RemoteStoreError(f"the service refused the request ({said})")


def unreached(service: str) -> RemoteStoreError:
    """Return the error for an address where nobody answers."""
    return undone(errors.BackendUnavailable(f"{service} could not be reached; check the address and the network"))


def is_of_obstore(exc: Exception) -> bool:
    """Say whether an error comes from obstore, which uses Python's own class for what is missing."""
    home = type(exc).__module__.partition(".")[0]
    return home == "obstore" or (isinstance(exc, FileNotFoundError) and "Debug source" in str(exc))


def kind_of_obstore(
    exc: Exception, of_answer: Callable[[int | None, str | None], Kind], service: str, no_keys: str
) -> Kind:
    """Name the kind of an error of obstore; ``of_answer`` judges status and code of an answer that came."""
    status, code, cause = _obstore.failure(exc)
    kind = type(exc).__name__
    if status is not None:
        return of_answer(status, code)
    if isinstance(exc, FileNotFoundError):
        return errors.NotFound
    if cause == "Timeout":
        return errors.Timeout
    if cause == "Connect":
        return errors.BackendUnavailable(TLS, retryable=False) if "certificate" in str(exc) else unreached(service)
    if cause is not None:
        return errors.BackendUnavailable(BROKE)
    if kind in ("UnauthenticatedError", "PermissionDeniedError"):
        return errors.PermissionDenied(no_keys)
    return RemoteStoreError(f"the client failed ({kind})")
