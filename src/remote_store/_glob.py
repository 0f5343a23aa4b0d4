"""Glob patterns as compiled matchers: ``*``, ``?``, ``[abc]``, ``[!abc]`` inside a segment, ``**`` across them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compile_glob", "compile_name", "fixed_folder"]

_MAGIC = re.compile(r"[*?\[]")


def compile_name(pattern: str) -> Callable[[str], bool]:
    """Return a matcher of one segment."""
    if not isinstance(pattern, str):
        raise TypeError(f"pattern is a str, not {type(pattern).__name__}")
    matches = re.compile(_segment(pattern), re.DOTALL).fullmatch
    return lambda text: matches(text) is not None


def compile_glob(pattern: str) -> Callable[[str], bool]:
    """Return a matcher of whole keys; ``**`` as a segment stands for any number of segments, none included.

    Raises:
        ValueError: ``**`` is only a part of a segment.
    """
    parts = []
    segments = pattern.split("/")
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        if segment == "**":
            parts.append(".+" if last else "(?:[^/]+/)*")
        elif "**" in segment:
            raise ValueError(f"'**' stands for whole segments; {segment!r} in {pattern!r} mixes it with other text")
        else:
            parts.append(_segment(segment) + ("" if last else "/"))
    matches = re.compile("".join(parts), re.DOTALL).fullmatch
    return lambda text: matches(text) is not None


def fixed_folder(pattern: str) -> tuple[str, str]:
    """Split a pattern into the folder that holds every match, and the rest: ``a/b/*.csv`` → ``a/b``, ``*.csv``."""
    magic = _MAGIC.search(pattern)
    cut = pattern.rfind("/", 0, magic.start() if magic else len(pattern))
    return (pattern[:cut], pattern[cut + 1 :]) if cut > 0 else ("", pattern)


def _segment(pattern: str) -> str:
    parts = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            parts.append("[^/]*")
        elif char == "?":
            parts.append("[^/]")
        elif char == "[" and (end := pattern.find("]", at + 1 + (pattern[at : at + 1] == "!"))) > 0:
            inside = pattern[at:end].replace("\\", r"\\").replace("[", r"\[").replace("^", r"\^")
            parts.append(f"(?!/)[^{inside[1:]}]" if inside[0] == "!" else f"(?!/)[{inside}]")
            at = end + 1
        else:
            parts.append(re.escape(char))
    return "".join(parts)
