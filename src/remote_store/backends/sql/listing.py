"""Pages of keys in order: each begins behind the last key of the one before, and folders are stepped over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store.backend import FolderEntry, Page
from remote_store.backends.sql.database import decoded
from remote_store.backends.sql.rows import info_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from remote_store.backend import Entry
    from remote_store.backends.sql.database import Session

__all__ = ["below", "page"]

_PAST = "\U0010ffff" * 64
"""Behind every name: as many bytes as no segment of a key has."""
_PROBE = 64
"""Rows of the first look at a folder whose folders may be large."""


def below(folder: str) -> tuple[str, str | None]:
    """Return what the keys below a folder lie between; None for no end."""
    return (f"{folder}/", f"{folder}0") if folder else ("", None)  # "0" follows "/"


def page(session: Session, folder: str, recursive: bool, token: object | None, limit: int) -> Page:
    """Return the next entries and where the page after them begins."""
    prefix, end = below(folder)
    at = token if isinstance(token, str) else prefix
    if recursive:
        rows = _rows(session, at, end, limit + 1)
        found = [info_of(decoded(row[0]), row[1:]) for row in rows[:limit]]
        return Page(found, found[-1].key if len(rows) > limit else None)
    return _level(session, len(prefix), at, end, limit)


def _level(session: Session, cut: int, at: str, end: str | None, limit: int) -> Page:
    entries: list[Entry] = []
    size = min(limit, _PROBE)
    while True:
        rows = _rows(session, at, end, size)
        kept = len(entries)
        for row in rows:
            key = decoded(row[0])
            if key <= at:
                continue  # in a folder that was passed
            slash = key.find("/", cut)
            if slash < 0:
                entries.append(info_of(key, row[1:]))
                at = key
            else:
                entries.append(FolderEntry(key[:slash]))
                at = key[: slash + 1] + _PAST
            if len(entries) == limit:
                return Page(entries, at)
        if len(rows) < size:
            return Page(entries)
        # Folders full of keys are passed by small steps, plain files by large ones.
        size = max(size // 4, 4) if len(entries) - kept < size // 2 else min(size * 4, limit)


def _rows(session: Session, at: str, end: str | None, limit: int) -> Sequence[Any]:
    statements, text = session.statements, session.text
    if end is None:
        return session.rows(statements.page, text(at), limit)
    return session.rows(statements.page_until, text(at), text(end), limit)
