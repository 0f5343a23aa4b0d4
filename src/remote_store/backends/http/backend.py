"""HttpBackend: the files below one URL."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

from remote_store._arguments import check_choice, check_flag, check_seconds, check_texts, check_whole
from remote_store._io import Inline
from remote_store.backend import BytesBody, Concurrency, Declared, FolderEntry, Traits
from remote_store.backends.http import answers
from remote_store.backends.http.address import encoded, parse_url
from remote_store.backends.http.answers import Refused
from remote_store.backends.http.bodies import Flow, passed
from remote_store.backends.http.indexes import Indexes
from remote_store.backends.http.messages import announced
from remote_store.backends.http.session import Access, Session, gathered, passed_over
from remote_store.backends.http.settings import (
    check_base,
    credentials,
    extra,
    query_of,
)
from remote_store.backends.http.sockets import Network
from remote_store.backends.http.wire import Wire
from remote_store.errors import ConfigError, IntegrityError, NotFound, PreconditionFailed, RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from remote_store._io import Io
    from remote_store.backend import Body, Entry, FileInfo, Op, Page, Span
    from remote_store.backends.http.messages import Answer
    from remote_store.backends.http.session import Asks
    from remote_store.secret import Secret
    from remote_store.uri import Uri

__all__ = ["HttpBackend"]

UNSIZED = 64 << 20
"""Bytes of a body without an announced length that are taken into memory at most."""
HEAD_REFUSED = (403, 405, 501)


class HttpBackend(Declared):
    """The files below a URL, read-only.

    Options:
        url: the folder's address, such as "https://example.org/data"; keys lie below it.
        user: with ``password`` the credentials of basic authentication.
        password: belongs to ``user``.
        token: a bearer token, in place of a user.
        headers: further headers of each request to the URL's own origin, such as {"X-Api-Key": …}; all are secrets.
        query: what follows "?" in each request to the URL's own origin, such as a signature.
        listing: the kind of index that the server writes for folders: "nginx-json" (autoindex_format json), "html"
            (nginx, Apache, Python) or "none", the default: the store cannot list.
        encoded: "refuse" (the default) what the server encoded although asked not to, or take it "raw".
        verify: check the server's certificate; False warns. Default True.
        ca_bundle: path of a PEM file of certificates to trust, in place of the system's.
        block_private: refuse to connect to addresses that are not of the public internet. Default False.
        redirects: how many are followed at most; credentials go to the URL's own origin only. Default 5.
        connect_timeout: seconds; default 10.
        read_timeout: seconds without a byte of an answer, and for the whole of its head; default 60.
        connections: how many idle connections are kept; default 16.
        parallel_reads: range requests at the same time for one big file; default 1.
        lane: of ``AsyncStore``: "httpx" awaits, "stdlib" uses threads, "auto" takes httpx where it is installed.
    """

    traits = Traits(name="http", hierarchical=True, ranges=True, lists=False)

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: Secret | str | None = None,
        token: Secret | str | None = None,
        headers: Mapping[str, Secret | str] | None = None,
        query: Secret | str | None = None,
        listing: Literal["none", "nginx-json", "html"] = "none",
        encoded: Literal["refuse", "raw"] = "refuse",
        verify: bool = True,
        ca_bundle: str | None = None,
        block_private: bool = False,
        redirects: int = 5,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        connections: int = 16,
        parallel_reads: int = 1,
        lane: Literal["auto", "httpx", "stdlib"] = "auto",
    ) -> None:
        check_texts("url", url=url, user=user, ca_bundle=ca_bundle)
        check_choice("listing", listing, ("none", "nginx-json", "html"))
        check_choice("encoded", encoded, ("refuse", "raw"))
        check_choice("lane", lane, ("auto", "httpx", "stdlib"))
        check_whole(0, redirects=redirects, connections=connections)
        check_whole(1, parallel_reads=parallel_reads)
        check_seconds(connect_timeout=connect_timeout, read_timeout=read_timeout)
        check_flag("verify", verify)
        check_flag("block_private", block_private)
        base = parse_url(url)
        check_base(url, base.path)
        private = [*credentials(user, password, token), *extra(headers)]
        if [name.lower() for name, _ in private].count("authorization") > 1:
            raise ConfigError("user, token and a header Authorization are three ways of one thing; give one")
        if not verify:
            warnings.warn("verify=False: anybody on the way may read and change what is sent", stacklevel=2)
        self._network = Network(connect_timeout, read_timeout, verify, ca_bundle, block_private, connections)
        self._access = Access(base, query_of(query), private, redirects)
        self._listing = listing
        self._raw = encoded == "raw"
        self.traits = HttpBackend.traits._replace(
            concurrency=Concurrency.AWAITS if _awaits(lane) else Concurrency.BLOCKS,
            lists=listing != "none",
            parallel_reads=parallel_reads,
        )
        self._start(Inline(), Wire(self._network))

    @staticmethod
    def from_uri(uri: Uri) -> tuple[dict[str, Any], str]:
        """``https://example.org/data?listing=html`` or ``http://…``: the whole path is the root; keys lie below it."""
        if not uri.host:
            raise ConfigError("an HTTP URI is 'https://host/folder'")
        port = "" if uri.port is None else f":{uri.port}"
        options = {"url": f"{uri.scheme}://{uri.host}{port}{encoded(uri.path)}"}
        return options | ({} if uri.user is None else {"user": uri.user}), ""

    def _start(self, io: Io, wire: Asks) -> None:
        self._wire = wire
        self._session = Session(self._access, wire)
        self._indexes = Indexes(self._listing, self._access, self._session, io)

    def bind(self, io: Io) -> Self:
        """Return this backend at work on an io; it connects when first used."""
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        if isinstance(io, Inline):
            bound._start(io, Wire(self._network))
        else:
            from remote_store.backends.http.awaited import AwaitedWire

            bound._start(io, AwaitedWire(self._network))
        return bound

    async def stat(self, key: str) -> Entry:
        if not key:
            return await self._root()
        try:
            answer, _ = await self._session.ask("HEAD", self._access.target(key))
        except NotFound:
            return FolderEntry(key)
        await answer.close()
        size = announced(answer.headers)
        if answer.status in HEAD_REFUSED or (answer.status == 200 and size is None):
            return await self._probe(key)
        if answer.status in (404, 410) and self.traits.lists and await self._has_index(key):
            return FolderEntry(key)
        if answer.status != 200 or size is None:
            raise Refused(answer.status, answer.headers.get("retry-after"))
        self._check_coding(answer)
        return answers.facts(key, answer.headers, size)

    async def _has_index(self, key: str) -> bool:
        """Ask for a folder of a server that tells it from a file by the ``/`` alone."""
        answer, _ = await self._session.ask("HEAD", self._access.target(key, folder=True))
        await answer.close()
        return answer.status == 200

    async def _root(self) -> Entry:
        """Ask whether the server answers to these credentials; a folder's own page need not be served."""
        answer, _ = await self._session.ask("HEAD", self._access.target("", folder=True))
        await answer.close()
        if answer.status in (401, 407, 408, 425, 429) or answer.status >= 500:
            raise Refused(answer.status, answer.headers.get("retry-after"))
        return FolderEntry("")

    async def _probe(self, key: str) -> FileInfo:
        """Learn the facts of a file from its first byte."""
        answer, _ = await self._session.ask("GET", self._access.target(key), [("Range", "bytes=0-0")])
        try:
            if answer.status == 206:
                size: int | None = answers.place_of(answer.headers).total
            elif answer.status == 416:
                size = answers.total_of(answer.headers)
            elif answer.status != 200:
                raise Refused(answer.status, answer.headers.get("retry-after"))
            elif answer.length is None:
                size = len(await self._unsized(answer))
            else:
                size = answer.length
        finally:
            await (answer.close() if answer.status == 200 else passed_over(answer))
        if size is None:
            raise RemoteStoreError("the server does not tell the size of the file")
        self._check_coding(answer)
        return answers.facts(key, answer.headers, size)

    async def get(
        self, key: str, span: Span | None = None, if_match: str | None = None, version: str | None = None
    ) -> Body:
        start, length = span or (0, None)
        fields = [] if if_match is None else answers.pin_of(if_match)
        ranged = start > 0 or length is not None
        if ranged:
            fields.append(("Range", f"bytes={start}-{'' if length is None else start + length - 1}"))
        answer, _ = await self._session.ask("GET", self._access.target(key), fields)
        try:
            if answer.status == 416 and ranged:
                await passed_over(answer)
                return await self._nothing(key, start, if_match)
            if answer.status == 206 and ranged:
                return self._part(key, start, length, if_match, answer)
            if answer.status == 200:
                return await self._whole(key, start, length, if_match, answer)
        except BaseException:
            await answer.close()
            raise
        await passed_over(answer)
        raise Refused(answer.status, answer.headers.get("retry-after"))

    async def _nothing(self, key: str, start: int, if_match: str | None) -> Body:
        found: Any = await self.stat(key)
        if found.size > start:
            raise IntegrityError("the server says that the range asked for is not in the file, and it is")
        return BytesBody(_pinned(found, if_match), b"", start)

    def _part(self, key: str, start: int, length: int | None, if_match: str | None, answer: Answer) -> Body:
        self._check_coding(answer)
        place = answers.place_of(answer.headers)
        stop = place.total if length is None else min(start + length, place.total)
        if (place.start, place.stop) != (start, stop) or answer.length not in (None, stop - start):
            raise IntegrityError("the server sent other bytes of the file than were asked for", retryable=False)
        entry = _pinned(answers.facts(key, answer.headers, place.total), if_match)
        return Flow(entry, answer, start, stop - start)

    async def _whole(self, key: str, start: int, length: int | None, if_match: str | None, answer: Answer) -> Body:
        """Take a whole file, or the range that the server was asked for and did not cut out."""
        self._check_coding(answer)
        size = answer.length
        if size is None:
            data = await self._unsized(answer)
            entry = _pinned(answers.facts(key, answer.headers, len(data)), if_match)
            return BytesBody(entry, data[start : None if length is None else start + length], start)
        entry = _pinned(answers.facts(key, answer.headers, size), if_match)
        stop = size if length is None else min(start + length, size)
        if start >= stop:
            await (answer.close() if size else passed_over(answer))
            return BytesBody(entry, b"", start)
        held = await passed(answer, start)
        return Flow(entry, answer, start, stop - start, held, more=stop < size)

    async def _unsized(self, answer: Answer) -> bytes:
        if not answer.ends:
            raise IntegrityError("the server tells no length: a body cut short could not be told", retryable=False)
        data = await gathered(answer, UNSIZED)
        if data is None:
            raise RemoteStoreError(f"the server tells no length, and the file is longer than {UNSIZED >> 20} MiB")
        return data

    def _check_coding(self, answer: Answer) -> None:
        coding = answers.coding_of(answer.headers)
        if coding is not None and not self._raw:
            message = f"the server sent the file encoded as {coding!r} although asked not to; encoded='raw' takes it so"
            raise RemoteStoreError(message)

    async def list(self, folder: str, recursive: bool, token: object | None, limit: int | None) -> Page:
        return await self._indexes.page(folder, recursive, token, limit or 1000, self.stat)

    def classify(self, exc: Exception, op: Op) -> type[RemoteStoreError] | RemoteStoreError | None:
        return answers.classify(exc, f"{self._access!r}")

    def native_path(self, key: str) -> str:
        return f"{self._access!r}/{key}" if key else f"{self._access!r}"

    def unwrap(self, kind: type[Any]) -> Any:
        return None

    async def close(self) -> None:
        await self._session.close()


def _pinned(entry: FileInfo, if_match: str | None) -> FileInfo:
    if if_match not in (None, entry.etag):
        raise PreconditionFailed("the file is another version by now")
    return entry


def _awaits(lane: str) -> bool:
    from importlib.util import find_spec

    if lane == "stdlib":
        return False
    found = find_spec("httpx") is not None
    if lane == "httpx" and not found:
        raise ConfigError("the httpx lane needs httpx; pip install 'remote-store[httpx]'")
    return found
