"""What a store makes of a backend's methods and traits: what it can do, where it calls it, and how it lets go."""

import asyncio
import threading

import pytest

from remote_store import Capability, RemoteStoreError, Store
from remote_store.aio import AsyncStore
from remote_store.backend import Concurrency, Traits
from remote_store.testing import clause
from tests.backends.slim import Slim

BARE = Traits(name="made")
PROUD = Traits(
    name="made",
    atomic_put=True,
    exclusive_create=True,
    compare_and_swap=True,
    user_metadata=True,
    atomic_move=True,
    ranges=True,
    native_results=True,
)
"""Everything is promised that a trait can promise."""


def made(methods, traits):
    async def method(self, *args):
        raise AssertionError("what a store can do is known without a call")

    return type("Made", (Slim,), {"traits": traits, **dict.fromkeys(methods.split(), method)})()


WRITES = {"WRITE", "COPY"}
SURE_WRITES = {"ATOMIC_WRITE", "EXCLUSIVE_CREATE", "COMPARE_AND_SWAP", "WRITE_RESULT_NATIVE"}


@clause("CAP-03", "CAP-04")
@pytest.mark.parametrize(
    ("methods", "adds", "adds_with_traits"),
    [
        ("", set(), set()),
        ("list", {"LIST", "GLOB"}, set()),
        ("put", WRITES, SURE_WRITES),
        ("delete", {"DELETE"}, set()),
        ("put delete", WRITES | {"DELETE", "MOVE"}, SURE_WRITES),
        ("move", {"MOVE"}, {"ATOMIC_MOVE"}),
        ("move put", {"MOVE"} | WRITES, {"ATOMIC_MOVE"} | SURE_WRITES),
        ("copy", {"SERVER_COPY"}, set()),
        ("presign", {"PRESIGN"}, set()),
        ("versions", {"VERSIONS"}, set()),
    ],
)
def test_a_store_can_do_what_methods_and_traits_allow_together(methods, adds, adds_with_traits):
    can = {"READ", "METADATA"} | adds
    assert {capability.name for capability in Store(made(methods, BARE)).capabilities} == can
    can |= {"LAZY_READ", "SEEKABLE_READ", "USER_METADATA"} | adds_with_traits
    assert {capability.name for capability in Store(made(methods, PROUD)).capabilities} == can


@clause("CAP-03")
def test_a_backend_that_is_not_set_up_to_list_does_not_list():
    assert Capability.LIST not in Store(made("list", BARE._replace(lists=False))).capabilities


class Where(Slim):
    """Notes the threads that it is called on, and the way that its client's functions are picked."""

    def __init__(self, concurrency, io=None):
        super().__init__({"a": b"1"})
        self.traits = Traits(name="where", concurrency=concurrency)
        self.io = io
        self.threads = []
        self.ways = []

    def bind(self, io):
        self.io = io
        return self

    async def stat(self, key):
        self.threads.append(threading.current_thread())
        if self.io is not None:

            async def awaiting():
                return "awaiting"

            self.ways.append(await self.io.pick(lambda: "blocking", awaiting))
        return await super().stat(key)


@clause("FACE-04")
@pytest.mark.parametrize("concurrency", Concurrency)
def test_a_backend_leaves_the_thread_of_the_loop_only_if_it_blocks(concurrency):
    backend = Where(concurrency)
    assert Store(backend).head("a").size == 1

    async def main():
        assert (await AsyncStore(backend).head("a")).size == 1

    asyncio.run(main())
    here = threading.current_thread()
    assert [thread is here for thread in backend.threads] == [True, concurrency is not Concurrency.BLOCKS]
    assert backend.ways == (["blocking", "awaiting"] if concurrency is Concurrency.AWAITS else [])


class Closing(Slim):
    """Counts how often it is closed, and may fail at it."""

    def __init__(self, failure=None):
        super().__init__()
        self.failure = failure
        self.closed = 0

    async def close(self):
        self.closed += 1
        if self.failure is not None:
            raise self.failure


@clause("LIFE-01")
def test_a_store_that_is_closed_twice_closes_its_backend_once():
    plain, awaited = Closing(), Closing()
    store = Store(plain)
    store.close()
    store.close()

    async def main():
        store = AsyncStore(awaited)
        await store.close()
        await store.close()

    asyncio.run(main())
    assert (plain.closed, awaited.closed) == (1, 1)


@clause("ERR-01", "LIFE-03")
def test_a_child_closes_nothing_below_it_and_a_failure_to_close_is_typed():
    backend = Closing(OSError("stuck"))
    store = Store(backend)
    store.child("f").close()
    assert backend.closed == 0
    with pytest.raises(RemoteStoreError) as raised:
        store.close()
    assert (raised.value.backend, type(raised.value.__cause__)) == ("slim", OSError)
