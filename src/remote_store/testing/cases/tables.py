"""What several cases share: hostile and odd keys, every call of a store, and a check of errors."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pytest

from remote_store._ops import delete, write
from remote_store.backend import Backend, PutOptions
from remote_store.capabilities import Capability
from remote_store.errors import RemoteStoreError
from remote_store.testing.faces import Awaited, again
from remote_store.testing.marks import traits_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from remote_store.store import Store

E = TypeVar("E", bound=RemoteStoreError)

__all__ = [
    "CALLS",
    "FILE_CALLS",
    "FOLDER_CALLS",
    "HOSTILE",
    "ODD",
    "Meanwhile",
    "StoreCall",
    "Watch",
    "backend_of",
    "keys_of",
    "raised",
    "supported",
    "traits_of",
]

HOSTILE = {
    "KEY-01": ["/", "/a", "//a", "a/", "a//b", "a/b/", "//"],
    "KEY-02": [".", "..", "./a", "../a", "a/.", "a/..", "a/./b", "a/../b", "../../etc/passwd", "a/b/../../../c"],
    "KEY-03": ["\0", "a\0", "a\0b", "a\nb", "a\rb", "\ta", "a/\x1f", "a\x7f", "\x80", "a\x85b", "\x9f", "a\r\nx: y"],
    "KEY-04": ["\\", "a\\b", "\\a", "..\\a", "\\\\host\\share", "a/b\\..\\c"],
    "KEY-05": ["\ud800", "a/\udfff", "\udc80.txt", "a\ud83d"],
    "KEY-06": ["C:", "C:/a", "c:a", "Z:a/b", "a/C:", "a/c:x", "a/b/Z:x/d"],
    "KEY-07": ["x" * 256, "a/" + "x" * 256 + "/b", "é" * 128, "€" * 86],
    "KEY-08": [
        "/".join(["a" * 200] * 5) + "/" + "b" * 20,
        "a/" * 512 + "b",
        "/".join(["é" * 100] * 5) + "/" + "b" * 20,
    ],
}
"""Keys that every call refuses, by the clause that they break."""

ODD = [
    " ", " a", "a ", "a b", "'", '"', "`", "%", "%2e%2e", "%2F", "a%00b", "?", "a?b=c&d", "#", "a#b", "&", "+", "a+b",
    "*", "a*", "[", "a[b]c", "{}", "<>", "|", ";", "ab:c", "~", "~root", "$HOME", "$(x)", "!", "@", "=", ",", "^", "-",
    "-rf", "--", "...", "..a", "a..", "a...b", ".hidden", ".a/.b", "a.b.c", "é", "e\u0301", "ß", "ſ", "İ", "日本語",  # noqa: RUF001  letters that folding would change
    "עברית", "😀", "a/😀/b", "\u200b", "\ufeff", "\u202e", "null", "NUL", "con.txt", "Aa", "aA", "0", "a_b", "a%_b",
]  # fmt: skip
"""Keys that look like something else and are ordinary, all different."""


class StoreCall(NamedTuple):
    """One public call, ready to be made with a path."""

    name: str
    needs: tuple[Capability, ...]
    make: Callable[[Any, Any], Any]


C = Capability

FILE_CALLS = [
    StoreCall("read", (C.READ,), lambda store, path: store.read(path)),
    StoreCall("read_bytes", (C.READ,), lambda store, path: store.read_bytes(path)),
    StoreCall("read_text", (C.READ,), lambda store, path: store.read_text(path)),
    StoreCall("read_seekable", (C.SEEKABLE_READ,), lambda store, path: store.read_seekable(path)),
    StoreCall("read_range", (C.READ,), lambda store, path: store.read_range(path, 0, 1)),
    StoreCall("read_many", (C.READ,), lambda store, path: list(store.read_many([path]))),
    StoreCall("write", (C.WRITE,), lambda store, path: store.write(path, b"x")),
    StoreCall("write_many", (C.WRITE,), lambda store, path: store.write_many([(path, b"x")])),
    StoreCall("write_text", (C.WRITE,), lambda store, path: store.write_text(path, "x")),
    StoreCall("write_atomic", (C.ATOMIC_WRITE,), lambda store, path: store.write_atomic(path, b"x")),
    StoreCall("open_atomic", (C.ATOMIC_WRITE,), lambda store, path: store.open_atomic(path)),
    StoreCall("delete", (C.DELETE,), lambda store, path: store.delete(path)),
    StoreCall("delete_many", (C.DELETE,), lambda store, path: store.delete_many([path])),
    StoreCall("copy from", (C.COPY,), lambda store, path: store.copy(path, "target")),
    StoreCall("copy to", (C.COPY,), lambda store, path: store.copy("source", path)),
    StoreCall("move from", (C.MOVE,), lambda store, path: store.move(path, "target")),
    StoreCall("move to", (C.MOVE,), lambda store, path: store.move("source", path)),
    StoreCall("get_file_info", (C.METADATA,), lambda store, path: store.get_file_info(path)),
    StoreCall("head", (C.METADATA,), lambda store, path: store.head(path)),
    StoreCall("presign", (C.PRESIGN,), lambda store, path: store.presign(path)),
    StoreCall("list_versions", (C.VERSIONS,), lambda store, path: list(store.list_versions(path))),
]

FOLDER_CALLS = [
    StoreCall("exists", (), lambda store, path: store.exists(path)),
    StoreCall("is_file", (), lambda store, path: store.is_file(path)),
    StoreCall("is_folder", (), lambda store, path: store.is_folder(path)),
    StoreCall("list_files", (C.LIST,), lambda store, path: list(store.list_files(path))),
    StoreCall("list_folders", (C.LIST,), lambda store, path: list(store.list_folders(path))),
    StoreCall("iter_children", (C.LIST,), lambda store, path: list(store.iter_children(path))),
    StoreCall("get_folder_info", (C.LIST, C.METADATA), lambda store, path: store.get_folder_info(path)),
    StoreCall("delete_folder", (C.DELETE, C.LIST), lambda store, path: store.delete_folder(path)),
]

PLAIN_CALLS = [
    StoreCall("child", (), lambda store, path: store.child(path)),
    StoreCall("resolve", (), lambda store, path: store.resolve(path)),
    StoreCall("native_path", (), lambda store, path: store.native_path(path)),
]

CALLS = FILE_CALLS + FOLDER_CALLS + PLAIN_CALLS


def supported(store: Store, calls: list[StoreCall]) -> list[StoreCall]:
    """Return those of the calls that the store has the capabilities for."""
    return [entry for entry in calls if store.capabilities.issuperset(entry.needs)]


def backend_of(store: Store) -> Backend:
    """Return the backend behind a store."""
    backend: Backend = store.unwrap(Backend)
    return backend


def keys_of(store: Store, folder: str = "") -> list[str]:
    """Return the keys of all files below a folder, sorted: the order of a listing has tests of its own."""
    return sorted(entry.key for entry in store.list_files(folder, recursive=True))


class Watch:
    """A layer that notes the name of every call that reaches the backend."""

    inside_retry = False

    def __init__(self, seen: list[str]) -> None:
        self._seen = seen

    async def __call__(self, op: Any, call: Any) -> Any:
        self._seen.append(op.name)
        return await call()


class Meanwhile:
    """A layer that replaces a file, or deletes it, behind a store: when the call of number ``at`` has come back."""

    inside_retry = False

    def __init__(self, store: Store, at: int, key: str, data: bytes | None) -> None:
        other: Any = again(store)
        self._scope = (other._target if isinstance(other, Awaited) else other)._scope
        self._at = at
        self._key = key
        self._data = data
        self.calls = 0

    async def __call__(self, op: Any, call: Any) -> Any:
        self.calls += 1
        at = self.calls
        try:
            return await call()
        finally:
            if at == self._at and self._data is None:
                await delete.delete(self._scope, self._key, missing_ok=True, if_match=None)
            elif at == self._at and self._data is not None:
                await write.write(self._scope, self._key, self._data, PutOptions(overwrite=True))


@contextmanager
def raised(store: Store, kind: type[E], path: str | None) -> Iterator[list[E]]:
    """Expect an error of that kind about that path, complete in every respect; the list holds it afterwards."""
    caught: list[E] = []
    with pytest.raises(kind) as info:
        yield caught
    error = info.value
    caught.append(error)
    assert error.path == path
    assert error.filename == path
    assert error.backend == traits_of(store).name
    assert error.message
    assert isinstance(error.retryable, bool)
