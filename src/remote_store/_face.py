"""What both faces share: how a store is made, named, compared, pickled, and everything that asks no service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from remote_store._ops import info
from remote_store._stack import Scope, open_stack
from remote_store.backend import Backend, Describes
from remote_store.capabilities import Capability
from remote_store.errors import CapabilityNotSupported, ConfigError, InvalidPath
from remote_store.layers.retry import RetryPolicy
from remote_store.path import parse_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from remote_store.backend import Native
    from remote_store.layers import Layer
    from remote_store.models import ResolutionPlan
    from remote_store.path import PathInput

T = TypeVar("T")

__all__ = ["Face"]


class Face:
    """A scope behind methods; Store and AsyncStore are the two of them."""

    __slots__ = ("__weakref__", "_scope")
    _awaits: ClassVar[bool]

    def __init__(
        self,
        backend: Backend,
        root: PathInput = "",
        *,
        layers: Iterable[Layer] = (),
        retry: RetryPolicy | None = None,
    ) -> None:
        """Open a store on a backend.

        Args:
            backend: such as ``LocalBackend("data")``, ``MemoryBackend()`` or ``S3Backend("bucket")``.
            root: the folder that all paths are relative to.
            layers: what every call passes, outermost first; see ``remote_store.layers``.
            retry: how failed calls are repeated; four tries unless said otherwise.
        """
        if isinstance(backend, type) or not isinstance(backend, Backend):
            raise TypeError(f"a store opens on a Backend, not {type(backend).__name__}; Store.from_uri takes a URI")
        stack = open_stack(backend, layers, RetryPolicy() if retry is None else retry, awaits=self._awaits)
        self._scope = Scope(stack, parse_folder(root))

    @classmethod
    def from_uri(cls, uri: str, **options: Any) -> Self:
        """Open a store from a URI such as ``s3://bucket/prefix?region=eu-west-1``; options win over its query.

        Raises:
            ConfigError: unknown scheme or option, wrong value, missing extra.
        """
        from remote_store.uri import open_uri

        try:
            backend, root = open_uri(uri, options)
        except (ConfigError, InvalidPath) as error:
            refusal = error.with_traceback(None)  # no frame in it holds what was refused, secrets among it
        else:
            return cls(backend, root)
        del uri, options
        raise refusal

    def child(self, path: PathInput) -> Self:
        """Return the store of a folder below; it shares connections, and sees nothing outside."""
        return self._on(self._scope.child(path))

    @classmethod
    def _on(cls, scope: Scope) -> Self:
        store = object.__new__(cls)
        store._scope = scope
        return store

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this store can do."""
        return self._scope.stack.capabilities

    def supports(self, capability: Capability) -> bool:
        """Say whether the store has a capability."""
        if not isinstance(capability, Capability):
            raise TypeError(f"supports takes a Capability, not {type(capability).__name__}")
        return capability in self._scope.stack.capabilities

    def unwrap(self, kind: type[T]) -> T:
        """Return the client below, such as the boto3 client, or the backend itself.

        Raises:
            CapabilityNotSupported: nothing of that type is below.
        """
        if not isinstance(kind, type):
            raise TypeError(f"unwrap takes a type, not {type(kind).__name__}")
        backend = self._scope.backend
        found = backend if isinstance(backend, kind) else backend.unwrap(kind)
        if found is None:
            message = f"no {kind.__name__} is behind this store"
            raise CapabilityNotSupported(message, backend=backend.traits.name)
        return found

    def resolve(self, path: PathInput) -> ResolutionPlan:
        """Say where a path really lies, without asking the service."""
        return info.resolve(self._scope, path)

    def native_path(self, path: PathInput = "") -> str:
        """Return the service's own name for a path, such as ``s3://bucket/root/a.csv``."""
        return info.resolve(self._scope, path).native_path

    def describe(self, path: PathInput = "") -> Native | None:
        """Return where data engines such as Polars find a path and the options that open it; None if they cannot.

        The options may hold credentials, as ``Secret``.
        """
        backend, key = self._scope.backend, self._scope.folder(path)
        return backend.describe(self._scope.full(key)) if isinstance(backend, Describes) else None

    def to_key(self, native: str) -> str:
        """Return the path of this store for a service's own name; the reverse of ``native_path``.

        Raises:
            InvalidPath: the name lies outside this store.
        """
        if not isinstance(native, str):
            raise TypeError(f"a native path is a str, not {type(native).__name__}")
        root = self.native_path().rstrip("/")
        if native.rstrip("/") == root:
            return ""
        if not native.startswith(f"{root}/"):
            raise InvalidPath("this name lies outside the store", path=native)
        return parse_folder(native[len(root) + 1 :])

    async def _close(self) -> None:
        scope = self._scope
        scope.closed = True
        if not scope.shared:
            await scope.stack.close()

    def _recipe(self) -> tuple[Any, ...]:
        stack = self._scope.stack
        return (stack.declared, self._scope.root, stack.layers, stack.retry)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._recipe() == other._recipe()

    def __hash__(self) -> int:
        return hash((type(self), self._scope.stack.declared, self._scope.root))

    def __reduce__(self) -> tuple[Any, ...]:
        return _open, (type(self), *self._recipe())

    def __repr__(self) -> str:
        root = f", {self._scope.root!r}" if self._scope.root else ""
        return f"{type(self).__name__}({self._scope.stack.declared!r}{root})"


def _open(kind: type[Face], backend: Backend, root: str, layers: tuple[Any, ...], retry: RetryPolicy) -> Face:
    return kind(backend, root, layers=layers, retry=retry)
