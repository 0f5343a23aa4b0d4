"""Verify everything in this folder: ``python -m sdd.formal.verify`` (``--only TEXT`` for goals that contain it).

Three kinds of goals. *Proof*: Dafny proves a module, without assumptions. *Sense*: in no lemma or method of a module
can it prove ``false``, so none holds for want of a case. *Broken*: a deliberate mistake is refused at the lemma, and
at the clause, that its row in ``broken/`` names.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from sdd.formal import toolchain
from sdd.formal.toolchain import HERE, dafny

SPECS = HERE.parent / "specs"
CLAUSE = re.compile(r"^- \*\*([A-Z]+-\d+)\*\*", re.MULTILINE)
MARK = re.compile(r"//: ((?:[A-Z]+-\d+ ?)+)$")
"""Clauses at a postcondition: the one form in which the proofs name them."""
DECLARED = re.compile(r"^  (lemma|method|function method|function|predicate method|predicate) (\w+)")
CHEAT = re.compile(r"\bassume\b|\bexpect\b|\{\s*:|\bdecreases\s*\*|/\*")
"""What could make a claim without proving it; of attributes any, for a proof here needs none."""
OUTCOME = re.compile(r"^Verifying (\S+) \.\.\.\n(?:(?!Verifying).*\n)*?  \[.*\]  (.+)$", re.MULTILINE)
"""What /trace says of each declaration. The sum at the end is not enough: Dafny 2.3 can fail one without a message."""
DONE = re.compile(r"finished with ([1-9]\d*) verified, 0 errors$", re.MULTILINE)
FAILS = re.compile(r"^\w+\.dfy\((\d+),\d+\): Error", re.MULTILINE)
POINTED = re.compile(r"Error BP5003: .*\n\w+\.dfy\((\d+),\d+\): Related location: This is the postcondition")
STRICT = ("/trace", "/noCheating:1")
WORK = {"proof": 100_000_000, "sense": 5_000_000, "broken": 100_000_000}
"""What the prover may spend on one declaration, in z3's own unit, which is the same on a machine that is busy.

