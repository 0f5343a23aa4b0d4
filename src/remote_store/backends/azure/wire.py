"""Requests of the Blob and Data Lake services, signed here and carried by the SDK's own transports in both colours.

The SDK's clients above them take ten times the work for a request, retry by themselves and read a body ahead;
their transports, which know proxies, certificates and both ways of waiting, are what is needed of them.
"""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit
from weakref import WeakSet

from remote_store.backends._answers import Refused
from remote_store.backends.azure.signing import Signer, query_text
from remote_store.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from remote_store._io import Io
    from remote_store.backend import Buffer
    from remote_store.backends.azure.access import Access

__all__ = ["VERSION", "Answer", "Wire", "quoted"]

VERSION = "2023-11-03"
"""The version of the services' interface that requests ask for."""

POOL = 32
"""Connections that are kept."""

BLOCK = 256 << 10
"""Bytes of a piece of a body."""

JOINED = 64 << 10
"""Bytes from which on a piece is worth handing on."""

ALOUD = 1 << 20
"""Bytes of content from which on aiohttp wants it as a file."""

TURNS = 20
"""Turns of an event loop in which a connection that was cut has to be gone."""

_QUERY = re.compile(r"\?[^?\s]+").sub


class Answer(NamedTuple):
    """An answer that has come whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def quoted(key: str) -> str:
    """Return a key as it stands in a path; what every client leaves as it is stays, so that signatures hold."""
    return quote(key, safe="/-._~!$&'()*,;=@:")


class Wire:
    """The connections of one bound backend."""

    def __init__(self, access: Access, io: Io) -> None:
        self._access = access
        self._io = io
        self._lock = threading.Lock()
        self.place = access.place()
        self.signer = Signer(access.login(), self.place.account, io)
        self.container = access.container
        self._transport: Any = None
        self._sockets: WeakSet[socket.socket] = WeakSet()  # awaited ones
        self._proxies: dict[str, str] = {}

    def url(self, key: str = "", *, dfs: bool = False) -> str:
        """Return the address of a key, or of the container."""
        base = self.place.dfs if dfs else self.place.blob
        return f"{base}/{self.container}/{quoted(key)}" if key else f"{base}/{self.container}"

    async def ask(
        self,
        method: str,
        key: str,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        data: Buffer | None = None,
        *,
        dfs: bool = False,
        source: tuple[str, str] | None = None,
    ) -> Answer:
        """Send a request and return its whole answer.

        ``source`` is a header with an address that the service itself reads from: a signature has to stand there too.

        Raises:
            Refused: the answer is an error.
        """
        response = await self._send(method, self.url(key, dfs=dfs), query or {}, headers or {}, data, source)
        body = await self.whole(response)
        return Answer(response.status_code, response.headers, body)

    async def open(self, key: str, query: dict[str, str], headers: dict[str, str]) -> Any:
        """Ask for a file and return the answer with its body still to come.

        Raises:
            Refused: the answer is an error.
        """
        return await self._send("GET", self.url(key), query, headers)

    async def whole(self, response: Any) -> bytes:
        """Return what is left of an answer, and end it."""
        try:
            body: bytes = await self._io.pick(response.read, response.read)
        finally:
            await self.end(response)
        return body

    async def end(self, response: Any) -> None:
        """Let go of an answer; unread bytes end its connection."""
        await self._io.pick(response.close, response.close)

    async def _send(
        self,
        method: str,
        url: str,
        query: dict[str, str],
        headers: dict[str, str],
        data: Buffer | None = None,
        source: tuple[str, str] | None = None,
    ) -> Any:
        response = await self._attempt(method, url, query, dict(headers), data, source)
        if isinstance(response, Exception):
            raise response
        if response.status_code >= 300:
            body = b"" if method == "HEAD" else await self.whole(response)
            if method == "HEAD":
                await self.end(response)
            said = response.headers
            code, pause = said.get("x-ms-error-code"), said.get("Retry-After")
            raise Refused(response.status_code, str(body, "utf-8", "replace"), code, pause)
        return response

    async def _attempt(
        self,
        method: str,
        url: str,
        query: dict[str, str],
        headers: dict[str, str],
        data: Buffer | None,
        source: tuple[str, str] | None,
    ) -> Any:
        """Send a request; return the answer, or why there is none, as an error without a trace.

        Signatures and tokens stand in the variables of the frames from here on, and in what the client says.
        """
        from azure.core.exceptions import AzureError

        transport = self._transport or await self._connect()
        headers["x-ms-version"] = VERSION
        if method == "PUT" or data is not None:
            headers["Content-Length"] = str(len(data or b""))
            if data:
                headers["Content-Type"] = headers.get("Content-Type", "application/octet-stream")
        extra = self.signer.extra()
        if source is not None:
            headers[source[0]] = f"{source[1]}?{extra}" if extra else source[1]
        await self.signer.sign(method, urlsplit(url).path, query, headers)
        text = "&".join(filter(None, (query_text(query), extra)))
        try:
            return await self._carry(transport, method, f"{url}?{text}" if text else url, headers, data)
        except AzureError as failed:
            kind, said, reason = type(failed), str(failed), failed.__cause__ or failed.inner_exception
        # Made after the handler, since errors of the SDK keep what is being handled when they are made. Clients write
        # a query in their own way, so that it is not found by its text.
        said = _QUERY("?…", said.replace(extra, "…") if extra else said)
        return kind(f"{type(reason).__name__}: {said}")

    async def _carry(self, transport: Any, method: str, url: str, headers: dict[str, str], data: Buffer | None) -> Any:
        from azure.core.rest import HttpRequest

        content: Any = data
        if isinstance(data, bytearray | memoryview):
            content = bytes(data)
        if content and len(content) > ALOUD:
            content = await self._io.pick(_as_it_is, _as_file, content)
        request = HttpRequest(method, url, headers=headers, content=content or None)
        send = transport.send
        return await self._io.pick(send, send, request, stream=True, proxies=self._proxies or None)

    async def _connect(self) -> Any:
        from requests.utils import get_environ_proxies

        # Asked once: for every request anew it costs more than the request, and reads passwords from a file besides.
        self._proxies = get_environ_proxies(self.place.blob, None)
        return await self._io.pick(self._blocking, self._awaiting)

    def _options(self) -> dict[str, Any]:
        return {
            "connection_timeout": self._access.connect_timeout,
            "read_timeout": self._access.read_timeout,
            "connection_verify": self._access.ca_bundle or True,
            "connection_data_block_size": BLOCK,
            "use_env_settings": False,
        }

    def _blocking(self) -> Any:
        import requests
        from azure.core.pipeline.transport import RequestsTransport
        from requests.adapters import HTTPAdapter

        with self._lock:
            if self._transport is None:
                session = requests.Session()
                session.trust_env = False
                adapter = HTTPAdapter(pool_maxsize=POOL, max_retries=0)
                session.mount("https://", adapter)
                session.mount("http://", adapter)
                self._transport = RequestsTransport(session=session, **self._options())
            return self._transport

    async def _awaiting(self) -> Any:
        try:
            import aiohttp
            from azure.core.pipeline.transport import AioHttpTransport
        except ImportError as missing:
            raise ConfigError("AsyncStore on Azure needs aiohttp; pip install 'remote-store[azure]'") from missing
        if self._transport is None:
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(socket_factory=self._socket),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
            self._transport = AioHttpTransport(session=session, **self._options())
        return self._transport

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        made = socket.socket(*address[:3])
        self._sockets.add(made)
        return made

    async def close(self) -> None:
        """Let go of connections."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await self._io.pick(transport.close, transport.close)
            await self._cut()
        await self.signer.close()

    async def _cut(self) -> None:
        """End what is still open: an event loop closes no connection whose peer has not taken all that was sent."""
        for held in list(self._sockets):
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
        for _ in range(TURNS):
            if all(held.fileno() < 0 for held in list(self._sockets)):
                return
            await self._io.sleep(0)


def _as_it_is(content: bytes) -> Any:
    return content


async def _as_file(content: bytes) -> Any:
    import io

    return io.BytesIO(content)
