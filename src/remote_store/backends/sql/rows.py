"""Rows into facts and back, and the work of each call on one session."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from remote_store.backend import FileInfo
from remote_store.backends.sql.database import decoded
from remote_store.backends.sql.errors import is_taken
from remote_store.errors import AlreadyExists, NotFound, PreconditionFailed, ResourceLocked
from remote_store.models import ContentDigest, Metadata

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from remote_store.backend import Buffer, PutOptions
    from remote_store.backends.sql.database import Session

__all__ = ["copy", "delete", "delete_keys", "delete_tree", "info_of", "move", "place", "put", "put_many", "stat"]

_NONE = Metadata()
_TRIES = 16
"""How often a transaction begins again whose key was taken or freed beside it."""
_BATCH = 500
"""Keys a statement."""
_ETAG = re.compile(r"[0-9a-f]{64}").fullmatch
_OTHER = "the file is another version by now"
_TAKEN = "a file stands here already; pass overwrite=True to replace it"


def info_of(key: str, facts: Sequence[Any]) -> FileInfo:
    """Make the facts of a file out of its row's first five columns."""
    size, modified, etag, content_type, metadata = facts[:5]
    etag = decoded(etag)
    return FileInfo(
        key,
        size,
        float(modified),
        etag,
        decoded(content_type),
        _loaded(metadata) if metadata is not None else _NONE,
        None,
        ContentDigest("sha256", etag),
    )


def _loaded(metadata: Any) -> Metadata:
    import json

    return Metadata(json.loads(metadata))


def _dumped(metadata: Mapping[str, str] | None) -> str | None:
    if not metadata:
        return None
    import json

    return json.dumps(dict(metadata))


def facts_of(session: Session, size: int, etag: str, options: PutOptions) -> tuple[Any, ...]:
    """Return the five facts of a new version as its row takes them."""
    text = session.text
    return size, time.time(), text(etag), text(options.content_type), text(_dumped(options.metadata))


def stat(session: Session, key: str) -> FileInfo:
    for row in session.rows(session.statements.stat, session.text(key)):
        return info_of(key, row)
    raise NotFound("nothing stands here")


def prove_etag(if_match: str) -> None:
    """Refuse what is no etag of ours, and so of no file here."""
    if not _ETAG(if_match):
        raise PreconditionFailed(_OTHER)


def put(session: Session, key: str, data: Buffer, etag: str, options: PutOptions) -> FileInfo:
    """Publish content in the row itself: one statement, unless a big file stands there."""
    facts, content = facts_of(session, len(data), etag, options), session.content(data)
    if not _put_small(session, key, facts, content, options):
        with session.transaction():
            place(session, key, facts, None, content, options)
    return info_of(key, facts)


def put_many(session: Session, files: Sequence[tuple[str, Buffer, str]], options: PutOptions) -> list[FileInfo]:
    """Publish contents, each with its etag, in one transaction: all of them, or none where one is refused."""
    done = {}
    with session.transaction():
        for key, data, etag in sorted(files):  # two that meet take their rows in one order, so neither waits for ever
            facts, content = facts_of(session, len(data), etag, options), session.content(data)
            if not _put_small(session, key, facts, content, options):
                place(session, key, facts, None, content, options)
            done[key] = info_of(key, facts)
    return [done[key] for key, _, _ in files]


def _put_small(session: Session, key: str, facts: tuple[Any, ...], content: Any, options: PutOptions) -> bool:
    """Put content into a row by one statement; False where that takes more."""
    statements = session.statements
    row = (session.text(key), *facts, None, content)
    if options.if_match is not None:
        prove_etag(options.if_match)
        match = session.text(options.if_match)
        changed = session.change(statements.swap_small, *facts, None, content, session.text(key), match)
    elif not options.overwrite:
        _create(session, row)
        changed = 1
    elif statements.replace is not None:
        changed = session.change(statements.replace, *row)
    else:
        changed = session.change(statements.update_small, *facts, None, content, session.text(key))
    return changed > 0


def _create(session: Session, row: tuple[Any, ...]) -> None:
    try:
        created = session.change(session.statements.create, *row)
    except Exception as failed:
        if is_taken(failed):
            raise AlreadyExists(_TAKEN) from failed
        raise
    if not created:
        raise AlreadyExists(_TAKEN)


def place(session: Session, key: str, facts: tuple[Any, ...], token: Any, content: Any, options: PutOptions) -> None:
    """Inside a transaction: hold what stands at the key, judge it, and put the new version there."""
    statements, path = session.statements, session.text(key)
    for _ in range(_TRIES):
        held = session.rows(statements.hold, path)
        if held:
            etag, old = decoded(held[0][0]), held[0][1]
            if options.if_match is not None and etag != options.if_match:
                raise PreconditionFailed(_OTHER)
            if options.if_match is None and not options.overwrite:
                raise AlreadyExists(_TAKEN)
            session.change(statements.update, *facts, token, content, path)
            if old is not None:
                session.change(statements.delete_chunks, old)
            return
        if options.if_match is not None:
            raise PreconditionFailed("the file that if_match names is gone")
        if _inserted(session, (path, *facts, token, content)):
            return
        if not options.overwrite:
            raise AlreadyExists(_TAKEN)
    raise ResourceLocked("others create and delete this file without end")


