"""Dagster knows the library."""

from dagster_shared.libraries import DagsterLibraryRegistry

import dagster_remote_store
import remote_store.ext.dagster


def test_dagster_knows_the_library():
    assert DagsterLibraryRegistry.get()["dagster-remote-store"] == dagster_remote_store.__version__


def test_the_core_offers_the_same_names():
    for name in remote_store.ext.dagster.__all__:
        assert getattr(remote_store.ext.dagster, name) is getattr(dagster_remote_store, name)
