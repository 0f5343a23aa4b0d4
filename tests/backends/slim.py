"""Backends of a page each, for what the kernel makes up where a service has little."""

import hashlib
import threading
import time

from remote_store.backend import (
    BytesBody,
    Concurrency,
    FileInfo,
    FolderEntry,
    Page,
    PartLimits,
    Traits,
)
from remote_store.errors import AlreadyExists, DirectoryNotEmpty, InvalidPath, NotFound, PreconditionFailed


class Slim:
    """What all of them share: files in a dict, and no protocol beyond reading."""

    traits = Traits(name="slim", concurrency=Concurrency.INSTANT)

    def __init__(self, files=None):
        self.files = {} if files is None else files
        self.born = time.time()  # of all files: the slimmest clock that is right to a test's length

    def info(self, key):
        data = self.files[key]
        return FileInfo(key, len(data), self.born, hashlib.md5(data).hexdigest())  # noqa: S324  no secret

    async def stat(self, key):
        return self.info(key) if key else FolderEntry("")

    async def get(self, key, span=None, if_match=None, version=None):
        entry = self.info(key)
        if if_match not in (None, entry.etag):
            raise PreconditionFailed("another version")
        data = self.files[key]
        if span is None:
            return BytesBody(entry, data)
        end = None if span.length is None else span.offset + span.length
        return BytesBody(entry, data[span.offset : end], span.offset)

    def classify(self, exc, op):
        return NotFound if isinstance(exc, KeyError) else None

    def native_path(self, key):
        return f"slim://here/{key}" if key else "slim://here"

    def unwrap(self, kind):
        return None

    async def close(self):
        pass

    def __eq__(self, other):
        return (type(other) is type(self) and self.files is other.files) or self.files == other.files

    def __hash__(self):
        return hash(type(self))

    def __reduce__(self):
        return type(self), (self.files,)


class ReadableBackend(Slim):
    """Four methods: whole files to read."""


class FlatBackend(Slim):
    """Eight methods, no order of its own, no atomicity, nothing conditional."""

    traits = Traits(name="slim flat", concurrency=Concurrency.BLOCKS, parallel_calls=3)
    page = 200

    def below(self, folder, recursive):
        prefix = f"{folder}/" if folder else ""
        found = {}
        for key in list(self.files):
            if key.startswith(prefix):
                below = key[len(prefix) :]
                if recursive or "/" not in below:
                    found[key] = self.info(key)
                else:
                    name = prefix + below.partition("/")[0]
                    found[f"{name}/"] = FolderEntry(name)
        return found

    async def list(self, folder, recursive, token, limit):
        found = self.below(folder, recursive)
        left = [name for name in sorted(found) if name > (token or "")]
        limit = min(limit, self.page)
        return Page([found[name] for name in left[:limit]], left[limit - 1] if len(left) > limit else None)

    async def put(self, key, data, options):
        if not options.overwrite and key in self.files:
            raise AlreadyExists("taken")
        self.files[key] = bytes(data)
        return self.info(key)

    async def delete(self, key, if_match=None):
        self.files.pop(key, None)


class _Draft:
    def __init__(self, backend, key, options):
        self.backend, self.key, self.options, self.parts = backend, key, options, {}
        backend.drafts.append(self)

    async def part(self, number, data):
        self.parts[number] = bytes(data)

    async def commit(self):
        data = b"".join(self.parts[number] for number in sorted(self.parts))
        done = await self.backend.put(self.key, data, self.options)
        await self.abort()
        return done

    async def abort(self):
        if self in self.backend.drafts:
            self.backend.drafts.remove(self)


class HierarchicalBackend(FlatBackend):
    """Real folders, uploads in tiny parallel parts, conditional writes, copies, renames that replace blindly."""

    traits = Traits(
        name="slim tree",
        concurrency=Concurrency.BLOCKS,
        hierarchical=True,
        atomic_put=True,
        exclusive_create=True,
        compare_and_swap=True,
        ranges=True,
        native_results=True,
        put_limit=5000,
        parts=PartLimits(size=1000, parallel=3),
    )

    def __init__(self, files=None, folders=None):
        super().__init__(files)
        self.folders = set() if folders is None else folders
        self.drafts = []
        self.lock = threading.RLock()

    def __reduce__(self):
        return type(self), (self.files, self.folders)

    async def stat(self, key):
        if key in self.folders or not key:
            return FolderEntry(key)
        return self.info(key)

    async def list(self, folder, recursive, token, limit):
        with self.lock:
            return await super().list(folder, recursive, token, limit)

    def below(self, folder, recursive):
        found = super().below(folder, recursive)
        if not recursive:
            prefix = f"{folder}/" if folder else ""
            for name in self.folders:
                if name.startswith(prefix) and "/" not in name[len(prefix) :]:
                    found[f"{name}/"] = FolderEntry(name)
        return found

    async def put(self, key, data, options):
        with self.lock:
            parents = [key[:at] for at, char in enumerate(key) if char == "/"]
            if key in self.folders or any(parent in self.files for parent in parents):
                raise InvalidPath("a file and a folder cannot share a name")
            if options.if_match is not None:
                if key not in self.files or self.info(key).etag != options.if_match:
                    raise PreconditionFailed("another version")
            elif not options.overwrite and key in self.files:
                raise AlreadyExists("taken")
            self.folders.update(parents)
            self.files[key] = bytes(data)
            return self.info(key)

    async def begin(self, key, options):
        return _Draft(self, key, options)

    async def delete(self, key, if_match=None):
        with self.lock:
            if if_match is not None and self.info(key).etag != if_match:
                raise PreconditionFailed("another version")
            self.files.pop(key, None)

    async def remove_folder(self, folder):
        with self.lock:
            if folder not in self.folders:
                raise NotFound("no folder")
            if any(key.startswith(f"{folder}/") for key in [*self.files, *self.folders]):
                raise DirectoryNotEmpty("something is in it")
            self.folders.remove(folder)