def _inserted(session: Session, row: tuple[Any, ...]) -> bool:
    """Insert a row unless somebody was faster; the transaction goes on in either case."""
    try:
        return session.change(session.statements.create, *row) > 0
    except Exception as failed:
        if is_taken(failed) and session.statements.dialect == "mysql":  # which undoes the statement alone
            return False
        raise


def delete(session: Session, key: str, if_match: str | None) -> None:
    """Delete a file: one statement, unless it is a big one."""
    statements, path = session.statements, session.text(key)
    if if_match is None:
        done = session.change(statements.delete_small, path)
    else:
        prove_etag(if_match)
        done = session.change(statements.delete_small_match, path, session.text(if_match))
    if done:
        return
    if not session.rows(statements.stat, path):
        raise (
            PreconditionFailed("the file that if_match names is gone") if if_match else NotFound("nothing stands here")
        )
    with session.transaction():
        for etag, old in session.rows(statements.hold, path):
            if if_match is not None and decoded(etag) != if_match:
                raise PreconditionFailed(_OTHER)
            session.change(statements.delete, path)
            if old is not None:
                session.change(statements.delete_chunks, old)


def delete_keys(session: Session, keys: Sequence[str]) -> None:
    """Delete files in one transaction."""
    paths = sorted({session.text(key) for key in keys})
    with session.transaction():
        for start in range(0, len(paths), _BATCH):
            batch = paths[start : start + _BATCH]
            big, small, _ = session.statements.of_keys(len(batch))
            found = session.rows(big, *batch)
            session.change(small, *batch)
            _delete_big(session, found)


def delete_tree(session: Session, prefix: str, end: str) -> None:
    """Delete all below a folder in one transaction."""
    bounds = session.text(prefix), session.text(end)
    with session.transaction():
        found = session.rows(session.statements.objects_below, *bounds)
        session.change(session.statements.delete_below, *bounds)
        _delete_big(session, found)


def _delete_big(session: Session, held: Sequence[Any]) -> None:
    for start in range(0, len(held), _BATCH):
        batch = held[start : start + _BATCH]
        _, _, rows = session.statements.of_keys(len(batch))
        session.change(rows, *[path for path, _ in batch])
        session.change(session.statements.chunks_of(len(batch)), *[token for _, token in batch])


def copy(session: Session, source: str, target: str, overwrite: bool, token: str) -> None:
    """Copy a file inside the database; its pieces, if any, become those of the new token."""
    statements = session.statements
    src, dst = session.text(source), session.text(target)
    if not overwrite:
        try:
            if session.change(statements.copy_small, dst, time.time(), src):
                return
        except Exception as failed:
            if is_taken(failed):
                raise AlreadyExists(_TAKEN) from failed
            raise
    with session.transaction():
        held = {decoded(row[0]): row for row in session.rows(statements.hold_both, src, dst)}
        if source not in held:
            raise NotFound("nothing stands here")
        if target in held:
            if not overwrite:
                raise AlreadyExists(_TAKEN)
            _drop(session, dst, held[target][6])
        _copy_held(session, src, dst, held[source], session.text(token))


def _copy_held(session: Session, src: Any, dst: Any, row: Sequence[Any], token: Any) -> None:
    statements = session.statements
    try:
        if row[6] is None:
            session.change(statements.copy_small, dst, time.time(), src)
            return
        size, _, etag, content_type, metadata = row[1:6]
        session.change(statements.copy_chunks, token, row[6])
        session.change(statements.insert, dst, size, time.time(), etag, content_type, metadata, token, None)
    except Exception as failed:
        if is_taken(failed):
            raise _beside() from failed
        raise


def _beside() -> ResourceLocked:
    """Somebody made the target since it was looked at; nothing was done, so the call may be repeated."""
    error = ResourceLocked("another write of the target is under way")
    error.undone = True
    return error


def _drop(session: Session, path: Any, token: Any) -> None:
    session.change(session.statements.delete, path)
    if token is not None:
        session.change(session.statements.delete_chunks, token)


def move(session: Session, source: str, target: str, overwrite: bool) -> None:
    """Rename a file: one statement, unless something may be replaced."""
    statements = session.statements
    src, dst = session.text(source), session.text(target)
    if not overwrite:
        try:
            moved = session.change(statements.rename, dst, src)
        except Exception as failed:
            if is_taken(failed):
                raise AlreadyExists(_TAKEN) from failed
            raise
        if not moved:
            raise NotFound("nothing stands here")
        return
    with session.transaction():
        held = {decoded(row[0]): row for row in session.rows(statements.hold_both, src, dst)}
        if source not in held:
            raise NotFound("nothing stands here")
        if target in held:
            _drop(session, dst, held[target][6])
        try:
            session.change(statements.rename, dst, src)
        except Exception as failed:
            if is_taken(failed):
                raise _beside() from failed
            raise
