"""Bodies of files: as long as announced, cut to what was asked for, nothing decoded."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from remote_store.backend import Body
from remote_store.errors import IntegrityError, RemoteStoreError

if TYPE_CHECKING:
    from remote_store.backend import Buffer, FileInfo
    from remote_store.backends.http.messages import Answer

__all__ = ["Flow", "passed"]

SKIP = 16 << 20
"""Bytes that are read and thrown away for a range that the server does not serve."""


class Flow(Body):
    """The bytes of one answer."""

    def __init__(
        self, entry: FileInfo, answer: Answer, start: int, length: int, held: bytes = b"", *, more: bool = False
    ) -> None:
        self.entry = entry
        self.start = start
        self.length = length
        self._answer = answer
        self._held = held
        self._clipped = more  # behind the bytes asked for others follow

    _at = 0

    async def next(self) -> Buffer:
        if self._clipped and self._at >= self.length:
            return b""
        data = self._held or await self._answer.read()
        self._held = b""
        if self._clipped:
            data = data[: self.length - self._at]
        self._at += len(data)
        return data

    async def fill(self, buffer: memoryview) -> int | None:
        return None if self._held or self._clipped else await self._answer.fill(buffer)

    async def all(self) -> Buffer:
        first = await self.next()
        if len(first) >= self.length:
            return first if not (more := await self.next()) else b"".join((first, more))
        buffer = io.BytesIO()  # it grows by remapping and hands its bytes over without a copy
        buffer.write(first)
        while data := await self.next():
            buffer.write(data)
        return buffer.getvalue()

    async def close(self) -> None:
        await self._answer.close()


async def passed(answer: Answer, offset: int) -> bytes:
    """Read past the bytes before a range, and return those of the range that came with them.

    Raises:
        RemoteStoreError: too many lie before it.
    """
    if offset > SKIP:
        raise RemoteStoreError(
            f"the server serves no ranges, and {offset} bytes lie before this one; read the file from its start"
        )
    data = b""
    while offset:
        data = await answer.read()
        if not data:
            raise IntegrityError("the body ended before the range that was asked for")
        data, offset = data[offset:], max(offset - len(data), 0)
    return data
