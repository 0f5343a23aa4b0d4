"""Names of files that are being written: hidden, under one prefix, and no keys."""

from __future__ import annotations

import os
import re

from remote_store.errors import InvalidPath

__all__ = ["PREFIX", "draft_name", "is_draft", "refuse_drafts"]

PREFIX = ".remote-store-"
"""What the names of unpublished files begin with; no key has a segment that does."""

is_draft = re.compile(re.escape(PREFIX) + r"[0-9a-f]{16}\.tmp").fullmatch


def draft_name() -> str:
    """Return a hidden name that nobody else has."""
    return f"{PREFIX}{os.urandom(8).hex()}.tmp"


def refuse_drafts(key: str) -> None:
    """Refuse a key that names a draft.

    Raises:
        InvalidPath: one of its segments is kept for files being written.
    """
    if PREFIX in key and any(segment.startswith(PREFIX) for segment in key.split("/")):
        raise InvalidPath(f"names that begin with {PREFIX!r} are kept for files being written")
