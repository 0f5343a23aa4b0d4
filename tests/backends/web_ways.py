"""The ways to use HTTP: sync, awaited by httpx, and awaited in threads."""

from contextlib import contextmanager

from remote_store import RetryPolicy
from remote_store.backends.http import HttpBackend
from remote_store.testing.faces import again, opened

WAYS = {"sync": ("sync", "stdlib"), "httpx": ("async", "httpx"), "threads": ("async", "stdlib")}


@contextmanager
def opened_by(way, url, *, tries=1, root="", **options):
    """Open a store on a URL."""
    colour, lane = WAYS[way]
    retry = RetryPolicy(attempts=tries, base=0.0)
    with opened(HttpBackend(url, lane=lane, **options), root, colour) as store, again(store, retry=retry) as patient:
        yield patient
