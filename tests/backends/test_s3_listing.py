"""Markers, odd keys and pages on S3."""

import logging

import pytest

from remote_store import DirectoryNotEmpty, IntegrityError, NotFound
from remote_store.backends.s3.listing import Lister
from remote_store.models import FileInfo, FolderEntry
from remote_store.testing import clause


@pytest.fixture
def put(client, bucket, root):
    def put(*keys):
        for key in keys:
            client.put_object(Bucket=bucket, Key=f"{root}/{key}", Body=b"")

    return put


def keys(found):
    return [f"{entry.key}/" if isinstance(entry, FolderEntry) else entry.key for entry in found]


def test_markers_are_folders_and_never_files(store, put):
    put("empty/", "full/", "full/file", "full/deep/", "top")
    assert keys(store.list_files(recursive=True)) == ["full/file", "top"]
    assert keys(store.iter_children()) == ["empty/", "full/", "top"]
    assert keys(store.iter_children("full")) == ["full/deep/", "full/file"]
    assert keys(store.iter_children("empty")) == []
    for folder in ("empty", "full", "full/deep"):
        assert store.is_folder(folder)
        assert store.exists(folder)
        assert not store.is_file(folder)
    info = store.get_folder_info("empty")
    assert (info.file_count, info.total_size) == (0, 0)
    with pytest.raises(NotFound, match="folder"):
        store.read_bytes("empty")


def test_an_empty_folder_goes_with_its_marker(store, put):
    put("empty/", "full/", "full/file")
    store.delete_folder("empty")
    assert not store.exists("empty")
    with pytest.raises(NotFound):
        store.delete_folder("empty")
    with pytest.raises(DirectoryNotEmpty):
        store.delete_folder("full")


@clause("DEL-14")
def test_a_folder_with_a_marker_outlives_its_last_file(store, put):
    put("full/", "full/file")
    store.delete("full/file")
    assert store.is_folder("full")
    store.delete_folder("full")
    assert not store.exists("full")


def test_a_folder_goes_with_all_markers_below(store, put, client, bucket, root):
    put("folder/", "folder/a", "folder/sub/", "folder/sub/b", "folder2/c")
    store.delete_folder("folder", recursive=True)
    left = client.list_objects_v2(Bucket=bucket, Prefix=f"{root}/")["Contents"]
    assert [entry["Key"] for entry in left] == [f"{root}/folder2/c"]
    assert not store.exists("folder")
    with pytest.raises(NotFound):
        store.delete_folder("folder", recursive=True)


ODD = ["a//b", "../up", "x/./y", "control\x01", "back\\slash", "C:/drive", "a/C:drive", "seg/" + "s" * 256]


@pytest.fixture
def odd_place(moto, buckets):
    if "odd" not in buckets:
        buckets["odd"] = moto.make_bucket()
        client = moto.client()
        for key in [*ODD, "good", "a/good", "é +%20&<\"'>/ü"]:
            client.put_object(Bucket=buckets["odd"], Key=key, Body=b"x")
        client.close()
    return {"bucket": buckets["odd"], "endpoint_url": moto.endpoint_url}


@pytest.mark.parametrize("root", [""])
def test_keys_that_no_path_can_name_are_left_out_with_one_warning(open_store, odd_place, caplog, root):
    store = open_store(**odd_place)
    with caplog.at_level(logging.WARNING, "remote_store"):
        assert keys(store.list_files(recursive=True)) == ["a/good", "good", "é +%20&<\"'>/ü"]
        assert keys(store.list_files("a")) == ["a/good"]
        assert "a/" in keys(store.iter_children())
        assert keys(store.iter_children("é +%20&<\"'>")) == ["é +%20&<\"'>/ü"]
    assert len([record for record in caplog.records if record.name == "remote_store"]) == 1
    assert store.read_bytes("é +%20&<\"'>/ü") == b"x"


