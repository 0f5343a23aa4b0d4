"""An object store in memory: what the kernel does on S3, without a server.

Flat, with a client's errors of its own, conditions on everything, copies and deletes in bulk, markers of folders.
"""

import threading
from types import MappingProxyType

from remote_store.backend import Body, Concurrency, FileInfo, Page, PartLimits, Traits
from remote_store.errors import ContainerNotFound, NotFound, PermissionDenied, PreconditionFailed, RemoteStoreError
from remote_store.models import Metadata
from tests.backends.slim import FlatBackend

KINDS = MappingProxyType({403: PermissionDenied, 404: NotFound, 410: ContainerNotFound, 412: PreconditionFailed})


class Refused(Exception):
    """What the client of this store raises."""

    def __init__(self, status):
        self.status = status
        super().__init__(f"status {status}")


class Bucket(FlatBackend):
    traits = Traits(
        name="bucket",
        concurrency=Concurrency.INSTANT,
        atomic_put=True,
        exclusive_create=True,
        compare_and_swap=True,
        user_metadata=True,
        pinned_copy=True,
        ranges=True,
        native_results=True,
        put_limit=5000,
        parts=PartLimits(size=1000),
    )

    def __init__(self, files=None):
        super().__init__(files)
        self.described = {}
        self.versions_made = 0
        self.etags = {}
        self.uploads = []
        self.lock = threading.RLock()
        self.locked = set()
        """Keys that nobody may delete."""

    def info(self, key):
        if key not in self.files:
            raise Refused(404)
        etag = self.etags.setdefault(key, f"v{self._next()}")
        metadata, content_type = self.described.get(key, ({}, None))
        return FileInfo(key, len(self.files[key]), self.born, etag, content_type, Metadata(metadata or {}))

    def _next(self):
        self.versions_made += 1
        return self.versions_made

    async def stat(self, key):
        return self.info(key)

    async def get(self, key, span=None, if_match=None, version=None):
        with self.lock:
            self._check(key, if_match)
            return await super().get(key, span)

    def _check(self, key, if_match):
        if if_match is not None and (key not in self.files or self.info(key).etag != if_match):
            raise Refused(412)

    async def list(self, folder, recursive, token, limit):
        page = await super().list(folder, recursive, token, limit)
        kept = [entry for entry in page.entries if not entry.key.endswith("/")]
        return Page(kept, page.token, marked=len(kept) < len(page.entries))

    async def put(self, key, data, options):
        with self.lock:
            self._check(key, options.if_match)
            if options.if_match is None and not options.overwrite and key in self.files:
                raise Refused(412)
            self.files[key] = bytes(data)
            self.described[key] = (options.metadata, options.content_type)
            self.etags.pop(key, None)
            return self.info(key)

    async def delete(self, key, if_match=None):
        if key in self.locked:
            raise Refused(403)
        with self.lock:
            self._check(key, if_match)
            self.files.pop(key, None)

    async def delete_many(self, keys):
        failed = [(key, Refused(403)) for key in keys if key in self.locked]
        for key in set(keys) - self.locked:
            self.files.pop(key, None)
        return failed

    async def delete_tree(self, folder):
        for key in [key for key in self.files if key.startswith(f"{folder}/")]:
            await self.delete(key)

    async def remove_folder(self, folder):
        if f"{folder}/" not in self.files:
            raise Refused(404)
        del self.files[f"{folder}/"]

    async def copy(self, source, target, overwrite, if_match=None):
        with self.lock:
            self.info(source)
            self._check(source, if_match)
            if not overwrite and target in self.files:
                raise Refused(412)
            self.files[target] = self.files[source]
            self.described[target] = self.described.get(source, ({}, None))
            self.etags.pop(target, None)

    async def begin(self, key, options):
        upload = _Upload(self, key, options)
        self.uploads.append(upload)
        return upload

    def classify(self, exc, op):
        if isinstance(exc, Refused):
            return KINDS.get(exc.status, RemoteStoreError)
        return None


class _Upload:
    def __init__(self, bucket, key, options):
        self.bucket, self.key, self.options, self.parts = bucket, key, options, {}

    async def part(self, number, data):
        self.parts[number] = bytes(data)

    async def commit(self):
        done = await self.bucket.put(self.key, b"".join(data for _, data in sorted(self.parts.items())), self.options)
        self.bucket.uploads.remove(self)
        return done

    async def abort(self):
        if self in self.bucket.uploads:
            self.bucket.uploads.remove(self)


class Wide(Bucket):
    """Likes four requests at once, and notes them."""

    traits = Bucket.traits._replace(parallel_reads=4)
    etagged = True

    def __init__(self, files=None):
        super().__init__(files)
        self.gets = []
        self.stats = 0
        self.closed = 0
        self.spoilt = {}
        """What to do to the body that begins at an offset."""
        self.piece = None
        """Bytes of one chunk; None: all that are left."""

    def info(self, key):
        return super().info(key) if self.etagged else super().info(key)._replace(etag=None)

    async def stat(self, key):
        self.stats += 1
        return await super().stat(key)

    async def get(self, key, span=None, if_match=None, version=None):
        self.gets.append((span, if_match, version))
        body = await super().get(key, span, if_match)
        if (spoil := self.spoilt.get(span and span.offset)) is not None:
            spoil(body)
        return _Counted(self, body)


class _Counted(Body):
    def __init__(self, backend, body):
        self._backend, self._body, self._left = backend, body, b""
        self.entry, self.start, self.length = body.entry, body.start, body.length

    async def next(self):
        left = self._left or await self._body.next()
        piece, self._left = left[: self._backend.piece], left[self._backend.piece or len(left) :]
        return piece

    async def close(self):
        self._backend.closed += 1
        await self._body.close()
