"""What the kernel makes of folders: real ones, those of an object store, and what nobody can tell yet."""

import pytest

from remote_store import DirectoryNotEmpty, NotFound, Store
from remote_store.testing import clause
from tests.backends.bucket import Bucket
from tests.backends.slim import FlatBackend, HierarchicalBackend, ReadableBackend


class Tree(HierarchicalBackend):
    """Notes what it is asked for."""

    def __init__(self, files=None, folders=None):
        super().__init__(files, folders)
        self.asked = []

    async def stat(self, key):
        self.asked.append(("stat", key))
        return await super().stat(key)

    async def list(self, folder, recursive, token, limit):
        self.asked.append(("list", folder))
        return await super().list(folder, recursive, token, limit)


def test_a_tree_that_has_just_looked_is_not_asked_again():
    backend = Tree()
    store = Store(backend, "r")
    for ask in (store.get_file_info, store.head):
        with pytest.raises(NotFound):
            ask("a")
    assert not any(ask("a") for ask in (store.exists, store.is_file, store.is_folder))
    assert backend.asked == [("stat", "r/a")] * 5


@clause("FACT-06")
def test_the_root_of_a_child_in_a_tree_is_not_listed_to_know_that_it_stands():
    backend = Tree()
    assert Store(backend, "r").exists("")
    assert backend.asked == [("stat", "r")]


@clause("FACT-05")
def test_an_empty_folder_of_a_tree_is_named_by_what_wants_a_file():
    store = Store(HierarchicalBackend(folders={"r", "r/f"}), "r")
    for ask in (store.read_bytes, store.get_file_info, store.delete, lambda key: store.copy(key, "g")):
        with pytest.raises(NotFound, match="a folder stands here") as raised:
            ask("f")
        assert raised.value.path == "f"


@clause("FACT-05")
def test_a_folder_of_a_flat_service_that_types_its_own_errors_is_named_by_what_wants_a_file():
    class Typing(FlatBackend):
        async def stat(self, key):
            raise NotFound("no such object")

        async def get(self, key, span=None, if_match=None, version=None):
            raise NotFound("no such object")

    store = Store(Typing({"r/f/x": b""}), "r")
    for ask in (store.read_bytes, store.get_file_info, store.delete):
        with pytest.raises(NotFound, match="a folder stands here"):
            ask("f")
        with pytest.raises(NotFound, match="no such object"):
            ask("a")


@clause("FACT-01", "FACT-05")
def test_where_nothing_can_be_listed_there_are_files_and_no_folders():
    store = Store(ReadableBackend({"r/a": b"", "r/f/x": b""}), "r")
    found = {key: (store.exists(key), store.is_file(key), store.is_folder(key)) for key in ("", "a", "f")}
    assert found == {"": (True, False, True), "a": (True, True, False), "f": (False, False, False)}
    for ask in (store.read_bytes, store.get_file_info, store.head):
        with pytest.raises(NotFound, match="nothing stands here"):
            ask("f")


@clause("SCOPE-03")
def test_the_facts_of_a_file_bear_the_key_of_the_store_that_was_asked():
    store = Store(Bucket({"r/f/a": b""}), "r")
    assert [each.get_file_info("a").key for each in (store.child("f"), store.child("f").child(""))] == ["a", "a"]
    assert [store.head("f/a").key, Store(store.unwrap(Bucket)).head("r/f/a").key] == ["f/a", "r/f/a"]


@clause("ERR-02")
def test_what_a_tree_says_itself_of_a_path_is_not_asked_again_and_stands():
    class Speaking(Tree):
        async def get(self, key, span=None, if_match=None, version=None):
            raise NotFound("a socket stands here, not a file")

    backend = Speaking(folders={"r", "r/f"})
    for key in ("a", "f"):
        with pytest.raises(NotFound, match="a socket stands here") as raised:
            Store(backend, "r").read_bytes(key)
        assert raised.value.path == key
    assert backend.asked == []


@clause("LIST-16", "DEL-11")
def test_a_folder_of_what_no_key_can_name_stands_and_is_not_empty():
    class Odd(Bucket):
        async def list(self, folder, recursive, token, limit):
            page = await super().list(folder, recursive, token, limit)
            kept = [entry for entry in page.entries if "//" not in entry.key]
            hidden = any("//" in key for key in self.files if key.startswith(f"{folder}/"))
            return page._replace(entries=kept, marked=False, hidden=hidden)

    backend = Odd({"r/f//x": b"1"})
    store = Store(backend, "r")
    assert (store.exists("f"), store.is_folder("f"), store.is_file("f")) == (True, True, False)
    assert list(store.iter_children("f")) == []
    assert store.get_folder_info("f").file_count == 0
    for missing_ok in (False, True):
        with pytest.raises(DirectoryNotEmpty):
            store.delete_folder("f", missing_ok=missing_ok)
    store.delete_folder("f", recursive=True)
    assert backend.files == {}


@clause("FACT-01", "FACT-08")
def test_a_service_that_shows_only_when_asked_that_it_is_flat_has_its_folders():
    class Late(Bucket):
        traits = Bucket.traits._replace(hierarchical=None)

        async def stat(self, key):
            self.traits = Bucket.traits
            return await super().stat(key)

    files = {"r/f/x": b"", "r/g": b"", "r/g/x": b"", "r/h": b""}
    found = {key: Store(Late(files), "r").is_folder(key) for key in "afgh"}
    assert found == {"a": False, "f": True, "g": True, "h": False}


@clause("FACT-04")
@pytest.mark.parametrize(
    ("sizes", "total"),
    [([0, 3, 0, 4], 7), ([-1, 3, 4, 5], -1), ([3, -1, 4, 5], -1), ([3, 4, 5, -1], -1), ([-1, -1, -1, 0], -1)],
)
def test_the_size_of_a_folder_is_unknown_where_that_of_one_file_is(sizes, total):
    class Sized(Bucket):
        page = 2

        def info(self, key):
            return super().info(key)._replace(size=sizes[int(key[-1])])

    found = Store(Sized({f"f/{number}": b"" for number in range(4)})).get_folder_info("f")
    assert (found.file_count, found.total_size) == (4, total)


class Noted:
    """A layer that notes what calls that write say of themselves."""

    def __init__(self):
        self.seen = []

    async def __call__(self, op, call):
        if op.writes:
            self.seen.append((op.name, op.key, op.repeatable))
        return await call()


@clause("RETRY-03")
def test_deleting_a_real_folder_may_be_repeated_only_where_it_may_be_missing():
    class Whole(HierarchicalBackend):
        async def delete_tree(self, folder):
            for key in [key for key in self.folders if f"{key}/".startswith(f"{folder}/")]:
                self.folders.remove(key)

    noted = Noted()
    store = Store(Whole(folders={"f", "f/g", "h", "h/i"}), layers=[noted])
    store.delete_folder("f/g")
    store.delete_folder("f", missing_ok=True)
    store.delete_folder("h/i", recursive=True)
    store.delete_folder("h", recursive=True, missing_ok=True)
    assert noted.seen == [
        ("remove_folder", "f/g", False),
        ("remove_folder", "f", True),
        ("delete_tree", "h/i", False),
        ("delete_tree", "h", True),
    ]


@clause("DEL-10", "DEL-14")
def test_a_flat_folder_goes_with_its_markers_one_by_one():
    class Single(Bucket):
        delete_tree = None

    backend = Single(dict.fromkeys(("r/f/x", "r/f/g/", "r/f/g/h/y", "r/fg"), b""))
    Store(backend, "r").delete_folder("f", recursive=True)
    assert set(backend.files) == {"r/fg"}
