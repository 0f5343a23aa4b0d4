"""The verbs of S3 through botocore, blocking: complete by themselves, and all that obstore has no word for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from remote_store.backend import Body, BytesBody, FileInfo, Page
from remote_store.backends._obstore import JOINED, gathered
from remote_store.backends.s3.errors import code_of
from remote_store.backends.s3.upload import CopiedParts, Upload, conditions, described
from remote_store.errors import PreconditionFailed
from remote_store.models import Metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from remote_store._io import Io
    from remote_store.backend import Buffer, PutOptions, Span
    from remote_store.backends.s3.access import Clients

__all__ = ["Boto"]

CHUNK = 256 << 10
"""Bytes of a chunk of a stream."""


class Boto:
    """One bucket, through botocore's client. Every method blocks."""

    def __init__(self, clients: Clients, io: Io) -> None:
        self.client = clients.client
        self._bucket = clients.access.bucket
        self._io = io

    def stat(self, key: str, version: str | None = None) -> FileInfo:
        """Return the facts of an object."""
        asked = {"VersionId": version} if version is not None else {}
        return _info(key, self.client.head_object(Bucket=self._bucket, Key=key, **asked))

    def get(self, key: str, span: Span | None, if_match: str | None, version: str | None) -> Body:
        """Open an object or a range of it."""
        asked: dict[str, Any] = {}
        if span is not None:
            start, length = span
            asked["Range"] = f"bytes={start}-" if length is None else f"bytes={start}-{start + length - 1}"
        if if_match is not None:
            asked["IfMatch"] = if_match
        if version is not None:
            asked["VersionId"] = version
        try:
            answer = self.client.get_object(Bucket=self._bucket, Key=key, **asked)
        except self.client.exceptions.ClientError as refused:
            if span is None or code_of(refused)[0] != 416:
                raise
            # Nothing of the file lies in the span; its facts are in no answer yet.
            found = self.stat(key, version)
            if if_match is not None and found.etag != if_match:
                raise PreconditionFailed("the file is another version by now") from None
            return BytesBody(found, b"", span.offset)
        return _Stream(self._io, key, answer)

    def put(self, key: str, data: Buffer, options: PutOptions) -> FileInfo:
        """Publish an object whole."""
        content = data if isinstance(data, bytes | bytearray) else bytes(data)
        asked = {**described(options), **conditions(options)}
        answer = self.client.put_object(Bucket=self._bucket, Key=key, Body=content, **asked)
        return published(key, len(content), options, answer)

    def delete(self, key: str) -> None:
        """Delete an object; S3 says nothing of a missing one."""
        self.client.delete_object(Bucket=self._bucket, Key=key)

    def delete_version(self, key: str, if_match: str) -> None:
        """Delete an object if it is the one that the etag names."""
        # Asked first, for services that overlook the condition; those that honour it leave no gap.
        if self._etag(key) != if_match:
            raise PreconditionFailed("the file is another version by now")
        try:
            self.client.delete_object(Bucket=self._bucket, Key=key, IfMatch=if_match)
        except self.client.exceptions.ClientError as refused:
            if code_of(refused)[0] != 501:
                raise
            self.delete(key)

    def _etag(self, key: str) -> str | None:
        try:
            return self.stat(key).etag
        except self.client.exceptions.ClientError as missing:
            if code_of(missing)[0] != 404:
                raise
            return None

    def delete_many(self, keys: Sequence[str]) -> list[tuple[str, Exception]]:
        """Delete up to a thousand objects by one request."""
        named = [{"Key": key} for key in keys]
        answer = self.client.delete_objects(Bucket=self._bucket, Delete={"Objects": named, "Quiet": True})
        return [(error["Key"], self._refusal(error)) for error in answer.get("Errors", ())]

    def _refusal(self, error: dict[str, Any]) -> Exception:
        status = 403 if error.get("Code") == "AccessDenied" else 500
        response = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}
        refusal: Exception = self.client.exceptions.ClientError(response, "DeleteObjects")
        return refusal

    def delete_marker(self, folder: str) -> None:
        """Delete a folder's marker; there is nothing else of an empty folder."""
        self.stat(f"{folder}/")
        self.delete(f"{folder}/")

    def copy(self, source: str, target: str, overwrite: bool, if_match: str | None = None) -> None:
        """Copy an object with all that describes it."""
        place = {"Bucket": self._bucket, "Key": source}
        asked = {} if overwrite else {"IfNoneMatch": "*"}
        pinned = {"CopySourceIfMatch": if_match} if if_match is not None else {}
        try:
            self.client.copy_object(Bucket=self._bucket, Key=target, CopySource=place, **asked, **pinned)
        except self.client.exceptions.ClientError as refused:
            status, code = code_of(refused)
            if asked and status == 501:
                self.copy(source, target, True, if_match)
            elif code in ("EntityTooLarge", "InvalidRequest", "InvalidArgument"):
                self.copy_in_parts(source, target, overwrite, if_match)
            else:
                raise

    def copy_in_parts(
        self, source: str, target: str, overwrite: bool, if_match: str | None = None, part: int = 512 << 20
    ) -> None:
        """Copy an object that one request may not carry (more than 5 GiB)."""
        found = self.client.head_object(Bucket=self._bucket, Key=source)
        if if_match is not None and found["ETag"] != if_match:
            raise PreconditionFailed("the file is another version by now")
        CopiedParts(self.client, self._bucket, source, target, found, part).run(overwrite=overwrite)

    def versions(self, key: str, token: object | None) -> Page:
        """Return a page of an object's versions, newest first."""
        asked: dict[str, Any] = dict(token) if isinstance(token, dict) else {}
        answer = self.client.list_object_versions(Bucket=self._bucket, Prefix=key, **asked)
        listed = answer.get("Versions", [])
        found = [
            FileInfo(key, v["Size"], v["LastModified"].timestamp(), v["ETag"], version=v["VersionId"])
            for v in listed
            if v["Key"] == key
        ]
        # Keys come in order: once one begins with ours and is longer, ours is through.
        if not answer.get("IsTruncated") or answer.get("NextKeyMarker") != key:
            return Page(found)
        return Page(found, {"KeyMarker": key, "VersionIdMarker": answer["NextVersionIdMarker"]})

    def presign(self, key: str, expires: float, method: str) -> str:
        """Return a signed link; no request."""
        name = "get_object" if method == "GET" else "put_object"
        named = {"Bucket": self._bucket, "Key": key}
        url: str = self.client.generate_presigned_url(name, Params=named, ExpiresIn=int(expires), HttpMethod=method)
        return url

    def begin(self, key: str, options: PutOptions) -> Upload:
        """Begin an upload in parts."""
        begun = self.client.create_multipart_upload(Bucket=self._bucket, Key=key, **described(options))
        return Upload(self.client, self._io, self._bucket, key, begun["UploadId"], options)


