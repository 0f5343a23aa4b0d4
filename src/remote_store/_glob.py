"""Glob patterns as compiled matchers: ``*``, ``?``, ``[abc]``, ``[!abc]`` inside a segment, ``**`` across them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compile_glob", "compile_name", "fixed_folder"]

_MAGIC = re.compile(r"[*?\[]")
_SIGN = re.compile(r"\[(!?+)(.[^\]]*+)\]|.", re.DOTALL)  # a bracket that comes first in a set belongs to it
_ITEM = re.compile(r"(.)-(.)|.", re.DOTALL)


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
    folder = _MAGIC.split(pattern)[0].rpartition("/")[0]
    return (folder, pattern[len(folder) + 1 :]) if folder else ("", pattern)


def _segment(pattern: str) -> str:
    runs = [""]  # what stands between two stars
    for sign in _SIGN.finditer(pattern):
        if sign[0] == "*":
            runs.append("")
        elif sign[0] == "?":
            runs[-1] += "[^/]"
        elif sign[2]:
            runs[-1] += f"(?!/)[{'^' if sign[1] else ''}{_choice(sign[2])}]"
        else:
            runs[-1] += re.escape(sign[0])
    return _sought(runs, "[^/]")


def _choice(inside: str) -> str:
    """Return the characters and ranges between brackets as a regular expression has them."""
    parts = []
    for item in _ITEM.finditer(inside):
        low, high = item.groups()
        if high is None:
            parts.append(re.escape(item[0]))
        elif high < low:
            raise ValueError(f"the range {low}-{high} in a pattern runs backwards")
        else:
            parts.append(f"{re.escape(low)}-{re.escape(high)}")
    return "".join(parts)
