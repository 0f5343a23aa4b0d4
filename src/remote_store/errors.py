"""The error tree: everything that can leave the library, each error a built-in too where Python has one."""

from __future__ import annotations

import errno

TYPE_CHECKING = False  # as typing's own, without loading typing
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "AlreadyExists",
    "BackendUnavailable",
    "CapabilityNotSupported",
    "ConfigError",
    "ContainerNotFound",
    "DirectoryNotEmpty",
    "IntegrityError",
    "InvalidPath",
    "NotFound",
    "PermissionDenied",
    "PreconditionFailed",
    "RemoteStoreError",
    "ResourceLocked",
    "Timeout",
]


class RemoteStoreError(Exception):
    """The root of every error raised by remote-store.

    Attributes:
        message: what happened and what to do next, without the key.
        path: the key as the caller gave it, or None where no key is involved.
        backend: the backend's name, such as ``"s3"``, or None.
        retryable: whether the same call may succeed later without a change.
        undone: whether the service certainly did nothing, so that even a call that must not be done twice may be
            repeated; False where an answer was lost on its way.
        retry_after: seconds that the service asked to be left alone, or None; retries wait so long, up to their cap.
    """

    undone = False
    retry_after: float | None = None
    _retryable = False
    _errno: int | None = None

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        backend: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.backend = backend
        self.retryable = self._retryable if retryable is None else retryable
        # OSError's fields, so that `except FileNotFoundError as e: e.filename` works as users expect.
        self.errno = self._errno
        self.strerror: Any = message
        self.filename = path

    def __str__(self) -> str:
        where = [f"path={self.path!r}"] if self.path is not None else []
        if self.backend is not None:
            where.append(f"backend={self.backend!r}")
        return f"{self.message} ({', '.join(where)})" if where else self.message

    def __reduce__(self) -> tuple[object, ...]:
        made = (type(self), self.message, self.path, self.backend, self.retryable, self.undone, self.retry_after)
        return _rebuild, made, {"__notes__": notes} if (notes := getattr(self, "__notes__", None)) else None


def _rebuild(
    kind: type[RemoteStoreError],
    message: str,
    path: str | None,
    backend: str | None,
    retryable: bool,
    undone: bool,
    retry_after: float | None = None,
) -> RemoteStoreError:
    error = kind(message, path=path, backend=backend, retryable=retryable)
    error.undone, error.retry_after = undone, retry_after
    return error


class NotFound(RemoteStoreError, FileNotFoundError):
    """No file (or folder, or container) stands at the path."""

    _errno = errno.ENOENT


class ContainerNotFound(NotFound):
    """The bucket, container, database or root folder itself is missing; the message names it."""


class AlreadyExists(RemoteStoreError, FileExistsError):
    """A file stands at the path and ``overwrite`` was not given."""

    _errno = errno.EEXIST


class PermissionDenied(RemoteStoreError, PermissionError):
    """The service refused the credentials, or the path leads outside the store."""

    _errno = errno.EACCES


class InvalidPath(RemoteStoreError, ValueError):
    """The path breaks the key grammar, or its shape does not fit the tree (a file where a folder is needed)."""


class CapabilityNotSupported(RemoteStoreError, NotImplementedError):
    """The backend cannot do this; see ``Store.capabilities``."""


class DirectoryNotEmpty(RemoteStoreError):
    """The folder holds something and ``recursive`` was not given."""


class BackendUnavailable(RemoteStoreError, ConnectionError):
    """The service could not be reached, or answered that it cannot serve now."""

    _retryable = True
    _errno = errno.ECONNABORTED


class Timeout(RemoteStoreError, TimeoutError):
    """The service did not answer within the deadline."""

    _retryable = True
    _errno = errno.ETIMEDOUT


class ResourceLocked(RemoteStoreError):
    """Someone holds a lock or lease on the file."""

    _retryable = True


class PreconditionFailed(RemoteStoreError):
    """``if_match`` named another version than the one that stands there."""


class IntegrityError(RemoteStoreError):
    """The bytes that arrived are not the bytes that were announced."""

    _retryable = True


class ConfigError(RemoteStoreError, ValueError):
    """The configuration cannot be used: unknown key, wrong value, missing extra or variable."""
