"""The machine with the verified model behind it, for one backend a line."""

from importlib import import_module

from remote_store.testing import Machine
from tests.oracle.model import Verified

VERIFIED = Verified()


class Compared(Machine):
    """Random operations compared with what Dafny verified; runs are the same every time unless asked otherwise."""

    reference = VERIFIED
    seed = 0


def everywhere():
    """Return the machines that `pytest tests/oracle` runs, by name."""
    for name in ("test_machines", "test_s3_machines", "test_service_machines"):
        import_module(f"tests.oracle.{name}")
    found, left = [], [Compared]
    for machine in left:
        left += machine.__subclasses__()
        if machine.__name__.startswith("Test"):
            found.append(machine)
    return sorted(found, key=lambda machine: machine.__name__)
