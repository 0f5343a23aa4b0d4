"""Run every layer of evidence at length and print one table: ``python -m sdd.proof`` (``--only NAME``, ``--quick``).

Each layer is a command of its own, which can be run by hand; its last words give the figure.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PYTEST = ("-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup")


class Layer(NamedTuple):
    """One kind of evidence."""

    name: str
    command: tuple[str, ...]
    """Arguments of Python."""
    quick: tuple[str, ...]
    """The same in a few minutes."""
    figure: str
    """A pattern; the last line that matches it is what the table shows."""


LAYERS = (
    Layer(
        "clauses",
        (*PYTEST[:3], "tests/repo/test_specs.py", "tests/repo/test_planted.py"),
        (),
        r"\d+ (?:passed|failed).*",
    ),
    Layer("proofs", ("-m", "sdd.formal.verify"), (), r"\d+ of \d+ goals reached.*"),
    Layer(
        "oracle",
        (*PYTEST, "tests/oracle", "--machine-times=5", "--machine-seed=new"),
        (*PYTEST, "tests/oracle"),
        r"\d+ (?:passed|failed).*",
    ),
    Layer("planted bugs", (*PYTEST, "tests/planted"), (), r"\d+ (?:passed|failed).*"),
    Layer(
        "mutants",
        ("-m", "sdd.mutation.run"),
        ("-m", "sdd.mutation.run", "--sample", "150"),
        r"\d+ of \d+ mutants noticed.*?\)",
    ),
)

say = print


def run(layer: Layer, command: tuple[str, ...]) -> tuple[bool, str, float]:
    """Run a layer, showing what it says; return whether it held, its figure and its seconds."""
    say(f"\n== {layer.name}: python {' '.join(command)}", flush=True)
    began, figure = time.monotonic(), "no answer"
    with subprocess.Popen(  # noqa: S603 - fixed arguments
        [sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            say(line, end="", flush=True)
            if found := re.search(layer.figure, line):
                figure = found[0].strip(" =:")
    return process.returncode == 0, figure, time.monotonic() - began


def main() -> None:
    """Run the layers asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help=f"one of {', '.join(layer.name for layer in LAYERS)}")
    parser.add_argument("--quick", action="store_true", help="fewer random operations, a sample of the mutants")
    asked = parser.parse_args()
    chosen = [layer for layer in LAYERS if asked.only in layer.name]
    rows = []
    for layer in chosen:
        command = layer.quick if asked.quick and layer.quick else layer.command
        rows.append((layer.name, *run(layer, command)))
    say(f"\n{'layer':14}{'holds':7}{'seconds':>8}  figure")
    for name, holds, figure, seconds in rows:
        say(f"{name:14}{'yes' if holds else 'NO':7}{seconds:8.0f}  {figure}")
    if not rows or not all(holds for _, holds, _, _ in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
