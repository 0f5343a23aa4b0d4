"""One pydantic model a backend: typed fields, secrets apart, for applications and orchestrators.

The models are made from what the backends' constructors declare, those of third parties too; ``S3Model`` is the model
of the backend ``s3``, ``SqlBlobModel`` that of ``sql-blob``.
The choices of ``StoreModel`` are fixed when this module is imported: entry points are all among them, and what
``register_backend`` named before.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Optional, Union

from remote_store import _catalog
from remote_store.config import BackendConfig, RegistryConfig, StoreProfile
from remote_store.errors import ConfigError
from remote_store.ext._extras import need
from remote_store.options import nearest, options_of
from remote_store.registry import open_store
from remote_store.secret import Secret
from remote_store.uri import read_uri

need("pydantic", "pydantic")

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, create_model  # noqa: E402  after the hint

if TYPE_CHECKING:
    from typing import Self

    from remote_store.aio import AsyncStore
    from remote_store.options import Option
    from remote_store.store import Store

__all__ = [
    "BackendModel",
    "StoreModel",
    "any_backend",
    "fields_of",
    "given_options",
    "model_named",
    "model_of",
    "secrets_of",
]

DISCRIMINATOR = "type"
_PLAIN: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "Path": str,
    "PathLike": str,
    "PathInput": str,
    "Mapping": dict[str, Any],
    "dict": dict[str, Any],
    "Sequence": list[Any],
    "Iterable": list[Any],
    "list": list[Any],
    "tuple": list[Any],
}


_PATHS = {"Path", "PathLike", "PathInput"}


def _text(value: Any) -> Any:
    """A path of this machine as the text that is kept and sent."""
    return os.fspath(value) if isinstance(value, os.PathLike) else value


class BackendModel(BaseModel):
    """A backend by its name and options; made by ``model_of``, compared and serialized by its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=False)
    backend: ClassVar[str] = ""

    def to_config(self) -> BackendConfig:
        """Return the configuration of this backend; options left at their defaults are not in it.

        Raises:
            ConfigError: the backend refuses a value.
        """
        return BackendConfig(self.backend, given_options(self.backend, dict(self)))

    @classmethod
    def from_config(cls, config: BackendConfig) -> BackendModel:
        """Return the model of a configuration."""
        values = {name: _plain(value) for name, value in config.options.items()}
        made: BackendModel = model_of(config.type)(**values)
        return made

    def to_store(self, root: str = "") -> Store:
        """Open a store on this backend; nothing connects before its first call."""
        from remote_store.store import Store

        return open_store(Store, self.to_config(), StoreProfile(self.backend, root))

    def to_async_store(self, root: str = "") -> AsyncStore:
        """Open a store on this backend for use with ``await``."""
        from remote_store.aio import AsyncStore

        return open_store(AsyncStore, self.to_config(), StoreProfile(self.backend, root))


