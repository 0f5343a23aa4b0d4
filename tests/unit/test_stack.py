"""The one way to a backend: what a closed store still does, whose name an error carries, what a layer takes away."""

import pytest

from remote_store import (
    Capability,
    CapabilityNotSupported,
    ConfigError,
    InvalidPath,
    NotFound,
    PermissionDenied,
    RemotePath,
    RemoteStoreError,
    RetryPolicy,
    Store,
)
from remote_store._stack import TRIPS, capabilities_of, open_stack
from remote_store.backend import Concurrency, Traits
from remote_store.backends.memory import MemoryBackend
from remote_store.layers import ReadOnly
from remote_store.testing import clause
from tests.backends.bucket import Bucket
from tests.backends.slim import HierarchicalBackend


@clause("LIFE-01")
def test_a_closed_store_names_the_file_and_still_takes_an_upload_back():
    backend = Bucket({"a": b"1"})
    store = Store(backend)
    reader = store.read("a")

    def outlive():
        with store.open_atomic("b") as file:
            file.write(b"x" * 3000)
            assert len(backend.uploads) == 1
            store.close()
            file.write(b"x" * 3000)

    with pytest.raises(RemoteStoreError, match="the store is closed") as raised:
        outlive()
    assert (raised.value.path, raised.value.backend) == ("b", "bucket")
    assert backend.uploads == []
    with pytest.raises(RemoteStoreError, match="the store is closed") as raised:
        reader.read()
    assert (raised.value.path, raised.value.backend) == ("a", "bucket")


@clause("ERR-02")
@pytest.mark.parametrize(("named", "shown"), [("another", "another"), (None, "memory")])
def test_an_error_of_a_layer_keeps_the_name_it_has(named, shown):
    async def refuse(op, call):
        raise NotFound("no", path=op.key, backend=named)

    with pytest.raises(NotFound) as raised:
        Store(MemoryBackend(), layers=[refuse]).read_bytes("a")
    assert raised.value.backend == shown


@clause("LAYER-03")
def test_a_missing_capability_is_laid_at_the_door_of_the_layer_that_took_it():
    class Quiet:
        removes = frozenset()

        async def __call__(self, op, call):
            return await call()

    store = Store(MemoryBackend(), layers=[Quiet(), ReadOnly(), Quiet()])
    with pytest.raises(CapabilityNotSupported, match="the layer ReadOnly of this store takes WRITE away"):
        store.write("a", b"")
    with pytest.raises(CapabilityNotSupported, match="this store has no PRESIGN"):
        store.presign("a", expires=60)


@clause("LAYER-02", "DEL-05")
@pytest.mark.parametrize("make", [Bucket, HierarchicalBackend])
def test_a_layer_may_put_up_with_a_file_that_could_not_be_deleted(make):
    class Guarded(make):
        """Refuses one file, in whatever request it comes."""

        async def delete(self, key, if_match=None):
            if key == "r/b":
                raise PermissionDenied("mine")
            await super().delete(key, if_match)

    async def patient(op, call):
        try:
            return await call()
        except PermissionDenied:
            return None

    backend = Guarded(dict.fromkeys(("r/a", "r/b", "r/c"), b""))
    if make is Bucket:
        backend.locked = {"r/b"}
    store = Store(backend, "r", layers=[patient])
    store.delete_many(["a", "b"])
    store.delete("b")
    assert set(backend.files) == {"r/b", "r/c"}


@clause("KEY-08")
def test_a_key_and_its_root_may_have_so_many_bytes_and_no_more():
    store = Store(MemoryBackend()).child("r" * 23)
    key = "/".join(["k" * 249] * 4)
    assert len(key) == 999
    store.write(f"{key}{'k'}", b"1")
    with pytest.raises(InvalidPath, match="with the store's root"):
        store.write(f"{key}kk", b"1")
    wide = "/".join(["é" * 124] * 4)
    store.write(f"{wide}kkkkk", b"1")
    with pytest.raises(InvalidPath, match="with the store's root"):
        store.write(f"{wide}kkkkkk", b"1")


@clause("PUB-02")
def test_an_upload_is_taken_back_when_its_block_ends_and_no_later():
    backend = HierarchicalBackend()
    block = Store(backend).open_atomic("a")
    files = []

    def fail():
        with block as file:
            files.append(file)
            file.write(b"x" * 5000)
            assert len(backend.drafts) == 1
            raise OSError("mine")

    with pytest.raises(OSError, match="mine"):
        fail()
    assert backend.drafts == []
    with pytest.raises(ValueError, match="closed"):
        files[0].write(b"")


