"""No backend is left out of the comparison without being named."""

import inspect

from remote_store import _catalog
from tests.oracle.machines import everywhere

NOT_COMPARED = {"SqlQueryBackend": "its files are results of queries: nobody plants their bytes"}


def test_every_backend_is_compared_with_the_verified_model():
    made = "".join(inspect.getsource(machine.make_backend) for machine in everywhere())
    backends = {target.partition(":")[2] for target in _catalog._BUILT_IN.values()}
    assert {name for name in backends if f"{name}(" not in made} == NOT_COMPARED.keys()


def test_where_there_are_two_lanes_both_are_compared():
    lanes = {(machine.make_backend.__qualname__, machine.lane) for machine in everywhere() if hasattr(machine, "lane")}
    assert lanes == {
        ("S3Machine.make_backend", "obstore"),
        ("S3Machine.make_backend", "boto3"),
        ("OnAzure.make_backend", "obstore"),
        ("OnAzure.make_backend", "sdk"),
    }
