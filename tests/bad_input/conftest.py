"""Stores to misuse, and proof that nothing changed and nothing leaked."""

import asyncio
import gc
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from remote_store import Store
from remote_store.aio import AsyncStore
from remote_store.testing.faces import Awaited, plainly


@contextmanager
def unleaking(late=0):
    """Fail if the block leaves descriptors or threads behind; so many connections may end later.

    obstore closes connections on threads of its own, and on an event loop some only when they were idle for a minute.
    """
    gc.collect()
    threads = set(threading.enumerate())
    before = descriptors()
    yield
    patience = time.monotonic() + (100 if late else 3)
    while True:
        gc.collect()
        left = {str(thread) for thread in set(threading.enumerate()) - threads} | descriptors() - before
        if len(left) <= late:
            return
        assert time.monotonic() < patience, f"left behind: {left}"
        time.sleep(0.01)


def descriptors():
    """Return the connections and files that this process holds; clients keep pollers of their own for good."""
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
            if target.startswith("socket:") or (target.startswith("/") and not target.startswith("/proc")):
                found.add((link.name, target))
        except FileNotFoundError:
            continue  # the listing's own
    return found


@pytest.fixture(params=["sync", "async"])
def colour(request):
    return request.param


@contextmanager
def faced(backend, colour, **how):
    """Open a store of a colour in any way; the async one is shown as a plain one."""
    if colour == "sync":
        with Store(backend, **how) as store:
            yield store
        return
    with asyncio.Runner() as runner:
        shown = Awaited(AsyncStore(backend, **how), plainly(runner))
        try:
            yield shown
        finally:
            shown.close()


@pytest.fixture
def opened_in(colour):
    """Open stores of a colour on backends; closed at the end."""
    with ExitStack() as stores:
        yield lambda backend, root="": stores.enter_context(faced(backend, colour, root=root))
