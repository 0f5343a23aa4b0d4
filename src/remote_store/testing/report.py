"""The report of a run: what each backend has shown of each clause."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Report", "clauses_in"]

_CLAUSE = re.compile(r"- \*\*([A-Z]+-\d\d)\*\* (.+)")
_SIGNS = {"failed": "✗", "deviates": "!", "passed": "✓", "not applicable": "-", "skipped": "?"}


def clauses_in(folder: Path | None) -> dict[str, str]:
    """Return the clauses of a folder of specs, id to sentence; none without a folder."""
    found: dict[str, str] = {}
    for file in sorted(folder.glob("*.md")) if folder else ():
        if file.name != "README.md":
            for line in file.read_text("utf-8").splitlines():
                if match := _CLAUSE.fullmatch(line):
                    found[match[1]] = match[2]
    return found


class Report:
    """Outcomes, counted by clause and backend."""

    def __init__(self, clauses: Mapping[str, str]) -> None:
        self._clauses = clauses
        self._outcomes: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        self._reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)

    @property
    def backends(self) -> list[str]:
        """The backends that reported."""
        return sorted({name for outcomes in self._outcomes.values() for name in outcomes})

    def add(self, backend: str, ids: Sequence[str], outcome: str, reason: str | None) -> None:
        """Take the outcome of one test."""
        for id_ in ids:
            self._outcomes[id_][backend][outcome] += 1
        if reason:
            self._reasons[backend][reason.partition(" has ")[2] or reason] += 1

    def unproven(self) -> list[str]:
        """Return the clauses of the specs that no test has passed for."""
        proven = {
            id_ for id_, outcomes in self._outcomes.items() if any(found["passed"] for found in outcomes.values())
        }
        return [f"{id_} {text}" for id_, text in self._clauses.items() if id_ not in proven]

    def state(self, id_: str, backend: str) -> str | None:
        """Return what a backend has shown of a clause: a failure before all else, then a proof."""
        found = self._outcomes[id_][backend] if backend in self._outcomes[id_] else Counter[str]()
        return next(
            (outcome for outcome in ("failed", "deviates", "passed", "skipped", "not applicable") if found[outcome]),
            None,
        )

    def summary(self) -> list[str]:
        """Return a line a backend."""
        ids = list(self._outcomes)
        lines = []
        for backend in self.backends:
            states = Counter(self.state(id_, backend) for id_ in ids)
            parts = [f"{states[name]} {name}" for name in _SIGNS if states[name]]
            why = [f"{reason} ({count})" for reason, count in self._reasons[backend].most_common()]
            lines.append(f"{backend}: {', '.join(parts)}" + (f" ({', '.join(why)})" if why else ""))
        return lines

    def _ids(self) -> list[str]:
        return [*self._clauses, *sorted(set(self._outcomes) - set(self._clauses))]

    def as_data(self) -> dict[str, object]:
        """Return everything as JSON-able data."""
        return {
            "backends": self.backends,
            "clauses": {
                id_: {
                    "text": self._clauses.get(id_),
                    "states": {name: self.state(id_, name) for name in self.backends if self.state(id_, name)},
                    "tests": {name: dict(found) for name, found in self._outcomes[id_].items()},
                }
                for id_ in self._ids()
            },
            "not applicable": {name: dict(reasons) for name, reasons in self._reasons.items()},
            "unproven": self.unproven(),
        }

    def as_table(self) -> str:
        """Return the report as a table in Markdown."""
        head = ["clause", *self.backends]
        rows = [head, ["---"] * len(head)]
        rows += [[id_, *[_SIGNS.get(self.state(id_, name) or "", "") for name in self.backends]] for id_ in self._ids()]
        legend = "✓ proven, ✗ broken, ! the service deviates, - not applicable, ? skipped, empty: not tested there."
        return "\n".join([legend, "", *[f"| {' | '.join(row)} |" for row in rows], ""])

    def write(self, folder: Path) -> None:
        """Write ``clauses.json`` and ``clauses.md``."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.as_data(), indent=1, ensure_ascii=False)
        (folder / "clauses.json").write_text(f"{text}\n", "utf-8")
        (folder / "clauses.md").write_text(self.as_table(), "utf-8")
