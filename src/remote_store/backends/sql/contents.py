"""Big contents in pieces: staged out of sight while they are written, read piece by piece of one version."""

from __future__ import annotations

import hashlib
import io
import sqlite3
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from remote_store.backend import Body, BytesBody, FileInfo
from remote_store.backends.sql.errors import is_taken
from remote_store.backends.sql.rows import facts_of, info_of, place, prove_etag
from remote_store.errors import IntegrityError, NotFound, PreconditionFailed, RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from remote_store.backend import Buffer, PutOptions, Span
    from remote_store.backends.sql.database import Database, Session

__all__ = ["PIECE", "TableUpload", "get", "sweep"]

PIECE = 1 << 20
"""Most bytes a row holds."""
_FAR = 1 << 30
"""Beyond the end of what a row holds."""
_GONE = "the file was replaced or deleted while it was read"


def get(
    session: Session, database: Database, key: str, span: Span | None, if_match: str | None
) -> BytesBody | PiecesBody:
    """Open a file: small content comes with its row."""
    statements, path = session.statements, session.text(key)
    start, length = (0, None) if span is None else span
    if span is None:
        rows = session.rows(statements.get, path)
    else:
        asked = min(_FAR if length is None else length, _FAR)
        rows = session.rows(statements.get_span, min(start, _FAR) + 1, asked, path)
    if not rows:
        raise NotFound("nothing stands here")
    (*facts, token, content) = rows[0]
    entry = info_of(key, facts)
    if if_match is not None and if_match != entry.etag:
        raise PreconditionFailed("the file is another version by now")
    if token is None:
        return BytesBody(entry, content if content is not None else b"", start)
    left = max(entry.size - start, 0)
    again = None if if_match is not None else (key, span)
    return PiecesBody(database, token, entry, start, left if length is None else min(left, length), again)


class PiecesBody(Body):
    """Content in rows of its own, which are written once and never changed: what is there is of this version."""

    def __init__(
        self,
        database: Database,
        token: Any,
        entry: FileInfo,
        start: int,
        length: int,
        again: tuple[str, Span | None] | None,
    ) -> None:
        self.entry = entry
        self.start = start
        self.length = length
        self._database = database
        self._token = token
        self._at = start
        self._end = start + length
        self._again = again
        """What was asked for, where any version will do."""

    async def next(self) -> Buffer:
        """Return the next piece; no connection is held between two of them."""
        if self._at >= self._end:
            return b""
        data = await self._database.run(_piece, self._token, self._at, self._end - self._at)
        self._at += len(data)
        return data

    async def all(self) -> Buffer:
        """Return all that is left, on one connection: of the version that stands there now, should this one be gone."""
        data = await self._database.run(self._all)
        self._at = self._end
        return data

    def _all(self, session: Session) -> Buffer:
        try:
            return self._pieces(session)
        except IntegrityError:
            if self._again is None or self._at > self.start:
                raise
        # Where many replace a file without rest, only a look at one moment is sure to find all of a version.
        with session.transaction(session.statements.snapshot):
            body = get(session, self._database, *self._again, None)
            self.entry, self.start, self.length = body.entry, body.start, body.length
            return body.data if isinstance(body, BytesBody) else body._pieces(session)

    def _pieces(self, session: Session) -> bytes:
        buffer, at = io.BytesIO(), self._at
        while at < self._end:
            at += buffer.write(_piece(session, self._token, at, self._end - at))
        return buffer.getvalue()


def _piece(session: Session, token: Any, at: int, most: int) -> bytes:
    """Return the bytes from a place on that one row holds, at most so many."""
    if type(session.driver) is sqlite3.Connection:
        data = _blob(session, token, at, most)
    else:
        rows = session.rows(session.statements.piece, at, min(most, _FAR), token, at)
        data = rows[0][0] if rows else b""
    if not data:
        raise IntegrityError(_GONE)
    return data


def _blob(session: Session, token: Any, at: int, most: int) -> bytes:
    """Read inside the row: SQLite's functions would fetch it whole first."""
    one_moment = nullcontext() if session.driver.in_transaction else session.transaction(session.statements.snapshot)
    with one_moment:  # so that the row stays the one that was found
        for row, start, size in session.rows(session.statements.chunk_row, token, at):
            with session.driver.blobopen(f"{session.statements.table}_chunks", "content", row, readonly=True) as blob:
                blob.seek(min(at - start, size))
                data: bytes = blob.read(min(most, size))
                return data
    return b""


class TableUpload:
    """A file in pieces that belong to an upload; the commit gives them to the file's row, in one transaction.

    Whoever deletes the upload's row decides: the commit, the abort, or the sweep of what was left behind.
    """

    def __init__(
        self,
        write: Callable[..., Coroutine[Any, Any, Any]],
        database: Database,
        key: str,
        token: str,
        options: PutOptions,
    ) -> None:
        self._write = write
        self._database = database
        self._key = key
        self._token = token
        self._options = options
        self._digest = hashlib.sha256()
        self._starts = [0]
        self._touched = time.monotonic()

    async def part(self, number: int, data: Buffer) -> None:
        """Take the next part, or the last one once more."""
        if number == len(self._starts) - 1:
            self._digest.update(data)
            self._starts.append(self._starts[-1] + len(data))
        touch = time.monotonic() - self._touched > 60
        await self._write(_add, self._token, self._starts[number], data, touch)
        if touch:
            self._touched = time.monotonic()

    async def commit(self) -> FileInfo:
        """Publish all parts."""
        etag = self._digest.hexdigest()
        done: FileInfo = await self._write(_commit, self._key, self._token, self._starts[-1], etag, self._options)
        return done

    async def abort(self) -> None:
        """Delete the parts, unless they were published after all."""
        await self._write(drop, self._token)


_ENDED = "somebody else ended the upload of this file; nothing was published"


def _add(session: Session, token: str, start: int, data: Buffer, touch: bool) -> None:
    statements = session.statements
    name = session.text(token)
    if touch:  # a sweep counts from here
        session.change(statements.touch_upload, time.time(), name)
    view = memoryview(data)
    for at in range(0, len(view), PIECE):
        piece = session.content(data if len(view) <= PIECE else view[at : at + PIECE])
        try:
            added = session.change(statements.add_chunk, start + at, piece, name)
        except Exception as failed:
            if is_taken(failed):
                continue  # the answer of an earlier try got lost
            raise
        if not added:
            raise RemoteStoreError(_ENDED)


def _commit(session: Session, key: str, token: str, size: int, etag: str, options: PutOptions) -> FileInfo:
    if options.if_match is not None:
        prove_etag(options.if_match)
    facts = facts_of(session, size, etag, options)
    name = session.text(token)
    with session.transaction():
        if not session.change(session.statements.end_upload, name):
            raise RemoteStoreError(_ENDED)
        place(session, key, facts, name, None, options)
    return info_of(key, facts)


def drop(session: Session, token: Any) -> bool:
    """Delete an upload with its pieces, if it is still one."""
    name = session.text(token) if isinstance(token, str) else token
    with session.transaction():
        ended = session.change(session.statements.end_upload, name) > 0
        if ended:
            session.change(session.statements.delete_chunks, name)
    return ended


def sweep(session: Session, older_than: float) -> int:
    """Delete what uploads left whose writer was killed."""
    old = session.rows(session.statements.old_uploads, time.time() - older_than)
    return sum(drop(session, token) for (token,) in old)
