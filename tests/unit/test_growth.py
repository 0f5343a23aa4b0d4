"""Work that must not grow faster than what is worked on: lines, listings, deletions, patterns, trees."""

import asyncio
import threading
import time

import pytest

from remote_store import Store
from remote_store._glob import compile_glob, compile_name
from remote_store.aio import AsyncStore
from remote_store.backends.memory import MemoryBackend
from remote_store.testing import clause
from tests.backends.slim import HierarchicalBackend

MANY = 20_000


def seconds(work):
    start = time.process_time()
    work()
    return time.process_time() - start


@clause("STREAM-03")
def test_lines_of_a_big_chunk_are_read_without_copying_it_for_each():
    store = MemoryBackend()
    Store(store).write("a", b"a line of a table\n" * 200_000)

    async def count():
        async with await AsyncStore(store).read("a") as stream:
            assert len([line async for line in stream]) == 200_000

    assert seconds(lambda: asyncio.run(count())) < 4


@clause("SEEK-04")
def test_a_line_without_an_end_is_put_together_once():
    store = Store(MemoryBackend())
    store.write("a", bytes(32 << 20))
    assert seconds(lambda: store.read_seekable("a").readline()) < 2


@clause("LIST-15")
def test_asking_and_writing_in_turns_does_not_sort_all_keys_each_time():
    store = Store(MemoryBackend())

    def work():
        for number in range(MANY):
            if not store.exists(f"{number * 7919 % MANY}"):
                store.write(f"{number * 7919 % MANY}", b"")

    assert seconds(work) < 10
    names = [info.key for info in store.list_files()]
    assert names == sorted(map(str, range(MANY)))
    store.delete_many(names[::2])
    for name in names[1::4]:
        store.delete(name)
    assert [info.key for info in store.list_files()] == names[3::4]


@clause("GLOB-01")
@pytest.mark.parametrize(
    ("matcher", "text"),
    [
        (compile_name("*a" * 12 + "*b"), "a" * 250),
        (compile_name("*?" * 12 + "*b"), "a" * 250),
        (compile_glob("**/a/" * 20 + "b"), "/".join("a" * 400)),
    ],
    ids=["stars", "stars and marks", "folders"],
)
def test_patterns_of_many_stars_end_soon(matcher, text):
    assert seconds(lambda: matcher(text)) < 1
    assert not matcher(text)


class Counting(HierarchicalBackend):
    most = 0

    async def remove_folder(self, folder):
        self.most = max(self.most, threading.active_count())
        await super().remove_folder(folder)


@clause("DEL-10")
def test_a_broad_and_deep_tree_is_deleted_by_few_threads():
    store = Store(backend := Counting())
    before = threading.active_count()
    for number in range(64):
        store.write(f"tree/{'/'.join(f'{number:06b}')}/file", b"")
    store.write("tree/" + "d/" * 400 + "file", b"")
    store.delete_folder("tree", recursive=True)
    assert not backend.files
    assert not backend.folders
    assert backend.most <= before + backend.traits.parallel_calls
