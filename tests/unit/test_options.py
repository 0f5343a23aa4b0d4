"""Options are read from constructors, and values become what the constructor declares."""

from pathlib import PurePosixPath

import pytest

from remote_store import Store
from remote_store.backend import Declared
from remote_store.errors import ConfigError
from remote_store.options import REQUIRED, checked, options_of
from remote_store.secret import Secret
from remote_store.testing import clause
from tests.backends.slim import FlatBackend


class Sample:
    """A backend.

    Options:
        place: where it is.
        size: bytes at once; 8 MiB
            unless said otherwise.
        mode: how.

    Not an option: this.
    """

    def __init__(
        self,
        place: "str | os.PathLike[str]",  # noqa: F821
        *,
        size: "int" = 8,
        pause: "float | None" = None,
        key: "Secret | str | None" = None,
        secure: "bool" = True,
        mode: "Literal['fast', 'safe']" = "safe",  # noqa: F821
    ) -> None: ...


DECLARED = options_of(Sample)


def test_options_carry_name_types_default_and_explanation():
    assert list(DECLARED) == ["place", "size", "pause", "key", "secure", "mode"]
    place, size = DECLARED["place"], DECLARED["size"]
    assert place.required
    assert place.default is REQUIRED
    assert place.types == ("str", "PathLike")
    assert (size.types, size.default, size.doc) == (("int",), 8, "bytes at once; 8 MiB unless said otherwise.")
    assert [option.name for option in DECLARED.values() if option.secret] == ["key"]
    assert DECLARED["mode"].choices == ("fast", "safe")


def test_options_are_read_from_functions_and_from_evaluated_annotations():
    def make(place: str, size: int | None = None): ...

    assert {name: option.types for name, option in options_of(make).items()} == {
        "place": ("str",),
        "size": ("int", "None"),
    }


@pytest.mark.parametrize(
    ("name", "given", "becomes"),
    [
        ("size", "16", 16),
        ("size", 17, 17),
        ("pause", "0.5", 0.5),
        ("pause", 2, 2.0),
        ("pause", None, None),
        ("secure", "false", False),
        ("secure", "ON", True),
        ("secure", False, False),
        ("key", "abc", Secret("abc")),
        ("key", Secret("abc"), Secret("abc")),
        ("place", PurePosixPath("/a"), "/a"),
        ("mode", "fast", "fast"),
    ],
)
def test_values_become_what_is_declared(name, given, becomes):
    values = checked(DECLARED, {"place": "x", name: given}, "")
    assert values[name] == becomes
    assert type(values[name]) is type(becomes)


@clause("CONF-09")
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"place": "x", "siez": 1}, "at.siez: unknown option; did you mean 'size'?"),
        ({}, "at.place: missing"),
        ({"place": 7}, "at.place: expected str or PathLike, not 7"),
        ({"place": "x", "size": "many"}, "at.size: expected int, not 'many'"),
        ({"place": "x", "size": True}, "at.size: expected int, not True"),
        ({"place": "x", "size": 1.5}, "at.size: expected int, not 1.5"),
        ({"place": "x", "size": None}, "at.size: expected int, not NoneType"),
        ({"place": "x", "secure": "perhaps"}, "at.secure: expected bool, not 'perhaps'"),
        ({"place": "x", "key": ["canary"]}, "at.key: expected str, not list"),
        ({"place": "x", "key": "***"}, "at.key: this is a masked value"),
        ({"place": "x", "key": "**********"}, "at.key: this is a masked value"),
        ({"place": "x", "mode": "FAST"}, "at.mode: expected 'fast' or 'safe', not 'FAST'; did you mean 'fast'?"),
        ({"place": "x", "mode": "fats"}, "at.mode: expected 'fast' or 'safe', not 'fats'; did you mean 'fast'?"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_what_was_expected(values, message):
    with pytest.raises(ConfigError) as refused:
        checked(DECLARED, values, "at.")
    assert str(refused.value).startswith(message)


def test_choices_are_named_once_where_none_is_near():
    with pytest.raises(ConfigError) as refused:
        checked(DECLARED, {"place": "x", "mode": "quiet"}, "at.")
    assert str(refused.value) == "at.mode: expected 'fast' or 'safe', not 'quiet'"


class Place(Declared, FlatBackend):
    def __init__(self, name: str, wait: float = 1.0, *, key: "Secret | str | None" = None) -> None:
        FlatBackend.__init__(self, {})

    __eq__ = Declared.__eq__
    __hash__ = Declared.__hash__


@clause("LIFE-05")
def test_a_backend_is_its_arguments_however_they_are_given():
    same = [Place("a", 2), Place("a", wait=2.0), Place(name="a", wait=2)]
    assert len({*same}) == 1
    assert len({*map(Store, same)}) == 1
    assert Place("a", key="x") == Place("a", key=Secret("x")) != Place("a", key="y")
    assert Place("a", 2) != Place("b", 2)
    assert Place("a", 2) != Place("a", 3)
