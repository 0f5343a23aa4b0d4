"""Conformance: the whole contract as one class of tests."""

from __future__ import annotations

from remote_store.testing.cases.conditions import Conditions
from remote_store.testing.cases.contents import Contents
from remote_store.testing.cases.copying import Copying
from remote_store.testing.cases.deleting import Deleting
from remote_store.testing.cases.extras import Extras
from remote_store.testing.cases.facts import Facts
from remote_store.testing.cases.faults import Faults
from remote_store.testing.cases.keys import Keys
from remote_store.testing.cases.life import Life
from remote_store.testing.cases.listing import Listing
from remote_store.testing.cases.many_writes import ManyWrites
from remote_store.testing.cases.publishing import Publishing
from remote_store.testing.cases.reading import Reading
from remote_store.testing.cases.refusals import Refusals
from remote_store.testing.cases.requests import Requests
from remote_store.testing.cases.scope import ScopeOfStores
from remote_store.testing.cases.seeking import Seeking

__all__ = ["Conformance"]


class Conformance(
    Keys,
    Reading,
    Seeking,
    Contents,
    ManyWrites,
    Publishing,
    Conditions,
    Deleting,
    Listing,
    Copying,
    Facts,
    ScopeOfStores,
    Life,
    Refusals,
    Requests,
    Faults,
    Extras,
):
    """Every promise of the contract as a test; subclass it, name the backend, and run pytest.

    A test that asks for a capability the backend does not declare reports itself as not applicable. Each test
    runs twice, on ``Store`` and on ``AsyncStore``, with a fresh store on an empty place.
    """
