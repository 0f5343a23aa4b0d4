"""Uploads in blocks: out of sight until the list of blocks is committed.

Azure has no request that begins or drops an upload. Blocks that are never committed cannot be seen, are dropped
by the next write of the same name, and expire after a week.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

from remote_store.backends._answers import Refused
from remote_store.backends.azure.rest import conditions, described, published
from remote_store.errors import PreconditionFailed, ResourceLocked

if TYPE_CHECKING:
    from remote_store.backend import Buffer, FileInfo, PutOptions
    from remote_store.backends.azure.rest import Rest

__all__ = ["Upload"]


class Upload:
    """Blocks on their way to one file."""

    def __init__(self, rest: Rest, key: str, options: PutOptions, *, hierarchical: bool) -> None:
        self._hierarchical = hierarchical
        self._rest = rest
        self._wire = rest.wire
        self._key = key
        self._options = options
        # Names of our own, as blocks of several writers lie beside each other; all of one length, as Azure demands.
        self._ours = secrets.token_bytes(12)
        self._sizes: dict[int, int] = {}

    def _name(self, number: int) -> str:
        return base64.b64encode(self._ours + number.to_bytes(6, "big")).decode()

    async def part(self, number: int, data: Buffer) -> None:
        try:
            await self._wire.ask("PUT", self._key, {"comp": "block", "blockid": self._name(number)}, {}, data)
        except Refused as refused:
            if self._hierarchical:
                await self._rest.explain(refused, self._key)
            raise
        self._sizes[number] = len(data)

    async def commit(self) -> FileInfo:
        names = "".join([f"<Latest>{self._name(number)}</Latest>" for number in sorted(self._sizes)])
        text = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{names}</BlockList>'
        headers = {"Content-Type": "application/xml", **described(self._options), **conditions(self._options)}
        try:
            answer = await self._wire.ask("PUT", self._key, {"comp": "blocklist"}, headers, text.encode())
        except Refused as refused:
            if refused.code == "InvalidBlockList":
                raise self._overtaken() from refused
            if self._hierarchical:
                await self._rest.explain(refused, self._key)
            raise
        return published(self._key, sum(self._sizes.values()), self._options, answer)

    def _overtaken(self) -> Exception:
        """Whoever publishes a file first drops the blocks of all others."""
        if self._options.if_match is not None or not self._options.overwrite:
            return PreconditionFailed("somebody else published the file while it was uploaded")
        return ResourceLocked("somebody else published the file while it was uploaded; nothing was written, try again")

    async def abort(self) -> None:
        self._sizes.clear()  # the rest is the service's; see above
