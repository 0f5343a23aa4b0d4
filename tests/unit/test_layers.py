"""Retry, limits and the order of layers, with a clock that never waits."""

import asyncio
import pickle
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from remote_store import (
    BackendUnavailable,
    CapabilityNotSupported,
    NotFound,
    PermissionDenied,
    RemoteStoreError,
    Store,
    Timeout,
)
from remote_store._io import Inline, run
from remote_store.aio import AsyncStore
from remote_store.backend import Op
from remote_store.backends.memory import MemoryBackend
from remote_store.layers import Limits, ReadOnly, Retry, RetryPolicy
from remote_store.layers.retry import seconds_asked
from remote_store.testing import Chaos, clause

READ = Op("get", "a")
CREATE = Op("put", "a", repeatable=False, writes=True)


class Clock(Inline):
    """An io whose sleeps only count."""

    def __init__(self):
        self.slept = []

    async def sleep(self, seconds):
        self.slept.append(seconds)


class Failing:
    """A call that fails so many times."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.calls = 0

    async def __call__(self):
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"


def retried(policy, op, call):
    clock = Clock()
    return clock, lambda: run(Retry(policy, clock)(op, call))


@clause("RETRY-01")
def test_what_may_pass_is_tried_again_after_growing_pauses_within_the_cap():
    call = Failing(*[BackendUnavailable("no") for _ in range(7)])
    clock, go = retried(RetryPolicy(attempts=8, base=1, cap=5), READ, call)
    assert go() == "done"
    assert call.calls == 8
    assert len(clock.slept) == 7
    assert all(0 <= slept <= min(5, 2**number) for number, slept in enumerate(clock.slept))


@clause("RETRY-01", "RETRY-04")
def test_after_the_last_try_the_error_is_raised_as_it_came():
    failures = [Timeout(str(number)) for number in range(3)]
    _, go = retried(RetryPolicy(attempts=3), READ, Failing(*failures))
    with pytest.raises(Timeout) as caught:
        go()
    assert caught.value is failures[2]


@clause("RETRY-06")
def test_a_pause_is_as_long_as_the_service_asked_and_no_longer_than_the_cap():
    policy = RetryPolicy(base=0.5, cap=4.0)
    error = BackendUnavailable("busy")
    assert 0 <= policy.wait(1, error) <= 0.5
    for asked, least, most in ((0.0, 0.0, 0.5), (3.0, 3.0, 3.0), (4.5, 4.0, 4.0), (1e9, 4.0, 4.0)):
        error.retry_after = asked
        assert least <= policy.wait(1, error) <= most
    assert pickle.loads(pickle.dumps(error)).retry_after == 1e9


@clause("RETRY-06")
def test_a_header_asks_for_seconds_or_a_date():
    assert seconds_asked("7") == 7.0
    assert seconds_asked(" 0 ") == 0.0
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < seconds_asked(soon) <= 90
    assert seconds_asked("Mon, 23 Nov 2020 05:17:04 GMT") == 0.0
    for nonsense in (None, "", "soon", "-3", "1.5.2", "nan", "²"):
        assert seconds_asked(nonsense) is None


@clause("RETRY-02")
@pytest.mark.parametrize(
    "failure",
    [NotFound("x"), PermissionDenied("x"), BackendUnavailable("x", retryable=False), ValueError("x")],
    ids=repr,
)
def test_what_is_permanent_is_not_tried_again(failure):
    call = Failing(failure)
    clock, go = retried(RetryPolicy(), READ, call)
    with pytest.raises(type(failure)):
        go()
    assert (call.calls, clock.slept) == (1, [])


@clause("RETRY-03")
def test_what_may_not_be_done_twice_is_not_tried_again():
    call = Failing(Timeout("x"))
    clock, go = retried(RetryPolicy(), CREATE, call)
    with pytest.raises(Timeout):
        go()
    assert (call.calls, clock.slept) == (1, [])


@clause("RETRY-03")
def test_calls_that_may_not_be_done_twice_say_so():
    seen = {}

    class Look:
        async def __call__(self, op, call):
            seen[op.name, op.key] = op
            return await call()

    store = Store(MemoryBackend(), layers=[Look()])
    etag = store.write("new", b"").etag
    store.write("again", b"", overwrite=True)
    swapped = store.write("new", b"x", if_match=etag)
    assert not seen["put", "new"].repeatable
    assert seen["put", "again"].repeatable
    store.move("again", "moved")
    store.delete("moved")
    store.delete("new", if_match=swapped.etag)
    for call in (("move", "again"), ("delete", "moved"), ("delete", "new")):
        assert not seen[call].repeatable, call
        assert seen[call].writes
    store.delete("missing", missing_ok=True)
    assert seen["delete", "missing"].repeatable
    assert list(store.list_files()) == []
    assert seen["list", ""].repeatable
    assert not seen["list", ""].writes


@clause("LAYER-01", "LAYER-02")
def test_layers_see_a_call_from_the_outside_in():
    order = []

    class Named:
        def __init__(self, name, *, inside_retry=False):
            self.name, self.inside_retry = name, inside_retry

        async def __call__(self, op, call):
            order.append(self.name)
            answer = await call()
            order.append(f"/{self.name}")
            return answer

    layers = [Named("tries", inside_retry=True), Named("outer"), Chaos(at=[1], inside_retry=True), Named("inner")]
    store = Store(MemoryBackend(), layers=layers, retry=RetryPolicy(base=0))
    assert not store.exists("a") or order
    assert order[:4] == ["outer", "inner", "tries", "tries"]


@clause("LAYER-02", "ERR-09")
def test_a_layer_may_replace_refuse_and_repeat():
    class Odd:
        async def __call__(self, op, call):
            if op.key == "refused":
                raise LookupError("mine")
            await call()
            return await call()

    store = Store(MemoryBackend(), layers=[Odd()])
    with pytest.raises(LookupError, match="mine"):
        store.head("refused")
    with pytest.raises(RemoteStoreError):
        store.write("a", b"")  # the second time it exists
    assert store.read_bytes("a") == b""


@clause("LAYER-03")
def test_read_only_stops_a_changing_call_that_comes_all_the_same():
    async def call():
        raise AssertionError("it reached the backend")

    with pytest.raises(PermissionDenied, match="read-only"):
        run(ReadOnly()(CREATE, call))


@clause("LAYER-04")
def test_limits_let_so_many_calls_through_at_once():
    most, now, lock = [0], [0], threading.Lock()
    gate = threading.Barrier(2)

    class Count:
        async def __call__(self, op, call):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            gate.wait(timeout=10)  # both that are let in have to meet here
            with lock:
                now[0] -= 1
            return await call()

    store = Store(MemoryBackend(), layers=[Limits(2), Count()])
    threads = [threading.Thread(target=store.exists, args=("",)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [2]
    assert now == [0]


@clause("LAYER-04")
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_limits_lose_patience(colour):
    class Again:
        def __init__(self):
            self.store = None

        async def __call__(self, op, call):
            if op.key == "outer":
                inner = self.store.exists("inner")
                return await inner if colour == "async" else inner
            return await call()

    again = Again()
    again.store = (Store if colour == "sync" else AsyncStore)(MemoryBackend(), layers=[Limits(1, patience=0.05), again])
    with pytest.raises(Timeout) as caught:
        asyncio.run(_awaited(again.store)) if colour == "async" else again.store.exists("outer")
    assert caught.value.path == "inner"
    assert caught.value.backend == "memory"


async def _awaited(store):
    return await store.exists("outer")


@clause("LAYER-04")
def test_limits_are_at_least_one():
    with pytest.raises(ValueError, match="calls"):
        Store(MemoryBackend(), layers=[Limits(0)])


@clause("CHAOS-01")
def test_chaos_comes_where_it_is_told():
    store = Store(MemoryBackend(), layers=[Chaos(at=[2, 4], kinds=[PermissionDenied])])
    outcomes = []
    for _ in range(5):
        try:
            outcomes.append(store.exists(""))
        except PermissionDenied:
            outcomes.append("fault")
    assert outcomes == [True, "fault", True, "fault", True]


@clause("CHAOS-01")
def test_the_same_seed_is_the_same_chaos():
    def faults(seed):
        chaos = Chaos(seed=seed, rate=0.3)
        store = Store(MemoryBackend(), layers=[chaos], retry=RetryPolicy(attempts=1))
        found = []
        for _ in range(60):
            try:
                store.exists("")
                found.append(None)
            except RemoteStoreError as error:
                found.append(type(error))
        assert chaos.calls == 60
        assert chaos.faults == sum(kind is not None for kind in found)
        return found

    assert faults(1) == faults(1) != faults(2)
    assert set(faults(1)) == {None, BackendUnavailable, Timeout}


@clause("CHAOS-01", "LAYER-05")
def test_chaos_is_a_value():
    import pickle

    chaos = Chaos(seed=3, rate=0.5, names={"put"})
    assert pickle.loads(pickle.dumps(chaos)) == chaos
    assert hash(Chaos(seed=3, rate=0.5, names={"put"})) == hash(chaos)
    assert "seed=3" in repr(chaos)
    for wrong in ({"rate": 2}, {"lost": -1}):
        with pytest.raises(ValueError, match="share"):
            Chaos(**wrong)


@clause("RETRY-01")
def test_pauses_of_very_many_tries_stay_within_the_cap():
    assert 0 <= RetryPolicy(attempts=5000, cap=2.0).pause(4999) <= 2


class Signing(MemoryBackend):
    async def presign(self, key, expires, method):
        return f"https://here/{key}?{method}"


@clause("LAYER-03", "SIGN-01")
def test_a_read_only_store_hands_out_no_link_to_write_by():
    store = Store(Signing(), layers=[ReadOnly()])
    assert store.presign("a") == "https://here/a?GET"
    with pytest.raises(CapabilityNotSupported, match="WRITE"):
        store.presign("a", method="PUT")


@clause("RETRY-01")
def test_pauses_double_up_to_the_cap(monkeypatch):
    monkeypatch.setattr("random.uniform", lambda least, most: (least, most))
    policy = RetryPolicy(attempts=6, base=0.5, cap=3.0)
    assert [policy.pause(failed) for failed in range(1, 6)] == [(0, 0.5), (0, 1.0), (0, 2.0), (0, 3.0), (0, 3.0)]
