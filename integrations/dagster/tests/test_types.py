"""Values go through files and come back as the types that inputs are annotated with."""

from typing import Any

import dagster as dg
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from remote_store.testing import clause

ROWS = {"city": ["Oslo", "Rome"], "people": [709_037, 2_748_109]}
FRAME = pl.DataFrame(ROWS)


def loaded(manager, value, kind, written_as=Any):
    """The value of an asset as another one gets it."""
    seen = []

    def first():
        return value

    def second(first):
        seen.append(first)

    first.__annotations__["return"] = written_as
    second.__annotations__["first"] = kind
    result = dg.materialize([dg.asset(first), dg.asset(second)], resources={"io_manager": manager})
    assert result.success
    return seen[0]


CASES = {
    "polars": (FRAME, pl.DataFrame, lambda found: found.equals(FRAME)),
    "polars, lazy": (FRAME.lazy(), pl.LazyFrame, lambda found: found.collect().equals(FRAME)),
    "arrow": (FRAME.to_arrow(), pa.Table, lambda found: found.to_pydict() == ROWS),
    "pandas": (pd.DataFrame(ROWS), pd.DataFrame, lambda found: found.equals(pd.DataFrame(ROWS))),
    "json": ({"a": [1, None]}, dict, lambda found: found == {"a": [1, None]}),
    "json with types": ({"a": 1}, dict[str, int], lambda found: found == {"a": 1}),
    "list": ([1, "b"], list, lambda found: found == [1, "b"]),
    "number": (7, int, lambda found: found == 7),
    "text": ("Grüße", str, lambda found: found == "Grüße"),
    "bytes": (b"\x00", bytes, lambda found: found == b"\x00"),
}


@clause("DAG-01")
@pytest.mark.parametrize(("value", "kind", "fits"), CASES.values(), ids=CASES)
class TestAValue:
    def test_comes_back_as_it_is_annotated(self, manager, value, kind, fits):
        found = loaded(manager, value, kind, kind)
        assert fits(found)
        assert isinstance(found, getattr(kind, "__origin__", kind))

    def test_comes_back_without_annotations(self, manager, value, kind, fits):
        found = loaded(manager, value, Any)
        if isinstance(found, pl.DataFrame):
            assert found.to_dict(as_series=False) == ROWS
        else:
            assert fits(found)


@clause("DAG-01")
@pytest.mark.parametrize(
    "kind", [pl.DataFrame, pl.LazyFrame, pa.Table, pd.DataFrame], ids=lambda kind: kind.__module__ + kind.__name__
)
def test_a_frame_of_one_library_is_read_as_that_of_another(manager, kind):
    assert isinstance(loaded(manager, FRAME, kind), kind)
