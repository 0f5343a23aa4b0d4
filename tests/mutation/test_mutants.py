"""The mutator makes the mistakes that it says, one at a time, and what may survive is still there."""

import ast
from types import SimpleNamespace

import pytest

from sdd.mutation import run
from sdd.mutation.mutants import Module
from sdd.mutation.run import NOTICED, SURVIVED, UNSEEN, Seen, Tracer, chosen_tests, explained, modules

SOURCE = '''
from typing import Any

LIMIT = 3


class Box:
    """A box."""

    def fits(self, size: int, *, strict: bool = False) -> bool:
        """Say whether it fits."""
        if size < 1 and not strict:
            raise ValueError(f"{size + 1} is too small")
        self.note(size, loud=True)
        return size + 1 <= LIMIT

    def weigh(self) -> int:
        """Return the grams; each kind of box knows its own."""
        raise NotImplementedError


async def none(items: list[int]) -> Any:
    for item in items[1:]:
        try:
            await use(item)
        except KeyError:
            continue
    return None
'''
WANTED = """
Box.fits: if size < 1 and (not strict) -> True
Box.fits: if size < 1 and (not strict) -> False
Box.fits: size < 1 and (not strict) -> size < 1 or not strict
Box.fits: size < 1 and (not strict) -> not strict
Box.fits: size < 1 and (not strict) -> size < 1
Box.fits: size < 1 -> size <= 1
Box.fits: not strict -> strict
Box.fits: 1 -> 2
Box.fits: 1 -> 2 #2
Box.fits: raise ValueError(f'{size + 1} is too small') -> pass
Box.fits: self.note(size, loud=True) -> pass
Box.fits: loud=True -> nothing
Box.fits: True -> False
Box.fits: return size + 1 <= LIMIT -> return
Box.fits: size + 1 <= LIMIT -> size + 1 < LIMIT
Box.fits: size + 1 -> size - 1
none: 1 -> 2
none: 1 -> nothing
none: await use(item) -> pass
none: except KeyError: ... -> except KeyError: raise
none: continue -> break
"""


def changed(name):
    module = Module("m.py", SOURCE)
    (mutant,) = [mutant for mutant in module.mutants if mutant.name == f"m.py:{name}"]
    return module, mutant, module.code(mutant, "m.py")


def test_every_mistake_is_made_once_and_nothing_else():
    names = [mutant.name.removeprefix("m.py:") for mutant in Module("m.py", SOURCE).mutants]
    assert sorted(names) == sorted(WANTED.strip().splitlines())


def test_a_mistake_is_in_the_code_and_leaves_the_tree_as_it_was():
    space = {}
    exec(compile(SOURCE, "m.py", "exec"), space)  # noqa: S102  our own text
    fits = space["Box"].fits
    space["Box"].note = lambda self, size, loud=False: None
    assert fits(space["Box"](), 2)
    module, _, code = changed("Box.fits: size + 1 <= LIMIT -> size + 1 < LIMIT")
    fits.__code__ = code
    assert not fits(space["Box"](), 2)
    assert ast.dump(module._tree) == ast.dump(ast.parse(SOURCE))


def test_a_mistake_knows_the_lines_that_have_to_run_for_it_to_show():
    _, mutant, _ = changed("Box.fits: loud=True -> nothing")
    assert mutant.lines == {14}
    assert (mutant.function, mutant.first) == ("Box.fits", 10)


def test_every_mutant_of_the_kernel_compiles():
    for path, module in modules().items():
        for mutant in module.mutants[::25]:
            assert module.code(mutant, path).co_filename == path


def test_the_tracer_sees_the_lines_that_run_in_every_thread():
    import threading

    space = {}
    exec(compile("def f(x):\n    if x:\n        return 1\n    return 2\n", "traced.py", "exec"), space)  # noqa: S102
    with Tracer({"traced.py"}) as tracer:
        thread = threading.Thread(target=space["f"], args=(True,))
        thread.start()
        thread.join()
    assert tracer.lines == {("traced.py", 1), ("traced.py", 2), ("traced.py", 3)}


def test_a_test_of_each_way_through_the_function_comes_before_all_others():
    mutant = next(mutant for mutant in Module("m.py", SOURCE).mutants if " -> strict" in mutant.name)
    first, raising, passing = mutant.first, mutant.first + 3, mutant.first + 5

    def seen(name, lines, width, seconds=1.0):
        wide = frozenset(("other.py", line) for line in range(width))
        return Seen(SimpleNamespace(nodeid=name), seconds, wide | {("m.py", line) for line in (first + 2, *lines)})

    through = [seen("t::a[1]", [passing], 1), seen("t::a[2]", [passing], 2), seen("t::b", [passing], 3)]
    tests = [*through, seen("t::c", [raising], 50), seen("t::far", [passing], 60, seconds=run.PATIENCE)]
    by_line = {("m.py", line): [test for test in tests if ("m.py", line) in test.lines] for line in range(first, 30)}
    chosen = chosen_tests("m.py", mutant, by_line)
    assert [test.item.nodeid for test in chosen] == ["t::a[1]", "t::c", "t::b"]  # then patience is at its end


NAME = "m.py:Box.fits: 1 -> 2"


@pytest.mark.parametrize(
    ("result", "reasons", "status", "says"),
    [
        (NOTICED, {}, 0, "1 of 1 mutants noticed (100.0%)"),
        (SURVIVED, {NAME: "nobody sees it"}, 0, "0 of 1 mutants noticed (0.0%)"),
        (SURVIVED, {}, 1, f"NOT EXPLAINED: {NAME}"),
        (UNSEEN, {}, 1, f"NOT EXPLAINED: {NAME}"),
        (NOTICED, {NAME: "nobody sees it"}, 1, f"STALE in survivors.toml: {NAME}"),
        (NOTICED, {"m.py:gone: 1 -> 2": "it is gone"}, 1, "STALE in survivors.toml: m.py:gone: 1 -> 2"),
    ],
)
def test_survivors_have_to_be_explained_and_explanations_to_hold(result, reasons, status, says, monkeypatch):
    said = []
    monkeypatch.setattr(run, "say", said.append)
    monkeypatch.setattr(run, "explained", lambda: reasons)
    tried = SimpleNamespace(results={NAME: result}, modules={"m.py": Module("m.py", SOURCE)}, broken=[], fair=False)
    assert run.judge(tried) == status
    assert says in "\n".join(said)


def test_a_run_that_tried_nothing_has_proved_nothing(monkeypatch):
    monkeypatch.setattr(run, "explained", dict)
    assert run.judge(SimpleNamespace(results={}, modules={}, broken=[], fair=False)) == 1


def test_every_explanation_says_why():
    assert all(why.strip() for why in explained().values())
