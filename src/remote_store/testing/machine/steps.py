"""The steps that the machine takes: what one is, what it needs, and the pool that they are drawn from."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from remote_store.capabilities import Capability

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["REST", "Step", "pool", "possible", "step"]


class Step(NamedTuple):
    """One call of a store, or of its child at ``within``."""

    op: str
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = {}  # noqa: RUF012  never changed
    within: str = ""

    def __repr__(self) -> str:
        words = [repr(word) for word in (self.op, *self.args)]
        words += [f"{name}={value!r}" for name, value in self.options.items()]
        words += [f"within={self.within!r}"] if self.within else []
        return f"step({', '.join(words)})"

    @property
    def conditional(self) -> bool:
        """Whether it asks for a version."""
        return self.options.get("if_match") is not None

    def full(self, path: str) -> str:
        """Return one of its paths as the store above the child knows it."""
        return f"{self.within}/{path}" if self.within and path else self.within or path


def step(op: str, *args: Any, within: str = "", **options: Any) -> Step:
    """Write a step down; what ``repr`` shows of one."""
    return Step(op, args, options, within)


REST = step("rest")
"""Nothing: what Hypothesis puts in the place of a step that a failure does not need."""

_NEEDS: dict[str, tuple[Capability, ...]] = {
    "write": (Capability.WRITE,),
    "tear": (Capability.WRITE,),
    "delete": (Capability.DELETE,),
    "delete_many": (Capability.DELETE,),
    "delete_folder": (Capability.DELETE, Capability.LIST),
    "copy": (Capability.COPY,),
    "move": (Capability.MOVE,),
    "list_files": (Capability.LIST,),
    "list_folders": (Capability.LIST,),
    "iter_children": (Capability.LIST,),
    "glob": (Capability.GLOB,),
    "exists": (Capability.LIST,),  # without it nobody can tell a folder
    "is_folder": (Capability.LIST,),
    "get_folder_info": (Capability.LIST,),
}
_WAYS: dict[str, Capability] = {
    "atomic": Capability.ATOMIC_WRITE,
    "block": Capability.ATOMIC_WRITE,
    "seekable": Capability.SEEKABLE_READ,
}


def possible(one: Step, capabilities: Collection[Capability]) -> bool:
    """Say whether a store with these capabilities can take a step."""
    if one.op == "write" and Capability.WRITE not in capabilities:
        return not (one.within or one.options)  # the bench plants these
    needs = [*_NEEDS.get(one.op, ())]
    if one.conditional:
        needs.append(Capability.COMPARE_AND_SWAP)
    if one.options.get("labels"):
        needs.append(Capability.USER_METADATA)
    if way := _WAYS.get(one.options.get("by", "")):
        needs.append(way)
    return all(need in capabilities for need in needs)


# Few names, so that steps meet: siblings that begin alike, folders that are files, names around the slash in order.
_OFTEN = {"a": 12, "b": 9, "a/b": 9, "a/a": 4, "a/b/a": 3, "ab": 2, "b/a": 2, "a.b": 2}
_SELDOM = ("a/ab", "a/a.b", "ab/a", "a.b/a", "a/a/b", "b/a/b", "a/b/a/b")
_KEYS = (*[key for key, often in _OFTEN.items() for _ in range(often)], *_SELDOM)
_ODD = (
    "é",
    "e\u0301",
    "A",
    "😀",
    "\ue000",
    " ",
    "%2e",
    "a+b",
    "a?#&=",
    "~",
    ".a",
    "-",
    "a/%2F",
    "a/😀/é",
    "'\"$*[",
)
_HOSTILE = (
    "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "./a", "a/./b", "a\\b", "\\\\a\\b", "a\0", "a\nb",
    "\x7f", "a/\x85", "\ud800", "a/\udfff", "C:a", "c:", "a/C:b",
)  # fmt: skip
_PLACES = ("",) * 20 + ("a", "a", "a", "b", "a/b", "ab", "é")
_PATTERNS = (
    "*", "a*", "?", "*.b", "[ab]", "[!a]*", "**", "**/a", "a/*", "*/b", "**/b/*", "a/**/b", "x**", "[a", "[a-c]",
    "[b-a]", "a.b", "a/b", "", "/a", "a/", "**/", "[]a]", "[!/]", "a[/]b", "**/**", "*é*", "(a|b)", "a/../*", "\\*",
)  # fmt: skip


def _key(random: Random) -> str:
    chance = random.random()
    if chance < 0.07:
        return random.choice(_HOSTILE)
    return random.choice(_ODD if chance < 0.13 else _KEYS)


def _folder(random: Random) -> str:
    return "" if random.random() < 0.15 else _key(random)


def _pattern(random: Random) -> str:
    if random.random() < 0.6:
        return random.choice(_PATTERNS)
    return "".join(random.choice("aabb.**?[]!-/é") for _ in range(random.randint(1, 8)))


def _some(random: Random, **chances: tuple[float, Any]) -> dict[str, Any]:
    """Choose options, each with its chance and the values it may have."""
    return {name: random.choice(values) for name, (chance, values) in chances.items() if random.random() < chance}


def _content(random: Random) -> bytes:
    size = random.choice((0, 1, 2, 3, 5, 5, 9, 9, 9, 2300))
    return (b"%05d" % random.randrange(100_000) * (size // 5 + 1))[:size]


def _write(random: Random) -> Step:
    options = _some(random, overwrite=(0.4, [True]), labels=(0.3, ["x", "y"]))
    if random.random() < 0.3:
        options["if_match"] = random.choice(("now", "now", "stale"))
    options |= _some(random, by=(0.4, ["chunks", "file", "atomic", "block"]))
    return step("write", _key(random), _content(random), within=random.choice(_PLACES), **options)


def _tear(random: Random) -> Step:
    options = _some(random, overwrite=(0.7, [True]), by=(0.5, ["block"]))
    return step("tear", _key(random), _content(random), within=random.choice(_PLACES), **options)


def _two(random: Random) -> tuple[str, str]:
    source = _key(random)
    return source, source if random.random() < 0.06 else _key(random)


_ARGUMENTS: dict[str, tuple[int, Callable[[Random], tuple[Any, ...]], dict[str, tuple[float, Any]]]] = {
    # op: how often, its arguments, its options with their chances
    "copy": (7, _two, {"overwrite": (0.5, [True])}),
    "move": (7, _two, {"overwrite": (0.5, [True])}),
    "delete": (6, lambda r: (_key(r),), {"missing_ok": (0.4, [True]), "if_match": (0.4, ["now", "now", "stale"])}),
    "delete_many": (2, lambda r: tuple(_key(r) for _ in range(r.randint(0, 3))), {}),
    "delete_folder": (4, lambda r: (_folder(r),), {"recursive": (0.2, [True]), "missing_ok": (0.4, [True])}),
    "read": (5, lambda r: (_key(r),), {"by": (0.6, ["stream", "stream", "seekable"])}),
    "read_many": (2, lambda r: tuple(_key(r) for _ in range(r.randint(0, 3))), {}),
    "read_range": (4, lambda r: (_key(r), r.randrange(5)), {"length": (0.7, [0, 1, 2, 9]), "by": (0.3, ["seekable"])}),
    "get_file_info": (4, lambda r: (_key(r),), {}),
    "head": (1, lambda r: (_key(r),), {}),
    "exists": (3, lambda r: (_folder(r),), {}),
    "is_file": (2, lambda r: (_folder(r),), {}),
    "is_folder": (3, lambda r: (_folder(r),), {}),
    "get_folder_info": (3, lambda r: (_folder(r),), {}),
    "list_folders": (2, lambda r: (_folder(r),), {}),
    "iter_children": (4, lambda r: (_folder(r),), {}),
    "child": (2, lambda r: (_folder(r),), {}),
    "reopen": (0, lambda _: (), {}),
}


def _list_files(random: Random) -> Step:
    options = _some(random, recursive=(0.7, [True]), max_depth=(0.4, [0, 1, 2]))
    if random.random() < 0.4:
        options["pattern"] = _pattern(random)
    return step("list_files", _folder(random), within=random.choice(_PLACES), **options)


def _glob(random: Random) -> Step:
    return step("glob", _pattern(random), within=random.choice(_PLACES))


_SPECIAL: dict[Callable[[Random], Step], int] = {_write: 42, _tear: 2, _list_files: 8, _glob: 4}
_SHARE = 60
"""Steps in the pool for each of the numbers above."""


@cache
def pool(capabilities: frozenset[Capability]) -> list[Step]:
    """Return the steps that a store can take, the simplest first, so that failures shrink towards them."""
    random = Random(0)  # the pool is always the same; what varies is the choice from it
    made: list[Step] = [make(random) for make, often in _SPECIAL.items() for _ in range(often * _SHARE)]
    for op, (often, arguments, chances) in _ARGUMENTS.items():
        for _ in range(often * _SHARE or _SHARE // 2):
            options = _some(random, **chances)
            made.append(Step(op, arguments(random), options, random.choice(_PLACES) if op != "reopen" else ""))
    can = [one for one in made if possible(one, capabilities)]
    return [REST, *sorted(can, key=lambda one: (len(repr(one)), repr(one)))]
