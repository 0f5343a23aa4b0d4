"""Configuration: backends, stores and the retry policy as immutable data, from a dict, TOML or code.

It names registered backends and their declared options, nothing else: a configuration cannot make the library
import or run what it says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from remote_store import _catalog
from remote_store.errors import ConfigError, InvalidPath
from remote_store.layers.retry import RetryPolicy
from remote_store.options import MASK, checked, nearest
from remote_store.path import parse_folder
from remote_store.secret import Secret

if TYPE_CHECKING:
    from typing import Self

__all__ = ["BackendConfig", "RegistryConfig", "RetryPolicy", "StoreProfile"]


class _Frozen:
    """Immutable, compared, hashed, printed and pickled by its fields."""

    __slots__: tuple[str, ...] = ()

    def __init__(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def _fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable; cannot set {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable; cannot delete {name!r}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Frozen) or type(other) is not type(self):
            return NotImplemented
        return self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash((type(self), *self._fields().values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._fields().items())
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        # What was checked once is not checked again: a worker may know fewer backends than the sender.
        return _restore, (type(self), self._fields())


def _restore(kind: type[_Frozen], fields: dict[str, Any]) -> _Frozen:
    made = object.__new__(kind)
    _Frozen.__init__(made, **fields)
    return made


class Table(Mapping[str, Any]):
    """An immutable mapping; equal to any mapping of the same items."""

    __slots__ = ("_items",)
    _items: dict[str, Any]

    def __init__(self, items: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_items", {name: _deep(value) for name, value in items.items()})

    def __getitem__(self, name: str) -> Any:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a table of the configuration is immutable")

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)

    def __reduce__(self) -> tuple[Any, ...]:
        return Table, (self._items,)


def _deep(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Table(value)
    if isinstance(value, list | tuple):
        return tuple(_deep(item) for item in value)
    return value


class BackendConfig(_Frozen):
    """A backend by its registered name and its options: ``BackendConfig("s3", {"bucket": "lake"})``.

    Raises:
        ConfigError: unknown type or option, missing option, wrong value.
    """

    __slots__ = ("options", "type")
    type: str
    options: Mapping[str, Any]

    def __init__(self, type: str, options: Mapping[str, Any] | None = None) -> None:  # noqa: A002  the key of the table
        _expect(type, str, "type")
        _expect({} if options is None else options, Mapping, "options")
        _, declared = _catalog.declared(type, "type: ")
        super().__init__(type=type, options=Table(checked(declared, options or {}, "options.")))


class StoreProfile(_Frozen):
    """A store: a backend's name in the same configuration, and how it is used.

    Args:
        backend: the backend's name.
        root: the folder in it that paths are relative to.
        readonly: take away everything that changes something.
        max_calls: calls on the way at once; more wait. None: no limit.

    Raises:
        ConfigError: a value of the wrong type, or a root that is no path.
    """

    __slots__ = ("backend", "max_calls", "readonly", "root")
    backend: str
    root: str
    readonly: bool
    max_calls: int | None

    def __init__(self, backend: str, root: str = "", *, readonly: bool = False, max_calls: int | None = None) -> None:
        _expect(backend, str, "backend")
        _expect(readonly, bool, "readonly")
        if max_calls is not None:
            _expect(max_calls, int, "max_calls")
            if max_calls < 1:
                raise ConfigError(f"max_calls: expected a whole number from 1, not {max_calls}")
        try:
            root = parse_folder(root)
        except (InvalidPath, TypeError) as error:
            raise ConfigError(f"root: {error}") from error
        super().__init__(backend=backend, root=root, readonly=readonly, max_calls=max_calls)


class RegistryConfig(_Frozen):
    """Everything a Registry opens stores from; deep-frozen, picklable, secrets masked when shown.

    Raises:
        ConfigError: a store names a backend that is not there.
    """

    __slots__ = ("backends", "retry", "stores")
    backends: Mapping[str, BackendConfig]
    stores: Mapping[str, StoreProfile]
    retry: RetryPolicy

    def __init__(
        self,
        backends: Mapping[str, BackendConfig],
        stores: Mapping[str, StoreProfile],
        retry: RetryPolicy | None = None,
    ) -> None:
        for field, given, kind in (("backends", backends, BackendConfig), ("stores", stores, StoreProfile)):
            _expect(given, Mapping, field)
            for name, value in given.items():
                _expect(name, str, f"{field}: a name")
                _expect(value, kind, f"{field}.{name}")
        for name, profile in stores.items():
            if profile.backend not in backends:
                near = nearest(profile.backend, backends)
                raise ConfigError(f"stores.{name}.backend: no backend is named {profile.backend!r}{near}")
        retry = RetryPolicy() if retry is None else retry
        _expect(retry, RetryPolicy, "retry")
        super().__init__(backends=Table(backends), stores=Table(stores), retry=retry)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, environ: Mapping[str, str] | None = None) -> Self:
        """Read a configuration; ``${VAR}`` and ``${VAR:-default}`` in its text are variables, ``$${`` is ``${``.

        Args:
            data: tables ``backends``, ``stores`` and ``retry``.
            environ: the variables; those of this process unless given.

        Raises:
            ConfigError: unknown or missing key, wrong value, missing variable; the message names the key.
        """
        try:
            return cls(*_read(data, os.environ if environ is None else environ))
        except ConfigError as error:
            refusal = error.with_traceback(None)  # the frames below hold the values, secrets among them
            refusal.__cause__ = refusal.__context__ = None
        del data, environ
        raise refusal

    @classmethod
    def from_toml(
        cls, source: str | os.PathLike[str], *, table: str = "", environ: Mapping[str, str] | None = None
    ) -> Self:
        """Read a configuration from a TOML file, or from TOML text, which is told by its line breaks.

        Args:
            source: a path, or text of several lines.
            table: where in the file, such as ``"tool.remote-store"``; the whole file unless given.
            environ: as in ``from_dict``.

        Raises:
            ConfigError: no such file, not TOML, and what ``from_dict`` raises.
        """
        if not isinstance(source, str | os.PathLike):
            raise TypeError(f"a TOML source is a path or text, not {type(source).__name__}")
        try:
            return cls.from_dict(_table(_loaded(source), table), environ=environ)
        except ConfigError as error:
            refusal = error.with_traceback(None)  # the frames below hold the text, secrets among it
        del source, environ
        raise refusal

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as JSON-able data with its secrets masked, to be shown, not to be read back."""
        return {
            "backends": {
                name: {"type": backend.type, "options": _plain(backend.options)}
                for name, backend in self.backends.items()
            },
            "stores": {name: profile._fields() for name, profile in self.stores.items()},
            "retry": self.retry._asdict(),
        }


def _expect(value: object, kind: type, where: str) -> None:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        name = "a table" if kind is Mapping else kind.__name__
        raise ConfigError(f"{where}: expected {name}, not {type(value).__name__}")


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _loaded(source: str | os.PathLike[str]) -> dict[str, Any]:
    import tomllib

    try:
        if isinstance(source, str) and "\n" in source:
            return tomllib.loads(source)
        with open(source, "rb") as file:  # noqa: PTH123  pathlib costs an import
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"the configuration cannot be read: {error.strerror}", path=os.fspath(source)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        why = str(error)
    name = None if isinstance(source, str) and "\n" in source else os.fspath(source)
    # not from the error, whose frames hold the text
    raise ConfigError(f"the configuration is not TOML: {why}", path=name)


def _table(data: dict[str, Any], name: str) -> Any:
    found: Any = data
    for part in name.split(".") if name else ():
        if not isinstance(found, Mapping) or part not in found:
            raise ConfigError(f"{name}: the file has no such table")
        found = found[part]
    return found


def _read(
    data: Any, environ: Mapping[str, str]
) -> tuple[dict[str, BackendConfig], dict[str, StoreProfile], RetryPolicy]:
    _expect(data, Mapping, "the configuration")
    _only(data, ("backends", "stores", "retry"), "")
    data = expanded(data, environ, "")
    backends = {}
    for name, table in _rows(data, "backends"):
        where = f"backends.{name}."
        _only(table, ("type", "options"), where)
        if "type" not in table:
            raise ConfigError(f"{where}type: missing; one of {', '.join(_catalog.names())}")
        backends[name] = _at(where, BackendConfig, table)
    stores = {}
    for name, table in _rows(data, "stores"):
        where = f"stores.{name}."
        _only(table, ("backend", "root", "readonly", "max_calls"), where)
        if "backend" not in table:
            raise ConfigError(f"{where}backend: missing; it names one of the backends")
        stores[name] = _at(where, StoreProfile, table)
    return backends, stores, _retry(data.get("retry", {}))


def _rows(data: Mapping[str, Any], field: str) -> list[tuple[str, Any]]:
    _expect(data.get(field, {}), Mapping, field)
    rows = list(data.get(field, {}).items())
    for name, table in rows:
        _expect(name, str, f"{field}: a name")
        _expect(table, Mapping, f"{field}.{name}")
    return rows


def _at(where: str, kind: type[Any], table: Mapping[str, Any]) -> Any:
    """Make a part of the configuration; its errors name the whole way to the key."""
    try:
        return kind(**table)
    except ConfigError as error:
        raise ConfigError(f"{where}{error.message}") from None


def _retry(table: Any) -> RetryPolicy:
    _expect(table, Mapping, "retry")
    _only(table, RetryPolicy._fields, "retry.")
    values = {}
    for name, value in table.items():
        kind = int if name == "attempts" else float
        number = checked({name: _number(name, kind)}, {name: value}, "retry.")[name]
        if not (1 if kind is int else 0) <= number < float("inf"):
            raise ConfigError(f"retry.{name}: expected {1 if kind is int else 0} or more, not {number}")
        values[name] = number
    return RetryPolicy(**values)


def _number(name: str, kind: type) -> Any:
    from remote_store.options import Option

    return Option(name, (kind.__name__,), 0, "")


def _only(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in table:
        if name not in known:
            raise ConfigError(f"{where}{name}: unknown key{nearest(name, known)}")


_VARIABLE = re.compile(r"\$(?:\$(?=\{)|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|(\{))")


def expanded(value: Any, environ: Mapping[str, str], where: str) -> Any:
    """Return a value with the variables in its texts replaced; ``where`` is the key that leads to it."""
    if isinstance(value, str) and "$" in value:
        return _VARIABLE.sub(lambda found: _replacement(found, environ, where), value)
    if isinstance(value, Mapping):
        return {
            name: expanded(item, environ, f"{where}.{name}" if where else str(name)) for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [expanded(item, environ, f"{where}[{at}]") for at, item in enumerate(value)]
    return value


def _replacement(found: re.Match[str], environ: Mapping[str, str], where: str) -> str:
    if found[0] == "$$":
        return "$"
    if found[3]:
        raise ConfigError(f"{where}: a variable is written ${{NAME}} or ${{NAME:-default}}; '$${{' is '${{' itself")
    text = environ.get(found[1])
    if found[2] is not None:
        return text or found[2]  # as a shell has it: the default also stands in for an empty variable
    if text is None:
        raise ConfigError(
            f"{where}: the environment variable {found[1]} is not set; write ${{{found[1]}:-default}} for a default"
        )
    return text
