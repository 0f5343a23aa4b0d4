"""The plot: every figure a line on a logarithmic axis, ours at 1, peers where they are beside it."""

from __future__ import annotations

from html import escape
from math import ceil, log10
from typing import TYPE_CHECKING

from benchmarks.figures import OURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.figures import Figure

# The contender that only does the job, under one name whatever it is; obstore is a peer as well.
BARE = "the job alone"
LEAST = 0.03  # further to the left all looks alike
COLOURS = ["#3366cc", "#dd7700", "#2a9d5c", "#aa3377", "#7a5c3e", "#888888", "#c0392b", "#16a2b8", "#9467bd", "#4b5320"]
LEFT, WIDTH, LINE, TOP = 300, 620, 24, 70


def costs(figure: Figure) -> dict[str, float]:
    """How many times ours the others cost."""
    found: dict[str, float] = {}
    if min(figure.values.get(OURS, ()), default=0) <= 0:
        return found  # nothing is nothing times as dear
    for name in figure.values:
        if name == OURS or ("," in name and name != "ours, boto3 lane"):
            continue
        ratio = figure.ratio(OURS, name) if figure.unit == "/s" else figure.ratio(name, OURS)
        if ratio and ratio > 0:
            found[BARE if name == figure.bare and name != "obstore" else name] = max(ratio, LEAST)
    return found


def svg(figures: Sequence[Figure]) -> str:
    """Draw the figures that have someone to compare with."""
    lines = [(figure, found) for figure in figures if (found := costs(figure))]
    everything = [ratio for _, found in lines for ratio in found.values()] or [1]
    low, high = log10(LEAST), ceil(log10(max(*everything, 10)))

    def across(ratio: float) -> float:
        return LEFT + (log10(ratio) - low) / (high - low) * WIDTH

    names = list(dict.fromkeys(name for _, found in lines for name in found))
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
    height = TOP + LINE * len(lines) + 40
    size = f'width="{LEFT + WIDTH + 40}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        '<text x="10" y="20" font-size="15">What others cost where remote-store costs 1 (to the right: dearer)</text>',
        *_legend(names, colours),
        *_axis(low, high, across, height),
    ]
    for index, (figure, found) in enumerate(lines):
        parts.extend(_line(figure, found, TOP + LINE * index + LINE // 2, across, colours))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(names, colours):  # noqa: ANN001, ANN202
    for index, name in enumerate(names):
        x, y = 10 + 155 * (index % 6), 36 + 16 * (index // 6)
        yield f'<circle cx="{x + 5}" cy="{y}" r="5" fill="{colours[name]}"/>'
        yield f'<text x="{x + 14}" y="{y + 4}">{escape(name)}</text>'


def _axis(low, high, across, height):  # noqa: ANN001, ANN202
    for power in range(ceil(low), high + 1):
        x = across(10**power)
        line = "#444444" if power == 0 else "#dddddd"
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{height - 30}" stroke="{line}"/>'
        yield f'<text x="{x:.1f}" y="{height - 14}" text-anchor="middle">{10**power:g}</text>'


def _line(figure, found, y, across, colours):  # noqa: ANN001, ANN202
    label = escape(f"{figure.row}: {figure.name}")
    yield f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{label}</text>'
    yield f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y}" y2="{y}" stroke="#eeeeee"/>'
    yield f'<path d="M{across(1):.1f} {y - 6} v12" stroke="black" stroke-width="3"/>'
    for name, ratio in found.items():
        yield f'<circle cx="{across(ratio):.1f}" cy="{y}" r="5" fill="{colours[name]}" fill-opacity="0.85">'
        yield f"<title>{escape(name)}: {ratio:.2f}</title></circle>"
