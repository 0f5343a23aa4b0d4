"""What the kernel adds to the copies and moves of a service that has few of its own."""

import pytest

from remote_store import (
    AlreadyExists,
    ContainerNotFound,
    PreconditionFailed,
    ResourceLocked,
    Store,
)
from remote_store.errors import CapabilityNotSupported
from remote_store.layers.retry import RetryPolicy
from remote_store.testing import clause
from tests.backends.bucket import Bucket, Refused
from tests.backends.slim import FlatBackend


class Streaming(Bucket):
    """Has no copy of its own; counts what is asked and which bodies are open."""

    copy = None

    def __init__(self, files=None):
        super().__init__(files)
        self.asked = []
        self.open = 0

    async def stat(self, key):
        self.asked.append(f"stat {key}")
        return await super().stat(key)

    async def get(self, key, span=None, if_match=None, version=None):
        self.asked.append(f"get {key}")
        body = await super().get(key, span, if_match)
        self.open += 1

        async def close():
            self.open -= 1

        body.close = close
        return body


@clause("COPY-05", "MOVE-04")
@pytest.mark.parametrize("call", ["copy", "move"])
def test_a_file_onto_itself_costs_one_question(call):
    backend = Streaming({"r/a": b"1"})
    store = Store(backend, "r")
    with pytest.raises(AlreadyExists) as raised:
        getattr(store, call)("a", "a")
    assert raised.value.path == "a"
    getattr(store, call)("a", "a", overwrite=True)
    assert backend.asked == ["stat r/a"] * 2
    assert backend.files == {"r/a": b"1"}


@clause("COPY-04", "MOVE-03")
@pytest.mark.parametrize("call", ["copy", "move"])
def test_a_copy_that_replaces_blindly_is_kept_from_a_target_that_stands(call):
    class Blind(Bucket):
        async def copy(self, source, target, overwrite, if_match=None):
            await super().copy(source, target, True, if_match)

    backend = Blind({"r/a": b"1", "r/b": b"2"})
    with pytest.raises(AlreadyExists) as raised:
        getattr(Store(backend, "r"), call)("a", "b")
    assert raised.value.path == "b"
    assert backend.files == {"r/a": b"1", "r/b": b"2"}


@clause("COPY-04")
def test_a_put_that_refuses_a_target_is_not_asked_for_before():
    backend = Streaming({"r/a": b"1", "r/b": b"2"})
    with pytest.raises(AlreadyExists) as raised:
        Store(backend, "r").copy("a", "b")
    assert raised.value.path == "b"
    assert (backend.asked, backend.open) == (["get r/a"], 0)


@clause("STREAM-04")
@pytest.mark.parametrize("size", [1, 7000], ids=["put", "upload"])
def test_a_copy_through_here_leaves_no_body_open(size):
    backend = Streaming({"r/a": b"x" * size, "r/b": b"2"})
    store = Store(backend, "r")
    with pytest.raises(AlreadyExists):
        store.copy("a", "b")
    assert backend.open == 0
    store.move("a", "c")
    assert (backend.open, set(backend.files)) == (0, {"r/b", "r/c"})


def test_a_service_that_keeps_no_description_is_handed_none():
    class Plain(FlatBackend):
        described = None

        def info(self, key):
            return super().info(key)._replace(content_type="text/csv", metadata={"k": "v"})

        async def put(self, key, data, options):
            self.described = (options.metadata, options.content_type)
            return await super().put(key, data, options)

    backend = Plain({"a": b"1"})
    Store(backend).copy("a", "b")
    assert backend.described == (None, None)


@clause("MOVE-01")
def test_a_service_that_turns_out_to_have_no_rename_copies_and_deletes():
    class Unable(Bucket):
        async def move(self, source, target, overwrite):
            raise CapabilityNotSupported("no rename here")

    backend = Unable({"r/a": b"1"})
    Store(backend, "r").move("a", "b")
    assert backend.files == {"r/b": b"1"}


@clause("MOVE-01")
@pytest.mark.parametrize("kind", [Bucket, Streaming])
def test_a_service_without_conditions_is_asked_for_none_by_a_move(kind):
    class Unconditional(kind):
        traits = Bucket.traits._replace(compare_and_swap=False, pinned_copy=False)

        async def delete(self, key, if_match=None):
            assert if_match is None
            await super().delete(key)

    backend = Unconditional({"r/a": b"1"})
    Store(backend, "r").move("a", "b")
    assert backend.files == {"r/b": b"1"}


@clause("MOVE-07")
def test_a_copy_that_cannot_be_pinned_is_not_and_the_delete_is():
    class Unpinned(Bucket):
        traits = Bucket.traits._replace(pinned_copy=False)

        async def copy(self, source, target, overwrite):
            await super().copy(source, target, overwrite)
            if self.files[source] == b"old":
                self.files[source] = b"new"
                self.etags.pop(source)

    backend = Unpinned({"r/a": b"old", "r/c": b"1"})
    store = Store(backend, "r")
    with pytest.raises(PreconditionFailed, match="written while it was moved"):
        store.move("a", "b")
    store.move("c", "d")
    assert backend.files == {"r/a": b"new", "r/b": b"old", "r/d": b"1"}


@clause("COPY-04")
def test_a_target_that_was_in_the_way_of_a_copy_is_named_though_it_is_gone_by_now():
    class Refusing(Bucket):
        async def copy(self, source, target, overwrite, if_match=None):
            raise Refused(412)

    with pytest.raises(AlreadyExists) as raised:
        Store(Refusing({"r/a": b"1"}), "r").copy("a", "b")
    assert raised.value.path == "b"


@clause("MOVE-07")
def test_a_service_that_saw_the_source_change_is_believed_though_a_target_stands():
    class Seeing(Bucket):
        traits = Bucket.traits._replace(atomic_move=True, exclusive_copy=True)

        async def move(self, source, target, overwrite):
            self.files[target] = b"theirs"
            raise PreconditionFailed("the source is another version by now")

    with pytest.raises(PreconditionFailed, match="written while it was moved") as raised:
        Store(Seeing({"r/a": b"1"}), "r").move("a", "b")
    assert raised.value.path == "a"


@clause("ERR-02", "ERR-06")
def test_a_lock_that_stops_a_copy_is_on_its_target():
    class Locked(Bucket):
        async def copy(self, source, target, overwrite, if_match=None):
            raise ResourceLocked("someone holds a lease")

    backend = Locked({"r/a": b"1"})
    store = Store(backend, "r", retry=RetryPolicy(attempts=1))
    for call in (store.copy, store.move):
        with pytest.raises(ResourceLocked) as raised:
            call("a", "b", overwrite=True)
        assert (raised.value.path, raised.value.filename) == ("b", "b")
    assert backend.files == {"r/a": b"1"}


@clause("ABSENT-02", "MOVE-05")
@pytest.mark.parametrize("status", [410, 412])
def test_a_bucket_that_goes_while_a_file_is_moved_is_no_success(status):
    class Going(Bucket):
        gone = False

        async def stat(self, key):
            if self.gone:
                raise Refused(410)
            return await super().stat(key)

        async def delete(self, key, if_match=None):
            self.gone = True
            raise Refused(status)

    with pytest.raises(ContainerNotFound):
        Store(Going({"r/a": b"1"}), "r").move("a", "b")
