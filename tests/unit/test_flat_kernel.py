"""What the kernel does on an object store, where one service's call is not yet one of ours."""

import pytest

from remote_store import (
    AlreadyExists,
    ContainerNotFound,
    DirectoryNotEmpty,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    Store,
)
from remote_store.layers.retry import RetryPolicy
from remote_store.testing import Conformance, clause
from tests.backends.bucket import Bucket, Refused
from tests.backends.slim import FlatBackend, HierarchicalBackend


class TestBucket(Conformance):
    """An object store in memory."""

    def make_backend(self):
        return Bucket()

    def litter(self, backend):
        return backend.uploads


class Log:
    """A layer that notes what each call says of itself, and meddles where it is told."""

    def __init__(self, **before):
        self.seen = []
        self.before = before

    async def __call__(self, op, call):
        self.seen.append((op.name, op.key, op.repeatable, op.writes))
        if meddle := self.before.pop(op.name, None):
            meddle()
        return await call()

    def of(self, *names):
        return [seen for seen in self.seen if seen[0] in names]


def opened(backend, **before):
    log = Log(**before)
    return Store(backend, "r", layers=[log]), log


@pytest.mark.parametrize("make", [Bucket, HierarchicalBackend])
@clause("RETRY-03")
def test_every_call_says_whether_it_writes_and_may_be_done_twice(make):
    backend = make()
    store, log = opened(backend)
    big = b"x" * 2500
    store.write("a", b"1")
    store.write("a", b"2", overwrite=True)
    store.write("a", b"3", if_match=store.head("a").etag)
    assert log.of("put") == [("put", "a", False, True), ("put", "a", True, True), ("put", "a", False, True)]
    store.write("f/big", iter([big, big, big]))
    assert log.of("begin", "commit") == [("begin", "f/big", False, True), ("commit", "f/big", False, True)]
    assert set(log.of("part")) == {("part", "f/big", True, True)}
    store.copy("a", "b")
    store.copy("a", "b", overwrite=True)
    store.move("b", "c")
    flat = make is Bucket
    copies = [("copy", "a", False, True), ("copy", "a", True, True), ("copy", "b", False, True)]
    assert log.of("copy") == (copies if flat else [])
    assert log.of("delete") == [("delete", "b", True, True)]
    log.seen.clear()
    store.delete("c")
    store.delete("c", missing_ok=True)
    etag = store.head("a").etag
    store.delete("a", if_match=etag)
    assert log.of("delete") == [
        ("delete", "c", True, True),
        ("delete", "c", True, True),
        ("delete", "a", False, True),
    ]
    store.write("f/g/h", b"")
    log.seen.clear()
    store.delete_folder("f", recursive=True)
    if flat:
        assert log.of("delete_tree", "delete_many", "remove_folder") == [("delete_tree", "f", True, True)]
    else:
        assert log.of("remove_folder") == [("remove_folder", "f/g", True, True), ("remove_folder", "f", True, True)]
    store.write("e", b"")
    log.seen.clear()
    store.delete_many(["e"])
    assert log.seen == [("delete_many" if flat else "delete", "e", True, True)]
    assert not any(writes for name, _, _, writes in log.seen if name in ("stat", "get", "list", "chunk"))


@clause("DEL-05")
def test_of_many_that_could_not_be_deleted_the_first_is_raised_and_all_are_counted():
    backend = Bucket()
    store, log = opened(backend)
    for name in "abcd":
        store.write(name, b"")
    backend.locked = {"r/b", "r/d"}
    with pytest.raises(PermissionDenied) as raised:
        store.delete_many(list("abcd"))
    assert (raised.value.path, raised.value.backend) == ("b", "bucket")
    assert raised.value.__notes__ == ["2 of 4 files could not be deleted"]
    assert isinstance(raised.value.__cause__, Refused)
    assert set(backend.files) == {"r/b", "r/d"}
    assert log.of("delete") == [("delete", "b", False, True), ("delete", "d", False, True)]


