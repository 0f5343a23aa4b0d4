"""What answers mean: the facts of a file, the range that arrives, and the kind of each refusal."""

from __future__ import annotations

import re
import socket
import ssl
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from remote_store import errors
from remote_store.backend import FileInfo
from remote_store.errors import IntegrityError, RemoteStoreError
from remote_store.layers.retry import seconds_asked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    Kind: TypeAlias = type[RemoteStoreError] | RemoteStoreError

__all__ = ["Place", "Refused", "Silent", "classify", "facts", "pin_of", "place_of"]

_PLACE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)").fullmatch
_TOTAL = re.compile(r"bytes \*/(\d{1,18})").fullmatch
_STRONG = re.compile(r'"[^"]*"').fullmatch


class Refused(Exception):
    """An answer that is not the one asked for."""

    def __init__(self, status: int, retry_after: str | None = None) -> None:
        super().__init__(f"the server answered {status}")
        self.status = status
        self.retry_after = retry_after


class Silent(TimeoutError):
    """A server that did not take the connection in time."""


class Place(NamedTuple):
    """Where in a file the bytes of an answer belong."""

    start: int
    stop: int
    total: int


def place_of(headers: Mapping[str, str]) -> Place:
    """Return what a partial answer says of its place.

    Raises:
        IntegrityError: nothing that fits together.
    """
    found = _PLACE(headers.get("content-range", ""))
    if not found or found[3] == "*":
        raise IntegrityError("the server sent a part of the file without saying which of how many bytes")
    start, stop, total = int(found[1]), int(found[2]) + 1, int(found[3])
    if not start < stop <= total:
        raise IntegrityError("the server sent a part of the file with limits that cannot be", retryable=False)
    return Place(start, stop, total)


def total_of(headers: Mapping[str, str]) -> int | None:
    """Return the size of the file that a refused range tells, or None."""
    found = _TOTAL(headers.get("content-range", ""))
    return int(found[1]) if found else None


def facts(key: str, headers: Mapping[str, str], size: int) -> FileInfo:
    """Return the facts of a file that an answer's headers tell."""
    modified = stamp(headers.get("last-modified"))
    etag = headers.get("etag") or None
    if etag is None and modified:
        etag = f'W/"{modified:.0f}-{size:x}"'  # all that tells one version from another here
    return FileInfo(key, size, modified, etag, headers.get("content-type") or None)


def stamp(text: str | None) -> float:
    """Return a date of HTTP as seconds since the epoch; 0 where there is none."""
    try:
        return parsedate_to_datetime(text).timestamp() if text else 0.0
    except (ValueError, OverflowError):
        return 0.0


def pin_of(etag: str) -> list[tuple[str, str]]:
    """Return the header that asks for one version only; servers compare none but strong names."""
    return [("If-Match", etag)] if _STRONG(etag) else []


def coding_of(headers: Mapping[str, str]) -> str | None:
    """Return how the body was encoded although it was asked for as it is, or None."""
    coding = headers.get("content-encoding", "").strip().lower()
    return None if coding in ("", "identity") else coding


_UNREACHED = "{service} could not be reached; check the address and the network"
_TLS = "the TLS connection failed: the server's certificate is not trusted; ca_bundle= names one that is"


def classify(exc: Exception, service: str) -> Kind | None:
    """Name the kind of a refusal, or of an error of a socket."""
    if isinstance(exc, Refused):
        kind = _of_status(exc.status)
        if isinstance(kind, RemoteStoreError):
            kind.retry_after = seconds_asked(exc.retry_after)
        return kind
    if isinstance(exc, Silent):
        return errors.Timeout("the server did not take the connection in time")
    if isinstance(exc, ssl.SSLCertVerificationError):
        return errors.BackendUnavailable(_TLS, retryable=False)
    if isinstance(exc, ssl.SSLError):
        return errors.BackendUnavailable("the TLS connection failed or broke")
    if isinstance(exc, socket.gaierror | ConnectionRefusedError):
        return errors.BackendUnavailable(_UNREACHED.format(service=service))
    if isinstance(exc, TimeoutError):
        return errors.Timeout
    if isinstance(exc, ConnectionError):
        return errors.BackendUnavailable("the connection broke")
    if isinstance(exc, OSError):
        return errors.BackendUnavailable(_UNREACHED.format(service=service))
    return None


_KINDS: dict[int, Any] = {
    404: errors.NotFound,
    410: errors.NotFound,
    408: errors.Timeout,
    412: errors.PreconditionFailed,
    423: errors.ResourceLocked,
}


def _of_status(status: int) -> Kind:
    if status in _KINDS:
        kind: type[RemoteStoreError] = _KINDS[status]
        return kind
    if status in (401, 403, 407):
        return errors.PermissionDenied(f"the server refused ({status}); check the credentials and their rights")
    if status in (425, 429, 503):
        return errors.BackendUnavailable(f"the server cannot serve now ({status})")
    if status in (500, 502, 504) or status > 505:
        return errors.BackendUnavailable(f"the server failed ({status})")
    return RemoteStoreError(f"the server answered with {status}, which is no answer to this request")
