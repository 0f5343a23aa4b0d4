"""A service in trouble: what every call has to say of it, in time and without a secret."""

import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from remote_store import RemoteStoreError, RetryPolicy, Timeout
from tests.bad_input.calls import CALLS, FILE
from tests.bad_input.conftest import faced, unleaking
from tests.bad_input.test_arguments import attempt

CANARY = "canary-secret-that-nobody-may-see"
DEADLINE = 8.0
"""Seconds; far more than any of these services needs to be given up."""
TOGETHER = 8
"""Calls that wait for a silent service at the same time, each on a store of its own."""


class Trouble(NamedTuple):
    """What is wrong with a service, and what every call then says."""

    options: Callable
    kind: type[RemoteStoreError]
    says: str
    retryable: bool


def each_says_so(make_backend, colour, methods, trouble, subtests, *, late=0):
    """Try each method on the service; afterwards nothing may be left but so many connections that end later."""

    def say(some):
        said = []
        with faced(make_backend(), colour, retry=RetryPolicy(attempts=1)) as store:
            for method in some:
                try:
                    says_so(store, method, trouble)
                    said.append((method, None))
                except (Exception, pytest.fail.Exception) as failure:  # noqa: BLE001  told below
                    said.append((method, failure))
        return said

    workers = TOGETHER if trouble.kind is Timeout else 1
    with unleaking(late), ThreadPoolExecutor(workers) as pool:
        said = [each for some in pool.map(say, [methods[n::workers] for n in range(workers)]) for each in some]
    assert sorted(method for method, _ in said) == sorted(methods)
    for method, failure in said:
        with subtests.test(method=method):
            if failure is not None:
                raise failure


def says_so(store, method, trouble):
    began = time.monotonic()
    with pytest.raises(RemoteStoreError) as raised:
        attempt(store, method, CALLS.get(method, {}))
    assert time.monotonic() - began < DEADLINE
    error = raised.value
    assert isinstance(error, trouble.kind), "".join(traceback.format_exception(error))
    assert trouble.says in error.message
    assert (error.backend, error.retryable) == (store.resolve(FILE).backend, trouble.retryable)
    assert error.path in {"", FILE, "folder", "folder/copy", "folder/moved"}
    shown = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    assert CANARY not in "".join(shown)
