"""Secrets stay where they are."""

import logging
import pickle
import traceback

import pytest

from remote_store import Secret, Store
from remote_store.backend import Declared
from remote_store.secret import reveal
from remote_store.testing import clause
from tests.backends.slim import FlatBackend

CANARY = "canary-5c7e1f"


@clause("SECRET-01")
def test_a_secret_shows_itself_only_when_asked_by_name(caplog):
    secret = Secret(CANARY)
    logging.getLogger("test").warning("%s %r %s", secret, secret, [secret])
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>20}", "%s" % secret, str({"a": secret}), caplog.text]  # noqa: UP031
    shown.append("".join(traceback.format_exception(RuntimeError(secret))))
    assert not any(CANARY in text for text in shown)
    assert secret.reveal() == reveal(secret) == reveal(CANARY) == CANARY
    assert reveal(None) is None


@clause("SECRET-04")
def test_secrets_compare_by_text_and_hash_without_it():
    assert Secret("a") == Secret("a") == Secret(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert hash(Secret("a")) == hash(Secret("b"))
    assert pickle.loads(pickle.dumps(Secret("a"))) == Secret("a")
    assert not Secret("")
    with pytest.raises(AttributeError):
        Secret("a").text = "b"
    with pytest.raises(TypeError):
        Secret(7)


class Locked(Declared, FlatBackend):
    def __init__(self, place: str, password: "Secret | str | None" = None, *, token: "Secret | str | None" = None):
        FlatBackend.__init__(self)
        self.place = place

    async def stat(self, key):
        raise ConnectionError(f"no route to {self.place}")


@clause("SECRET-02", "SECRET-03")
@pytest.mark.parametrize(
    "made", [Locked("here", CANARY), Locked("here", password=CANARY), Locked("here", token=Secret(CANARY))]
)
def test_no_print_of_a_backend_or_store_shows_its_secrets(made):
    store = Store(made, "root")
    assert CANARY not in f"{made!r} {made} {store!r} {store.child('a')!r}"
    assert "here" in repr(store)
    assert pickle.loads(pickle.dumps(made)) == made


@clause("SECRET-03")
def test_no_error_shows_a_secret():
    from remote_store import RemoteStoreError
    from remote_store.layers.retry import RetryPolicy

    with pytest.raises(RemoteStoreError) as caught:
        Store(Locked("here", CANARY), retry=RetryPolicy(attempts=1)).head("a")
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert CANARY not in repr(vars(caught.value))