@clause("DEL-05")
def test_a_request_of_many_that_failed_whole_counts_all_of_them(monkeypatch):
    from remote_store._ops import delete

    class Failing(Bucket):
        async def delete_many(self, keys):
            if "r/a" in keys:
                raise Refused(403)
            return await super().delete_many(keys)

    monkeypatch.setattr(delete, "BATCH", 2)
    store = Store(Failing(), "r")
    for name in "abc":
        store.write(name, b"")
    with pytest.raises(PermissionDenied) as raised:
        store.delete_many(list("abc"))
    assert raised.value.__notes__ == ["2 of 3 files could not be deleted"]
    assert [info.key for info in store.list_files()] == ["a", "b"]


@clause("MOVE-05")
def test_a_source_that_is_written_beside_its_move_stays():
    backend = Bucket()
    store, _ = opened(backend, delete=lambda: backend.files.update({"r/a": b"new"}) or backend.etags.pop("r/a"))
    store.write("a", b"old")
    with pytest.raises(PreconditionFailed, match="written while it was moved") as raised:
        store.move("a", "b")
    assert raised.value.path == "a"
    assert (store.read_bytes("a"), store.read_bytes("b")) == (b"new", b"old")


@clause("MOVE-05")
def test_a_source_that_is_gone_after_its_copy_was_moved():
    backend = Bucket()
    store, _ = opened(backend, delete=lambda: backend.files.pop("r/a"))
    store.write("a", b"old")
    store.move("a", "b")
    assert store.read_bytes("b") == b"old"
    assert not store.exists("a")


@clause("MOVE-05")
def test_a_source_that_is_written_before_its_copy_is_not_copied():
    backend = Bucket()
    store, _ = opened(backend, copy=lambda: backend.etags.pop("r/a"))
    store.write("a", b"old")
    with pytest.raises(PreconditionFailed, match="written while it was moved") as raised:
        store.move("a", "b")
    assert raised.value.path == "a"
    assert not store.exists("b")
    store, _ = opened(backend, copy=lambda: backend.etags.pop("r/a"))
    with pytest.raises(PreconditionFailed, match="written while it was moved"):
        store.move("a", "b", overwrite=True)


@clause("COPY-04", "MOVE-03")
@pytest.mark.parametrize("call", ["copy", "move"])
def test_a_target_that_appears_beside_a_copy_is_named_and_stays(call):
    backend = Bucket()
    store, _ = opened(backend, copy=lambda: backend.files.update({"r/b": b"theirs"}))
    store.write("a", b"1")
    with pytest.raises(AlreadyExists) as raised:
        getattr(store, call)("a", "b")
    assert raised.value.path == "b"
    assert (store.read_bytes("a"), store.read_bytes("b")) == (b"1", b"theirs")


@clause("COPY-03", "COPY-06", "MOVE-02")
@pytest.mark.parametrize("call", ["copy", "move"])
def test_a_source_that_is_missing_or_a_folder_is_named_before_a_target_that_stands(call):
    store, _ = opened(Bucket())
    store.write("b", b"")
    store.write("f/x", b"")
    for source, says in (("a", "nothing stands here"), ("f", "a folder stands here")):
        with pytest.raises(NotFound, match=says) as raised:
            getattr(store, call)(source, "b")
        assert raised.value.path == source


ASKED = {
    "read_bytes": ("a",),
    "exists": ("a",),
    "is_file": ("a",),
    "is_folder": ("a",),
    "get_file_info": ("a",),
    "get_folder_info": ("a",),
    "copy": ("a", "b"),
    "move": ("a", "b"),
    "delete": ("a",),
    "delete_folder": ("a",),
    "delete_many": (["a"],),
    "list_files": ("",),
    "ping": (),
}


