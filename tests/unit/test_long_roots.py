"""A key counts with the root of its store: what a child writes, its parent can open."""

import pytest

from remote_store import InvalidPath, PreconditionFailed, Store
from remote_store.backends.memory import MemoryBackend
from remote_store.testing import clause

DEEP = "/".join(["d" * 200] * 4)


@clause("KEY-08")
def test_a_key_that_is_too_long_with_its_root_is_refused():
    store = Store(MemoryBackend())
    child = store.child(DEEP)
    with pytest.raises(InvalidPath) as caught:
        child.write("k" * 250, b"")
    assert caught.value.path == "k" * 250
    assert list(store.list_files(recursive=True)) == []
    child.write("k" * 200, b"1")
    assert store.read_bytes(f"{DEEP}/{'k' * 200}") == b"1"


@clause("SWAP-05")
@pytest.mark.parametrize("missing_ok", [False, True])
def test_deleting_a_version_that_is_gone_fails_its_precondition(missing_ok):
    store = Store(MemoryBackend())
    etag = store.write("a", b"1").etag
    store.delete("a")
    with pytest.raises(PreconditionFailed):
        store.delete("a", if_match=etag, missing_ok=missing_ok)
