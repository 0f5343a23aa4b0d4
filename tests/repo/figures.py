"""The figures of docs/trust.md, each from where it is made."""

import json
from collections import Counter
from pathlib import Path

from remote_store.testing import Conformance
from sdd.formal import verify
from tests.oracle.machines import everywhere
from tests.planted.bugs import BUGS
from tests.repo.clauses import evidence


def figures(root: Path) -> list[list[str]]:
    """Return a row a layer of evidence: what it is, its figure, and the command that gives it."""
    known, goals = evidence(root), Counter(goal.kind for goal in verify.goals())
    counts = known.counts()
    tested = counts["both"] + counts["tested"]
    kit = [name for name in dir(Conformance) if name.startswith("test_")]
    areas = Counter(bug.place.partition(",")[0] for bug in BUGS.values())
    rows = {
        "clauses": (f"{len(known.clauses)}: {tested} tested, {counts['both']} of them proved", "pytest tests/repo"),
        "modules proved, and searched for a contradiction": (str(goals["proof"]), "python -m sdd.formal.verify"),
        "mistakes that the verifier refuses": (str(goals["broken"]), "python -m sdd.formal.verify"),
        "random operations compared with the verified model": (
            f"in each colour {steps()}; five times as many at length",
            "pytest tests/oracle --machine-times=5",
        ),
        "tests of the kit, on every backend in both colours; on a second server of one that blocks, in one": (
            str(len(kit)),
            "pytest tests/backends",
        ),
        "planted bugs, each found by a named test": (
            f"{len(BUGS)}: {', '.join(f'{area} {count}' for area, count in areas.most_common())}",
            "pytest tests/planted",
        ),
        "small mistakes made in the kernel": (mutants(root), "make mutation"),
    }
    return [[what, figure, f"`{command}`"] for what, (figure, command) in rows.items()]


def steps() -> str:
    """Return how many steps each machine takes, the most first."""
    takers: dict[int, list[str]] = {}
    for machine in everywhere():
        takers.setdefault(machine.steps, []).append(machine.__name__.removeprefix("Test"))
    return "; ".join(f"{taken:,} on {', '.join(takers[taken])}" for taken in sorted(takers, reverse=True))


def mutants(root: Path) -> str:
    """Return the score that the last whole run of the mutants has left."""
    kept = root / "sdd" / "mutation" / "score.json"
    if not kept.exists():
        return "no whole run is kept"
    score = json.loads(kept.read_text())
    share = score["noticed"] / score["mutants"]
    tried = (
        f"{score['mutants']:,}"
        if score["mutants"] == score["of"]
        else f"{score['mutants']:,} at random out of {score['of']:,}"
    )
    left = f"{score['explained']} explained, {score['unexplained']} open"
    return f"{score['noticed']:,} of {tried} noticed ({share:.1%}); {left}"
