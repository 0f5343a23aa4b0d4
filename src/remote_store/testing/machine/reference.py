"""What a store is compared with: anything that takes the same steps; here, stores in memory."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Protocol

from remote_store.backend import FolderEntry, Page
from remote_store.backends.memory import MemoryBackend
from remote_store.errors import DirectoryNotEmpty
from remote_store.store import Store
from remote_store.testing.machine.performing import Performer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from remote_store.backend import Buffer, Entry, PutOptions
    from remote_store.models import FileInfo
    from remote_store.testing.machine.performing import Outcome, State
    from remote_store.testing.machine.steps import Step

__all__ = ["InMemory", "MemoryTree", "Reference"]


class Reference(Protocol):
    """Says what a store has to answer."""

    def run(self, steps: Sequence[Step], *, hierarchical: bool) -> tuple[list[Outcome], State]:
        """Take steps on an empty store, and return the outcome of each and what is there at the end."""


class InMemory:
    """A store in memory: flat as object stores are, or with real folders as disks have them."""

    def run(self, steps: Sequence[Step], *, hierarchical: bool) -> tuple[list[Outcome], State]:
        """Take steps on an empty store, and return the outcome of each and what is there at the end."""
        with Store(MemoryTree() if hierarchical else MemoryBackend()) as store:
            performer = Performer(store)
            outcomes = [performer.take(one) for one in steps]
            state = performer.state((), hierarchical=hierarchical)
            performer.close()
            return outcomes, state


class MemoryTree(MemoryBackend):
    """Memory with real folders: they can be empty, and no name is both file and folder."""

    traits = MemoryBackend.traits._replace(name="memory tree", hierarchical=True)

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self._folders: set[str] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (super().__reduce__(), self._folders)

    async def stat(self, key: str) -> Entry:
        return FolderEntry(key) if not key or key in self._folders else await super().stat(key)

    async def list(self, folder: str, recursive: bool, token: object | None, limit: int | None) -> Page:
        found = {
            f"{entry.key}/" if isinstance(entry, FolderEntry) else entry.key: entry
            for entry in (await super().list(folder, recursive, None, None)).entries
        }
        if not recursive:
            above = f"{folder}/" if folder else ""
            for name in self._folders:
                if name.startswith(above) and "/" not in name[len(above) :]:
                    found[f"{name}/"] = FolderEntry(name)
        return Page([found[name] for name in sorted(found)])

    async def put(self, key: str, data: Buffer, options: PutOptions) -> FileInfo:
        with self._space.lock:
            above = self._fits(key)
            done = await super().put(key, data, options)
            self._folders |= above
            return done

    def _fits(self, key: str) -> set[str]:
        """Return the folders above a key, or refuse as a disk does."""
        above = {key[:at] for at, letter in enumerate(key) if letter == "/"}
        if key in self._folders:
            raise OSError(errno.EISDIR, "a folder stands here")
        if any(name in self._space.files for name in above):
            raise OSError(errno.ENOTDIR, "a file stands above")
        return above

    async def copy(self, source: str, target: str, overwrite: bool) -> None:
        with self._space.lock:
            if source in self._space.files:
                above = self._fits(target)
                await super().copy(source, target, overwrite)
                self._folders |= above
            else:
                raise KeyError(source)

    async def remove_folder(self, folder: str) -> None:
        """Remove an empty folder."""
        with self._space.lock:
            if folder not in self._folders:
                raise KeyError(folder)
            if any(name.startswith(f"{folder}/") for name in [*self._space.files, *self._folders]):
                raise DirectoryNotEmpty("something is in it")
            self._folders.remove(folder)


def _restored(memory: tuple[Any, ...], folders: set[str]) -> MemoryTree:
    restore, arguments = memory
    plain: MemoryBackend = restore(*arguments)
    tree = MemoryTree(plain._space.name)
    tree._folders = folders
    return tree
