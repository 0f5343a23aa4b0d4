"""Uploads in parts, and copies in parts: out of sight until their commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remote_store.backend import FileInfo, PutOptions
from remote_store.backends.s3.errors import code_of
from remote_store.errors import PreconditionFailed, RemoteStoreError

if TYPE_CHECKING:
    from remote_store._io import Io
    from remote_store.backend import Buffer

__all__ = ["CopiedParts", "Upload", "conditions", "described"]


def described(options: PutOptions) -> dict[str, Any]:
    """Return what a request says of a file besides its bytes."""
    asked: dict[str, Any] = {}
    if options.metadata:
        asked["Metadata"] = dict(options.metadata)
    if options.content_type is not None:
        asked["ContentType"] = options.content_type
    return asked


def conditions(options: PutOptions) -> dict[str, str]:
    """Return the precondition of a write."""
    if options.if_match is not None:
        return {"IfMatch": options.if_match}
    return {} if options.overwrite else {"IfNoneMatch": "*"}


class Upload:
    """A multipart upload."""

    def __init__(self, client: Any, io: Io, bucket: str, key: str, upload: str, options: PutOptions) -> None:
        self._client = client
        self._io = io
        self._named = {"Bucket": bucket, "Key": key, "UploadId": upload}
        self._options = options
        self._etags: dict[int, str] = {}
        self._sizes: dict[int, int] = {}

    async def part(self, number: int, data: Buffer) -> None:
        await self._io.call(self._part, number, data)

    def _part(self, number: int, data: Buffer) -> None:
        content = data if isinstance(data, bytes | bytearray) else bytes(data)
        answer = self._client.upload_part(**self._named, PartNumber=number + 1, Body=content)
        self._etags[number] = answer["ETag"]
        self._sizes[number] = len(content)

    async def commit(self) -> FileInfo:
        return await self._io.call(self._commit)

    def _commit(self) -> FileInfo:
        from remote_store.backends.s3.boto import published

        key = self._named["Key"]
        if self._options.if_match is not None:
            self._check_etag(self._options.if_match)
        answer = complete(self._client, self._named, self._etags, conditions(self._options))
        return published(key, sum(self._sizes.values()), self._options, answer)

    def _check_etag(self, etag: str) -> None:
        # For services that overlook If-Match on a commit; those that honour it leave no gap.
        named = {name: self._named[name] for name in ("Bucket", "Key")}
        if self._client.head_object(**named)["ETag"] != etag:
            raise PreconditionFailed("the file is another version by now")

    async def abort(self) -> None:
        await self._io.call(abort, self._client, self._named)


def complete(client: Any, named: dict[str, str], etags: dict[int, str], asked: dict[str, str]) -> Any:
    """Publish the parts of an upload."""
    parts = [{"PartNumber": number + 1, "ETag": etags[number]} for number in sorted(etags)]
    return client.complete_multipart_upload(**named, MultipartUpload={"Parts": parts}, **asked)


def abort(client: Any, named: dict[str, str]) -> None:
    """Drop an upload and its parts; one that is gone already is fine."""
    try:
        client.abort_multipart_upload(**named)
    except client.exceptions.ClientError as refused:
        if code_of(refused)[0] != 404:
            raise


class CopiedParts:
    """A copy made of ranges, for what one request may not carry."""

    def __init__(self, client: Any, bucket: str, source: str, target: str, found: dict[str, Any], part: int) -> None:
        self._client = client
        self._source = {"Bucket": bucket, "Key": source}
        self._target = {"Bucket": bucket, "Key": target}
        self._found = found
        self._part = part

    def run(self, *, overwrite: bool) -> None:
        """Copy everything, or leave nothing behind."""
        options = PutOptions(overwrite, None, self._found["Metadata"], self._found.get("ContentType"))
        kept = {name: self._found[name] for name in _KEPT if name in self._found}
        begun = self._client.create_multipart_upload(**self._target, **described(options), **kept)
        named = {**self._target, "UploadId": begun["UploadId"]}
        try:
            complete(self._client, named, self._copy_all(named), conditions(options))
        except BaseException:
            abort(self._client, named)
            raise

    def _copy_all(self, named: dict[str, str]) -> dict[int, str]:
        from concurrent.futures import ThreadPoolExecutor

        size = self._found["ContentLength"]
        starts = range(0, size, self._part)
        if len(starts) > 10_000:
            raise RemoteStoreError("the file is too big to be copied inside the service")

        def copy(start: int) -> str:
            answer = self._client.upload_part_copy(
                **named,
                PartNumber=start // self._part + 1,
                CopySource=self._source,
                CopySourceIfMatch=self._found["ETag"],
                CopySourceRange=f"bytes={start}-{min(start + self._part, size) - 1}",
            )
            etag: str = answer["CopyPartResult"]["ETag"]
            return etag

        with ThreadPoolExecutor(8) as pool:
            return dict(enumerate(pool.map(copy, starts)))


_KEPT = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage")
