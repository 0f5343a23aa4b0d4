"""Store and AsyncStore: one set of names, parameters, results and errors."""

import asyncio
import inspect
import threading

import pytest

from remote_store import AlreadyExists, NotFound, PreconditionFailed, RemoteStoreError, Store
from remote_store._streams import AtomicWrite, Reader, SeekableReader, Writer
from remote_store.aio import AsyncStore
from remote_store.aio.streams import AsyncAtomicWrite, AsyncReader, AsyncSeekableReader, AsyncWriter
from remote_store.backends.local import LocalBackend
from remote_store.backends.memory import MemoryBackend
from remote_store.testing import clause
from remote_store.testing.faces import COLOURS, opened

PLAIN = {"child", "describe", "from_uri", "native_path", "native", "resolve", "supports", "to_key", "unwrap"}
"""Methods that ask no service."""


def public(kind):
    return {name: value for name, value in inspect.getmembers(kind) if not name.startswith("_")}


def shape(function):
    """Names, kinds and defaults of the parameters."""
    found = inspect.signature(function).parameters.values()
    return [(item.name, item.kind, item.default) for item in found]


@clause("FACE-01")
def test_both_faces_have_the_same_names():
    assert set(public(Store)) == set(public(AsyncStore))


@clause("FACE-01")
@pytest.mark.parametrize("name", sorted(name for name, value in public(Store).items() if callable(value)))
def test_a_method_takes_the_same_on_both_faces(name):
    plain, awaited = getattr(Store, name), getattr(AsyncStore, name)
    assert shape(plain) == shape(awaited)
    summary, twin = (inspect.getdoc(method).partition("\n")[0] for method in (plain, awaited))
    assert summary.partition(":")[0] == twin.partition(":")[0]


@clause("FACE-03")
@pytest.mark.parametrize("name", sorted(name for name, value in public(Store).items() if callable(value)))
def test_what_asks_no_service_is_plain_and_the_rest_is_awaited(name):
    method = getattr(AsyncStore, name)
    annotation = str(inspect.signature(method).return_annotation)
    streams = annotation.startswith(("AsyncIterator", "AsyncAtomicWrite"))
    assert inspect.iscoroutinefunction(method) == (name not in PLAIN and not streams)


@clause("FACE-01")
@pytest.mark.parametrize(
    ("plain", "awaited"),
    [
        (Reader, AsyncReader),
        (SeekableReader, AsyncSeekableReader),
        (Writer, AsyncWriter),
        (AtomicWrite, AsyncAtomicWrite),
    ],
)
def test_streams_of_both_faces_have_the_same_names(plain, awaited):
    own = {name for kind in plain.__mro__ if kind.__module__.startswith("remote_store") for name in vars(kind)}
    own = {name for name in own if not name.startswith("_")} - {"readinto1"}
    assert own <= set(dir(awaited))
    assert {name for name in dir(awaited) if not name.startswith("_")} <= set(dir(plain))


def script(store):
    """Use every kind of call and note what came of it."""
    notes = []

    def note(call):
        try:
            notes.append(call())
        except (RemoteStoreError, ValueError, TypeError) as error:
            notes.append((type(error), str(error), getattr(error, "path", None), getattr(error, "retryable", None)))

    def facts(info):
        return tuple(value for name, value in info._asdict().items() if name not in ("modified", "etag"))

    note(lambda: facts(store.write("a/b", b"data")))
    note(lambda: store.write("a/b", b"data"))
    note(lambda: facts(store.write("a/b", iter([b"x", b"y"]), overwrite=True)))
    note(lambda: store.write("../x", b""))
    note(lambda: store.write("x", "text"))
    note(lambda: store.write("x", b"", if_match="nothing"))
    note(lambda: store.write("x", b"", if_match=7))
    note(lambda: store.read_bytes("a/b"))
    note(lambda: store.read_bytes("a"))
    note(lambda: store.read_text("missing"))
    note(lambda: store.read_range("a/b", 1))
    note(lambda: store.read_range("a/b", -1))
    note(lambda: list(store.read_many(["a/b", "a/b"])))
    note(lambda: [facts(result) for result in store.write_many({"m/1": b"1", "m/2": b"2"})])
    note(lambda: store.write_many([("m/3", b"3"), ("m/1", b"1")]))
    note(lambda: store.write_many([("../x", b"3")]))
    note(lambda: store.delete_folder("m", recursive=True))
    note(lambda: [facts(entry) for entry in store.list_files(recursive=True)])
    note(lambda: [entry.key for entry in store.iter_children()])
    note(lambda: [entry.key for entry in store.glob("**/b")])
    note(lambda: store.copy("a/b", "c"))
    note(lambda: store.copy("missing", "c"))
    note(lambda: store.copy("a/b", "c"))
    note(lambda: store.move("c", "d"))
    note(lambda: store.move("c", "d"))
    note(lambda: facts(store.head("d")))
    note(lambda: store.get_folder_info()._replace(modified=None))
    note(lambda: store.delete("d"))
    note(lambda: store.delete("d"))
    note(lambda: store.delete_folder("a"))
    note(lambda: store.delete_folder("a", recursive=True))
    note(lambda: [store.exists(key) for key in ("a", "a/b", "")])
    note(lambda: store.presign("a"))
    note(store.close)
    note(lambda: store.exists("a"))
    return notes


@clause("FACE-02")
@pytest.mark.parametrize("kind", [MemoryBackend, LocalBackend])
def test_one_script_gives_the_same_on_both_faces(kind, tmp_path):
    seen = []
    for colour in COLOURS:
        backend = MemoryBackend() if kind is MemoryBackend else LocalBackend(tmp_path / colour)
        with opened(backend, "root", colour) as store:
            seen.append(script(store))
    assert seen[0] == seen[1]
    kinds = {item[0] for item in seen[0] if isinstance(item, tuple) and isinstance(item[0], type)}
    assert {AlreadyExists, NotFound, PreconditionFailed, TypeError, ValueError} <= kinds


class Waiting(LocalBackend):
    """Answers only when the loop has had a turn meanwhile."""

    def __init__(self, root, answer):
        super().__init__(root)
        self.answer = answer

    async def stat(self, key):
        assert self.answer.wait(30)
        return await super().stat(key)


@clause("FACE-04")
def test_the_async_face_lets_its_loop_go_on_while_a_service_thinks(tmp_path):
    answer = threading.Event()

    async def main():
        async with AsyncStore(Waiting(tmp_path, answer)) as store:
            asked = asyncio.create_task(store.exists("a"))
            await asyncio.sleep(0)
            assert not asked.done()
            answer.set()
            assert await asyncio.wait_for(asked, 30) is False

    asyncio.run(main())
