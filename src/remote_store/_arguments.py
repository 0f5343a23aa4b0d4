"""Checks of arguments, made before anything is asked of a service."""

from __future__ import annotations

import codecs

__all__ = ["check_codec", "check_etag", "check_flag"]


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither True nor False: a text such as "no" would count as True.

    Raises:
        TypeError: it is neither.
    """
    if value is not True and value is not False:
        raise TypeError(f"{name} is True or False, not {type(value).__name__}")


def check_etag(value: object) -> None:
    """Refuse what is no etag.

    Raises:
        TypeError: it is not a str.
        ValueError: it is empty, which no service gives.
    """
    if not isinstance(value, str):
        raise TypeError(f"if_match is an etag (str) or None, not {type(value).__name__}")
    if not value:
        raise ValueError("if_match is an etag, not an empty text; None means any version")


def check_codec(encoding: object, errors: object) -> None:
    """Refuse an encoding or error handler that Python does not know.

    Raises:
        TypeError: one of them is not a str.
        ValueError: no such encoding or handler.
    """
    for name, value, lookup in (("encoding", encoding, codecs.lookup), ("errors", errors, codecs.lookup_error)):
        if not isinstance(value, str):
            raise TypeError(f"{name} is a str, not {type(value).__name__}")
        try:
            lookup(value)
        except LookupError:
            raise ValueError(f"{name} is one that Python knows, not {value!r}") from None
