"""The tree of errors, and the one place that makes them of a client's."""

import errno
import pickle
from concurrent.futures import TimeoutError as FutureTimeout

import pytest

from remote_store import Store, errors
from remote_store.layers.errors import kind_of_os_error
from remote_store.layers.retry import RetryPolicy
from remote_store.testing import clause
from tests.backends.slim import FlatBackend

BUILT_IN = {
    "NotFound": FileNotFoundError,
    "ContainerNotFound": FileNotFoundError,
    "AlreadyExists": FileExistsError,
    "PermissionDenied": PermissionError,
    "InvalidPath": ValueError,
    "CapabilityNotSupported": NotImplementedError,
    "BackendUnavailable": ConnectionError,
    "Timeout": TimeoutError,
    "ConfigError": ValueError,
}
KINDS = [getattr(errors, name) for name in errors.__all__]
RETRYABLE = {"BackendUnavailable", "Timeout", "ResourceLocked", "IntegrityError"}


@clause("ERR-04")
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_the_built_in_one_too(kind):
    assert issubclass(kind, errors.RemoteStoreError)
    assert issubclass(kind, BUILT_IN.get(kind.__name__, Exception))
    assert kind.__doc__


@clause("ERR-05", "ERR-02")
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_pickles_with_all_it_says(kind):
    error = kind("it went wrong", path="a/b", backend="s3", retryable=True)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert (copy.message, copy.path, copy.backend, copy.retryable) == ("it went wrong", "a/b", "s3", True)
    assert str(copy) == str(error) == "it went wrong (path='a/b', backend='s3')"


@clause("ERR-06")
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_has_the_fields_of_an_os_error(kind):
    error = kind("it went wrong", path="a/b")
    assert error.filename == "a/b"
    assert error.strerror == "it went wrong"
    if issubclass(kind, FileNotFoundError):
        assert error.errno == errno.ENOENT


@clause("ERR-08")
@pytest.mark.parametrize("kind", KINDS)
def test_errors_that_may_pass_say_so(kind):
    assert kind("x").retryable is (kind.__name__ in RETRYABLE)
    assert kind("x", retryable=False).retryable is False
    assert kind("x", retryable=True).retryable is True


@clause("ERR-02")
def test_a_control_character_in_a_key_is_shown_escaped():
    assert "\n" not in str(errors.NotFound("gone", path="a\nb"))


class FailingBackend(FlatBackend):
    """Raises whatever it is given."""

    def __init__(self, failure=None, kind=None):
        super().__init__()
        self.failure, self.kind = failure, kind

    async def stat(self, key):
        raise self.failure

    def classify(self, exc, op):
        return self.kind


CLIENT_ERRORS = [
    (KeyError("x"), errors.NotFound),
    (RuntimeError("x"), errors.BackendUnavailable("the service said: come back later", retryable=False)),
    (FileNotFoundError(errno.ENOENT, "x"), None),
    (PermissionError(errno.EACCES, "x"), None),
    (ConnectionResetError("x"), None),
    (TimeoutError("x"), None),
    (FutureTimeout(), None),
    (OSError(errno.ENOSPC, "x"), None),
    (OSError(errno.EIO, "x"), None),
    (OSError("no number"), None),
]


@clause("ERR-01", "ERR-02", "ERR-03")
@pytest.mark.parametrize(("failure", "kind"), CLIENT_ERRORS, ids=[repr(failure) for failure, _ in CLIENT_ERRORS])
def test_an_error_of_the_client_is_typed_and_kept_as_the_cause(failure, kind):
    store = Store(FailingBackend(failure, kind), "root", retry=RetryPolicy(attempts=1))
    with pytest.raises(errors.RemoteStoreError) as caught:
        store.head("a")
    error = caught.value
    assert (error.path, error.backend) == ("a", "slim flat")
    assert error.__cause__ is failure
    expected = kind or kind_of_os_error(failure)
    assert type(error) is (expected if isinstance(expected, type) else type(expected))
    if not isinstance(expected, type):
        assert (error.message, error.retryable) == (expected.message, expected.retryable)


@clause("ERR-09")
@pytest.mark.parametrize("failure", [ZeroDivisionError("a bug"), AttributeError("a bug"), TypeError("a bug")], ids=repr)
def test_what_is_not_about_the_service_passes_unchanged(failure):
    with pytest.raises(type(failure)) as caught:
        Store(FailingBackend(failure)).head("a")
    assert caught.value is failure


@clause("ERR-05")
def test_a_pickled_error_keeps_its_notes():
    error = errors.NotFound("nothing stands here", path="a")
    error.add_note("2 of 3 files could not be deleted")
    assert pickle.loads(pickle.dumps(error)).__notes__ == error.__notes__
