"""Memory backends with a bug each."""

import time
import unicodedata

from remote_store.backend import BytesBody, FileInfo, Page
from remote_store.backends.memory import MemoryBackend


class RangeStartIgnored(MemoryBackend):
    async def get(self, key, span=None, if_match=None, version=None):
        entry, data = self._space.files[key]
        return BytesBody(entry, data if span is None or span.length is None else data[: span.length])


class RangeEndIgnored(MemoryBackend):
    async def get(self, key, span=None, if_match=None, version=None):
        entry, data = self._space.files[key]
        return BytesBody(entry, data if span is None else data[span.offset :])


class PinIgnored(MemoryBackend):
    async def get(self, key, span=None, if_match=None, version=None):
        return await super().get(key, span)


class OverwriteIgnored(MemoryBackend):
    async def put(self, key, data, options):
        return await super().put(key, data, options._replace(overwrite=True))


class SwapIgnored(MemoryBackend):
    async def put(self, key, data, options):
        blind = options._replace(overwrite=options.overwrite or options.if_match is not None, if_match=None)
        return await super().put(key, data, blind)


class SwapOfNothingCreates(MemoryBackend):
    async def put(self, key, data, options):
        blind = options if key in self._space.files else options._replace(if_match=None)
        return await super().put(key, data, blind)


class CheckedThenWritten(MemoryBackend):
    async def put(self, key, data, options):
        self._check(key, options.overwrite, options.if_match)
        time.sleep(0.01)  # noqa: ASYNC251  the window between asking and doing
        return self._set(key, bytes(data), options.metadata, options.content_type)


class DeleteIgnoresEtag(MemoryBackend):
    async def delete(self, key, if_match=None):
        await super().delete(key)


class DeleteOfNothingIsSilent(MemoryBackend):
    async def delete(self, key, if_match=None):
        if key in self._space.files:
            await super().delete(key, if_match)


class DeleteManyDeletesOne(MemoryBackend):
    async def delete_many(self, keys):
        return await super().delete_many(keys[:1])


class ListingUnordered(MemoryBackend):
    async def list(self, folder, recursive, token, limit):
        page = await super().list(folder, recursive, token, limit)
        return Page([*reversed(page.entries)], page.token)


class ListingForgetsPages(MemoryBackend):
    async def list(self, folder, recursive, token, limit):
        return Page((await super().list(folder, recursive, token, limit)).entries)


class ListingRepeatsAnEntry(MemoryBackend):
    async def list(self, folder, recursive, token, limit):
        page = await super().list(folder, recursive, token, limit)
        return Page([*page.entries, *page.entries[-1:]] if page.token else page.entries, page.token)


class ListingLeaksSiblings(MemoryBackend):
    async def list(self, folder, recursive, token, limit):
        if not folder or not recursive:
            return await super().list(folder, recursive, token, limit)
        return Page([entry for key, (entry, _) in sorted(self._space.files.items()) if key.startswith(folder)])


class ListingShowsOldSizes(MemoryBackend):
    async def list(self, folder, recursive, token, limit):
        page = await super().list(folder, recursive, token, limit)
        return Page(
            [entry._replace(size=0) if type(entry) is FileInfo else entry for entry in page.entries], page.token
        )


class ListingHidesDotFiles(MemoryBackend):
    async def list(self, folder, recursive, token, limit):
        page = await super().list(folder, recursive, token, limit)
        return Page([entry for entry in page.entries if not entry.name.startswith(".")], page.token)


class FoldersSortAsFiles(MemoryBackend):
    async def list(self, folder, recursive, token, limit):
        page = await super().list(folder, recursive, token, limit)
        return Page(sorted(page.entries, key=lambda entry: entry.key), page.token)


class CopyDropsMetadata(MemoryBackend):
    async def copy(self, source, target, overwrite):
        await super().copy(source, target, overwrite)
        entry, data = self._space.files[target]
        self._space.files[target] = (entry._replace(metadata={}, content_type=None), data)


class CopyOverwrites(MemoryBackend):
    async def copy(self, source, target, overwrite):
        await super().copy(source, target, True)


class MoveLeavesSource(MemoryBackend):
    async def move(self, source, target, overwrite):
        await self.copy(source, target, overwrite)


class MoveIsNotAtomic(MemoryBackend):
    async def move(self, source, target, overwrite):
        await self.copy(source, target, overwrite)
        time.sleep(0.01)  # noqa: ASYNC251  another mover comes in between
        await self.delete_many([source])


class OldMetadataStays(MemoryBackend):
    async def put(self, key, data, options):
        found = self._space.files.get(key)
        kept = {**(found[0].metadata or {}), **(options.metadata or {})} if found else options.metadata
        return await super().put(key, data, options._replace(metadata=kept))


class EtagIsTheSize(MemoryBackend):
    def _set(self, key, content, metadata, content_type):
        entry = super()._set(key, content, metadata, content_type)._replace(etag=str(len(content)))
        self._space.files[key] = (entry, content)
        return entry


class BufferIsKept(MemoryBackend):
    async def put(self, key, data, options):
        entry = await super().put(key, data, options)
        self._space.files[key] = (entry, memoryview(data))
        return entry


class CaseIsFolded(MemoryBackend):
    async def put(self, key, data, options):
        return await super().put(key.lower(), data, options._replace(overwrite=True))

    async def stat(self, key):
        return await super().stat(key.lower())

    async def get(self, key, span=None, if_match=None, version=None):
        return await super().get(key.lower(), span, if_match)

    async def delete(self, key, if_match=None):
        await super().delete(key.lower(), if_match)


class UnicodeIsFolded(CaseIsFolded):
    async def put(self, key, data, options):
        return await MemoryBackend.put(self, unicodedata.normalize("NFC", key), data, options._replace(overwrite=True))

    async def stat(self, key):
        return await MemoryBackend.stat(self, unicodedata.normalize("NFC", key))

    async def delete(self, key, if_match=None):
        await MemoryBackend.delete(self, unicodedata.normalize("NFC", key), if_match)


class NativeErrorsEscape(MemoryBackend):
    def classify(self, exc, op):
        return None
