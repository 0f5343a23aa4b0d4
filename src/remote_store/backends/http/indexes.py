"""Indexes of folders: what nginx, Apache and their kin write for people, read as listings. Every name is hostile."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from remote_store._io import gather
from remote_store.backend import FileInfo, FolderEntry, Page
from remote_store.backends.http.answers import Refused, coding_of, stamp
from remote_store.backends.http.session import gathered, passed_over
from remote_store.errors import ContainerNotFound, IntegrityError, InvalidPath, RemoteStoreError
from remote_store.path import parse_folder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import TypeAlias

    from remote_store._io import Io
    from remote_store.backend import Entry
    from remote_store.backends.http.session import Access, Session

    Stat: TypeAlias = Callable[[str], Awaitable[Entry]]

__all__ = ["Indexes"]

MOST = 64 << 20
"""Bytes of one index at most."""
AT_ONCE = 8
"""Files that are asked for their size at the same time."""
UNKNOWN = -1
"""The size of a file whose index rounds it or is silent."""

_log = logging.getLogger("remote_store")
_title = re.compile(r"<title>\s*(?:Index of|Directory listing for)\b", re.IGNORECASE).search
_anchors = re.compile(r"<a(\s[^<>]*)>[^<]*</a>([^<\n]*)", re.IGNORECASE).findall
_link = re.compile(r"href=(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE).search
_row = re.compile(r"\s*(\d{2}-[A-Z][a-z]{2}-\d{4} \d{2}:\d{2})\s+(\d{1,18})\s*\Z").match
_odd_percent = re.compile(r"%(?![0-9A-Fa-f]{2})").search
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Indexes:
    """The listings of one base URL."""

    def __init__(self, form: str, access: Access, session: Session, io: Io) -> None:
        self._form = form
        self._access = access
        self._session = session
        self._io = io
        self._warned = False

    async def page(self, folder: str, recursive: bool, token: Any, limit: int, stat: Stat) -> Page:
        """Return the next entries below a folder; a token is what of the indexes read so far is still to come.

        ``stat`` is asked for the facts of those files whose size the index does not tell to the byte.
        """
        pending = list(reversed(token)) if token is not None else (await self._read(folder))[::-1]
        found: list[Entry] = []
        while pending and len(found) < limit:
            entry = pending.pop()
            if recursive and type(entry) is FolderEntry:
                pending += (await self._read(entry.key))[::-1]
            else:
                found.append(entry)
        return Page(await self._sized(found, stat), tuple(reversed(pending)) or None)

    async def _sized(self, found: list[Entry], stat: Stat) -> list[Entry]:
        rough = [entry.key for entry in found if type(entry) is FileInfo and entry.size == UNKNOWN]
        told = dict(zip(rough, await gather(self._io, AT_ONCE, [(_facts, stat, key) for key in rough]), strict=True))
        sized = [told.get(entry.key, entry) if type(entry) is FileInfo else entry for entry in found]
        return [entry for entry in sized if entry is not None]

    async def _read(self, folder: str) -> list[Entry]:
        """Return what one index lists, in order."""
        answer, place = await self._session.ask("GET", self._access.target(folder, folder=True))
        if answer.status != 200:
            await passed_over(answer)
            if answer.status not in (404, 410):
                raise Refused(answer.status, answer.headers.get("retry-after"))
            if not folder:
                raise ContainerNotFound(f"there is no folder at {self._access!r}")
            return []
        if place.origin != self._access.base.origin:
            await answer.close()
            raise RemoteStoreError("the server redirects the index of the folder to another server")
        length = answer.length
        data = await gathered(answer, MOST)
        if data is None:
            raise RemoteStoreError(f"the index of the folder is longer than {MOST >> 20} MiB")
        if not answer.ends or len(data) != (len(data) if length is None else length) or coding_of(answer.headers):
            raise IntegrityError("the index of the folder is cut, or may be")
        text = data.decode("utf-8", "surrogateescape")
        rows = _of_json(text) if self._form == "nginx-json" else _of_html(text)
        return self._judged(folder, rows)

    def _judged(self, folder: str, rows: Iterator[tuple[str, bool, int, float]]) -> list[Entry]:
        prefix = f"{folder}/" if folder else ""
        kept: dict[str, Entry] = {}
        for name, is_folder, size, modified in rows:
            if not name or "/" in name or not _is_normal(key := prefix + name):
                self._warn()
            elif is_folder:
                kept[f"{key}/"] = FolderEntry(key)
            else:
                kept[key] = FileInfo(key, size, modified)
        return [kept[key] for key in sorted(kept)]

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            _log.warning("an index of %r has names that lead elsewhere or that no path can have", self._access)


async def _facts(stat: Stat, key: str) -> Entry | None:
    try:
        found = await stat(key)
    except Refused as refused:
        if refused.status in (404, 410):
            return None  # gone since the index was made
        raise
    return found if type(found) is FileInfo else None


def _is_normal(key: str) -> bool:
    try:
        parse_folder(key)
    except InvalidPath:
        return False
    return True


_ODD = "the folder's page is no index of the declared kind; see the option listing"


def _of_json(text: str) -> Iterator[tuple[str, bool, int, float]]:
    try:
        rows = json.loads(text)
        for row in rows:
            kind, name, size = row["type"], row["name"], row.get("size", UNKNOWN)
            if not isinstance(name, str) or not isinstance(size, int) or not UNKNOWN <= size < 10**18:
                name, size = "", UNKNOWN
            if kind in ("file", "directory"):  # the rest are sockets, pipes and devices
                yield name, kind == "directory", size, stamp(row.get("mtime"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise RemoteStoreError(_ODD) from None


def _of_html(text: str) -> Iterator[tuple[str, bool, int, float]]:
    if not _title(text):
        raise RemoteStoreError(_ODD)
    for within, tail in _anchors(text):
        found = _link(within)
        link = unescape(found[1] or found[2] or "") if found else "#"
        if link in ("../", "..", "./", ".", "/") or link.startswith(("?", "#")):
            continue  # the parent, and the ways to sort
        name = _name_of(link)
        row = _row(tail)
        size, modified = (int(row[2]), _minute(row[1])) if row else (UNKNOWN, 0.0)
        yield name.removesuffix("/"), name.endswith("/"), size, modified


def _name_of(link: str) -> str:
    """Return the name that a relative link means, with ``/`` behind a folder's; ``""`` where it leads elsewhere."""
    # A colon in a plain relative link would end the name of a scheme.
    marks = "?#\\" if link.startswith("./") else ":?#\\"
    name, slash, rest = link.removeprefix("./").partition("/")
    if rest or any(mark in name for mark in marks) or _odd_percent(name):
        return ""
    try:
        plain = unquote_to_bytes(name.encode("utf-8", "surrogateescape")).decode()
    except UnicodeDecodeError:
        return ""
    return "" if "/" in plain else plain + slash


def _minute(text: str) -> float:
    day, month, year, time = text[:2], text[3:6], text[7:11], text[12:]
    try:
        number = _MONTHS.index(month) + 1
        made = datetime(int(year), number, int(day), int(time[:2]), int(time[3:]), tzinfo=UTC)
    except ValueError:
        return 0.0
    return made.timestamp()