def _info(key: str, answer: dict[str, Any]) -> FileInfo:
    size = answer["ContentLength"]
    if "ContentRange" in answer:
        size = int(answer["ContentRange"].rpartition("/")[2])
    modified = answer["LastModified"].timestamp()
    content_type, version = answer.get("ContentType"), answer.get("VersionId")
    return FileInfo(key, size, modified, answer.get("ETag"), content_type, Metadata(answer["Metadata"]), version)


def published(key: str, size: int, options: PutOptions, answer: dict[str, Any]) -> FileInfo:
    """Return the facts of what was just written, as far as the answer tells them."""
    from email.utils import parsedate_to_datetime

    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    modified = parsedate_to_datetime(date).timestamp() if date else time.time()
    kept = Metadata(options.metadata or {})
    return FileInfo(key, size, modified, answer["ETag"], options.content_type, kept, answer.get("VersionId"))


class _Stream(Body):
    """The bytes of one answer."""

    def __init__(self, io: Io, key: str, answer: dict[str, Any]) -> None:
        self.entry = _info(key, answer)
        self.length = answer["ContentLength"]
        placed = answer.get("ContentRange")
        self.start = int(placed.removeprefix("bytes ").partition("-")[0]) if placed else 0
        self._io = io
        self._stream = answer["Body"]

    async def next(self) -> Buffer:
        chunk: bytes = await self._io.call(self._stream.read, CHUNK)
        return chunk

    async def all(self) -> Buffer:
        if self.length > JOINED:
            return await gathered(self, self.length)
        data: bytes = await self._io.call(self._stream.read)
        return data

    async def close(self) -> None:
        self._stream.close()
