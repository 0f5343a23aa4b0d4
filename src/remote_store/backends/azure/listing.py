"""Listings, asked for and read by us: obstore stumbles over odd keys, and the SDK takes 100 us for each entry.

A hierarchical account lists a folder's files before a file such as ``folder.txt``, as if ``/`` came before all
characters. In the order of keys the folder comes behind it: folders are held back until they are due.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from remote_store.backend import FileInfo, FolderEntry, Page
from remote_store.backends._listed import is_normal, order, plain
from remote_store.errors import IntegrityError

if TYPE_CHECKING:
    from remote_store.backend import Entry
    from remote_store.backends.azure.wire import Wire

__all__ = ["Lister"]

PAGE = 5000
"""Entries of one answer; what Azure allows at most."""

_log = logging.getLogger("remote_store")
_fields = re.compile(r"<(Name|Last-Modified|Etag|Content-Length|Content-Type|ResourceType)( Encoded=.true.)?>([^<]*)</")
_prefixes = re.compile(r"<BlobPrefix>\s*<Name( Encoded=.true.)?>([^<]*)</Name>").findall
_marker = re.compile(r"<NextMarker>([^<]+)</").search
_folder = re.compile(r"<hdi_isfolder>true</", re.IGNORECASE).search
# Keys that are plainly normal, without asking the grammar.
_easy = re.compile(r"(?:[A-Za-z0-9_=-][A-Za-z0-9_=.-]*/)*[A-Za-z0-9_=-][A-Za-z0-9_=.-]*").fullmatch
_EASY = 200
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class _Read(NamedTuple):
    """An answer taken apart."""

    files: list[FileInfo]
    folders: list[FolderEntry]
    marker: str | None
    marked: bool
    hidden: bool
    last: str
    """The greatest name on it."""


class _Rest(NamedTuple):
    """What is left of a folder of a hierarchical account that is listed folder by folder."""

    folder: str
    due: tuple[Entry, ...] = ()
    """Entries that were read and are not on a page yet."""
    marker: str | None = None
    """Where the next answer begins; None: all is read."""
    held: tuple[FolderEntry, ...] = ()
    """Folders that may come behind files of the next answer."""


class Lister:
    """The listings of one container."""

    def __init__(self, wire: Wire, container: str) -> None:
        self._wire = wire
        self._container = container
        self._warned = False

    async def page(
        self, folder: str, recursive: bool, token: object | None, limit: int | None, *, hierarchical: bool
    ) -> Page:
        """Return the next page below a folder."""
        if not hierarchical:
            found = await self._ask(folder, recursive, token, limit)
            return Page(_sorted(found), found.marker, found.marked, found.hidden)
        if not recursive:
            return await self._children(folder, token, limit)
        return await self._tree(folder, token)

    async def _children(self, folder: str, token: Any, limit: int | None) -> Page:
        """Return a page of what is directly in a folder of a hierarchical account."""
        marker, held = token or (None, ())
        found = await self._ask(folder, False, marker, limit)
        entries, kept = _due(found, held)
        return Page(entries, (found.marker, kept) if found.marker else None, found.marked, found.hidden)

    async def _tree(self, folder: str, token: Any) -> Page:
        """Return a page of all files below: of a whole folder where it fits one answer, else folder by folder."""
        left: tuple[_Rest | str, ...] = token or (folder,)
        first, left = left[0], left[1:]
        hidden = False
        if isinstance(first, str):
            found = await self._ask(first, True, None, PAGE)
            if found.marker is None:
                return Page(_files(found), left or None, False, found.hidden)
            first = _Rest(first, marker="")
        if not first.due:
            found = await self._ask(first.folder, False, first.marker or None, PAGE)
            entries, kept = _due(found, first.held)
            first = _Rest(first.folder, tuple(entries), found.marker, kept)
            hidden = found.hidden
        number = next((at for at, entry in enumerate(first.due) if type(entry) is FolderEntry), len(first.due))
        files, folders, rest = first.due[:number], first.due[number : number + 1], first.due[number + 1 :]
        again = (first._replace(due=rest),) if rest or first.marker is not None else ()
        return Page(files, (*(entry.key for entry in folders), *again, *left) or None, False, hidden)

    async def keys(self, prefix: str) -> list[str]:
        """Return the first keys below a prefix as they are: markers and what no path can name included."""
        return [name for name, _ in _rows(await self._text(prefix, "", None, PAGE))]

    async def _ask(self, folder: str, recursive: bool, marker: Any, limit: int | None) -> _Read:
        prefix = f"{folder}/" if folder else ""
        text = await self._text(prefix, "" if recursive else "/", marker, min(limit or PAGE, PAGE))
        try:
            return self._read(text)
        except (KeyError, ValueError) as odd:
            raise IntegrityError("the listing that arrived cannot be read") from odd

    async def _text(self, prefix: str, delimiter: str, marker: str | None, limit: int) -> str:
        asked = {
            "comp": "list",
            "delimiter": delimiter,
            "include": "metadata",
            "marker": marker,
            "maxresults": str(limit),
            "prefix": prefix,
            "restype": "container",
        }
        answer = await self._wire.ask("GET", "", {name: value for name, value in asked.items() if value})
        text = str(answer.body, "utf-8", "replace")
        if not text.rstrip().endswith("</EnumerationResults>"):
            raise IntegrityError("the listing that arrived is cut or none at all")
        return text

    def _read(self, text: str) -> _Read:
        files, folders, marked, odd, last = [], {}, False, 0, ""
        stamps: dict[str, float] = {}
        for name, row in _rows(text):
            key = name.removesuffix("/")
            last = max(last, key)
            if not (len(key) < _EASY and _easy(key)) and not is_normal(key):
                odd += 1
            elif row["folder"]:
                folders[key] = FolderEntry(key)
                marked = True
            elif key != name:
                marked = True
            else:
                files.append(_info(key, row, stamps))
        for escaped, name in _prefixes(text):
            key = _decoded(name, escaped).removesuffix("/")
            last = max(last, key)
            if is_normal(key):
                folders[key] = FolderEntry(key)
            else:
                odd += 1
        if odd:
            self._warn(odd)
        found = _marker(text, text.rfind("</Blobs>"))
        return _Read(files, list(folders.values()), plain(found[1]) if found else None, marked, bool(odd), last)

    def _warn(self, count: int) -> None:
        if not self._warned:
            self._warned = True
            text = "container %r has keys that no path can name (%d on one page); listings omit them"
            _log.warning(text, self._container, count)


def _sorted(found: _Read) -> list[Entry]:
    return sorted([*found.files, *found.folders], key=order)


def _files(found: _Read) -> list[Entry]:
    return sorted(found.files, key=order)


def _due(found: _Read, held: tuple[FolderEntry, ...]) -> tuple[list[Entry], tuple[FolderEntry, ...]]:
    """Return the entries that nothing of later answers comes before, and the folders that have to wait."""
    entries: list[Entry] = [*held, *found.files, *found.folders]
    entries.sort(key=order)
    if found.marker is None:
        return entries, ()
    number = next((at for at, entry in enumerate(entries) if order(entry) > found.last), len(entries))
    kept = tuple(entry for entry in entries[number:] if type(entry) is FolderEntry)
    return entries[:number], kept


def _rows(text: str) -> list[tuple[str, dict[str, Any]]]:
    rows = []
    for piece in text.split("<Blob>")[1:]:
        # Folders may stand between the files. Metadata stand behind all else of a file, as elements whose names
        # anybody chooses: "Name", "NextMarker" and "Blob" as well.
        facts, _, metadata = piece.partition("</Blob>")[0].partition("<Metadata")
        row: dict[str, Any] = {}
        name = None
        for field, escaped, value in _fields.findall(facts):
            if field == "Name":
                name = _decoded(value, escaped)
            else:
                row[field] = value
        if name is None:
            continue  # a piece of somebody's metadata
        marker = row.get("Content-Length") == "0" and _folder(metadata) is not None
        row["folder"] = row.get("ResourceType") == "directory" or marker
        rows.append((name, row))
    return rows


def _info(key: str, row: dict[str, Any], stamps: dict[str, float]) -> FileInfo:
    etag, date = plain(row["Etag"]), row["Last-Modified"]
    etag = etag if etag.endswith('"') else f'"{etag}"'
    modified = stamps.get(date)
    if modified is None:  # many files of a page are of one second
        modified = stamps[date] = _stamp(date)
    kind = plain(row["Content-Type"]) if "Content-Type" in row else None
    return FileInfo(key, int(row["Content-Length"]), modified, etag, kind)


def _decoded(name: str, escaped: str) -> str:
    return unquote(plain(name), errors="surrogateescape") if escaped else plain(name)


def _stamp(date: str) -> float:
    """Return the seconds of a date such as ``Mon, 23 Nov 2026 05:17:04 GMT``."""
    _, day, month, year, clock, _ = date.split(" ")
    hour, minute, second = clock.split(":")
    at = datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    return at.timestamp()
