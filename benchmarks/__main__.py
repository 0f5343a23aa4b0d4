"""Measure remote-store beside the bare clients and its peers: `python -m benchmarks [--quick] [ROW…]`."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import plot, report
from benchmarks.environments import ROOT
from benchmarks.ground import Ground

if TYPE_CHECKING:
    from benchmarks.figures import Figure

RESULTS = ROOT / "benchmarks" / "results"
ROWS = {
    "kernel": "kernel",
    "local": "local",
    "s3": "s3",
    "azure": "azure",
    "http": "http",
    "latency": "latency",
    "big": "big_object",
    "sftp": "sftp",
    "import": "imports",
    "memory": "memory",
    "lake": "lake",
    "sql": "sql",
}


def measure(rows: list[str], *, quick: bool) -> tuple[list[Figure], list[str]]:
    """Run the rows one after the other; within each, contenders take turns. Returns the rows that broke, too."""
    found: list[Figure] = []
    broken: list[str] = []
    with Ground(quick=quick) as ground:
        for row in rows:
            print(f"-- {row}", flush=True)
            began = time.monotonic()
            try:
                for figure in importlib.import_module(f"benchmarks.rows.{ROWS[row]}").figures(ground):
                    found.append(figure)
                    print(report.text_table([figure]).partition("\n")[2], flush=True)
            except Exception:  # noqa: BLE001 - the other rows are still worth having
                traceback.print_exc()
                broken.append(row)
            print(f"   done in {time.monotonic() - began:.0f} s", flush=True)
    return found, broken


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"{', '.join(ROWS)}; all of them if none is named")
    parser.add_argument("--quick", action="store_true", help="few rounds and less data: to see that it works")
    parser.add_argument("--into", type=Path, default=RESULTS, help="the folder for the results (default: %(default)s)")
    asked = parser.parse_args()
    unknown = set(asked.rows) - set(ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    began = time.monotonic()
    figures, broken = measure(asked.rows or list(ROWS), quick=asked.quick)
    seconds = time.monotonic() - began
    name = "part" if asked.rows else "quick" if asked.quick else "latest"
    asked.into.mkdir(exist_ok=True)
    content = report.as_json(figures, quick=asked.quick, seconds=seconds)
    (asked.into / f"{name}.json").write_text(report.json_text(content))
    (asked.into / f"{name}.md").write_text(f"{report.heading(content)}\n\n{report.markdown_table(figures)}\n")
    (asked.into / f"{name}.svg").write_text(plot.svg(figures))
    print(f"\n{report.text_table(figures)}\n")
    missed = sum(check.met(figure) is False for figure in figures for check in figure.checks)
    print(f"{seconds:.0f} s; {missed} targets missed; written to {asked.into / name}.*")
    if broken:
        print(f"these rows broke: {', '.join(broken)}")
    return len(broken)


if __name__ == "__main__":
    sys.exit(main())
