"""The two colours: what waits, what runs beside others, and what is let go of when a call is cancelled."""

import asyncio
import gc
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from remote_store._io import Inline, Native, Threads, gather, run


async def at_once(value):
    return value


def test_a_coroutine_of_the_sync_face_may_not_wait_for_a_loop():
    left = []

    async def waits():
        try:
            await asyncio.sleep(0)
        finally:
            left.append("closed")

    with pytest.raises(RuntimeError, match="waited for an event loop") as raised:
        run(waits())
    assert left == ["closed"], "while the error, which holds the coroutine, is still here"
    del raised


def test_each_colour_takes_the_function_that_fits_it():
    assert run(Inline().pick(lambda n, *, more: n + more, None, 1, more=2)) == 3

    async def awaiting(n, *, more):
        return n + more

    assert asyncio.run(Native().pick(None, awaiting, 1, more=2)) == 3


def test_each_colour_sleeps_as_long_as_it_is_told(monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(("async", seconds))

    monkeypatch.setattr("time.sleep", lambda seconds: slept.append(("sync", seconds)))
    run(Inline().sleep(2.5))
    monkeypatch.undo()
    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(Native().sleep(1.5))
    assert slept == [("sync", 2.5), ("async", 1.5)]


def test_a_group_of_threads_ends_with_those_that_began_and_drops_the_others():
    began, go, done = threading.Barrier(3), threading.Event(), []

    async def first():
        began.wait(20)
        assert go.wait(20)
        done.append(threading.current_thread().name)

    async def second():
        done.append("second")

    group = Inline().group(2)
    group.spawn(first)
    group.spawn(first)
    dropped = group.spawn(second)
    began.wait(20)
    release = threading.Timer(0.05, go.set)
    release.start()
    run(group.close())
    assert [name.startswith("remote-store") for name in done] == [True, True]
    with pytest.raises(CancelledError):
        run(dropped.result())
    release.join()


def test_a_group_of_one_runs_each_call_when_it_is_asked_for():
    here, ran = threading.current_thread(), []

    async def call(number):
        ran.append((number, threading.current_thread() is here))
        return number

    group = Inline().group(1)
    tasks = [group.spawn(call, number) for number in range(3)]
    assert ran == []
    assert [run(task.result()) for task in tasks[:2]] == [0, 1]
    run(group.close())
    assert ran == [(0, True), (1, True)]


def test_a_group_on_a_loop_cancels_what_is_left_and_waits_for_its_end():
    ended = []

    async def stays():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("first")

    async def never():
        ended.append("second")

    async def main():
        group = Native().group(1)
        group.spawn(stays)
        group.spawn(never)
        await asyncio.sleep(0)
        await group.close()
        assert ended == ["first"]

    asyncio.run(main())


def test_a_group_on_a_loop_forgets_what_ended_and_makes_no_noise():
    noise = []

    async def fails():
        raise OSError("nobody asks")

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: noise.append(context))
        group = Native().group(3)
        group.spawn(fails)
        tasks = [group.spawn(at_once, 1), group.spawn(asyncio.Event().wait)]
        assert await tasks[0].result() == 1
        await asyncio.sleep(0)
        assert len(group._tasks) == 1
        await group.close()
        del group, tasks
        await asyncio.sleep(0)
        gc.collect()

    asyncio.run(main())
    assert noise == []


@pytest.mark.parametrize("count", [2, 3])
def test_calls_run_beside_each_other_and_keep_their_order(count):
    together = threading.Barrier(count, timeout=20)

    async def meets(number):
        together.wait()
        return number

    assert run(gather(Inline(), count, [(meets, number) for number in range(count)])) == list(range(count))


@pytest.mark.parametrize(("limit", "count"), [(1, 3), (5, 1)])
def test_calls_that_cannot_run_beside_others_stay_on_their_thread(limit, count):
    async def here():
        return threading.current_thread()

    assert set(run(gather(Inline(), limit, [(here,)] * count))) == {threading.current_thread()}


def test_the_first_failure_ends_the_rest():
    ended = []

    async def stays():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def fails():
        await asyncio.sleep(0)
        raise OSError("first")

    async def main():
        with pytest.raises(OSError, match="first"):
            await gather(Native(), 2, [(fails,), (stays,)])
        assert ended == [True]

    asyncio.run(main())


class Handle:
    """What a thread made for nobody."""

    def __init__(self, way):
        self.gone = threading.Event()
        if way == "close":
            self.close = self.gone.set
        elif way == "abort":
            self.abort = self.gone.set
        elif way == "coroutine":
            self.close = self.later

    async def later(self):
        self.gone.set()


@pytest.mark.parametrize("way", ["close", "abort", "coroutine", "nothing"])
@pytest.mark.parametrize("times", [1, 2])
def test_what_a_cancelled_call_made_is_let_go_of(way, times):
    handle, began, go = Handle(way), threading.Event(), threading.Event()

    def opens():
        began.set()
        assert go.wait(20)
        return handle

    async def main():
        task = asyncio.create_task(Native().call(opens))
        assert await asyncio.to_thread(began.wait, 20)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0.01)
            assert not task.done()
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert handle.gone.is_set() is (way != "nothing")


def test_a_second_cancellation_leaves_nothing_open_while_all_threads_are_busy():
    handle, began, go, taken, free = Handle("close"), *[threading.Event() for _ in range(4)]

    def opens():
        began.set()
        assert go.wait(20)
        return handle

    def busy():
        taken.set()
        assert free.wait(20)

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        task = asyncio.create_task(Native().call(opens))
        await asyncio.sleep(0)
        assert began.wait(20)
        other = loop.run_in_executor(None, busy)  # has the thread before the handle can be let go of
        task.cancel()
        go.set()
        assert taken.wait(20)
        for _ in range(2):
            for _ in range(10):
                await asyncio.sleep(0)
            task.cancel()
        free.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        await other

    asyncio.run(main())
    assert handle.gone.is_set()


def test_a_cancelled_call_that_fails_all_the_same_is_cancelled():
    began, go = threading.Event(), threading.Event()

    async def fails():
        began.set()
        assert go.wait(20)
        raise OSError("too late")

    async def main():
        task = asyncio.create_task(Threads().drive(fails, ()))
        assert await asyncio.to_thread(began.wait, 20)
        task.cancel()
        await asyncio.sleep(0.01)
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
