"""Glob patterns as compiled matchers: ``*``, ``?``, ``[abc]``, ``[!abc]`` inside a segment, ``**`` across them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compile_glob", "compile_name", "fixed_folder"]

_MAGIC = re.compile(r"[*?\[]")


def compile_name(pattern: str) -> Callable[[str], bool]:
    """Return a matcher of one segment.

    Raises:
        ValueError: a range in brackets runs backwards.
    """
    matches = re.compile(_segment(pattern), re.DOTALL).fullmatch
    return lambda text: matches(text) is not None


def compile_glob(pattern: str) -> Callable[[str], bool]:
    """Return a matcher of whole keys; ``**`` as a segment stands for any number of segments, none included.

    Raises:
        ValueError: ``**`` is only a part of a segment, or a range in brackets runs backwards.
    """
    *folders, name = pattern.split("/")
    runs = [""]  # what stands between two ``**``
    for segment in folders:
        if _is_any(segment, pattern):
            runs.append("")
        else:
            runs[-1] += _segment(segment) + "/"
    runs[-1] += ".+" if _is_any(name, pattern) else _segment(name)
    matches = re.compile(_sought(runs, "(?:[^/]+/)"), re.DOTALL).fullmatch
    return lambda text: matches(text) is not None


def _is_any(segment: str, pattern: str) -> bool:
    if "**" in segment and segment != "**":
        raise ValueError(f"'**' stands for whole segments; {segment!r} in {pattern!r} mixes it with other text")
    return segment == "**"


def _sought(runs: list[str], step: str) -> str:
    """Join runs by any number of steps: each run but the last is taken where it first fits, and never elsewhere.

    Later places for it would leave less to the rest, and trying them all takes a time that grows with every run.
    """
    first, *others = runs
    if not others:
        return first
    *between, last = others
    return "".join([first, *[f"(?>{step}*?{run})" for run in between], f"{step}*", last])


def fixed_folder(pattern: str) -> tuple[str, str]:
    """Split a pattern into the folder that holds every match, and the rest: ``a/b/*.csv`` → ``a/b``, ``*.csv``."""
    magic = _MAGIC.search(pattern)
    cut = pattern.rfind("/", 0, magic.start() if magic else len(pattern))
    return (pattern[:cut], pattern[cut + 1 :]) if cut > 0 else ("", pattern)


def _segment(pattern: str) -> str:
    runs = [""]  # what stands between two stars
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            runs.append("")
        elif char == "?":
            runs[-1] += "[^/]"
        elif char == "[" and (end := pattern.find("]", at + 1 + (pattern[at : at + 1] == "!"))) > 0:
            inside = pattern[at:end]
            runs[-1] += f"(?!/)[^{_choice(inside[1:])}]" if inside[0] == "!" else f"(?!/)[{_choice(inside)}]"
            at = end + 1
        else:
            runs[-1] += re.escape(char)
    return _sought(runs, "[^/]")


def _choice(inside: str) -> str:
    """Return the characters and ranges between brackets as a regular expression has them."""
    parts = []
    at = 0
    while at < len(inside):
        low, dash, high = inside[at], inside[at + 1 : at + 2], inside[at + 2 : at + 3]
        if dash == "-" and high:
            if high < low:
                raise ValueError(f"the range {low}-{high} in a pattern runs backwards")
            parts.append(f"{re.escape(low)}-{re.escape(high)}")
            at += 3
        else:
            parts.append(re.escape(low))
            at += 1
    return "".join(parts)
