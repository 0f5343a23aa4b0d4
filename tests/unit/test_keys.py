"""The grammar of keys, by table and by random text; RemotePath."""

import os
import pickle
import re
import sys
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_store import InvalidPath, RemotePath
from remote_store.path import parse_folder, parse_key
from remote_store.testing import clause
from remote_store.testing.cases.tables import HOSTILE, ODD

BROKEN = [key for keys in HOSTILE.values() for key in keys]


@clause("KEY-01", "KEY-02", "KEY-03", "KEY-04", "KEY-05", "KEY-06", "KEY-07", "KEY-08", "KEY-09")
@pytest.mark.parametrize("key", BROKEN, ids=[ascii(key)[:30] + str(number) for number, key in enumerate(BROKEN)])
def test_a_hostile_key_is_refused_with_a_reason(key):
    for parse in (parse_key, parse_folder, RemotePath):
        with pytest.raises(InvalidPath) as caught:
            parse(key)
        assert caught.value.path == key
        assert len(caught.value.message) > 20


@clause("KEY-09")
@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("/a", "begins with '/'"),
        ("a\\b", "backslash"),
        ("a\nb", "control character"),
        ("a\ud800", "surrogate"),
        ("a/C:b", "drive letter"),
        ("a//b", "empty segment"),
        ("a/", "empty segment"),
        ("a/./b", "'.' or '..'"),
        ("../a", "'.' or '..'"),
    ],
)
def test_the_reason_is_the_rule_that_is_broken(key, reason):
    with pytest.raises(InvalidPath, match=re.escape(reason)):
        parse_key(key)


@clause("KEY-10", "KEY-13")
@pytest.mark.parametrize("key", ODD, ids=[ascii(key) for key in ODD])
def test_an_odd_key_stays_as_it_is(key):
    assert parse_key(key) == parse_folder(key) == str(RemotePath(key)) == key


@clause("KEY-01", "KEY-02", "KEY-03", "KEY-07", "KEY-08", "KEY-10")
@given(st.one_of(st.text(max_size=40), st.text(alphabet="ab/.\\:\0é\ud800", max_size=20)))
def test_a_key_is_accepted_exactly_if_it_follows_the_grammar(text):
    segments = text.split("/")
    sound = (
        all(segment not in ("", ".", "..") for segment in segments)
        and not re.search(r"[\x00-\x1f\x7f-\x9f\\]", text)
        and not any(re.match(r"[A-Za-z]:", segment) for segment in segments)
        and not any(0xD800 <= ord(char) <= 0xDFFF for char in text)
    )
    if sound:
        assert parse_key(text) == text
    else:
        with pytest.raises(InvalidPath):
            parse_key(text)


@clause("KEY-07", "KEY-08")
@pytest.mark.parametrize("unit", ["a", "é", "€", "😀"])
def test_limits_count_bytes(unit):
    width = len(unit.encode())
    longest = unit * (255 // width) + "a" * (255 % width)
    assert parse_key(longest) == longest
    with pytest.raises(InvalidPath, match="255"):
        parse_key(longest + "a")
    full = "/".join([longest] * 4)
    assert len(full.encode()) == 1023
    assert parse_key(full) == full
    exact = "/".join([*[longest] * 3, "a" * 127, "a" * 128])
    assert len(exact.encode()) == 1024
    assert parse_key(exact) == exact
    for longer in (full + "/a", exact + "a"):
        with pytest.raises(InvalidPath, match="1024"):
            parse_key(longer)


@clause("KEY-12")
def test_only_a_folder_may_be_the_root():
    assert parse_folder("") == parse_folder(RemotePath()) == parse_folder(PurePosixPath()) == ""
    for root in ("", RemotePath(), PurePosixPath()):
        with pytest.raises(InvalidPath, match="root") as refused:
            parse_key(root)
        assert refused.value.path == ""


@clause("KEY-11")
def test_paths_of_other_kinds_are_refused():
    assert parse_key(PurePosixPath("a/b")) == "a/b"
    for wrong in (PureWindowsPath("a"), b"a", 1, None, ["a"]):
        with pytest.raises(TypeError, match=type(wrong).__name__):
            parse_key(wrong)


@clause("KEY-11")
def test_a_path_of_another_kind_is_refused_where_nothing_has_loaded_pathlib(monkeypatch):
    monkeypatch.delitem(sys.modules, "pathlib")
    with pytest.raises(TypeError, match=r"a path is a str.*not bytes"):
        parse_key(b"a")


@clause("KEY-14")
def test_a_remote_path_is_a_value():
    path = RemotePath("raw", "2024/05", PurePosixPath("a.tar.gz"))
    assert str(path) == os.fspath(path) == "raw/2024/05/a.tar.gz"
    assert path == RemotePath("raw/2024/05/a.tar.gz")
    assert hash(path) == hash(RemotePath(path))
    assert path != "raw/2024/05/a.tar.gz"
    assert pickle.loads(pickle.dumps(path)) == path
    assert sorted([RemotePath("b"), RemotePath("a/b"), RemotePath("a")]) == [
        RemotePath(key) for key in ("a", "a/b", "b")
    ]
    with pytest.raises(AttributeError):
        path.name = "other"
    with pytest.raises(TypeError):
        assert path < "text"


@clause("KEY-14")
def test_a_remote_path_has_parts():
    path = RemotePath("raw/a.tar.gz")
    assert (path.parts, path.name, path.stem, path.suffix) == (("raw", "a.tar.gz"), "a.tar.gz", "a.tar", ".gz")
    assert path.parent == RemotePath("raw")
    assert path.parent.parent == RemotePath() == RemotePath().parent
    assert path.parent / "b" / RemotePath("c/d") == RemotePath("raw/b/c/d")
    assert (RemotePath(".hidden").suffix, RemotePath("a.").suffix, RemotePath("a").suffix) == ("", "", "")
    for wrong in ("../b", "/b", "b/"):
        with pytest.raises(InvalidPath):
            path / wrong
