"""Local backends with a bug each."""

import os
import stat

from remote_store.backend import FileInfo, FolderEntry, Page
from remote_store.backends.local import LocalBackend, streams
from tests.planted.patches import patched


class WritesInPlace(LocalBackend):
    async def begin(self, key, options):
        return await _InPlace(self, key, options).start()


class _InPlace:
    def __init__(self, backend, key, options):
        self._backend, self._key, self._options = backend, key, options
        self._path = os.path.join(backend.native_path(""), key)  # noqa: PTH118  as naive code does it

    async def start(self):
        self._backend._see_root()
        os.makedirs(os.path.dirname(self._path), exist_ok=True)  # noqa: PTH103, PTH120  likewise
        self._file = open(self._path, "wb")  # noqa: ASYNC230, PTH123, SIM115  likewise
        return self

    async def part(self, number, data):
        self._file.write(data)
        self._file.flush()

    async def commit(self):
        self._file.close()
        return await self._backend.stat(self._key)

    async def abort(self):
        self._file.close()
        os.unlink(self._path)  # noqa: PTH108  likewise


class FollowsLinks(LocalBackend):
    async def stat(self, key):
        facts = os.stat(self.native_path(key))  # noqa: PTH116  as naive code does it
        return FolderEntry(key) if stat.S_ISDIR(facts.st_mode) else FileInfo(key, facts.st_size, facts.st_mtime)

    def _open(self, path, way):
        return os.open(os.path.join(self._top, path), way.flags)  # noqa: PTH118  likewise


class DeletesThroughLinks(LocalBackend):
    async def delete(self, key, if_match=None):
        os.unlink(self.native_path(key))  # noqa: PTH108  likewise


class LinksAreListed(LocalBackend):
    async def list(self, folder, recursive, token, limit):
        found = []
        for here, _, names in os.walk(self.native_path(folder), followlinks=True):
            for name in names:
                key = os.path.relpath(os.path.join(here, name), self.native_path(""))  # noqa: PTH118, ASYNC240  likewise
                found.append(FileInfo(key, 0, 0.0))
        return Page(sorted(found)) if recursive else await super().list(folder, recursive, token, limit)


class EmptyFoldersVanish(LocalBackend):
    async def delete(self, key, if_match=None):
        await super().delete(key, if_match)
        try:
            os.rmdir(os.path.dirname(self.native_path(key)))  # noqa: PTH106, PTH120  likewise
        except OSError:
            return


async def _abort(self):
    self._close()


leaving_drafts = patched(streams.LocalUpload, "abort", _abort)
