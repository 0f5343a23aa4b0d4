"""The source keeps to the shape that makes it readable."""

import ast
import re

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
VAGUE = {"utils", "util", "helper", "helpers", "manager", "base", "common", "misc", "tools"}

# Files and functions that may be longer, each with the reason.
LONGER_FILES: dict[str, str] = {}
LONGER_FUNCTIONS: dict[str, str] = {}


def name_of(path, root):
    return str(path.relative_to(root))


def length(function):
    """Lines of a function without its docstring, which is as long as a user needs."""
    total = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        total -= function.body[0].end_lineno - function.body[0].lineno + 1
    return total


def test_no_file_is_too_long(sources, root):
    lengths = {name_of(path, root): len(path.read_text().splitlines()) for path in sources}
    long = {name: size for name, size in lengths.items() if size > LONGEST_FILE}
    assert long.keys() == LONGER_FILES.keys(), long


def test_no_function_is_too_long(sources, root):
    long = {}
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node) > LONGEST_FUNCTION:
                long[f"{name_of(path, root)}:{node.name}"] = length(node)
    assert long.keys() == LONGER_FUNCTIONS.keys(), long


def test_every_module_says_what_it_is(sources, root):
    silent = [name_of(path, root) for path in sources if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not silent


def test_no_module_has_a_vague_name(sources, root):
    parts = {name_of(path, root): path.relative_to(root).with_suffix("").parts for path in sources}
    assert not [name for name, words in parts.items() if VAGUE & {word.strip("_") for word in words}]


def test_no_class_has_a_vague_name(sources, root):
    vague = re.compile(r"(Utils?|Helpers?|(?<!IO)Manager|Base|Common|Misc)$")  # "IO manager" is Dagster's word
    named = [
        (path, node) for path in sources for node in ast.walk(ast.parse(path.read_text())) if hasattr(node, "name")
    ]
    classes = [f"{name_of(path, root)}:{node.name}" for path, node in named if isinstance(node, ast.ClassDef)]
    assert not [name for name in classes if vague.search(name)]


def test_nothing_is_left_to_do(tracked, root):
    python = [path for path in tracked if path.suffix == ".py"]
    mark = re.compile(r"#.*\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b")
    assert not [name_of(path, root) for path in python if mark.search(path.read_text())]