@clause("LIST-16", "FACT-01", "FACT-04", "DEL-11", "DEL-10")
@pytest.mark.parametrize("server", ["moto"], indirect=True)  # SeaweedFS makes other keys of these
def test_a_folder_of_what_no_key_can_name_stands_and_shows_nothing(store, put, client, bucket, root):
    put("a/x//y", "a/z/b\\c", "a/file", "b//c")
    assert keys(store.iter_children("a")) == ["a/file", "a/x/", "a/z/"]
    for folder in ("a/x", "a/z", "b"):
        assert (store.exists(folder), store.is_folder(folder), store.is_file(folder)) == (True, True, False)
        assert keys(store.list_files(folder, recursive=True)) == keys(store.iter_children(folder)) == []
        assert store.get_folder_info(folder).file_count == 0
        with pytest.raises(NotFound, match="folder stands"):
            store.read_bytes(folder)
        with pytest.raises(DirectoryNotEmpty):
            store.delete_folder(folder)
    assert store.get_folder_info("a").file_count == 1
    store.delete_folder("a/x", recursive=True)
    assert not store.exists("a/x")
    assert not store.is_folder("a/x")
    left = client.list_objects_v2(Bucket=bucket, Prefix=f"{root}/")["Contents"]
    assert sorted(entry["Key"] for entry in left) == [f"{root}/a/file", f"{root}/a/z/b\\c", f"{root}/b//c"]


def test_a_listing_entry_tells_what_a_question_for_the_file_tells(store):
    done = store.write("folder/file", b"data")
    (entry,) = store.list_files("folder")
    info = store.get_file_info("folder/file")
    assert (entry.size, entry.etag, entry.modified) == (4, done.etag, pytest.approx(info.modified, abs=1.1))
    assert (info.size, info.etag) == (4, done.etag)


class Canned(Lister):
    """A lister whose answers are given."""

    def __init__(self, text):
        self._text = text
        self._warned = True

    def _ask(self, prefix, delimiter, token, limit):
        return self._text


def test_the_order_and_form_of_an_answers_elements_do_not_matter():
    text = """<?xml version="1.0"?>
    <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
      <CommonPrefixes><Prefix>a%2B/</Prefix></CommonPrefixes>
      <Contents><ETag>&#34;e&#34;</ETag><Size>7</Size><LastModified>2024-02-03T04:05:06.789Z</LastModified>
        <Owner><ID>x</ID><DisplayName>y</DisplayName></Owner><Key>a%26b</Key></Contents>
      <NextContinuationToken>t&amp;t</NextContinuationToken><Name>bucket</Name>
    </ListBucketResult>"""
    page = Canned(text).page("", recursive=False, token=None, limit=None)
    assert page.token == "t&t"
    assert page.entries == [FileInfo("a&b", 7, 1706933106.789, '"e"'), FolderEntry("a+")]


@pytest.mark.parametrize("clean", [True, False], ids=["clean page", "page with a marker"])
def test_escaped_keys_are_decoded_whatever_stands_beside_them(clean):
    keys = ["year%3D2024/a.csv", "b"] if clean else ["year%3D2024/a.csv", "b", "folder/", "100%25", "%253D", "a+b%2Bc"]
    facts = "<LastModified>2024-02-03T04:05:06Z</LastModified><ETag>e</ETag><Size>1</Size>"
    entry = "<Contents><Key>{}</Key>" + facts + "</Contents>"
    text = "<ListBucketResult>" + "".join(map(entry.format, keys)) + "</ListBucketResult>"
    page = Canned(text).page("", recursive=True, token=None, limit=None)
    more = [] if clean else ["%3D", "100%", "a b+c"]
    assert [found.key for found in page.entries] == sorted([*more, "b", "year=2024/a.csv"])
    assert page.marked is not clean


@pytest.mark.parametrize(
    "key", ["/a", "a/", "a//b", "../a", "a/..", "./a", "a\\b", "a%0Ab", "C:/a", "a/C:b", "%2Fa", "a%2F%2Fb", "a%00"]
)
def test_no_spelling_of_an_odd_key_gets_through(key):
    text = f"<ListBucketResult><Contents><Key>{key}</Key><Size>1</Size><ETag>e</ETag></Contents></ListBucketResult>"
    assert Canned(text).page("", recursive=True, token=None, limit=None).entries == []


def test_an_answer_that_cannot_be_read_is_an_error():
    text = "<ListBucketResult><Contents><Key>a</Key><Size>many</Size></Contents></ListBucketResult>"
    with pytest.raises(IntegrityError):
        Canned(text).page("", recursive=True, token=None, limit=None)
