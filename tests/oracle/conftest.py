"""The verified model, one process a worker."""

import pytest

from tests.oracle.machines import VERIFIED


@pytest.fixture(scope="session", autouse=True)
def _verified():
    yield
    VERIFIED.close()
