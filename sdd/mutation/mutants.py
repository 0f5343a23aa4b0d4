"""Small mistakes in a module's functions, made one at a time on its syntax tree."""

from __future__ import annotations

import ast
from copy import deepcopy
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

__all__ = ["Module", "Mutant"]

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.Break: ast.Continue,
    ast.Continue: ast.Break,
}
SILENT = ("annotation", "returns", "decorator_list", "args", "defaults", "kw_defaults", "type_params")
"""Parts of a function that are no behaviour of its body; ``args`` of a call are looked at all the same."""


class Mutant(NamedTuple):
    """One mistake: where it is, and what it makes of what."""

    name: str
    """``module:function: old -> new``, with a number where one function holds it more than once."""
    function: str
    first: int
    """First and last line of the function, with its decorators."""
    last: int
    lines: frozenset[int]
    """A test that runs none of them cannot notice."""
    place: tuple[ast.AST, str, int | None]
    new: ast.AST | None


class Module:
    """A module's source and its mutants."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self._tree = ast.parse(source)
        self.mutants = self._numbered()

    def _numbered(self) -> list[Mutant]:
        seen: dict[str, int] = {}
        found = []
        for mutant in self._found():
            seen[mutant.name] = seen.get(mutant.name, 0) + 1
            number = f" #{seen[mutant.name]}" if seen[mutant.name] > 1 else ""
            found.append(mutant._replace(name=mutant.name + number))
        return found

    def _found(self) -> Iterator[Mutant]:
        for qualified, function in functions(self._tree, ""):
            first = min([function.lineno, *[mark.lineno for mark in function.decorator_list]])
            for parent, field, index, old, statement in places(function):
                for new in changes(parent, field, old):
                    what = f"{shown(old)} -> {'nothing' if new is None else shown(new)}"
                    if isinstance(new, ast.Constant) and field == "test":
                        what = f"{type(parent).__name__.lower()} {what}"
                    lines = range(old.lineno, old.end_lineno + 1)  # type: ignore[attr-defined]
                    name = f"{self.name}:{qualified}: {what}"
                    yield Mutant(
                        name,
                        qualified,
                        first,
                        function.end_lineno or first,
                        frozenset([*lines, statement]),
                        (parent, field, index),
                        new,
                    )

    def code(self, mutant: Mutant, path: str) -> CodeType:
        """Return the code of the mutant's function with the mistake in it."""
        parent, field, index = mutant.place
        kept = getattr(parent, field)
        if index is None:
            setattr(parent, field, mutant.new)
        else:
            changed = [*kept[:index], *([] if mutant.new is None else [mutant.new]), *kept[index + 1 :]]
            setattr(parent, field, changed)
        try:
            whole = compile(ast.fix_missing_locations(self._tree), path, "exec", dont_inherit=True)
        finally:
            setattr(parent, field, kept)
        return next(
            code for code in within(whole) if (code.co_qualname, code.co_firstlineno) == (mutant.function, mutant.first)
        )


def within(code: CodeType) -> Iterator[CodeType]:
    """Yield the code objects of a code object, at any depth."""
    for constant in code.co_consts:
        if hasattr(constant, "co_consts"):
            yield constant
            yield from within(constant)


def functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield a module's functions and its classes' methods; functions inside of them belong to them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{prefix}{child.name}", child
        elif isinstance(child, ast.ClassDef):
            yield from functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.If | ast.Try):
            yield from functions(child, prefix)


def places(function: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST, int]]:
    """Yield each place of a function's body: its parent, field and index there, what stands there, its statement."""
    pending = [(function, getattr(function, "lineno", 0))]
    while pending:
        parent, statement = pending.pop()
        quiet = isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.AnnAssign)
        for field, value in ast.iter_fields(parent):
            if quiet and field in SILENT:
                continue
            for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr | ast.Assert):
                    continue  # words of messages, and what is only said to the type checker
                line = child.lineno if isinstance(child, ast.stmt) else statement
                if hasattr(child, "lineno"):
                    yield parent, field, index, child, line
                pending.append((child, line))


def changes(parent: ast.AST, field: str, old: ast.AST) -> Iterator[ast.AST | None]:
    """Yield what may stand there by mistake; None for nothing at all."""
    if isinstance(old, ast.stmt):
        yield from _of_statement(old)
    elif isinstance(old, ast.expr):
        if field == "test" and isinstance(parent, ast.If | ast.IfExp) and not isinstance(old, ast.Constant):
            yield ast.Constant(value=True)
            yield ast.Constant(value=False)
        if field == "ifs":
            yield ast.Constant(value=True)
        if isinstance(parent, ast.Slice):
            yield None
        yield from _of_expression(old)
    elif isinstance(old, ast.keyword) and old.arg is not None:
        yield None
    elif isinstance(old, ast.ExceptHandler) and not (len(old.body) == 1 and isinstance(old.body[0], ast.Raise)):
        yield ast.ExceptHandler(type=old.type, name=old.name, body=[ast.Raise()])


def _of_statement(old: ast.stmt) -> Iterator[ast.AST]:
    called = isinstance(old, ast.Expr) and isinstance(old.value, ast.Call | ast.Await)
    if called or (isinstance(old, ast.Raise) and not _is_abstract(old)):
        yield ast.Pass()
    elif isinstance(old, ast.Return) and old.value is not None and not _is_none(old.value):
        yield ast.Return(value=None)
    elif isinstance(old, ast.Break | ast.Continue):
        yield SWAPPED[type(old)]()
    elif isinstance(old, ast.AugAssign) and type(old.op) in SWAPPED:
        changed = deepcopy(old)
        changed.op = SWAPPED[type(old.op)]()  # type: ignore[assignment]
        yield changed


def _of_expression(old: ast.expr) -> Iterator[ast.AST]:
    if isinstance(old, ast.Compare):
        for at, operator in enumerate(old.ops):
            if type(operator) in SWAPPED:
                changed = deepcopy(old)
                changed.ops[at] = SWAPPED[type(operator)]()  # type: ignore[call-overload]
                yield changed
    elif isinstance(old, ast.BoolOp):
        switched = deepcopy(old)
        switched.op = SWAPPED[type(old.op)]()  # type: ignore[assignment]
        yield switched
        for at in range(len(old.values)):
            rest = [value for number, value in enumerate(old.values) if number != at]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(op=old.op, values=rest)
    elif isinstance(old, ast.UnaryOp) and isinstance(old.op, ast.Not):
        yield old.operand
    elif isinstance(old, ast.BinOp) and type(old.op) in SWAPPED and not _is_text(old.left, old.right):
        changed_sum = deepcopy(old)
        changed_sum.op = SWAPPED[type(old.op)]()  # type: ignore[assignment]
        yield changed_sum
    elif isinstance(old, ast.Constant) and isinstance(old.value, int):
        yield ast.Constant(value=(not old.value) if isinstance(old.value, bool) else old.value + 1)


def _is_abstract(node: ast.Raise) -> bool:
    """Whether it stands for what a subclass has to do, and so for no behaviour."""
    return isinstance(node.exc, ast.Name) and node.exc.id == "NotImplementedError"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_text(*nodes: ast.expr) -> bool:
    return any(
        isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))
        for node in nodes
    )


def shown(node: ast.AST) -> str:
    """Return a node as source on one line."""
    if isinstance(node, ast.ExceptHandler):
        caught = "" if node.type is None else f" {ast.unparse(node.type)}"
        return f"except{caught}: {'raise' if isinstance(node.body[0], ast.Raise) else '...'}"
    return " ".join(ast.unparse(node).split())
