"""Listing a bucket: pages of ListObjectsV2, asked for and read by us.

botocore spends 56 us a key on making dictionaries of an answer, obstore neither tells a folder's marker from a file
nor survives a key that no path can have. The request is signed and sent by botocore's own parts; a page is read
with two regular expressions, which know no entities and so no traps.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from remote_store.backend import FileInfo, FolderEntry, Page
from remote_store.backends._answers import Refused
from remote_store.backends._listed import is_normal, order, plain
from remote_store.errors import IntegrityError

if TYPE_CHECKING:
    from remote_store.backend import Entry
    from remote_store.backends.s3.access import Clients

__all__ = ["Lister"]

PAGE = 1000
"""Keys of one page; what S3 allows at most."""

_log = logging.getLogger("remote_store")
_fields = re.compile(r"<(Key|LastModified|ETag|Size)>([^<]*)</").findall
_prefixes = re.compile(r"<CommonPrefixes>\s*<Prefix>([^<]*)</Prefix>").findall
_next_token = re.compile(r"<NextContinuationToken>([^<]*)</").search
# Keys without any of these, one a line, are normal paths as they stand; others are decoded and asked about.
_SUSPECT = ("%", "+", "\\", "&", ":", "//", "/.", "/\n", "\n/", "\n.")
_EASY = 255
"""Characters of a key that breaks no limit of the grammar, whatever its segments."""


class Lister:
    """The listings of one bucket."""

    def __init__(self, clients: Clients) -> None:
        from botocore.httpsession import URLLib3Session
        from botocore.utils import get_environ_proxies

        access = clients.access
        self._clients = clients
        self._url = clients.place.bucket_url
        options: dict[str, Any] = {
            "verify": access.trusted() or True,
            "proxies": get_environ_proxies(self._url),
            "timeout": (access.connect_timeout, access.read_timeout),
            "max_pool_connections": 8,
        }
        self._http = URLLib3Session(**options)
        self._warned = False

    def page(self, folder: str, recursive: bool, token: object | None, limit: int | None) -> Page:
        """Return the next page below a folder."""
        prefix = f"{folder}/" if folder else ""
        text = self._ask(prefix, "" if recursive else "/", token, min(limit or PAGE, PAGE))
        try:
            files, marked, hidden = self._files(text)
        except (KeyError, ValueError) as odd:
            raise IntegrityError("the listing that arrived cannot be read") from odd
        # Some services (SeaweedFS, S3 Express) keep no order within a page.
        files.sort(key=itemgetter(0))
        entries: list[Entry] = [*files]
        if not recursive:
            folders, more = self._folders(text)
            entries += folders
            entries.sort(key=order)
            hidden = hidden or more
        found = _next_token(text)
        return Page(entries, plain(found[1]) if found else None, marked, hidden)

    def keys(self, prefix: str) -> list[str]:
        """Return the first keys below a prefix as they are: markers and what no path can name included."""
        return [_decoded(key) for key in re.findall(r"<Key>([^<]*)</Key>", self._ask(prefix, "", None, PAGE))]

    def _ask(self, prefix: str, delimiter: str, token: object | None, limit: int) -> str:
        from botocore.awsrequest import AWSRequest

        query = {
            "continuation-token": token,
            "delimiter": delimiter,
            "encoding-type": "url",  # XML has no form for some characters that keys may hold
            "list-type": "2",
            "max-keys": limit,
            "prefix": prefix,
        }
        pairs = [f"{name}={quote(str(value), safe='-_.~')}" for name, value in query.items() if value]
        request = AWSRequest("GET", f"{self._url}?{'&'.join(pairs)}")
        self._sign(request)
        answer = self._http.send(request.prepare())
        text = str(answer.content, "utf-8", "replace")
        if answer.status_code != 200:
            raise Refused(answer.status_code, text, retry_after=answer.headers.get("retry-after"))
        if not text.rstrip().endswith("</ListBucketResult>"):
            raise IntegrityError("the listing that arrived is cut or none at all")
        return text

    def _sign(self, request: Any) -> None:
        # Apart from _ask, so that no frame of a failed request holds the secret key.
        from botocore.auth import S3SigV4Auth

        credentials = self._clients.credentials
        if credentials is not None:
            S3SigV4Auth(credentials.get_frozen_credentials(), "s3", self._clients.place.region).add_auth(request)

    def _files(self, text: str) -> tuple[list[FileInfo], bool, bool]:
        """Return the files of a page, whether a folder's marker is on it, and whether a key that is no path."""
        # Quotes are all that services escape in most answers; in one sweep they cost least.
        split = [
            dict(_fields(piece)) for piece in text.replace("&quot;", '"').replace("&#34;", '"').split("<Contents>")
        ]
        rows = split[1:]
        keys = _clean([row["Key"] for row in rows])
        marked = hidden = False
        if keys is None:
            named, marked, hidden = self._judged(rows)
            rows, keys = [row for row, _ in named], [key for _, key in named]
        stamps = {written: datetime.fromisoformat(written).timestamp() for written in {r["LastModified"] for r in rows}}
        found = [
            FileInfo(key, int(row["Size"]), stamps[row["LastModified"]], plain(row["ETag"]) if "ETag" in row else None)
            for key, row in zip(keys, rows, strict=True)
        ]
        return found, marked, hidden

    def _judged(self, rows: list[dict[str, str]]) -> tuple[list[tuple[dict[str, str], str]], bool, bool]:
        """Return the rows whose keys are paths, with those; whether one is a marker; whether others are no paths."""
        decoded = [(row, _decoded(row["Key"])) for row in rows]
        normal = [(row, key) for row, key in decoded if is_normal(key.removesuffix("/"))]
        if len(normal) < len(decoded):
            self._warn(len(decoded) - len(normal))
        files = [(row, key) for row, key in normal if not key.endswith("/")]
        return files, len(files) < len(normal), len(normal) < len(decoded)

    def _folders(self, text: str) -> tuple[list[FolderEntry], bool]:
        folders = [FolderEntry(_decoded(prefix)[:-1]) for prefix in _prefixes(text)]
        normal = [folder for folder in folders if is_normal(folder.key)]
        if len(normal) < len(folders):
            self._warn(len(folders) - len(normal))
        return normal, len(normal) < len(folders)

    def _warn(self, count: int) -> None:
        if not self._warned:
            self._warned = True
            bucket = self._clients.access.bucket
            _log.warning("bucket %r has keys that no path can name (%d on one page); listings omit them", bucket, count)

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()


def _clean(keys: list[str]) -> list[str] | None:
    """Return the keys decoded if all of them are plainly normal, or None."""
    # The sign of hive partitions is escaped by some services, and the only escape worth a way of its own.
    lines = "\n".join(["", *keys, ""]).replace("%3D", "=")
    if any(suspect in lines for suspect in _SUSPECT) or len(max(keys, key=len, default="")) > _EASY:
        return None
    plain = "".join(keys)
    if not plain.isascii() or not plain.isprintable():
        return None
    return lines.split("\n")[1:-1]


def _decoded(key: str) -> str:
    # Services encode a space as "%20" or "+"; a real plus is always "%2B".
    return unquote(plain(key).replace("+", " "), errors="surrogateescape")
