"""Checks of arguments, made before anything is asked of a service."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from remote_store.errors import ConfigError
from remote_store.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "check_age",
    "check_choice",
    "check_codec",
    "check_concurrency",
    "check_etag",
    "check_flag",
    "check_seconds",
    "check_texts",
    "check_whole",
    "secret_of",
]


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


def check_texts(required: str, /, **options: object) -> None:
    """Refuse options that are no text; None is for those only that need not be given.

    Raises:
        TypeError: one of them is something else.
    """
    for name, value in options.items():
        if not isinstance(value, str) and (value is not None or name == required):
            wanted = "a str" if name == required else "a str or None"
            raise TypeError(f"{name} is {wanted}, not {type(value).__name__}")


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Refuse an option that is none of its values.

    Raises:
        ConfigError: it is none of them.
    """
    if value not in choices:
        raise ConfigError(f"{name} is {' or '.join(map(repr, choices))}, not {value!r}")


def check_whole(least: int, /, **options: object) -> None:
    """Refuse options that are no whole number, or too small a one.

    Raises:
        TypeError: one of them is no int.
        ConfigError: one of them is less than the least.
    """
    for name, value in options.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} is an int, not {type(value).__name__}")
        if value < least:
            raise ConfigError(f"{name} is {least} or more, not {value}")


def check_seconds(**options: object) -> None:
    """Refuse times that never pass or never end.

    Raises:
        TypeError: one of them is no number.
        ConfigError: one of them is not more than 0, or infinite.
    """
    for name, value in options.items():
        if not 0 < check_age(name, value) < float("inf"):
            raise ConfigError(f"{name} is more than 0 seconds, not {value:g}")


def check_concurrency(value: object, default: int) -> int:
    """Return how many calls may be on their way at once.

    Raises:
        TypeError: it is neither an int nor None.
        ValueError: it is less than 1.
    """
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"concurrency is an int or None, not {type(value).__name__}")
    if value < 1:
        raise ValueError(f"concurrency is 1 or more, not {value}")
    return value


def check_age(name: str, value: object) -> float:
    """Return a number of seconds.

    Raises:
        TypeError: it is no number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a number of seconds, not {type(value).__name__}")
    return value


def secret_of(value: object, name: str) -> Secret | None:
    """Return an option that is a secret as one.

    Raises:
        TypeError: it is something else.
    """
    if value is not None and not isinstance(value, Secret | str):
        raise TypeError(f"{name} is a Secret, a str or None, not {type(value).__name__}")
    return None if value is None else Secret(value)
