"""Wrong arguments: each parameter of each call refuses them before anything is asked of the service."""

import inspect
import re
from collections.abc import Iterator

import pytest

from remote_store import CapabilityNotSupported, InvalidPath, RemotePath, RemoteStoreError, Store
from remote_store.backends.memory import MemoryBackend
from remote_store.testing import clause
from remote_store.testing.faces import again
from tests.bad_input.calls import (
    BARE,
    CALLS,
    CONTENT,
    FILE,
    FOLDER_CALLS,
    HOSTILE_KEYS,
    WRONG_TYPES,
    WRONG_VALUES,
)

PATHS = ("path", "src", "dst")
LATE = {"content", "paths"}
"""What an iterable yields is seen only while it is read."""


class Seen:
    """A layer that remembers what reached the service."""

    def __init__(self):
        self.ops = []

    async def __call__(self, op, call):
        self.ops.append(op)
        return await call()


@pytest.fixture
def misused(opened_in):
    """A store with one file in it, what reaches its service, and its files."""
    backend = MemoryBackend()
    store = opened_in(backend)
    store.write(FILE, CONTENT)
    seen = Seen()
    return again(store, layers=[seen]), seen, dict(backend._space.files), backend


def attempt(store, method, arguments):
    """Make a call and use what it returns as far as it goes."""
    result = getattr(store, method)(**arguments)
    if method == "open_atomic":
        with result as file:
            file.write(b"new")
    elif isinstance(result, Iterator) and method not in ("read", "read_seekable"):
        return list(result)
    return result


def rows(table):
    return list(_rows(table))


def _rows(table):
    for method, arguments in CALLS.items():
        for parameter in arguments:
            for number, value in enumerate(table.get(parameter, ())):
                yield pytest.param(method, parameter, value, id=f"{method}-{parameter}-{number}")


def test_the_table_has_every_call_and_every_parameter():
    public = {name for name in dir(Store) if not name.startswith("_")}
    assert public == CALLS.keys() | BARE
    for method, arguments in CALLS.items():
        assert list(inspect.signature(getattr(Store, method)).parameters)[1:] == list(arguments), method
        assert arguments.keys() <= WRONG_TYPES.keys()


@clause("ERR-07")
@pytest.mark.parametrize(("method", "parameter", "value"), rows(WRONG_TYPES))
def test_a_wrong_type_is_a_type_error_that_says_what_was_expected(misused, method, parameter, value):
    store, seen, files, backend = misused
    with pytest.raises(TypeError) as refused:
        attempt(store, method, {**CALLS[method], parameter: value})
    assert re.search(r" not | takes |read\(\)", str(refused.value)), str(refused.value)
    assert not seen.ops or parameter in LATE
    assert backend._space.files == files


@pytest.mark.parametrize(("method", "parameter", "value"), rows(WRONG_VALUES))
def test_a_wrong_value_is_a_value_error_before_any_request(misused, method, parameter, value):
    store, seen, files, backend = misused
    with pytest.raises((ValueError, CapabilityNotSupported)) as refused:
        attempt(store, method, {**CALLS[method], parameter: value})
    assert isinstance(refused.value, ValueError) or method == "presign"
    assert not seen.ops
    assert backend._space.files == files


def path_rows():
    return list(_path_rows())


def _path_rows():
    for method, arguments in CALLS.items():
        for parameter in arguments:
            if parameter in (*PATHS, "paths"):
                yield pytest.param(method, parameter, id=f"{method}-{parameter}")


@pytest.mark.parametrize("key", HOSTILE_KEYS.values(), ids=HOSTILE_KEYS)
@pytest.mark.parametrize(("method", "parameter"), path_rows())
def test_a_hostile_key_is_refused_by_name_and_rule(misused, method, parameter, key):
    store, seen, files, backend = misused
    value = [FILE, key] if parameter == "paths" else key
    with pytest.raises(InvalidPath) as refused:
        attempt(store, method, {**CALLS[method], parameter: value})
    assert refused.value.path == key
    assert refused.value.message.startswith("not a valid path: ")
    assert not [op for op in seen.ops if op.key != FILE]
    if method != "delete_many":
        assert not [op for op in seen.ops if op.writes]
    assert backend._space.files == files


@pytest.mark.parametrize("key", HOSTILE_KEYS.values(), ids=HOSTILE_KEYS)
def test_a_hostile_key_becomes_no_remote_path_and_no_root(key):
    with pytest.raises(InvalidPath):
        RemotePath(key)
    with pytest.raises(InvalidPath):
        Store(MemoryBackend(), key)


@pytest.mark.parametrize(("method", "parameter"), [row for row in path_rows() if row.values[0] not in FOLDER_CALLS])
def test_the_root_is_no_file(misused, method, parameter):
    store, seen, files, backend = misused
    value = [""] if parameter == "paths" else ""
    with pytest.raises(InvalidPath) as refused:
        attempt(store, method, {**CALLS[method], parameter: value})
    assert refused.value.path == ""
    assert not seen.ops
    assert backend._space.files == files


@pytest.mark.parametrize(
    "method", sorted({*CALLS, "ping"} - {"supports", "unwrap", "resolve", "native_path", "to_key"})
)
def test_a_closed_store_says_so(misused, method):
    store, *_ = misused
    store.close()
    with pytest.raises(RemoteStoreError, match="the store is closed"):
        attempt(store, method, CALLS.get(method, {}))


@pytest.mark.parametrize("pattern", ["/a", "../*", "a//b", "a/../*", "[", "a[", "**b", "", "a\0", "\ud800*"])
def test_an_odd_pattern_finds_nothing_or_is_invalid(misused, pattern):
    store, _, files, backend = misused
    for attempt_one in (lambda: list(store.glob(pattern)), lambda: list(store.list_files(pattern=pattern))):
        try:
            assert attempt_one() == []
        except ValueError:
            continue  # InvalidPath is one
    assert backend._space.files == files
