"""The form of a connection, made from what the backends declare; nothing of Airflow or pydantic is loaded for it.

A connection keeps everything in its ``extra``: ``backend`` and that backend's options by their names, ``folder``,
``readonly`` and ``max_calls`` of the store. The form offers the options of all backends in one list, since Airflow has
one form for each type of connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remote_store import ConfigError, _catalog
from remote_store.options import options_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from remote_store.options import Option

__all__ = ["backends", "form_fields"]

_KINDS = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "Mapping": "object"}
_LETTERS = {"ca", "dfs", "sas", "url"}
_STORE = {
    "folder": ("Folder", "The folder that all paths are relative to.", "string"),
    "readonly": ("Read only", "Refuse everything that changes something.", "boolean"),
    "max_calls": ("Calls at once", "Calls to the service at once; more wait. Empty: no limit.", "integer"),
}


def form_fields() -> dict[str, Any]:
    """Return the fields of the form, as the provider's ``conn-fields``."""
    fields: dict[str, Any] = {
        "backend": {
            "label": "Backend",
            "description": "The kind of service that keeps the files.",
            "schema": {"type": "string", "enum": sorted(backends())},
        }
    }
    for name, (label, doc, kind) in _STORE.items():
        fields[name] = {"label": label, "description": doc, "schema": {"type": [kind, "null"]}}
    offered: dict[str, list[tuple[str, Option]]] = {}
    for backend, options in backends().items():
        for option in options.values():
            offered.setdefault(option.name, []).append((backend, option))
    for name, by in offered.items():
        fields.setdefault(name, _field(name, by))
    return fields


def backends() -> dict[str, Mapping[str, Option]]:
    """Return the options of every backend that can be used here, by its name."""
    return dict(_importable())


def _importable() -> Iterator[tuple[str, Mapping[str, Option]]]:
    for name in _catalog.names():
        try:
            yield name, options_of(_catalog.find(name))
        except ConfigError:  # of a third party, whose packages are not here
            if name in _catalog._BUILT_IN:
                raise


def _field(name: str, by: list[tuple[str, Option]]) -> dict[str, Any]:
    options = [option for _, option in by]
    kinds = sorted({_KINDS[kind] for option in options for kind in option.types if kind in _KINDS} or {"string"})
    schema: dict[str, Any] = {"type": [*kinds, "null"]}
    if any(option.secret for option in options):
        schema = {"type": ["string", "null"], "format": "password"}
    choices = {option.choices for option in options}
    if len(choices) == 1 and options[0].choices:
        schema["enum"] = [*options[0].choices, None]
    label = f"{_words(name)} ({', '.join(backend for backend, _ in by)})"
    return {"label": label, "description": _description(by), "schema": schema}


def _words(name: str) -> str:
    """An option's name as a label has it: ``ca_bundle`` is *CA bundle*."""
    words = [word.upper() if word in _LETTERS else word for word in name.split("_")]
    return words[0][:1].upper() + " ".join(words)[1:]


def _description(by: list[tuple[str, Option]]) -> str:
    """What the option is; where backends tell different things, each with their names."""
    told: dict[str, list[str]] = {}
    for backend, option in by:
        if option.doc:
            told.setdefault(option.doc.replace("``", ""), []).append(backend)
    if len(told) == 1:
        return next(iter(told))
    return " ".join(f"[{', '.join(names)}] {doc}" for doc, names in told.items())