@clause("ABSENT-01", "ABSENT-02", "ERR-03")
@pytest.mark.parametrize("method", ASKED)
@pytest.mark.parametrize("options", [{}, {"missing_ok": True}, {"missing_ok": True, "recursive": True}], ids=len)
@pytest.mark.parametrize("of_one", [404, 410])
def test_a_bucket_that_is_gone_is_never_a_missing_file(method, options, of_one):
    class Gone(Bucket):
        """Every request is refused alike, but for that of one object, which may say only that it is not there."""

        async def stat(self, key):
            raise Refused(of_one)

        async def get(self, key, span=None, if_match=None, version=None):
            raise Refused(of_one)

        async def list(self, folder, recursive, token, limit):
            raise Refused(410)

        async def copy(self, source, target, overwrite, if_match=None):
            raise Refused(410)

        async def delete(self, key, if_match=None):
            raise Refused(410)

        async def delete_many(self, keys):
            raise Refused(410)

    taken = {"delete": {"missing_ok"}, "delete_folder": {"missing_ok", "recursive"}}.get(method, set())
    chosen = {name: value for name, value in options.items() if name in taken}
    store = Store(Gone(), "r")
    with pytest.raises(ContainerNotFound) as raised:
        list(getattr(store, method)(*ASKED[method], **chosen))
    assert raised.value.__cause__.status == 410


@clause("DEL-11", "DEL-12")
def test_a_marker_makes_a_folder_that_is_empty():
    backend = Bucket()
    store = Store(backend, "r")
    backend.files["r/f/g/"] = b""
    assert store.is_folder("f")
    assert store.get_folder_info("f").file_count == 0
    assert list(store.list_files("f")) == []
    with pytest.raises(DirectoryNotEmpty):
        store.delete_folder("f")
    store.delete_folder("f/g")
    assert not store.exists("f")
    with pytest.raises(NotFound):
        store.delete_folder("f/g")
    with pytest.raises(NotFound):
        store.delete_folder("f/g", recursive=True)
    with pytest.raises(NotFound):
        store.get_folder_info("f")


@clause("SWAP-02", "SWAP-03")
@pytest.mark.parametrize("content", [b"small", b"x" * 7000], ids=["put", "upload"])
def test_a_swap_of_what_is_gone_or_changed_fails_its_precondition(content):
    backend = Bucket()
    store = Store(backend, "r")
    old = store.write("a", b"1").etag
    store.write("a", b"2", overwrite=True)
    for _ in range(2):
        with pytest.raises(PreconditionFailed):
            store.write("a", content, if_match=old)
        with pytest.raises(PreconditionFailed):
            store.delete("a", if_match=old)
        backend.files.pop("r/a", None)
    assert backend.files == {}
    assert backend.uploads == []


@clause("RETRY-05")
@pytest.mark.parametrize("make", [FlatBackend, Bucket])
def test_a_first_try_that_failed_is_followed_by_a_second(make):
    class Once(make):
        failed = False

        async def get(self, *args):
            if not self.failed:
                self.failed = True
                raise ConnectionResetError("reset")
            return await super().get(*args)

    store = Store(Once({"a": b"1"}), retry=RetryPolicy(attempts=2, base=0.0))
    assert store.read_bytes("a") == b"1"


class Asked(Bucket):
    """Notes what it is asked for."""

    def __init__(self, files=None):
        super().__init__(files)
        self.asked = []

    async def stat(self, key):
        self.asked.append(("stat", key))
        return await super().stat(key)

    async def list(self, folder, recursive, token, limit):
        self.asked.append(("list", folder, recursive, token, limit))
        return await super().list(folder, recursive, token, limit)


