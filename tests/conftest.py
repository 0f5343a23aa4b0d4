"""Plugins and options of the test suite."""

import pytest

pytest_plugins = ["remote_store.testing.plugin", "tests.servers.plugin"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the documents that tests/repo checks")
