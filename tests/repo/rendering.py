"""Tables of the documents, rendered from the code: what stands in two places would differ in one of them."""

import ast
import inspect
import re
import tomllib
from importlib import import_module
from pathlib import Path

from remote_store import Capability, RemoteStoreError, Store, _catalog, errors, layers
from remote_store._face import Face
from remote_store._stack import capabilities_of
from remote_store.aio import AsyncStore
from remote_store.backend import Traits
from remote_store.options import REQUIRED
from tests.repo.figures import figures

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(<!-- rendered: ([\w .:-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

# Enough to make one of each; none of them connects before its first call.
EXAMPLES = {
    "azure": {"container": "container", "account": "account"},
    "gcs": {"bucket": "bucket"},
    "http": {"url": "http://host/data"},
    "local": {"root": "."},
    "memory": {},
    "s3": {"bucket": "bucket"},
    "sftp": {"host": "host"},
    "sql-blob": {"database": "sqlite:///files.db"},
    "sql-query": {"database": "sqlite:///data.db", "queries": {}},
}


def rendered(text: str) -> str:
    """Return a document with each of its rendered blocks made afresh."""
    return BLOCK.sub(lambda found: f"{found[1]}{render(found[2])}\n{found[3]}", text)


def render(block: str) -> str:
    name, *arguments = block.split()
    return BLOCKS[name](*arguments)


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0].replace("``", "`")


def attribute_docs(kind: type) -> dict[str, str]:
    """Return the text that follows each attribute of a class in its source."""
    lines = re.findall(
        r'(?m)^    (\w+)(?::[^=\n]*)?(?: = [^\n]*)?\n    """(.*?)"""', inspect.getsource(kind), re.DOTALL
    )
    return {name: " ".join(text.split()).replace("``", "`") for name, text in lines}


def made() -> dict[str, object]:
    return {name: _catalog.make(name, EXAMPLES[name]) for name in _catalog._BUILT_IN}


def capabilities() -> str:
    """Backends and what stores on them can do."""
    docs, backends = attribute_docs(Capability), made()
    held = {name: capabilities_of(backend) for name, backend in backends.items()}
    rows = [
        [
            f"`{capability.name}`",
            *("yes" if capability in held[name] else "-" for name in backends),
            docs.get(capability.name, ""),
        ]
        for capability in Capability
    ]
    return table(["capability", *backends, "meaning"], rows)


def traits() -> str:
    """Backends and the facts that no method shows."""
    docs, backends = attribute_docs(Traits), made()
    rows = []
    for field in Traits._fields:
        if field not in ("name", "parts"):
            values = [getattr(backend.traits, field) for backend in backends.values()]
            rows.append([f"`{field}`", *map(_shown, values), docs.get(field, "")])
    return table(["trait", *backends, "meaning"], rows)


def _shown(value: object) -> str:
    if value is None or value is False:
        return "-"
    if value is True:
        return "yes"
    if isinstance(value, int) and value >= 1 << 20:
        return f"{value >> 20} MiB"
    return str(getattr(value, "value", value))


def options(backend: str) -> str:
    """Options of one backend."""
    _, declared = _catalog.declared(backend)
    rows = []
    for option in declared.values():
        kind = " or ".join(map(repr, option.choices)) or " or ".join(option.types).replace("PathLike", "path")
        default = "required" if option.default is REQUIRED else f"`{option.default!r}`"
        rows.append([f"`{option.name}`", kind, default, option.doc.replace("``", "`")])
    return table(["option", "type", "default", "meaning"], rows)


def error_tree() -> str:
    """Errors, what else they are, and whether the same call may succeed later."""
    rows = []
    for name in errors.__all__:
        kind = getattr(errors, name)
        parents = [parent.__name__ for parent in kind.__mro__[1:] if parent.__module__ == "builtins"]
        also = next(
            (parent for parent in parents if parent not in ("Exception", "BaseException", "object", "OSError")), ""
        )
        over = kind.__bases__[0].__name__ if issubclass(kind.__bases__[0], RemoteStoreError) else ""
        under = f" (a {over})" if over not in ("", "RemoteStoreError") else ""
        retryable = "yes" if kind("").retryable else "-"
        rows.append([f"`{name}`{under}", f"`{also}`" if also else "", retryable, first_line(kind)])
    return table(["error", "is also", "retryable", "when"], rows)


def methods() -> str:
    """Methods of both faces."""
    rows = []
    for name, member in sorted({**vars(Face), **vars(Store)}.items()):
        if not name.startswith("_"):
            rows.append([_signature(name, member), _twin(name), first_line(getattr(Store, name))])
    return table(["`Store`", "`AsyncStore`", ""], rows)


def _signature(name: str, member: object) -> str:
    if isinstance(member, property):
        return f"`{name}`"
    function = getattr(member, "__func__", member)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    return f"`{name}{inspect.Signature(plain)}`"


def _twin(name: str) -> str:
    twin = inspect.getattr_static(AsyncStore, name)
    if inspect.iscoroutinefunction(twin):
        return "`await`"
    returned = str(getattr(twin, "__annotations__", {}).get("return", ""))
    if returned.startswith("AsyncIterator"):
        return "`async for`"
    return "`async with`" if returned.startswith("AsyncAtomicWrite") else "the same"


def worn() -> str:
    """Layers."""
    return table(["layer", ""], [[f"`{name}`", first_line(getattr(layers, name))] for name in layers.__all__])


def extensions() -> str:
    """Modules beside the core."""
    rows = []
    for place in ("ext", "lake", "testing", "cli"):
        folder = ROOT / "src/remote_store" / place
        if place == "ext":
            names = sorted(f"ext.{path.stem}" for path in folder.glob("[a-z]*.py"))
        else:
            names = [place] if (folder / "__init__.py").exists() else []
        for name in names:
            module = import_module(f"remote_store.{name}")
            public = ", ".join(f"`{public}`" for public in getattr(module, "__all__", ()))
            rows.append([f"`remote_store.{name}`", public, first_line(module).rstrip(".")])
    return table(["module", "names", ""], rows)


def installs() -> str:
    """Extras and what they bring."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    rows = [
        [f'`pip install ".[{name}]"`', ", ".join(brought)] for name, brought in project["optional-dependencies"].items()
    ]
    return table(["command", "brings"], [["`pip install .`", "nothing else: local files and memory"], *rows])


def schemes() -> str:
    """URIs that the backends open."""
    found = {name: _catalog.find(name) for name in _catalog._BUILT_IN}
    none = "none: give its options to its class or to a configuration."
    rows = [
        [f"`{name}`", first_line(kind.from_uri) if hasattr(kind, "from_uri") else none] for name, kind in found.items()
    ]
    return table(["backend", "URIs"], rows)


def integrations() -> str:
    """Public names of the packages for orchestrators, read without importing them."""
    rows = []
    for project in sorted(ROOT.glob("integrations/*/pyproject.toml")):
        named = tomllib.loads(project.read_text())["project"]["name"]
        docs, public = {}, []
        for source in sorted(project.parent.glob("src/*/*.py")):
            for node in ast.parse(source.read_text()).body:
                if isinstance(node, ast.ClassDef | ast.FunctionDef):
                    public += [node.name] if node.name.startswith("RemoteStore") else []
                    docs[node.name] = (ast.get_docstring(node) or "").partition("\n")[0].replace("``", "`")
                elif source.name == "__init__.py" and isinstance(node, ast.Assign):
                    public += ast.literal_eval(node.value) if ast.unparse(node.targets[0]) == "__all__" else []
        rows += [[f"`{named}`", f"`{name}`", docs.get(name, "")] for name in sorted({*public})]
    return table(["distribution", "name", ""], rows)


def arguments(where: str) -> str:
    """Arguments of one class of an integration, such as ``airflow.sensors:RemoteStoreSensor``, without its host."""
    place, _, wanted = where.partition(":")
    host, _, module = place.partition(".")
    (source,) = ROOT.glob(f"integrations/{host}/src/*/{module}.py")
    tree = ast.parse(source.read_text())
    (kind,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == wanted]
    named = {
        ast.unparse(node.targets[0]): ast.unparse(node.value) for node in tree.body if isinstance(node, ast.Assign)
    }
    made = [node for node in kind.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    docs = _argument_docs(ast.get_docstring(kind) or "")
    rows = []
    for name, types, default, doc in _given_to(made[0]) if made else _fields(kind):
        shown = named.get(types, types).replace("Literal[", "").rstrip("]").replace("'", "`")
        rows.append([f"`{name}`", shown, default, (doc or docs.get(name, "")).replace("``", "`")])
    return table(["argument", "type", "default", "meaning"], rows)


def _given_to(function: ast.FunctionDef) -> list[tuple[str, str, str, str]]:
    places = function.args
    defaults = [None] * (len(places.args) - len(places.defaults)) + [*places.defaults, *places.kw_defaults]
    pairs = zip([*places.args, *places.kwonlyargs], defaults, strict=True)
    return [
        (each.arg, ast.unparse(each.annotation), f"`{ast.unparse(value)}`" if value else "required", "")
        for each, value in pairs
        if each.annotation
    ]


def _fields(kind: ast.ClassDef) -> list[tuple[str, str, str, str]]:
    """The fields of a pydantic model: those that say so by ``Field``."""
    found = []
    for node in kind.body:
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.value, ast.Call)
            and ast.unparse(node.value.func) == "Field"
        ):
            told = {word.arg: word.value for word in node.value.keywords}
            default = node.value.args[0] if node.value.args else told.get("default")
            shown = f"`{ast.unparse(default)}`" if default else "required"
            doc = ast.literal_eval(told["description"])
            found.append((ast.unparse(node.target), ast.unparse(node.annotation), shown, doc))
    return found


def _argument_docs(docstring: str) -> dict[str, str]:
    """The lines of the section ``Args:``, by argument."""
    section = docstring.partition("Args:\n")[2].partition("\n\n")[0]
    return {name: " ".join(text.split()) for name, text in re.findall(r"(?ms)^    (\w+): (.*?)(?=^    \w|\Z)", section)}


def members(name: str) -> str:
    """Public names of one class, or of each class of a module."""
    module, _, attribute = name.partition(":")
    home = import_module(module)
    rows = []
    for kind in [getattr(home, attribute)] if attribute else [getattr(home, public) for public in home.__all__]:
        ours = [parent for parent in reversed(kind.__mro__) if parent.__module__.startswith("remote_store")]
        for member_name, member in sorted({key: vars(parent)[key] for parent in ours for key in vars(parent)}.items()):
            if not member_name.startswith("_") and (callable(member) or isinstance(member, property)):
                rows.append([f"`{kind.__name__}`", _signature(member_name, member), first_line(member)])
    return table(["class", "member", ""], rows)


def shown() -> str:
    """Layers of evidence, each with its figure and the command that gives it."""
    return table(["evidence", "figure", "command"], figures(ROOT))


BLOCKS = {
    "arguments": arguments,
    "integrations": integrations,
    "evidence": shown,
    "members": members,
    "capabilities": capabilities,
    "traits": traits,
    "options": options,
    "errors": error_tree,
    "methods": methods,
    "layers": worn,
    "extensions": extensions,
    "installs": installs,
    "uris": schemes,
}
