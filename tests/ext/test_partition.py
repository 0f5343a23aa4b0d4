"""Partition paths: formatted, escaped, parsed back."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_store import RemotePath
from remote_store.ext.partition import NULL, format_partition, parse_partition
from remote_store.testing import clause

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.dates(), TEXT)


@clause("PART-01", "PART-02")
@given(st.dictionaries(TEXT.filter(bool), VALUES, min_size=1, max_size=3))
def test_what_is_formatted_parses_back(values):
    path = format_partition(values)
    types = {name: type(value) for name, value in values.items() if value is not None}
    assert parse_partition(path, types) == values
    assert len(RemotePath(path).parts) == len(values)


@clause("PART-03")
@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"month": 1, "day": 2}, "month=1/day=2"),
        ({"a": None}, "a=__HIVE_DEFAULT_PARTITION__"),
        ({"a": "x/y=z%"}, "a=x%2Fy%3Dz%25"),
        ({"a": True, "b": date(2024, 2, 29)}, "a=true/b=2024-02-29"),
        ({"a": "ü é"}, "a=ü é"),
        ({"a": ".."}, "a=.."),
        ({"a": ""}, "a="),
        ({"a": NULL}, "a=%5F_HIVE_DEFAULT_PARTITION__"),
    ],
)
def test_paths_are_those_of_hive(values, path):
    assert format_partition(values) == path


@clause("PART-03")
def test_other_segments_are_passed_over():
    assert parse_partition("lake/t/month=3/part-0.parquet", {"month": int}) == {"month": 3}
    assert parse_partition(RemotePath("a=1/b=2")) == {"a": "1", "b": "2"}


@clause("PART-04")
@pytest.mark.parametrize("value", [1.5, b"x", datetime(2024, 1, 1, tzinfo=UTC), [1]])
def test_values_that_cannot_name_a_folder_are_refused_by_name(value):
    with pytest.raises(TypeError, match="'shop'"):
        format_partition({"shop": value})


@clause("PART-04")
@pytest.mark.parametrize(("text", "kind"), [("x", int), ("maybe", bool), ("2024-13-01", date)])
def test_values_of_another_type_are_refused_by_name(text, kind):
    with pytest.raises(ValueError, match="'shop'"):
        parse_partition(f"shop={text}", {"shop": kind})


def test_a_partition_needs_a_name():
    with pytest.raises(ValueError, match="name"):
        format_partition({"": 1})