def given_options(backend: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options among a model's values that differ from the backend's defaults, secrets as ``Secret``."""
    given = {}
    for option in _declared(backend).values():
        if option.name in values:
            value = values[option.name]
            if option.secret and value is not None:
                value = _secret(value)
            if option.required or value != option.default:
                given[option.name] = value
    return given


def _secret(value: Any) -> Any:
    """A secret of an orchestrator's own type, or a table of such, as ours."""
    if isinstance(value, Mapping):
        return {name: _secret(item) for name, item in value.items()}
    reveal = getattr(value, "get_secret_value", None)
    return Secret(value if reveal is None else reveal())


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def fields_of(backend: str, secret: Any = SecretStr, *, plain: bool = False) -> dict[str, tuple[Any, Any]]:
    """Return the fields of a backend's model as ``pydantic.create_model`` takes them, the discriminator first.

    Args:
        backend: the name of a backend.
        secret: the type of secrets; an orchestrator names its own.
        plain: for an orchestrator that knows no Literal and no union but ``| None``.

    Raises:
        ConfigError: no backend has this name, or what it needs is not installed.
    """
    kind: Any = Literal.__getitem__(backend)
    fields: dict[str, tuple[Any, Any]] = {DISCRIMINATOR: (kind, Field(backend, description="The backend's name."))}
    for option in _declared(backend).values():
        if option.name == DISCRIMINATOR:
            raise ConfigError(f"an option of backend {backend!r} is called {DISCRIMINATOR!r}, which names the backend")
        default = ... if option.required else option.default
        shown = option.doc.replace("``", "")
        fields[option.name] = (_annotation(option, secret, plain), Field(default, description=shown or None))
    return fields


def _declared(backend: str) -> dict[str, Option]:
    return options_of(_catalog.find(backend))


def _annotation(option: Option, secret: Any, plain: bool) -> Any:
    kinds: list[Any]
    if "Secrets" in option.types:
        kinds = [dict.__class_getitem__((str, secret))]
    elif option.secret:
        kinds = [secret]
    elif option.choices:
        kinds = [str if plain else Literal[option.choices]]
    else:
        names = [name for name in option.types if name != "None"]
        kinds = list(dict.fromkeys([_PLAIN.get(name, Any) for name in names])) or [Any]
        if not plain and not _PATHS.isdisjoint(names):
            kinds = [Annotated[str, BeforeValidator(_text)] if kind is str else kind for kind in kinds]
    if Any in kinds or (plain and len(kinds) > 1):
        return Any  # the backend checks it by itself
    kind: Any = Union.__getitem__(tuple(kinds))
    return Optional[kind] if "None" in option.types else kind  # noqa: UP045


def model_of(
    backend: str,
    kind: type[BaseModel] | None = None,
    secret: Any = SecretStr,
    suffix: str = "Model",
    *,
    plain: bool = False,
) -> Any:
    """Return the model of a backend: ``model_of("s3")(bucket="lake", secret_key="…")``.

    Args:
        backend: the name of a backend.
        kind: what the model derives from; an orchestrator names its own class, with a class variable ``backend``.
        secret: the type of secrets.
        suffix: what the class's name ends with.
        plain: for an orchestrator that knows no Literal and no union but ``| None``.

    Raises:
        ConfigError: no backend has this name, or what it needs is not installed.
    """
    return _model(backend, kind or BackendModel, secret, suffix, plain)


@cache
def _model(backend: str, base: Any, secret: Any, suffix: str, plain: bool) -> Any:
    doc = (_catalog.find(backend).__doc__ or "").partition("\n")[0]
    fields: Any = fields_of(backend, secret, plain=plain)
    name = _camel(backend) + suffix
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*shadows an attribute")  # such as "schema", which pydantic retired
        made = create_model(name, __base__=base, __doc__=doc, __module__=base.__module__, **fields)
    made.backend = backend
    return made


def model_named(
    name: str,
    kind: type[BaseModel] | None = None,
    secret: Any = SecretStr,
    suffix: str = "Model",
    *,
    plain: bool = False,
) -> Any:
    """Return the model that is called so, such as ``S3Model``, or None; the other arguments are as in ``model_of``."""
    if not name.endswith(suffix):
        return None
    backend = next((backend for backend in _catalog.names() if _camel(backend) + suffix == name), None)
    return None if backend is None else model_of(backend, kind, secret, suffix, plain=plain)


def secrets_of(backend: str) -> frozenset[str]:
    """Return the names of a backend's options that are secrets."""
    return frozenset([option.name for option in _declared(backend).values() if option.secret])


def _camel(backend: str) -> str:
    return backend.title().translate({ord(mark): None for mark in "+-."})


def any_backend(
    kind: type[BaseModel] | None = None, secret: Any = SecretStr, suffix: str = "Model", *, plain: bool = False
) -> Any:
    """Return the type of a field that takes the model of any known backend, told apart by ``type``.

    A backend of a third party whose packages are not installed is left out. The arguments are those of ``model_of``.
    """
    models = []
    for name in _catalog.names():
        try:
            models.append(model_of(name, kind, secret, suffix, plain=plain))
        except ConfigError:
            if name in _catalog._BUILT_IN:
                raise
    return Annotated[Union[tuple(models)], Field(discriminator=DISCRIMINATOR)]  # noqa: UP007  made at run time


if TYPE_CHECKING:
    AnyBackend = BackendModel
else:
    AnyBackend = any_backend()


class StoreModel(BaseModel):
    """A store: a backend's model and how it is used; parsed from JSON by the backend's ``type``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    backend: AnyBackend
    root: str = Field(default="", description="The folder that paths are relative to.")
    readonly: bool = Field(default=False, description="Take away everything that changes something.")
    max_calls: int | None = Field(default=None, ge=1, description="Calls at once; more wait. None: no limit.")

    def to_config(self, name: str = "store") -> RegistryConfig:
        """Return a configuration of this store alone, under a name.

        Raises:
            ConfigError: the backend refuses a value, or the root is no path.
        """
        profile = StoreProfile(name, self.root, readonly=self.readonly, max_calls=self.max_calls)
        return RegistryConfig({name: self.backend.to_config()}, {name: profile})

    @classmethod
    def from_uri(cls, uri: str, /, **options: Any) -> Self:
        """Return the model of a store as ``Store.from_uri`` takes it: the URI, and secrets beside it.

        Raises:
            ConfigError: unknown scheme or option, wrong value, a secret in the URI.
            InvalidPath: the path of the URI is no path.
        """
        name, values, root = read_uri(uri, options)
        return cls(backend=BackendModel.from_config(BackendConfig(name, values)), root=root)

    @classmethod
    def from_config(cls, config: RegistryConfig, name: str) -> Self:
        """Return the model of a configured store."""
        profile = config.stores.get(name)
        if profile is None:
            raise ConfigError(f"stores.{name}: no such store{nearest(name, config.stores)}")
        backend = BackendModel.from_config(config.backends[profile.backend])
        return cls(backend=backend, root=profile.root, readonly=profile.readonly, max_calls=profile.max_calls)

    def to_store(self) -> Store:
        """Open the store; nothing connects before its first call."""
        from remote_store.store import Store

        config = self.to_config()
        return open_store(Store, config.backends["store"], config.stores["store"])

    def to_async_store(self) -> AsyncStore:
        """Open the store for use with ``await``."""
        from remote_store.aio import AsyncStore

        config = self.to_config()
        return open_store(AsyncStore, config.backends["store"], config.stores["store"])


def __getattr__(name: str) -> Any:
    found = model_named(name)
    if found is None:
        raise AttributeError(f"module 'remote_store.ext.pydantic' has no attribute {name!r}")
    return found
