"""Bytes as they arrive, cut into packets; those of a big one stay apart until somebody needs them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store.backends.sftp.wire import DATA, HEAD, LONGEST, Garbled

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Frames"]

_MOST_PIECES = 64
"""Of a packet; a server that sends byte by byte is to cost little more memory than the packet has bytes."""


class Frames:
    """Bytes as they arrive, cut into packets."""

    def __init__(self) -> None:
        self._start = b""
        """The beginning of a packet, as long as it does not even tell its length."""
        self._pieces: list[memoryview] = []
        """Of a packet that is not whole yet."""
        self._missing = 0
        self._head = (0, 0)

    def feed(self, data: bytes) -> list[tuple[int, int, memoryview, Sequence[memoryview]]]:
        """Take bytes; return the packets that are whole by now: number, kind, content, and what of the data is apart.

        Raises:
            Garbled: no packet has such a length.
        """
        found: list[tuple[int, int, memoryview, Sequence[memoryview]]] = []
        if self._start:
            data, self._start = self._start + data, b""
        view, at, end = memoryview(data), 0, len(data)
        if self._missing:
            at = min(self._missing, end)
            self._pieces.append(view[:at])
            self._missing -= at
            if len(self._pieces) > _MOST_PIECES:
                self._pieces = [memoryview(b"".join(self._pieces))]
            if not self._missing:
                found.append(self._whole())
        while end - at >= HEAD.size:
            length, kind, number = HEAD.unpack_from(data, at)
            if not 5 <= length <= LONGEST:
                raise Garbled(f"a packet of {length} bytes")
            at += HEAD.size
            length -= 5
            if end - at >= length:
                found.append((number, kind, view[at : at + length], ()))
                at += length
                continue
            self._pieces, self._missing, self._head = [view[at:]], length - (end - at), (number, kind)
            return found
        self._start = data[at:]
        return found

    def _whole(self) -> tuple[int, int, memoryview, Sequence[memoryview]]:
        pieces, self._pieces = self._pieces, []
        if self._head[1] == DATA and len(pieces[0]) >= 4:
            return (*self._head, pieces[0], pieces[1:])
        return (*self._head, memoryview(b"".join(pieces)), ())
