"""The one place where a client's error becomes one of ours."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, TypeVar

from remote_store import errors
from remote_store._catalog import missing_extra
from remote_store.errors import RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from remote_store.backend import Backend, Op

T = TypeVar("T")

__all__ = ["Errors", "kind_of_os_error"]

_MESSAGES: dict[type[RemoteStoreError], str] = {
    errors.NotFound: "nothing stands here",
    errors.ContainerNotFound: "the container itself (bucket, database, root folder) is missing",
    errors.AlreadyExists: "a file stands here already; pass overwrite=True to replace it",
    errors.PermissionDenied: "the service refused; check the credentials and their rights on this path",
    errors.InvalidPath: "the path does not fit the tree: a file stands where a folder is needed, or the reverse",
    errors.DirectoryNotEmpty: "the folder is not empty; pass recursive=True to delete all that is in it",
    errors.BackendUnavailable: "the service could not be reached or cannot serve now",
    errors.Timeout: "the service did not answer within the deadline",
    errors.ResourceLocked: "someone holds a lock on this file",
    errors.PreconditionFailed: "the file changed since it was read: if_match names another version",
    errors.IntegrityError: "the bytes that arrived are not those that were announced",
    errors.CapabilityNotSupported: "the backend cannot do this",
    errors.ConfigError: "the configuration cannot be used",
    RemoteStoreError: "the service failed",
}

_KINDS: dict[int, type[RemoteStoreError]] = {
    errno.ENOENT: errors.NotFound,
    errno.EEXIST: errors.AlreadyExists,
    errno.EACCES: errors.PermissionDenied,
    errno.EPERM: errors.PermissionDenied,
    errno.EROFS: errors.PermissionDenied,
    errno.EXDEV: errors.PermissionDenied,
    errno.ELOOP: errors.PermissionDenied,
    errno.EISDIR: errors.InvalidPath,
    errno.ENOTDIR: errors.InvalidPath,
    errno.ENAMETOOLONG: errors.InvalidPath,
    errno.ENOTEMPTY: errors.DirectoryNotEmpty,
    errno.ETIMEDOUT: errors.Timeout,
}


def kind_of_os_error(exc: Exception) -> type[RemoteStoreError] | RemoteStoreError | None:
    """Return the kind of an OSError, or None for any other exception."""
    if isinstance(exc, TimeoutError):
        return errors.Timeout
    if isinstance(exc, ConnectionRefusedError):
        refused = errors.BackendUnavailable("nobody answers at the service's address")
        refused.undone = True
        return refused
    if isinstance(exc, ConnectionError):
        return errors.BackendUnavailable
    if not isinstance(exc, OSError):
        return None
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return errors.BackendUnavailable("no space is left for the file; nothing was published", retryable=False)
    return _KINDS.get(exc.errno or 0, RemoteStoreError)


class Errors:
    """Gives every error of a client its kind, the caller's key and the backend's name; typed errors keep theirs."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def __call__(self, op: Op, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await call()
        except RemoteStoreError as error:
            if error.path is None:  # raised by the backend itself, which knows neither the caller's key nor its name
                error.path = error.filename = op.key
            if error.backend is None:
                error.backend = self._backend.traits.name
            raise
        except ImportError as missing:  # not for the backend to classify: that may need the missing package itself
            raise self._typed(missing_extra(missing, self._backend.traits.name), op) from missing
        except Exception as exc:
            kind = self._backend.classify(exc, op) or kind_of_os_error(exc)
            if kind is None:
                raise
            raise self._typed(kind, op) from exc

    def _typed(self, kind: type[RemoteStoreError] | RemoteStoreError, op: Op) -> RemoteStoreError:
        name = self._backend.traits.name
        if isinstance(kind, type):
            return kind(_MESSAGES[kind], path=op.key, backend=name)
        error = type(kind)(kind.message, path=op.key, backend=name, retryable=kind.retryable)
        error.undone, error.retry_after = kind.undone, kind.retry_after
        return error
