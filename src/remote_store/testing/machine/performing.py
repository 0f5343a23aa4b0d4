"""Taking a step on a store, and writing down what came of it in words that any store shares."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, NamedTuple

from remote_store.capabilities import Capability
from remote_store.errors import InvalidPath, NotFound, RemoteStoreError
from remote_store.models import FileInfo
from remote_store.testing.faces import renewed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from remote_store.models import FolderEntry, WriteResult
    from remote_store.store import Store
    from remote_store.testing.machine.steps import Step

__all__ = ["OK", "Outcome", "Performer", "Sighting", "State"]

OK = "ok"


class Sighting(NamedTuple):
    """A version that was seen: the whole key, its etag, and the bytes where they were seen too."""

    key: str
    etag: Any
    content: bytes | None = None


class Outcome(NamedTuple):
    """What a step answered: ``ok`` and a value, or the name of an error and the key it carries."""

    kind: str
    value: Any = None
    key: str | None = None
    seen: tuple[Sighting, ...] = ()

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.value!r}"
            if self.kind == OK
            else f"{self.kind} of {self.key!r}{f' after {self.value!r}' if self.value else ''}"
        )


class State(NamedTuple):
    """All that a store holds: bytes and labels of each file; folders where they are real."""

    files: dict[str, tuple[bytes, str]]
    folders: frozenset[str] = frozenset()


class Torn(Exception):
    """What breaks a write from within."""


class Performer:
    """Takes steps on one store of either colour."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._etags: dict[str, list[str]] = {}
        self._seen: list[Sighting] = []
        self._so_far: list[tuple[str, bytes]] | None = None
        self._opened: Store | None = None

    def take(self, one: Step) -> Outcome:
        """Take a step. Nothing leaves this but the outcome, whatever was raised."""
        self._seen, self._so_far = [], None
        try:
            store = self.store.child(one.within) if one.within else self.store
            value = getattr(self, f"_{one.op}")(store, one, *one.args)
        except RemoteStoreError as error:
            return Outcome(type(error).__name__, self._so_far, error.path)
        except Torn:
            return Outcome("Torn")
        except Exception as error:  # noqa: BLE001  an outcome like any other
            kind = type(error).__name__
            return Outcome(kind if type(error) is ValueError else f"{kind}: {error}")
        for seen in self._seen:
            if seen.etag is not None and seen.etag not in self._etags.setdefault(seen.key, []):
                self._etags[seen.key].append(seen.etag)
        return Outcome(OK, value, seen=tuple(self._seen))

    def close(self) -> None:
        """Close what was reopened."""
        if self._opened is not None:
            self._opened.close()

    def state(self, known: Iterable[str], *, hierarchical: bool) -> State:
        """Look at everything; where the store cannot list, at the files that are known."""
        store = self.store
        lists = store.supports(Capability.LIST)
        keys = [entry.key for entry in store.list_files(recursive=True)] if lists else list(known)
        files = {}
        for key in keys:
            with store.read(key) as reader:
                files[key] = (bytes(reader.read()), _labels(reader.info))
        return State(files, frozenset(_folders(store, "")) if lists and hierarchical else frozenset())

    def _see(self, one: Step, info: FileInfo | WriteResult, content: bytes | None = None) -> None:
        self._seen.append(Sighting(one.full(info.key), info.etag, content))

    def _match(self, store: Store, one: Step, path: str) -> str | None:
        """Return the etag that a step asks for: the file's own, or one that is not."""
        wish = one.options.get("if_match")
        if wish is None:
            return None
        try:
            current = store.get_file_info(path).etag
        except (NotFound, InvalidPath):
            current = None
        if wish == "now" and current is not None:
            return current
        others = [*self._etags.get(one.full(path), ()), *(etag for own in self._etags.values() for etag in own)]
        return next((etag for etag in others if etag != current), "never")

    # ----------------------------------------------------------------------------------------------- files

    def _rest(self, store: Store, one: Step) -> None:
        pass

    def _write(self, store: Store, one: Step, path: str, content: bytes) -> tuple[str, int]:
        options = _publishing(one)
        if one.conditional:
            options["if_match"] = self._match(store, one, path)
        by = one.options.get("by")
        if by == "block":
            with store.open_atomic(path, **options) as file:
                for piece in _pieces(content):
                    file.write(piece)
            result = file.result
            assert result is not None
        elif by == "atomic":
            result = store.write_atomic(path, content, **options)
        elif by == "file":
            result = store.write(path, io.BytesIO(content), **options)
        else:
            result = store.write(path, _pieces(content) if by == "chunks" else content, **options)
        self._see(one, result, content)
        return result.key, result.size

    def _tear(self, store: Store, one: Step, path: str, content: bytes) -> None:
        if one.options.get("by") == "block":
            with store.open_atomic(path, **_publishing(one)) as file:
                file.write(content)
                raise Torn
        store.write(path, _torn(content), **_publishing(one))

    def _read(self, store: Store, one: Step, path: str) -> tuple[bytes, str | None]:
        by = one.options.get("by")
        if by is None:
            return store.read_bytes(path), None
        with store.read(path) if by == "stream" else store.read_seekable(path) as reader:
            content = bytes(reader.read())
            assert reader.info.key == path
            self._see(one, reader.info, content)
            return content, _labels(reader.info) if by == "stream" else None

    def _read_many(self, store: Store, one: Step, *paths: str) -> list[tuple[str, bytes]]:
        self._so_far = []
        for item in store.read_many(paths):
            self._so_far.append(item)
        return self._so_far

    def _read_range(self, store: Store, one: Step, path: str, offset: int) -> bytes:
        length = one.options.get("length")
        if one.options.get("by") != "seekable":
            return store.read_range(path, offset, length)
        with store.read_seekable(path) as reader:
            reader.seek(offset)
            return bytes(reader.read(-1 if length is None else length))

    def _get_file_info(self, store: Store, one: Step, path: str) -> tuple[str, int, str]:
        info = store.get_file_info(path)
        self._see(one, info)
        return info.key, info.size, _labels(info)

    def _head(self, store: Store, one: Step, path: str) -> tuple[str, int, str]:
        info = store.head(path)
        self._see(one, info)
        return info.key, info.size, _labels(info)

    def _delete(self, store: Store, one: Step, path: str) -> None:
        match = self._match(store, one, path)
        store.delete(path, missing_ok=one.options.get("missing_ok", False), if_match=match)

    def _delete_many(self, store: Store, one: Step, *paths: str) -> None:
        store.delete_many(paths)

    def _copy(self, store: Store, one: Step, source: str, target: str) -> None:
        store.copy(source, target, **one.options)

    def _move(self, store: Store, one: Step, source: str, target: str) -> None:
        store.move(source, target, **one.options)

    # --------------------------------------------------------------------------------------------- folders

    def _exists(self, store: Store, one: Step, path: str) -> bool:
        return store.exists(path)

    def _is_file(self, store: Store, one: Step, path: str) -> bool:
        return store.is_file(path)

    def _is_folder(self, store: Store, one: Step, path: str) -> bool:
        return store.is_folder(path)

    def _get_folder_info(self, store: Store, one: Step, path: str) -> tuple[str, int, int]:
        info = store.get_folder_info(path)
        return info.key, info.file_count, info.total_size

    def _delete_folder(self, store: Store, one: Step, path: str) -> None:
        store.delete_folder(path, **one.options)

    def _list_files(self, store: Store, one: Step, path: str) -> list[tuple[str, int | None]]:
        return self._shown(one, store.list_files(path, **one.options))

    def _list_folders(self, store: Store, one: Step, path: str) -> list[tuple[str, int | None]]:
        return self._shown(one, store.list_folders(path))

    def _iter_children(self, store: Store, one: Step, path: str) -> list[tuple[str, int | None]]:
        return self._shown(one, store.iter_children(path))

    def _glob(self, store: Store, one: Step, pattern: str) -> list[tuple[str, int | None]]:
        return self._shown(one, store.glob(pattern))

    def _shown(self, one: Step, entries: Iterable[FileInfo | FolderEntry]) -> list[tuple[str, int | None]]:
        shown: list[tuple[str, int | None]] = []
        for entry in entries:
            if isinstance(entry, FileInfo):
                self._see(one, entry)
                shown.append((entry.key, entry.size))
            else:
                shown.append((f"{entry.key}/", None))
        return shown

    # ----------------------------------------------------------------------------------------------- store

    def _child(self, store: Store, one: Step, path: str) -> str:
        return self.store.to_key(store.child(path).native_path())

    def _reopen(self, store: Store, one: Step) -> None:
        """Go on with what pickle makes of the store, and close the one before."""
        fresh = renewed(store)
        store.close()
        self.store = self._opened = fresh
        try:
            store.is_file("a")
        except RemoteStoreError:
            return
        raise AssertionError("a closed store answered")


def _publishing(one: Step) -> dict[str, Any]:
    options: dict[str, Any] = {"overwrite": one.options.get("overwrite", False)}
    if labels := one.options.get("labels"):
        options |= {"metadata": {"label": labels}, "content_type": f"text/{labels}"}
    return options


def _labels(info: FileInfo | WriteResult) -> str:
    """Return metadata and content type in one text, as ``_publishing`` took them apart; what a service adds is left."""
    metadata = dict(info.metadata or {})
    label = metadata.pop("label", "")
    wanted = f"text/{label}" if label else info.content_type
    return label if not metadata and info.content_type == wanted else f"{info.metadata} {info.content_type}"


def _pieces(content: bytes) -> Iterator[bytes]:
    half = len(content) // 2
    yield content[:half]
    yield b""
    yield content[half:]


def _torn(content: bytes) -> Iterator[bytes]:
    yield content
    raise Torn


def _folders(store: Store, folder: str) -> Iterator[str]:
    for entry in store.list_folders(folder):
        yield entry.key
        yield from _folders(store, entry.key)
