"""Store over memory, and the coroutines of the memory backend driven without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.clients.repeat import repeated
from remote_store import Store
from remote_store.backend import PutOptions
from remote_store.backends.memory import MemoryBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

KEY = "folder/file"
DATA = b"x" * 1024


def _drive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("memory never waits")


async def _read(backend: Any) -> Any:
    body = await backend.get(KEY)
    try:
        return await body.all()
    finally:
        await body.close()


def operations(_: dict[str, Any]) -> dict[str, Callable[[int], None]]:
    backend = MemoryBackend()
    store = Store(backend)
    child = store.child("folder")
    store.write(KEY, DATA)
    options = PutOptions(overwrite=True)
    calls: dict[str, Callable[[], Any]] = {
        "ours exists": lambda: store.exists(KEY),
        "ours head": lambda: store.head(KEY),
        "ours read": lambda: store.read_bytes(KEY),
        "ours write": lambda: store.write(KEY, DATA, overwrite=True),
        "ours child exists": lambda: child.exists("file"),
        "bare exists": lambda: _drive(backend.stat(KEY)),
        "bare head": lambda: _drive(backend.stat(KEY)),
        "bare read": lambda: _drive(_read(backend)),
        "bare write": lambda: _drive(backend.put(KEY, DATA, options)),
        "bare child exists": lambda: _drive(backend.stat(KEY)),
    }
    return {name: repeated(call) for name, call in calls.items()}
