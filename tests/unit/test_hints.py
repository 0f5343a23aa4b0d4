"""Messages for mistakes that are easy to make: each says what to do instead."""

import io

import pyarrow.parquet as pq
import pytest

from remote_store import CapabilityNotSupported, Store
from remote_store.backends.memory import MemoryBackend
from remote_store.layers import ReadOnly
from remote_store.testing import clause


@pytest.fixture
def store():
    store = Store(MemoryBackend())
    store.write("a", b"data")
    return store


@pytest.mark.parametrize(
    "jump",
    [lambda file: file.seek(0), pq.read_table],
    ids=["seek", "parquet"],
)
def test_a_jump_in_a_stream_names_the_reader_that_can(store, jump):
    with store.read("a") as file, pytest.raises(io.UnsupportedOperation, match="read_seekable"):
        jump(file)


@pytest.mark.parametrize("name", ["write", "close", "tell"])
def test_an_atomic_write_without_its_block_shows_the_block(store, name):
    with pytest.raises(AttributeError, match=rf"with store\.open_atomic.*file\.{name}"):
        getattr(store.open_atomic("b"), name)


def test_an_atomic_write_has_no_other_attribute(store):
    with pytest.raises(AttributeError, match="'AtomicWrite' object has no attribute 'wirte'"):
        store.open_atomic("b").wirte  # noqa: B018


def test_text_as_content_names_both_ways_out(store):
    with pytest.raises(TypeError, match=r"write_text .* pathlib\.Path"):
        store.write("b", "/tmp/b")  # noqa: S108


@clause("CAP-02", "LAYER-03")
def test_a_capability_that_a_layer_took_away_names_the_layer():
    store = Store(MemoryBackend(), layers=[ReadOnly()])
    with pytest.raises(CapabilityNotSupported, match="the layer ReadOnly of this store takes WRITE away"):
        store.write("a", b"")
