"""Patterns, compared with a plain matcher written down from their description."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_store._glob import compile_glob, compile_name, fixed_folder
from remote_store.testing import clause


def matches_by_definition(pattern, key):
    """Match segments one by one, the slow and obvious way."""
    if not pattern:
        return not key
    first, *others = pattern
    if first == "**":
        if not others:
            return bool(key)
        return any(matches_by_definition(others, key[start:]) for start in range(len(key) + 1))
    return bool(key) and segment_matches(first, key[0]) and matches_by_definition(others, key[1:])


def segment_matches(pattern, text):
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(segment_matches(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and segment_matches(pattern[1:], text[1:])


SEGMENTS = st.one_of(st.just("**"), st.text("ab*?.+", min_size=1, max_size=4).filter(lambda text: "**" not in text))


@clause("GLOB-01", "GLOB-02", "GLOB-03")
@given(
    st.lists(SEGMENTS, min_size=1, max_size=4),
    st.lists(st.text("ab.+", min_size=1, max_size=3), min_size=1, max_size=4),
)
def test_a_pattern_matches_what_its_description_says(pattern, key):
    assert compile_glob("/".join(pattern))("/".join(key)) == matches_by_definition(pattern, key)


@clause("GLOB-01", "GLOB-02")
@given(
    st.lists(SEGMENTS, min_size=1, max_size=4),
    st.lists(st.text("ab.+", min_size=1, max_size=3), min_size=1, max_size=4),
)
def test_every_match_lies_below_the_fixed_folder(pattern, key):
    text, path = "/".join(pattern), "/".join(key)
    folder, rest = fixed_folder(text)
    assert f"{folder}/{rest}" == text if folder else rest == text
    if folder and compile_glob(text)(path):
        assert path.startswith(f"{folder}/")


@clause("GLOB-04")
@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("[abc]", "abc", "d-["),
        ("[!abc]", "d-[!", "abc/"),
        ("[a-c]", "abc", "d-"),
        ("[c-c]", "c", "bd-"),
        ("[a-c0-9]", "abc059", "-d/"),
        ("[a-cxy]", "abcxy", "-dz"),
        ("[a-]", "a-", "b]"),
        ("[]]", "]", "a["),
        ("[!]]", "a[", "]"),
        ("[a", [], "a["),
        ("[^a]", "^a", "b"),
        ("[\\d]", "\\d", "1"),
        ("[", "[", "a"),
    ],
)
def test_sets_of_characters_are_those_of_the_shell(pattern, matching, others):
    match = compile_name(pattern)
    assert [char for char in matching if not match(char)] == []
    assert [char for char in others if match(char)] == []


@clause("GLOB-02")
def test_two_stars_are_a_segment_of_their_own():
    for wrong in ("a**", "**a", "a/**b", "***"):
        with pytest.raises(ValueError, match="whole segments"):
            compile_glob(wrong)


@clause("GLOB-04")
def test_sets_know_no_operators_and_no_backward_ranges():
    for operator in "&|~":
        match = compile_name(f"[a{operator}{operator}b]")
        assert [char for char in "ab&|~c" if match(char)] == [*"ab", operator]
    assert compile_name("[--.]")("-")
    with pytest.raises(ValueError, match="runs backwards"):
        compile_name("[z-a]")


@clause("GLOB-04")
def test_a_set_ends_at_its_bracket():
    match = compile_name("[a]b]")
    assert match("ab]")
    assert not match("bb]")
    assert not match("a")


@clause("GLOB-01")
@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("a/*.csv", ("a", "*.csv")),
        ("a/b/c", ("a/b", "c")),
        ("a/b[c]/d", ("a", "b[c]/d")),
        ("*/a", ("", "*/a")),
        ("a?/b", ("", "a?/b")),
        ("/a*", ("", "/a*")),
        ("a", ("", "a")),
    ],
)
def test_the_folder_before_the_first_sign_is_fixed(pattern, parts):
    assert fixed_folder(pattern) == parts
