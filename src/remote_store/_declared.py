"""Declared: what makes a backend equal, hashable, printable and picklable by its constructor's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from remote_store.secret import Secret

if TYPE_CHECKING:
    from remote_store.backend import Traits

__all__ = ["Declared"]


class Declared:
    """A backend that is its constructor's arguments: equal, hashable, printable and picklable by them."""

    _made: tuple[tuple[Any, ...], dict[str, Any]]
    traits: Traits

    def __new__(cls, *args: Any, **options: Any) -> Any:
        self = super().__new__(cls)
        secret = {name for name, kind in cls.__init__.__annotations__.items() if "Secret" in str(kind)}
        names = cls._names()
        self._made = (
            tuple([_masked(value, name in secret) for name, value in zip(names, args, strict=False)]),
            {name: _masked(value, name in secret) for name, value in options.items()},
        )
        return self

    @classmethod
    def _names(cls) -> tuple[str, ...]:
        """Return the names of the arguments that may be given by position."""
        code = cls.__init__.__code__
        return code.co_varnames[1 : code.co_argcount]

    def _identity(self) -> dict[str, Any]:
        """Return the arguments by name, however they were given."""
        args, options = self._made
        return dict(zip(self._names(), args, strict=False)) | options

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Declared):
            return NotImplemented
        return type(self) is type(other) and self._identity() == other._identity()

    def __hash__(self) -> int:
        # Text alone: equal numbers may be of two types, and a table of options has no hash.
        return hash((type(self), frozenset(item for item in self._identity().items() if isinstance(item[1], str))))

    def __reduce__(self) -> tuple[Any, ...]:
        return _make, (type(self), *self._made)

    def __repr__(self) -> str:
        args, options = self._made
        shown = [repr(arg) for arg in args] + [f"{name}={value!r}" for name, value in options.items()]
        return f"{type(self).__name__}({', '.join(shown)})"


def _masked(value: Any, secret: bool) -> Any:
    if secret and isinstance(value, str):
        return Secret(value)
    if secret and isinstance(value, Mapping):
        return {name: _masked(item, secret) for name, item in value.items()}
    return value


def _make(kind: type[Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    return kind(*args, **options)
