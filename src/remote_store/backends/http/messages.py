"""Messages of HTTP/1.1: what is asked, and what an answer is made of; strict about what arrives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from remote_store.errors import IntegrityError
from remote_store.secret import Secret, reveal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from remote_store.backends.http.address import Target

__all__ = ["MALFORMED", "Answer", "Request", "announced", "malformed", "parsed_fields", "parsed_status"]

MALFORMED = "the server's answer is no proper HTTP/1.1: {what}"
_STATUS = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: [^\x00\r]*)?").fullmatch
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00\r]*)").fullmatch
_LENGTH = re.compile(r"\d{1,18}").fullmatch


class Request:
    """What is asked of a server. Its text holds credentials, so nothing keeps it and no frame names it."""

    __slots__ = ("fields", "method", "target")

    def __init__(self, method: str, target: Target, fields: Sequence[tuple[str, Secret | str]]) -> None:
        self.method = method
        self.target = target
        self.fields = fields

    def text(self) -> bytes:
        """Return the head as it goes over the wire."""
        lines = [f"{self.method} {self.target.line()} HTTP/1.1", f"Host: {self.target.origin.authority()}"]
        lines += [f"{name}: {reveal(value)}" for name, value in self.fields]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def __repr__(self) -> str:
        return f"<{self.method} {self.target!r}>"


class Answer:
    """A status, headers by their names in lower case, and a body still on its way."""

    status: int
    headers: Mapping[str, str]
    length: int | None
    """Bytes of the body; None where it comes in chunks or until the connection ends."""
    ends: bool
    """Whether the end of the body can be told from a broken connection."""

    async def read(self) -> bytes:
        """Return the next bytes, or empty bytes where the body or its connection ends."""
        raise NotImplementedError

    async def fill(self, buffer: memoryview) -> int | None:
        """Put the next bytes into a buffer and return how many, 0 where ``read`` returns none; None: ``read`` them."""
        return None

    async def close(self) -> None:
        """Let go of the connection; safe to call twice."""


def malformed(what: str) -> IntegrityError:
    """Return the error for an answer that cannot be trusted."""
    return IntegrityError(MALFORMED.format(what=what), retryable=False)


def announced(headers: Mapping[str, str]) -> int | None:
    """Return the length that an answer announces, or None."""
    text = headers.get("content-length")
    if text is None:
        return None
    values = {value.strip() for value in text.split(",")}
    value = values.pop()
    if values or not _LENGTH(value):
        raise malformed("its Content-Length is no single number")
    return int(value)


def parsed_status(line: bytes) -> tuple[bool, int]:
    """Return whether a status line is of HTTP/1.1, and its status."""
    found = _STATUS(line)
    if not found:
        raise malformed("its status line cannot be read")
    return found[1] == b"1", int(found[2])


def parsed_fields(lines: list[bytes]) -> dict[str, str]:
    """Return headers by their names in lower case; repeated ones are joined by commas."""
    fields: dict[str, str] = {}
    for line in lines:
        found = _FIELD(line)
        if not found:
            raise malformed("a header cannot be read")
        name, value = found[1].decode("ascii").lower(), found[2].strip(b" \t").decode("latin-1")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields
