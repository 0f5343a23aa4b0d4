"""remote-store: write file storage code once, run it against local files, memory, S3 and more."""

from __future__ import annotations

TYPE_CHECKING = False  # as typing's own, without loading typing
if TYPE_CHECKING:  # "as" is how type checkers are told that a name is public
    from remote_store.capabilities import Capability as Capability
    from remote_store.config import (
        BackendConfig as BackendConfig,
        RegistryConfig as RegistryConfig,
        StoreProfile as StoreProfile,
    )
    from remote_store.errors import (
        AlreadyExists as AlreadyExists,
        BackendUnavailable as BackendUnavailable,
        CapabilityNotSupported as CapabilityNotSupported,
        ConfigError as ConfigError,
        ContainerNotFound as ContainerNotFound,
        DirectoryNotEmpty as DirectoryNotEmpty,
        IntegrityError as IntegrityError,
        InvalidPath as InvalidPath,
        NotFound as NotFound,
        PermissionDenied as PermissionDenied,
        PreconditionFailed as PreconditionFailed,
        RemoteStoreError as RemoteStoreError,
        ResourceLocked as ResourceLocked,
        Timeout as Timeout,
    )
    from remote_store.layers.retry import RetryPolicy as RetryPolicy
    from remote_store.models import (
        ContentDigest as ContentDigest,
        FileInfo as FileInfo,
        FolderEntry as FolderEntry,
        FolderInfo as FolderInfo,
        ResolutionPlan as ResolutionPlan,
        WriteResult as WriteResult,
    )
    from remote_store.path import RemotePath as RemotePath
    from remote_store.registry import (
        Registry as Registry,
        register_backend as register_backend,
    )
    from remote_store.secret import Secret as Secret
    from remote_store.store import Store as Store

__version__ = "0.1.0"

# Where each public name lives; loaded when first asked for, so that importing the package costs nothing.
_HOMES = {
    "AlreadyExists": "errors",
    "BackendConfig": "config",
    "BackendUnavailable": "errors",
    "Capability": "capabilities",
    "CapabilityNotSupported": "errors",
    "ConfigError": "errors",
    "ContainerNotFound": "errors",
    "ContentDigest": "models",
    "DirectoryNotEmpty": "errors",
    "FileInfo": "models",
    "FolderEntry": "models",
    "FolderInfo": "models",
    "IntegrityError": "errors",
    "InvalidPath": "errors",
    "NotFound": "errors",
    "PermissionDenied": "errors",
    "PreconditionFailed": "errors",
    "Registry": "registry",
    "RegistryConfig": "config",
    "RemotePath": "path",
    "RemoteStoreError": "errors",
    "ResolutionPlan": "models",
    "ResourceLocked": "errors",
    "RetryPolicy": "layers.retry",
    "Secret": "secret",
    "Store": "store",
    "StoreProfile": "config",
    "Timeout": "errors",
    "WriteResult": "models",
    "register_backend": "registry",
}

__all__ = [  # noqa: PLE0604  the names are those of _HOMES, written once
    *_HOMES,
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'remote_store' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"remote_store.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
