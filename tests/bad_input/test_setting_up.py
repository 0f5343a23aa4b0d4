"""Wrong use of what opens stores: constructors, layers, registries, policies."""

import pytest

from remote_store import InvalidPath, Registry, RegistryConfig, RetryPolicy, Secret, Store
from remote_store.aio import AsyncStore
from remote_store.backends.local import LocalBackend
from remote_store.backends.memory import MemoryBackend
from remote_store.backends.s3 import S3Backend
from remote_store.layers import Limits

MEMORY = MemoryBackend()

WRONG = {
    "a store on a class": (lambda: Store(MemoryBackend), TypeError),
    "a store on a text": (lambda: Store("memory:"), TypeError),
    "a store on nothing": (lambda: Store(None), TypeError),
    "an async store on a store": (lambda: AsyncStore(Store(MEMORY)), TypeError),
    "a root of a wrong type": (lambda: Store(MEMORY, 3), TypeError),
    "a root that leads out": (lambda: Store(MEMORY, "../a"), InvalidPath),
    "a policy that is a number": (lambda: Store(MEMORY, retry=3), TypeError),
    "a policy of no attempts": (lambda: Store(MEMORY, retry=RetryPolicy(attempts=0)), ValueError),
    "a policy of half an attempt": (lambda: Store(MEMORY, retry=RetryPolicy(attempts=1.5)), TypeError),
    "a policy of negative pauses": (lambda: Store(MEMORY, retry=RetryPolicy(base=-1)), ValueError),
    "a policy of endless pauses": (lambda: Store(MEMORY, retry=RetryPolicy(cap=float("nan"))), ValueError),
    "a layer that is no function": (lambda: Store(MEMORY, layers=[3]), TypeError),
    "layers that are one": (lambda: Store(MEMORY, layers=3), TypeError),
    "no room at all": (lambda: Store(MEMORY, layers=[Limits(0)]), ValueError),
    "room that is text": (lambda: Store(MEMORY, layers=[Limits("2")]), TypeError),
    "a memory named by number": (lambda: MemoryBackend(3), TypeError),
    "a local root of a wrong type": (lambda: LocalBackend(3), TypeError),
    "an empty local root": (lambda: LocalBackend(""), ValueError),
    "a local root of bytes": (lambda: LocalBackend(b"data"), TypeError),
    "a flag that is text": (lambda: LocalBackend("data", durable="no"), TypeError),
    "a bucket of a wrong type": (lambda: S3Backend(3), TypeError),
    "an empty bucket": (lambda: S3Backend(""), ValueError),
    "a bucket with a path": (lambda: S3Backend("a/b"), ValueError),
    "an endpoint without scheme": (lambda: S3Backend("b", endpoint_url="localhost:9000"), ValueError),
    "an endpoint with a password": (lambda: S3Backend("b", endpoint_url="http://me:canary@host"), ValueError),
    "half the keys": (lambda: S3Backend("b", access_key="a"), ValueError),
    "a secret of a wrong type": (lambda: S3Backend("b", access_key="a", secret_key=3), TypeError),
    "a timeout of text": (lambda: S3Backend("b", read_timeout="5"), TypeError),
    "a timeout of nothing": (lambda: S3Backend("b", read_timeout=0), ValueError),
    "an endless timeout": (lambda: S3Backend("b", read_timeout=float("inf")), ValueError),
    "an unknown lane": (lambda: S3Backend("b", lane="fast"), ValueError),
    "a flag of S3 that is text": (lambda: S3Backend("b", anonymous="no"), TypeError),
    "a registry on a path": (lambda: Registry("stores.toml"), TypeError),
    "a configuration that is a list": (lambda: RegistryConfig.from_dict([]), ValueError),
    "a secret of bytes": (lambda: Secret(b"x"), TypeError),
    "a child of a number": (lambda: Store(MEMORY).child(3), TypeError),
}


@pytest.mark.parametrize(("make", "kind"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_refused_when_it_is_written(make, kind):
    with pytest.raises(kind) as refused:
        make()
    assert "support" not in str(refused.value), "an accident of Python, not a check"
    assert "canary" not in str(refused.value)