Every proof is found with a third of it. Where the search for a proof of ``false`` takes more, it counts as not found.
"""


class Verdict(NamedTuple):
    """Whether a goal is reached, and what to say of it."""

    fine: bool
    said: str


class Lemma(NamedTuple):
    """A declaration of a module: its lines, and the clauses at each line of its contract."""

    kind: str
    name: str
    first: int
    last: int
    marks: dict[int, tuple[str, ...]]


def lemmas(text: str) -> list[Lemma]:
    """Return the declarations of a module in order; lines count from 1."""
    lines = text.splitlines()
    starts = [(number, found) for number, line in enumerate(lines, 1) if (found := DECLARED.match(line))]
    ends = [number - 1 for number, _ in starts[1:]] + [len(lines)]
    return [
        Lemma(found[1], found[2], first, last, _marks(lines, first, last))
        for (first, found), last in zip(starts, ends, strict=False)
    ]


def _marks(lines: list[str], first: int, last: int) -> dict[int, tuple[str, ...]]:
    numbered = enumerate(lines[first - 1 : last], first)
    return {number: tuple(found[1].split()) for number, line in numbered if (found := MARK.search(line))}


def clauses() -> set[str]:
    """Return the ids of all clauses of the specs."""
    return {name for path in SPECS.glob("*.md") for name in CLAUSE.findall(path.read_text())}


def proved() -> dict[str, list[str]]:
    """Return, for each clause that a proof names, the lemmas that do: ``{"KEY-01": ["Keys.WhatAKeyIs"]}``."""
    found: dict[str, list[str]] = {}
    for path in toolchain.modules():
        for lemma in lemmas(path.read_text()):
            for name in sorted({name for names in lemma.marks.values() for name in names}):
                found.setdefault(name, []).append(f"{path.stem}.{lemma.name}")
    return found


def cheats(text: str) -> list[str]:
    """Return the lines that assume what they should prove."""
    bare = [(number, re.sub(r"//.*", "", line)) for number, line in enumerate(text.splitlines(), 1)]
    return [f"line {number}: {line.strip()}" for number, line in bare if CHEAT.search(line)]


def prove(path: Path) -> Verdict:
    """Verify one module, every declaration of which must have a body and assume nothing."""
    text = path.read_text()
    if found := cheats(text):
        return Verdict(fine=False, said="; ".join(found))
    with tempfile.TemporaryDirectory() as scratch:
        # Code is asked for only because Dafny then names every declaration without a body.
        options = ["/compile:0", "/spillTargetCode:3", "/compileTarget:js", "/out:code", *STRICT]
        _, said = dafny(*options, f"/rlimit:{WORK['proof']}", path.resolve(), folder=Path(scratch))
    done, outcomes = DONE.search(said), outcomes_of(said)
    bad = [f"{name}: {outcome}" for name, outcome in OUTCOME.findall(said) if outcome != "verified"]
    missing = [lemma.name for lemma in lemmas(text) if lemma.kind in ("lemma", "method") and lemma.name not in outcomes]
    if done is None or int(done[1]) < len(outcomes) or "Error" in said or bad or missing:
        return Verdict(fine=False, said=f"not proved: {bad or missing}\n{_errors(said)}")
    return Verdict(fine=True, said=f"{done[1]} verified")


def outcomes_of(said: str) -> dict[str, str]:
    """Return what became of the body of each lemma and method."""
    found = OUTCOME.findall(said)
    return {name.rpartition("__default.")[2]: outcome for name, outcome in found if name.startswith("Impl$$")}


def _errors(said: str) -> str:
    return "\n".join(line for line in said.splitlines() if "Error" in line or "Related" in line or "timed out" in line)


def make_sense(path: Path) -> Verdict:
    """Try to prove ``false`` in every lemma and method; return those where that works."""
    changed, names = with_false(path.read_text())
    said = _elsewhere({path.name: changed}, path.name, "sense", "/errorLimit:1")
    outcomes = outcomes_of(said)
    empty = [name for name in names if outcomes.get(name, "verified") == "verified"]
    return Verdict(
        not empty, f"false holds in {', '.join(empty)}\n{_errors(said)}" if empty else f"{len(names)} have a case"
    )


def with_false(text: str) -> tuple[str, list[str]]:
    """Assert ``false`` at the end of each lemma and at the beginning of each method; return their names, too."""
    lines: list[str] = []
    changed: list[str] = []
    kind = name = ""
    for line in text.splitlines():
        if found := DECLARED.match(line):
            kind, name = found[1], found[2]
        added = {
            ("lemma", "  {}"): ["  { assert false; }"],
            ("lemma", "  }"): ["    assert false;", "  }"],
            ("method", "  {"): ["  {", "    assert false;"],
        }.get((kind, line))
        lines += added or [line]
        if added:
            changed.append(name)
    return "\n".join(lines) + "\n", changed


def _elsewhere(changed: dict[str, str], target: str, kind: str, *options: str) -> str:
    """Run Dafny on a copy of the modules, some of them changed."""
    with tempfile.TemporaryDirectory() as scratch:
        for path in toolchain.modules():
            shutil.copyfile(path, Path(scratch, path.name))
        for name, text in changed.items():
            Path(scratch, name).write_text(text)
        return dafny("/compile:0", *STRICT, f"/rlimit:{WORK[kind]}", *options, target, folder=Path(scratch))[1]


class Variant(NamedTuple):
    """A deliberate mistake, and what must refuse it."""

    what: str
    module: str
    changes: list[list[str]]
    refused: dict[str, list[str]]
    """For each lemma (``Module.Lemma``) the clauses that fail there."""
    inside: bool
    """A step of the proof fails, so that Dafny does not come to name the clauses."""


def variants() -> list[Variant]:
    """Return the mistakes of ``broken/``."""
    files = sorted(HERE.glob("broken/*.toml"))
    rows: list[tuple[str, Any]] = [
        (path.stem, row) for path in files for row in tomllib.loads(path.read_text())["variant"]
    ]
    return [
        Variant(
            row["what"],
            module,
            row.get("changes") or [[row["old"], row["new"]]],
            row["refused"],
            row.get("inside", False),
        )
        for module, row in rows
    ]


def mistaken(variant: Variant) -> str:
    """Return the module with the mistake in it.

    Raises:
        LookupError: what it changes is not there, or not there once.
    """
    text = (HERE / f"{variant.module}.dfy").read_text()
    for old, new in variant.changes:
        if text.count(old) != 1:
            raise LookupError(f"{text.count(old)} places in {variant.module}.dfy read: {old}")
        text = text.replace(old, new)
    return text


def refuse(variant: Variant) -> Verdict:
    """Make the mistake and see that each of its lemmas is refused, at the clauses that the row names."""
    try:
        text = mistaken(variant)
    except LookupError as elsewhere:
        return Verdict(fine=False, said=str(elsewhere))
    by_module: dict[str, list[str]] = {}
    for place in variant.refused:
        by_module.setdefault(place.split(".")[0], []).append(place.split(".")[1])
    # One failure is enough where it is inside; the search for the next ones would take longest.
    limits = ["/errorLimit:1"] if variant.inside else []
    for module, names in by_module.items():
        only = [f"/proc:Impl*__default.{name}" for name in names]
        said = _elsewhere({f"{variant.module}.dfy": text}, f"{module}.dfy", "broken", *limits, *only)
        target = text if module == variant.module else (HERE / f"{module}.dfy").read_text()
        outcomes = outcomes_of(said)
        for name in names:
            failed = failing(said, target, name)
            if variant.inside and fails_inside(said, target, name):
                failed = marks_of(target, name)
            missed = set(variant.refused[f"{module}.{name}"]) - failed
            if outcomes.get(name, "verified") == "verified" or missed:
                told = f"{module}.{name}: {outcomes.get(name)}, refused at {sorted(failed)}, not at {sorted(missed)}"
                return Verdict(fine=False, said=f"{told}\n{_errors(said) or said}")
    return Verdict(fine=True, said=f"refused by {', '.join(variant.refused)}")


def failing(said: str, text: str, name: str) -> set[str]:
    """Return the clauses of a lemma that Dafny names as failing: those at, or next below, a place that it points to.

    A place where Dafny only ran out of time does not count.
    """
    (lemma,) = [lemma for lemma in lemmas(text) if lemma.name == name]
    found: set[str] = set()
    for place in POINTED.findall(said):
        later = [number for number in lemma.marks if number >= int(place) >= lemma.first]
        found |= set(lemma.marks[min(later)]) if later else set()
    return found


def fails_inside(said: str, text: str, name: str) -> bool:
    """Say whether Dafny names a line of a lemma as failing; running out of work is no such failure."""
    (lemma,) = [lemma for lemma in lemmas(text) if lemma.name == name]
    return any(lemma.first <= int(line) <= lemma.last for line in FAILS.findall(said))


def marks_of(text: str, name: str) -> set[str]:
    """Return the clauses that a lemma names."""
    return {mark for lemma in lemmas(text) if lemma.name == name for marks in lemma.marks.values() for mark in marks}


class Goal(NamedTuple):
    """Something to verify."""

    kind: str
    name: str
    path: str

    def check(self) -> Verdict:
        """Verify it."""
        if self.kind == "broken":
            (variant,) = [variant for variant in variants() if f"{variant.module}: {variant.what}" == self.name]
            return refuse(variant)
        module = HERE / self.path
        return prove(module) if self.kind == "proof" else make_sense(module)


def goals() -> list[Goal]:
    """Return everything to verify, the longest first."""
    modules = sorted(toolchain.modules(), key=lambda path: -path.stat().st_size)
    proofs = [Goal("proof", path.stem, path.name) for path in modules]
    sense = [Goal("sense", path.stem, path.name) for path in modules]
    broken = [Goal("broken", f"{variant.module}: {variant.what}", f"{variant.module}.dfy") for variant in variants()]
    return [*proofs, *sense, *broken]


say = print


def main() -> None:
    """Check all goals, two at a time, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="goals whose row holds this text")
    asked = parser.parse_args()
    chosen = [goal for goal in goals() if asked.only in f"{goal.kind} {goal.name}"]
    began = time.monotonic()
    failed = []

    def check(goal: Goal) -> tuple[Goal, Verdict, float]:
        start = time.monotonic()
        return goal, goal.check(), time.monotonic() - start

    with ThreadPoolExecutor(2) as pool:
        for goal, verdict, seconds in pool.map(check, chosen):
            row = f"{goal.kind:7}{goal.name:72.72}{seconds:6.1f} s  {'ok' if verdict.fine else 'FAILED'}"
            say(f"{row}: {verdict.said}" if verdict.fine else row, flush=True)
            if not verdict.fine:
                failed.append(goal)
                say(verdict.said, flush=True)
    say(
        f"{len(chosen) - len(failed)} of {len(chosen)} goals reached in {time.monotonic() - began:.0f} s"
        f" ({resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime:.0f} s of processor time)"
    )
    if failed or not chosen:
        sys.exit(1)


if __name__ == "__main__":
    main()
