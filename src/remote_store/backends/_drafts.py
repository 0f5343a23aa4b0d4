"""Names of files that are being written: hidden, under one prefix, and no keys."""

from __future__ import annotations

import os
import re

from remote_store.errors import InvalidPath

__all__ = ["PREFIX", "draft_name", "is_draft", "refuse_drafts"]

PREFIX = ".remote-store-"
"""What the names of unpublished files begin with; no key has a segment that does."""

is_draft = re.compile(re.escape(PREFIX) + r"[0-9a-f]{16}\.tmp").fullmatch


_tokens: list[str] = []
"""Drawn and not used yet: asking the system costs as much for many as for one, and a good part of writing a file."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_tokens.clear)


def draft_name() -> str:
    """Return a hidden name that nobody else has."""
    try:
        token = _tokens.pop()  # in one step, whoever else is at it
    except IndexError:
        drawn = os.urandom(64 * 8).hex()
        _tokens.extend(drawn[at : at + 16] for at in range(16, len(drawn), 16))
        token = drawn[:16]
    return f"{PREFIX}{token}.tmp"


def refuse_drafts(key: str) -> None:
    """Refuse a key that names a draft.

    Raises:
        InvalidPath: one of its segments is kept for files being written.
    """
    if PREFIX in key and any(segment.startswith(PREFIX) for segment in key.split("/")):
        raise InvalidPath(f"names that begin with {PREFIX!r} are kept for files being written")
