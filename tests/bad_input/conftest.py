"""Stores to misuse, and proof that nothing changed and nothing leaked."""

import gc
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from remote_store import Store
from remote_store.testing.faces import opened


@contextmanager
def unleaking():
    """Fail if the block leaves descriptors or threads behind."""
    gc.collect()
    threads = set(threading.enumerate())
    before = descriptors()
    yield
    gc.collect()
    left = set(threading.enumerate()) - threads
    assert not left, f"threads left behind: {left}"
    assert descriptors() <= before, "descriptors left behind"


def descriptors():
    """Return what each descriptor of this process is, but for those that open and close by themselves."""
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            found.add((link.name, str(link.readlink())))
        except FileNotFoundError:
            continue  # the listing's own
    return found


@pytest.fixture(params=["sync", "async"])
def colour(request):
    return request.param


def contents(backend):
    """Return everything in a backend, by key."""
    with Store(backend) as store:
        return {info.key: (info.etag, store.read_bytes(info.key)) for info in store.list_files(recursive=True)}


@pytest.fixture
def opened_in(colour):
    """Open stores of a colour on backends; closed at the end."""
    from contextlib import ExitStack

    with ExitStack() as stores:
        yield lambda backend, root="": stores.enter_context(opened(backend, root, colour))
