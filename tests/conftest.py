"""Plugins and options of the test suite."""

import gc

import pytest

pytest_plugins = ["remote_store.testing.plugin", "tests.servers.plugin"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the documents that tests/repo checks")


def pytest_collection_finish() -> None:
    """Let no search for garbage, which many tests make, go through what was collected: it takes half a second each."""
    if not gc.get_freeze_count():  # a run inside a run has live objects of the outer one around it
        gc.collect()
        gc.freeze()