def test_a_writer_says_what_it_takes():
    with Store(MemoryBackend()).open_atomic("a") as file:
        with pytest.raises(TypeError, match="takes bytes, not str; encode it"):
            file.write("text")
        assert (file.write(b"12"), file.tell(), file.writable()) == (2, 2, True)


def test_a_seekable_reader_fills_what_it_is_given():
    store = Store(MemoryBackend())
    store.write("a", b"0123456789")
    with store.read_seekable("a") as file:
        assert (file.read1(0), file.read1(3), file.read1()) == (b"", b"012", b"3456789")
        file.seek(6)
        buffer = bytearray(b"________")
        assert file.readinto(buffer) == 4
        assert buffer == b"6789____"
        assert file.readinto(buffer) == 0
    for call in (lambda: file.readinto(bytearray(1)), lambda: file.read1(1), lambda: file.seek(0), file.tell):
        with pytest.raises(ValueError, match="closed"):
            call()


@clause("KEY-14")
def test_empty_parts_of_a_remote_path_add_nothing():
    assert RemotePath("", "a", "", "b") == RemotePath("a/b") == RemotePath("a") / "" / "b"
    assert repr(RemotePath("a")) == "RemotePath('a')"
    assert RemotePath("").parts == ()
    assert not RemotePath("a") < RemotePath("a")
    assert RemotePath("a") < RemotePath("b")


@clause("ERR-02", "ERR-03")
def test_a_place_that_cannot_be_told_without_a_missing_package_says_how_to_get_it():
    class Bare(Bucket):
        traits = Bucket.traits._replace(name="sql-blob")

        def native_path(self, key):
            raise ModuleNotFoundError("No module named 'sqlalchemy'", name="sqlalchemy")

    with pytest.raises(ConfigError, match=r"'sqlalchemy', which is not installed: pip install") as raised:
        Store(Bare()).resolve("a")
    assert raised.value.backend == "sql-blob"
    assert isinstance(raised.value.__cause__, ModuleNotFoundError)


OF_WRITES = ["atomic_move", "atomic_put", "compare_and_swap", "exclusive_create", "native_results"]
WHAT_FOLLOWS = {
    "a name can be given": ({"move"}, {}, {Capability.MOVE}),
    "a name can be given in one step": ({"move"}, {"atomic_move": True}, {Capability.MOVE, Capability.ATOMIC_MOVE}),
    "a file can be put": ({"put"}, {}, {Capability.WRITE, Capability.COPY}),
    "a put tells its own facts": (
        {"put"},
        {"native_results": True},
        {Capability.WRITE, Capability.COPY, Capability.WRITE_RESULT_NATIVE},
    ),
    "a file can be deleted": ({"delete"}, {}, {Capability.DELETE}),
    "a file can be put and deleted": (
        {"put", "delete"},
        {},
        {Capability.WRITE, Capability.COPY, Capability.DELETE, Capability.MOVE},
    ),
    "a listing that is not set up": ({"list"}, {"lists": False}, set()),
    "facts of what is not there": (set(), dict.fromkeys(OF_WRITES, True), set()),
}


@clause("CAP-03", "CAP-04")
def test_what_a_store_can_do_follows_from_what_its_backend_has():
    for what, (methods, traits, capabilities) in WHAT_FOLLOWS.items():
        backend = type("Made", (), {**dict.fromkeys(methods, print), "traits": Traits("made", **traits)})()
        assert capabilities_of(backend) == {Capability.READ, Capability.METADATA} | capabilities, what


@pytest.mark.parametrize(
    ("concurrency", "calls", "plain", "awaited"),
    [
        (Concurrency.INSTANT, 1, 1, 1),
        (Concurrency.BLOCKS, 1, 1, TRIPS),
        (Concurrency.BLOCKS, 64, 64, 64),
        (Concurrency.INSTANT, 3, 3, 3),
    ],
)
def test_trips_to_threads_are_worth_having_several_at_a_time(concurrency, calls, plain, awaited):
    backend = MemoryBackend()
    backend.traits = backend.traits._replace(concurrency=concurrency, parallel_calls=calls)
    for awaits, expected in ((False, plain), (True, awaited)):
        assert open_stack(backend, (), RetryPolicy(), awaits=awaits).at_once == expected
