"""The table that is printed, and the JSON that is kept."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks.figures import OURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.figures import Figure

HEADINGS = ("row", "what", "unit", "ours", "bare", "ratio", "target", "value", "result")


def short(value: float | None) -> str:
    """A number in three digits or so."""
    if value is None:
        return "-"
    for digits, least in ((0, 100), (1, 10), (2, 0.1)):
        if abs(value) >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.3f}" if value else "0"


VERDICTS = {True: "met", False: "MISSED", None: "not measured"}


def rows_of(figure: Figure) -> list[tuple[str, ...]]:
    """The lines of one figure: one a target, the first with the figures themselves."""
    ratio = figure.ratio(OURS, figure.bare) if figure.bare else None
    bare = figure.median(figure.bare) if figure.bare else None
    facts = (figure.row, figure.name, figure.unit, short(figure.median(OURS)), short(bare), short(ratio))
    checks = [(check.text, short(check.value(figure)), VERDICTS[check.met(figure)]) for check in figure.checks]
    first, *others = checks or [("-", "", "")]
    return [(*facts, *first), *(("", "", "", "", "", "", *other) for other in others)]


def peers_of(figure: Figure) -> str:
    others = [name for name in figure.values if name not in (OURS, figure.bare)]
    return "   ".join(f"{name} {short(figure.median(name))}" for name in others)


def text_table(figures: Sequence[Figure]) -> str:
    """The table for a terminal."""
    lines: list[tuple[str, ...] | str] = [HEADINGS]
    for figure in figures:
        lines.extend(rows_of(figure))
        bare = f"bare is {figure.bare}" if figure.bare not in (None, "bare") else ""
        lines.extend(f"        {extra}" for extra in (bare, peers_of(figure), figure.note) if extra)
        lines.extend(f"        {name} did not take part: {why}" for name, why in figure.absent.items())
    cells = [line for line in lines if not isinstance(line, str)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    return "\n".join(
        line
        if isinstance(line, str)
        else "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def markdown_table(figures: Sequence[Figure]) -> str:
    """The table for the README."""
    lines = ["| " + " | ".join([*HEADINGS, "peers"]) + " |", "|---" * (len(HEADINGS) + 1) + "|"]
    for figure in figures:
        peers = [peers_of(figure).replace("   ", ", ")]
        for line in rows_of(figure):
            lines.append("| " + " | ".join([*line, *peers]) + " |")
            peers = [""]
    return "\n".join(lines)


def heading(content: dict[str, Any]) -> str:
    """Say when and on what it was measured: a busy machine makes times long and ratios uncertain."""
    machine = content["machine"]
    load = ", ".join(f"{one:.1f}" for one in content["load"])
    where = f"Python {machine['python']}, {machine['cores']} cores, load at the end {load}"
    return f"{content['when']}, {content['seconds']:.0f} s, {where}."


def as_json(figures: Sequence[Figure], *, quick: bool, seconds: float) -> dict[str, Any]:
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "quick": quick,
        "seconds": round(seconds, 1),
        "machine": {"python": sys.version.split()[0], "system": platform.system(), "cores": os.cpu_count()},
        "load": os.getloadavg(),
        "figures": [figure.as_json() for figure in figures],
    }


def json_text(content: dict[str, Any]) -> str:
    """Write the JSON with a line a figure, so that two runs can be compared."""
    facts = json.dumps({**content, "figures": []}, indent=1).removesuffix("[]\n}")
    lines = ",\n  ".join(json.dumps(one) for one in content["figures"])
    return f"{facts}[\n  {lines}\n ]\n}}\n"
