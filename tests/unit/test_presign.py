"""Links that need no credentials: how long they live, and what the service and the layers are told of them."""

from datetime import timedelta

import pytest

from remote_store import CapabilityNotSupported, Store
from remote_store.backends.memory import MemoryBackend
from remote_store.testing import clause

WEEK = 7 * 24 * 3600


class Signing(MemoryBackend):
    """Notes what it is asked to sign."""

    def __init__(self):
        super().__init__()
        self.signed = []

    async def presign(self, key, expires, method):
        self.signed.append((key, expires, method))
        return f"https://here/{key}"


class Ops(list):
    """A layer that notes what each call says of itself."""

    async def __call__(self, op, call):
        self.append(op)
        return await call()


@clause("SIGN-01")
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_link_is_asked_for_the_whole_key_and_says_whether_it_writes(method):
    backend, ops = Signing(), Ops()
    assert Store(backend, "root", layers=[ops]).presign("a/b", expires=60, method=method) == "https://here/root/a/b"
    assert backend.signed == [("root/a/b", 60.0, method)]
    assert [(op.name, op.key, op.writes) for op in ops] == [("presign", "a/b", method == "PUT")]


@clause("SIGN-02")
@pytest.mark.parametrize("expires", [1, 1.5, WEEK, timedelta(seconds=1), timedelta(days=7)], ids=str)
def test_a_link_may_live_from_one_second_to_seven_days(expires):
    backend = Signing()
    Store(backend).presign("a", expires=expires)
    ((_, seconds, _),) = backend.signed
    assert timedelta(seconds=seconds) == (expires if isinstance(expires, timedelta) else timedelta(seconds=expires))
    assert type(seconds) is float


@clause("SIGN-02")
@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"expires": 0.999}, ValueError, "expires lies between 1 second and 7 days"),
        ({"expires": WEEK + 1}, ValueError, "expires lies between 1 second and 7 days, not 604801 seconds"),
        ({"expires": timedelta(days=8)}, ValueError, "expires lies between"),
        ({"expires": timedelta(0)}, ValueError, "not 0 seconds"),
        ({"expires": True}, TypeError, "expires is seconds or a timedelta, not bool"),
        ({"expires": "60"}, TypeError, "expires is seconds or a timedelta, not str"),
        ({"method": "DELETE"}, ValueError, "method is 'GET' or 'PUT', not 'DELETE'"),
        ({"method": None}, TypeError, "method is a str, not NoneType"),
    ],
    ids=str,
)
def test_a_link_of_another_life_or_method_is_refused_before_anything_is_asked(options, kind, says):
    backend, ops = Signing(), Ops()
    with pytest.raises(kind, match=says):
        Store(backend, layers=[ops]).presign("a", **{"expires": 60, **options})
    assert ops == backend.signed == []


@clause("CAP-02", "ERR-02")
def test_a_store_that_signs_nothing_names_the_file_that_was_asked_for():
    with pytest.raises(CapabilityNotSupported, match="PRESIGN") as raised:
        Store(MemoryBackend()).presign("a", expires=60)
    assert raised.value.path == "a"
