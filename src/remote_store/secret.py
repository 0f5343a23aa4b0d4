"""Secret: a string that shows itself only when asked by name."""

from __future__ import annotations

__all__ = ["Secret", "reveal"]


class Secret:
    """A secret that prints as ``Secret('***')`` everywhere; only ``reveal()`` returns it.

    Equal to another Secret of the same text; its hash does not depend on the text.
    Pickling a Secret carries the text, since a worker that receives a Store must be able to use it.
    """

    __slots__ = ("_text",)
    _text: str

    def __init__(self, text: str | Secret) -> None:
        if isinstance(text, Secret):
            text = text._text
        if not isinstance(text, str):
            raise TypeError(f"a secret is a str, not {type(text).__name__}")
        object.__setattr__(self, "_text", text)

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._text

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("Secret is immutable")

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash(Secret)

    def __reduce__(self) -> tuple[object, ...]:
        return Secret, (self._text,)


def reveal(value: Secret | str | None) -> str | None:
    """Return the text of a secret, or a plain value as it is."""
    return value.reveal() if isinstance(value, Secret) else value
