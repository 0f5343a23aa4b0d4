"""Plugins of the tests of all integrations; each runs in an environment of its own, see the Makefile."""

pytest_plugins = ["remote_store.testing.plugin", "tests.servers.plugin"]