def test_questions_are_as_small_as_they_can_be():
    backend = Asked()
    store = Store(backend, "r")

    def asked(call, *args, **options):
        backend.asked.clear()
        result = getattr(store, call)(*args, **options)
        return result, backend.asked

    below = ("list", "r/f", True, None, 1)
    assert asked("is_file", "") == (False, [])
    assert asked("is_folder", "f") == (False, [below])
    assert asked("exists", "f") == (False, [("stat", "r/f"), below])
    assert asked("is_file", "f") == (False, [("stat", "r/f"), below])
    assert asked("exists", "") == (True, [("list", "r", False, None, 1)])
    assert asked("ping") == (None, [("list", "r", False, None, 1)])
    assert asked("get_folder_info", "")[1] == [("list", "r", True, None, 1000)]
    store.write("f/a", b"")
    assert asked("exists", "f/a") == (True, [("stat", "r/f/a")])
    assert asked("is_folder", "f") == (True, [below])
    assert asked("get_folder_info", "f")[1] == [("list", "r/f", True, None, 1000)]
    assert asked("write", "f/b", b"")[1] == []
    assert asked("delete", "f/b", missing_ok=True)[1] == []
    assert [info.key for info in store.glob("f/*")] == ["f/a"]
    assert backend.asked == [("list", "r/f", False, None, 1000)]
    assert [info.key for info in store.list_files("f", recursive=True, max_depth=0)] == ["f/a"]
    assert backend.asked[1:] == [("list", "r/f", False, None, 1000)]


def test_a_question_for_a_better_message_that_fails_leaves_the_first_answer():
    class Denied(Bucket):
        async def list(self, folder, recursive, token, limit):
            raise Refused(403)

    for ask in (lambda store: store.read_bytes("a"), lambda store: store.get_file_info("a")):
        with pytest.raises(NotFound, match="nothing stands here") as raised:
            ask(Store(Denied(), "r"))
        assert isinstance(raised.value.__cause__, Refused)


@clause("FACT-04")
def test_the_newest_of_all_pages_is_told():
    class Aged(Bucket):
        page = 2

        def info(self, key):
            return super().info(key)._replace(modified=float("19425"["abcde".index(key[-1])]))

    store = Store(Aged({f"r/f/{name}": b"12" for name in "abcde"}), "r")
    found = store.get_folder_info("f")
    assert (found.file_count, found.total_size, found.modified) == (5, 10, 9.0)
    assert store.get_folder_info("").modified == 9.0


@clause("LIST-01", "GLOB-01")
def test_a_pattern_counts_from_the_folder_that_it_fixes():
    store = Store(Bucket(dict.fromkeys(("r/a/b/c", "r/a/b/d/e", "r/a/c", "r/c"), b"")), "r")
    found = {
        pattern: [info.key for info in store.glob(pattern)] for pattern in ("a/b/*", "a/*/c", "*/c", "*", "a/**/e")
    }
    assert found == {"a/b/*": ["a/b/c"], "a/*/c": ["a/b/c"], "*/c": ["a/c"], "*": ["c"], "a/**/e": ["a/b/d/e"]}
    assert [info.key for info in store.list_files("a", recursive=True, max_depth=1)] == ["a/b/c", "a/c"]
    assert [info.key for info in store.list_files("a", recursive=True, pattern="b/*")] == ["a/b/c"]


@clause("COPY-02", "MOVE-01")
def test_bytes_that_pass_through_here_carry_their_description():
    class NoCopy(Bucket):
        copy = None

    store = Store(NoCopy(), "r")
    store.write("a", b"x" * 7000, metadata={"k": "v"}, content_type="text/csv")
    store.copy("a", "b")
    store.move("a", "c")
    for key in ("b", "c"):
        found = store.head(key)
        assert (found.size, found.metadata, found.content_type) == (7000, {"k": "v"}, "text/csv")
    assert not store.exists("a")
    store.unwrap(Bucket).locked.add("r/b")
    with pytest.raises(PermissionDenied):
        store.move("b", "d")
    assert store.exists("b")


@clause("COPY-03", "PUB-01")
def test_a_copy_that_fails_on_its_way_leaves_no_upload():
    class Breaking(Bucket):
        copy = None

        async def begin(self, key, options):
            upload = await super().begin(key, options)

            async def fail(number, data):
                raise Refused(403)

            upload.part = fail
            return upload

    backend = Breaking({"r/a": b"x" * 7000})
    with pytest.raises(PermissionDenied) as raised:
        Store(backend, "r").copy("a", "b")
    assert raised.value.path == "b"
    assert backend.uploads == []
    assert set(backend.files) == {"r/a"}
