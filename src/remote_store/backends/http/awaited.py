"""HTTP/1.1 on an event loop: httpcore, the engine of httpx, which neither decodes nor redirects."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpcore

from remote_store.backends._obstore import restart_after_fork
from remote_store.backends.http.messages import Answer, announced, malformed
from remote_store.backends.http.streams import Streams
from remote_store.errors import BackendUnavailable, IntegrityError
from remote_store.secret import reveal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from remote_store.backends.http.messages import Request
    from remote_store.backends.http.sockets import Network

__all__ = ["AwaitedWire"]

IDLE = 30.0
"""Seconds after which a connection is not trusted any more."""


class _Awaited(Answer):
    """An answer of httpcore."""

    def __init__(self, response: Any, method: str, patience: float) -> None:
        self._response = response
        self._patience = patience
        self.status = response.status
        if response.extensions.get("http_version") not in (b"HTTP/1.1", b"HTTP/1.0"):
            raise malformed("it is of another version")
        fields: dict[str, str] = {}
        for raw, content in response.headers:
            name, value = raw.decode("ascii").lower(), content.decode("latin-1")
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        self.headers = fields
        length = announced(fields)
        chunked = "transfer-encoding" in fields
        if chunked and (length is not None or fields["transfer-encoding"].lower() != "chunked"):
            raise malformed("it says in two ways how long it is, or in one that is not known")
        self.length = 0 if method == "HEAD" or self.status in (204, 304) else length
        self.ends = chunked or self.length is not None
        self._chunks: AsyncIterator[bytes] | None = None
        self._done = False

    async def read(self) -> bytes:
        if self._done:
            return b""
        if self._chunks is None:
            self._chunks = aiter(self._response.stream)
        try:
            async with asyncio.timeout(self._patience):  # httpcore waits anew for each piece of a chunk's frame
                async for chunk in self._chunks:
                    if chunk:
                        return chunk
        except Exception as failed:
            await self._release()
            failure = _plain(failed, IntegrityError("the body ended early, or its chunks cannot be read"))
            if failure is failed:
                raise
            raise failure from failed
        await self._end()
        return b""

    async def _end(self) -> None:
        """Give the connection back, unless more came on it than this answer: that would begin the next one."""
        if not _is_clean(self._response.stream):
            await self._response.extensions["network_stream"].aclose()
        await self._release()

    async def close(self) -> None:
        if self.length == 0 and not self._done:
            while await self.read():  # without its end being seen, the connection would not be kept
                pass
        await self._release()

    async def _release(self) -> None:
        self._done = True
        response, self._response = self._response, None
        if response is not None:
            await response.aclose()


def _is_clean(stream: Any) -> bool:
    """Say whether nothing is left of what arrived; httpcore itself would take it for the next answer."""
    try:
        trailing: tuple[bytes, bool] = stream._stream._connection._h11_state.trailing_data
    except AttributeError:
        return False  # another httpcore: a new connection for each request is slow, and right
    return not trailing[0]


class AwaitedWire:
    """A pool of httpcore; each event loop has one of its own."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool: httpcore.AsyncConnectionPool | None = None
        restart_after_fork(self)

    def restart(self) -> None:
        """Begin anew in a forked process, whose parent goes on with the connections."""
        self._parents = self._pool
        self._pool = self._loop = None

    async def ask(self, request: Request) -> Answer:
        """Send a request and return its answer."""
        try:
            # httpcore waits anew for each piece of a head, so one that drips would have no end.
            async with asyncio.timeout(self._network.connect_timeout + self._network.read_timeout):
                response = await self._at_work().handle_async_request(_request(request, self._network))
        except Exception as failed:  # noqa: BLE001  renamed and raised
            failure = _plain(failed, malformed("it cannot be read"))
            failure.__context__ = None
            raise failure from None if failure is failed else failed
        try:
            return _Awaited(response, request.method, self._network.read_timeout)
        except BaseException:
            await response.aclose()
            raise

    def _at_work(self) -> httpcore.AsyncConnectionPool:
        loop = asyncio.get_running_loop()
        if self._pool is None or self._loop is not loop:
            self._loop = loop
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=self._network.tls() if self._pool is None else self._pool._ssl_context,
                max_connections=None,
                max_keepalive_connections=self._network.connections,
                keepalive_expiry=IDLE,
                network_backend=Streams(self._network),
            )
        return self._pool

    async def close(self) -> None:
        """Let go of all connections."""
        pool, self._pool = self._pool, None
        if pool is not None and self._loop is asyncio.get_running_loop():
            await pool.aclose()


def _request(asked: Request, network: Network) -> httpcore.Request:
    origin = asked.target.origin
    read = network.read_timeout
    return httpcore.Request(
        asked.method,
        httpcore.URL(
            scheme=origin.scheme.encode(),
            host=origin.host.encode(),  # without the brackets of an address of IPv6: it goes to the resolver
            port=origin.port,
            target=asked.target.line().encode(),
        ),
        headers=[("Host", origin.authority()), *((name, reveal(value) or "") for name, value in asked.fields)],
        extensions={"timeout": {"connect": network.connect_timeout, "read": read, "write": read, "pool": read}},
    )


def _plain(failed: Exception, broken: Exception) -> Exception:
    """Return the error to raise for one that left httpcore; its frames are dropped, since they hold what was sent."""
    cause: BaseException | None = failed
    while cause is not None:
        cause.__traceback__ = None
        cause = cause.__cause__ or cause.__context__
    if isinstance(failed, httpcore.RemoteProtocolError):
        if "disconnected" in str(failed):
            return BackendUnavailable("the server closed the connection")
        return broken
    return failed
