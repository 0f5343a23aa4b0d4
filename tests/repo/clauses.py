"""Clauses, and what stands behind each: proofs of the model, tests, both, or neither."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

from remote_store.testing.report import clauses_in
from sdd.formal import verify

HEAD = """# Clauses, and what stands behind each

Rendered by `pytest tests/repo --update` from the specs and from the marks in tests and proofs; a test keeps it current.
*Proved*: the modules of `sdd/formal` where Dafny proves it of the model. *Tested*: how many tests name it, and where;
a test of the kit (`testing/cases`) runs on every backend that has what it needs, in both colours.
"""


class Evidence(NamedTuple):
    """What the repository holds about its clauses."""

    clauses: dict[str, str]
    """Id to sentence."""
    proofs: dict[str, list[str]]
    """Id to lemmas, ``Module.Lemma``."""
    marks: dict[str, list[str]]
    """Id to marked tests, ``path:line``."""

    def faults(self) -> list[str]:
        """Return what is out of step."""
        known = self.clauses.keys()
        return [
            *[
                f"{id_} has neither proof nor test"
                for id_ in self.clauses
                if not self.proofs.get(id_, self.marks.get(id_))
            ],
            *[
                f"{lemmas[0]} proves {id_}, which is no clause"
                for id_, lemmas in self.proofs.items()
                if id_ not in known
            ],
            *[f"{places[0]} tests {id_}, which is no clause" for id_, places in self.marks.items() if id_ not in known],
        ]

    def standing(self, id_: str) -> str:
        """Say what stands behind a clause."""
        proved, tested = bool(self.proofs.get(id_)), bool(self.marks.get(id_))
        return {(1, 1): "both", (1, 0): "proved", (0, 1): "tested", (0, 0): "neither"}[proved, tested]

    def counts(self) -> Counter[str]:
        """Count the clauses by what stands behind them."""
        return Counter(self.standing(id_) for id_ in self.clauses)

    def document(self) -> str:
        """Return the table of all clauses in Markdown."""
        counts = self.counts()
        proved, tested = counts["both"] + counts["proved"], counts["both"] + counts["tested"]
        rows = [["clause", "", "proved", "tested"], ["---"] * 4]
        rows += [[id_, text, self._proved(id_), self._tested(id_)] for id_, text in self.clauses.items()]
        table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
        total = f"{len(self.clauses)} clauses: {proved} proved, {tested} tested, {counts['both']} both, "
        return f"{HEAD}\n{total}{counts['neither']} neither.\n\n{table}\n"

    def _proved(self, id_: str) -> str:
        return ", ".join(sorted({place.partition(".")[0] for place in self.proofs.get(id_, ())})) or "-"

    def _tested(self, id_: str) -> str:
        places = self.marks.get(id_, [])
        files = sorted(
            {place.partition(":")[0].removeprefix("src/remote_store/").removeprefix("tests/") for place in places}
        )
        return f"{len(places)}: {', '.join(files)}" if places else "-"


@cache
def evidence(root: Path) -> Evidence:
    """Gather what stands in the specs, the proofs and the tests."""
    marks: dict[str, list[str]] = {}
    for folder in ("tests", "src/remote_store/testing", "integrations"):
        for path in sorted((root / folder).rglob("*.py")):
            for id_, line in marks_in(path.read_text()):
                marks.setdefault(id_, []).append(f"{path.relative_to(root)}:{line}")
    specs = root / "sdd" / "specs"
    clauses: dict[str, str] = {}
    for folder in [specs, *sorted(path for path in specs.iterdir() if path.is_dir())]:
        clauses |= clauses_in(folder)
    return Evidence(clauses, verify.proved(), marks)


def marks_in(source: str) -> list[tuple[str, int]]:
    """Return the clauses that the tests of a module name, each with its line."""
    if "clause" not in source:
        return []
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func).rpartition(".")[2] == "clause":
                    names = [arg.value if isinstance(arg, ast.Constant) else ast.unparse(arg) for arg in mark.args]
                    found += [(str(name), mark.lineno) for name in names]
    return found


ID = re.compile(r"[A-Z]+-\d\d")
