"""Options: what a backend's constructor declares, as data: for configuration, URIs, errors and documents.

The signature is the only place where an option is stated; names, types and defaults are read from it, one line of
explanation each from the section ``Options:`` of the docstring.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from remote_store.errors import ConfigError
from remote_store.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Option", "checked", "nearest", "options_of"]

REQUIRED = object()
MASK = "***"
_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class Option(NamedTuple):
    """One option of a backend."""

    name: str
    types: tuple[str, ...]
    """Names of the accepted types, such as ``("int", "None")``."""
    default: Any
    """The default; ``REQUIRED`` where there is none."""
    doc: str
    choices: tuple[str, ...] = ()
    """The accepted values, where the type is a Literal."""

    @property
    def required(self) -> bool:
        """Whether the option must be given."""
        return self.default is REQUIRED

    @property
    def secret(self) -> bool:
        """Whether the value must never be shown."""
        return not {"Secret", "Secrets"}.isdisjoint(self.types)

    @property
    def expected(self) -> str:
        """The accepted values in words."""
        if self.choices:
            return " or ".join(map(repr, self.choices))
        if "Secrets" in self.types:
            return "a table of texts"
        words = [name for name in self.types if name not in ("None", "Secret")]
        return " or ".join(words) or "str"


def options_of(factory: Callable[..., Any]) -> dict[str, Option]:
    """Read the options of a backend's class, or of a function that makes one.

    Works on the code object: ``inspect`` costs more to import than all of this library's core.
    """
    function: Any = factory.__init__ if isinstance(factory, type) else factory  # type: ignore[misc]  # its own, not object's
    code = getattr(function, "__code__", None)
    if code is None:
        return {}
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    positional = names[: code.co_argcount]
    given = function.__defaults__ or ()
    defaults = dict(zip(positional[len(positional) - len(given) :], given, strict=True))
    defaults.update(function.__kwdefaults__ or {})
    docs = _docs(factory.__doc__ or "")
    options = {}
    for name in names[1:] if isinstance(factory, type) else names:
        types, choices = _types(function.__annotations__.get(name, "Any"))
        options[name] = Option(name, types, defaults.get(name, REQUIRED), docs.get(name, ""), choices)
    return options


def _types(annotation: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    choices: list[str] = []
    for literal in re.findall(r"Literal\[([^\]]*)\]", text):
        choices += re.findall(r"""["']([^"']*)["']""", literal)
    text = re.sub(r"(?:typing\.)?Literal\[[^\]]*\]", "str", text)
    text = re.sub(r"Mapping\[str, [^\]]*Secret[^\]]*\]", "Secrets", text)  # a table whose values are secrets
    names = [part.strip().rpartition(".")[2] for part in re.sub(r"\[[^\]]*\]", "", text).split("|")]
    return tuple(dict.fromkeys(names)), tuple(choices)


def _docs(docstring: str) -> dict[str, str]:
    """Return the lines of the section ``Options:``, by option."""
    lines = docstring.expandtabs().splitlines()
    starts = [at for at, line in enumerate(lines) if line.strip() == "Options:"]
    docs: dict[str, str] = {}
    name, indent = "", -1
    for line in lines[starts[0] + 1 :] if starts else ():
        if not line.strip():
            break
        depth = len(line) - len(line.lstrip())
        found = re.match(r"\s*`{0,2}(\w+)`{0,2}:\s*(.*)", line)
        if found and (indent < 0 or depth <= indent):
            name, indent = found[1], depth
            docs[name] = found[2]
        elif name:
            docs[name] = f"{docs[name]} {line.strip()}".strip()
    return docs


def checked(declared: Mapping[str, Option], values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the values with their declared types: text becomes numbers, truth values, paths and Secrets.

    Raises:
        ConfigError: an option is unknown, missing or of the wrong type; ``where`` leads its name.
    """
    for name in values:
        if name not in declared:
            raise ConfigError(f"{where}{name}: unknown option{nearest(name, declared)}")
    for option in declared.values():
        if option.required and option.name not in values:
            raise ConfigError(f"{where}{option.name}: missing; it has no default")
    return {name: _checked_one(declared[name], value, f"{where}{name}") for name, value in values.items()}


def _checked_one(option: Option, value: Any, where: str) -> Any:
    types = option.types
    if option.secret and isinstance(value, str | Secret):
        if _is_masked(value):
            raise ConfigError(f"{where}: this is a masked value, not the secret itself")
        return Secret(value)
    if "Secrets" in types and isinstance(value, Mapping):
        return {name: _checked_one(_ONE_SECRET, item, f"{where}.{name}") for name, item in value.items()}
    if (value is None and "None" in types) or "Any" in types or "object" in types:
        return value
    fitting = _fitting(types, value)
    if fitting is None:
        shown = f"{value!r}" if isinstance(value, str | int | float) and not option.secret else type(value).__name__
        raise ConfigError(f"{where}: expected {option.expected}, not {shown}")
    if option.choices and fitting not in option.choices:
        raise ConfigError(f"{where}: expected {option.expected}, not {value!r}{_guess(str(value), option.choices)}")
    return fitting


def _is_masked(value: Secret | str) -> bool:
    """Whether this is what we, pydantic, or an orchestrator shows in place of a secret."""
    text = value.reveal() if isinstance(value, Secret) else value
    return len(text) >= len(MASK) and not text.strip("*")


_ONE_SECRET = Option("", ("Secret", "str"), REQUIRED, "")


def _fitting(types: tuple[str, ...], value: Any) -> Any:
    """Return the value as one of the types, or None if it is none of them."""
    known = {"str", "int", "float", "bool", "Path", "PathLike", "PathInput", "Secret", "Secrets", "None"}
    if isinstance(value, bool):
        return value if "bool" in types or not known.issuperset(types) else None
    if isinstance(value, int | float):
        if "int" in types and isinstance(value, int):
            return value
        if "float" in types:
            return float(value)
    elif isinstance(value, str):
        return _parsed(types, value)
    elif isinstance(value, os.PathLike) and not {"Path", "PathLike", "PathInput"}.isdisjoint(types):
        return os.fspath(value)
    return None if known.issuperset(types) else value  # a type of the backend's own: it checks by itself


def _parsed(types: tuple[str, ...], text: str) -> Any:
    if not {"str", "Path", "PathLike", "PathInput"}.isdisjoint(types):
        return text
    if "bool" in types and text.lower() in _TRUTH:
        return _TRUTH[text.lower()]
    for name, kind in (("int", int), ("float", float)):
        if name in types:
            try:
                return kind(text)
            except ValueError:
                continue
    return None


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: the nearest known one, or all of them."""
    names = sorted(known)
    return _guess(str(name), names) or (f"; known: {', '.join(names)}" if names else "; none is known")


def _guess(name: str, known: Sequence[str]) -> str:
    import difflib

    found = difflib.get_close_matches(name, known, 1) or difflib.get_close_matches(name.lower(), known, 1)
    return f"; did you mean {found[0]!r}?" if found else ""
