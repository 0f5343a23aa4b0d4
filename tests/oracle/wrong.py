"""Backends that differ from the contract in one thing, which nobody but the machine is told."""

from remote_store.backend import Page
from remote_store.backends.memory import MemoryBackend
from remote_store.errors import AlreadyExists, NotFound
from remote_store.testing.machine.reference import MemoryTree
from tests.backends.slim import FlatBackend


class PageLosesItsLastEntry(MemoryBackend):
    """A page of two or more lacks the last."""

    async def list(self, folder, recursive, token, limit):
        page = await super().list(folder, recursive, token, limit)
        return page._replace(entries=page.entries[:-1]) if len(page.entries) > 1 else page


class PagesOverlap(FlatBackend):
    """The last entry of a page begins the next one too."""

    page = 2

    async def list(self, folder, recursive, token, limit):
        page = await super().list(folder, recursive, token, limit)
        if token is None:
            return page
        last = self.below(folder, recursive).get(token)
        return Page([*([last] if last else []), *page.entries], page.token)


class RefusedWriteIsDone(MemoryBackend):
    """A write without `overwrite` raises, and replaces all the same."""

    async def put(self, key, data, options):
        try:
            return await super().put(key, data, options)
        except AlreadyExists:
            await super().put(key, data, options._replace(overwrite=True))
            raise


class TornWriteIsDone(FlatBackend):
    """A write that breaks off leaves what had come: it is published piece by piece."""

    async def begin(self, key, options):
        return _Growing(self, key)

    traits = FlatBackend.traits._replace(parts=FlatBackend.traits.parts._replace(size=1))


class _Growing:
    def __init__(self, backend, key):
        self.backend, self.key, self.data = backend, key, b""

    async def part(self, number, data):
        self.data += bytes(data)
        self.backend.files[self.key] = self.data

    async def commit(self):
        return self.backend.info(self.key)

    async def abort(self):
        pass


class ErrorNamesTheWholeKey(MemoryBackend):
    """An error carries the backend's key, which shows a child's root."""

    async def get(self, key, span=None, if_match=None, version=None):
        if key not in self._space.files:
            raise NotFound("nothing stands here", path=key)
        return await super().get(key, span, if_match, version)


class EtagStays(MemoryBackend):
    """The etag of a name never changes, and all swaps win."""

    def _set(self, key, content, metadata, content_type):
        entry = super()._set(key, content, metadata, content_type)._replace(etag=f"etag of {key}")
        self._space.files[key] = (entry, content)
        return entry


class EtagOfListingsDiffers(MemoryBackend):
    async def list(self, folder, recursive, token, limit):
        page = await super().list(folder, recursive, token, limit)
        return page._replace(
            entries=[
                entry._replace(etag=f'"{entry.etag}"') if hasattr(entry, "etag") else entry for entry in page.entries
            ]
        )


class LosesFilesWhenReopened(MemoryBackend):
    def __reduce__(self):
        return MemoryBackend, ()


class CutsNamesDecoded(MemoryBackend):
    """`%2e` becomes a dot on its way."""

    async def put(self, key, data, options):
        return await super().put(key.replace("%2e", "."), data, options)


class FolderGoesWithItsLastFile(MemoryTree):
    """Real folders that behave as those of object stores."""

    async def delete(self, key, if_match=None):
        await super().delete(key, if_match)
        self._folders = {name for name in self._folders if any(key.startswith(f"{name}/") for key in self._space.files)}


class FileBelowAFile(MemoryTree):
    def _fits(self, key):
        return {key[:at] for at, letter in enumerate(key) if letter == "/"} - set(self._space.files)
