"""The plot: every figure a line on a logarithmic axis, ours at 1, peers where they are beside it."""

from __future__ import annotations

from html import escape
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from benchmarks.figures import OURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.figures import Figure

COLOURS = ["#3366cc", "#dd7700", "#2a9d5c", "#aa3377", "#7a5c3e", "#888888", "#c0392b", "#16a2b8", "#9467bd", "#4b5320"]
LEFT, WIDTH, LINE, TOP = 300, 620, 24, 70


def costs(figure: Figure) -> dict[str, float]:
    """How many times ours the others cost."""
    found = {}
    for name in figure.values:
        rate = figure.unit == "/s"
        ratio = figure.ratio(OURS, name) if rate else figure.ratio(name, OURS)
        if name != OURS and ratio and ratio > 0:
            found[name] = ratio
    return found


def svg(figures: Sequence[Figure]) -> str:
    """Draw the figures that have someone to compare with."""
    lines = [(figure, found) for figure in figures if (found := costs(figure))]
    everything = [ratio for _, found in lines for ratio in found.values()] or [1]
    low, high = floor(log10(min(*everything, 0.5))), ceil(log10(max(*everything, 10)))

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
    for power in range(low, high + 1):
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
