"""Charts as small SVG pictures that follow the reader's light or dark theme and need nothing from outside."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Chart", "bars", "columns", "heatmap"]


class Chart(NamedTuple):
    """A picture: ``svg`` goes into a page, ``standalone()`` into a file of its own."""

    svg: str
    title: str
    width: int
    height: int

    def standalone(self) -> str:
        """Return the picture as an SVG file, title and colours included."""
        inside = self.svg.partition(">")[2]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height + 56}" '
            f'viewBox="0 -56 {self.width} {self.height + 56}" role="img"><style>:root{{{LIGHT}}}'
            f"@media(prefers-color-scheme:dark){{:root{{{DARK}}}}}{STYLE}</style>"
            f'<rect class="paper" x="0" y="-56" width="{self.width}" height="{self.height + 56}"/>'
            f'<text class="title" x="16" y="-24">{escape(self.title)}</text>{inside}'
        )


LIGHT = (
    "--paper:#fbfbfa;--ink:#1c2126;--soft:#66707a;--line:#e3e6e8;--bar:#2f6fb0;--bar2:#d98324;--none:#eceeef;"
    "--h0:#f3f0ea;--h1:#f7dfb5;--h2:#f3bd78;--h3:#e48c4c;--h4:#c95a3a;--h5:#97302f;--h6:#5d1a2b"
)
DARK = (
    "--paper:#15181c;--ink:#e9ecef;--soft:#98a3ad;--line:#2b3138;--bar:#6aa9e9;--bar2:#f0a04b;--none:#22272d;"
    "--h0:#252a31;--h1:#3f2f45;--h2:#6d3452;--h3:#a33f55;--h4:#d2604d;--h5:#ee9558;--h6:#ffd08a"
)
STYLE = (
    "svg{font-family:ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
    ".paper{fill:var(--paper)}.title{font-size:17px;font-weight:600;fill:var(--ink)}"
    ".label{font-size:12px;fill:var(--soft)}.name{font-size:12px;fill:var(--ink)}"
    ".value{font-size:12px;fill:var(--ink);font-variant-numeric:tabular-nums}"
    ".bar{fill:var(--bar)}.bar:hover{fill:var(--bar2)}.track{fill:var(--none)}.grid{stroke:var(--line)}"
    ".cell{stroke:var(--paper);stroke-width:2}" + "".join([f".h{n}{{fill:var(--h{n})}}" for n in range(7)])
)
SHADES = 7


def _open(width: int, height: int, title: str) -> str:
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg {size} role="img" aria-label="{escape(title)}">'


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _alike(values: Sequence[float]) -> Callable[[float], str]:
    """Return what shows all of these numbers with the same digits."""
    whole = all(value == int(value) for value in values)
    return lambda value: f"{value:,.0f}" if whole else f"{value:,.1f}"


def bars(
    title: str, rows: Sequence[tuple[str, float]], *, show: Callable[[float], str] | None = None, width: int = 720
) -> Chart:
    """Return horizontal bars, one for each ``(name, value)``."""
    step, left, right = 28, 190, 90
    height = step * len(rows) + 16
    most = max([value for _, value in rows], default=0) or 1
    show = show or _alike([value for _, value in rows])
    parts = [_open(width, height, title)]
    for number, (name, value) in enumerate(rows):
        y = 8 + number * step
        length = max((width - left - right) * max(value, 0) / most, 1.5)
        tip = f"<title>{escape(name)}: {escape(show(value))}</title>"
        parts.append(
            f'<text class="name" x="{left - 10}" y="{y + 17}" text-anchor="end">{escape(_cut(name, 26))}{tip}</text>'
            f'<rect class="bar" x="{left}" y="{y + 4}" width="{length:.1f}" height="{step - 10}" rx="3">{tip}</rect>'
            f'<text class="value" x="{left + length + 8:.1f}" y="{y + 17}">{escape(show(value))}</text>'
        )
    return Chart("".join(parts) + "</svg>", title, width, height)


def columns(
    title: str, rows: Sequence[tuple[str, float]], *, show: Callable[[float], str] = _shown, width: int = 720
) -> Chart:
    """Return upright bars, one for each ``(name, value)``, with a scale at the left."""
    height, left, top, bottom = 190, 64, 10, 34
    most = max([value for _, value in rows], default=0) or 1
    ticks = _ticks(most)
    scale = (height - top - bottom) / ticks[-1]
    parts = [_open(width, height, title)]
    for tick in ticks:
        y = height - bottom - tick * scale
        parts.append(
            f'<line class="grid" x1="{left}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="label" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(show(tick))}</text>'
        )
    step = (width - left) / max(len(rows), 1)
    bar = min(step * 0.72, 56)
    every = max(math.ceil(max([len(name) for name, _ in rows], default=1) * 7.5 / step), 1)
    for number, (name, value) in enumerate(rows):
        x = left + number * step + (step - bar) / 2
        size = max(value * scale, 1 if value else 0)
        tip = f"<title>{escape(name)}: {escape(show(value))}</title>"
        parts.append(
            f'<rect class="bar" x="{x:.1f}" y="{height - bottom - size:.1f}" width="{bar:.1f}" '
            f'height="{size:.1f}" rx="2">{tip}</rect>'
        )
        if number % every == 0:
            middle = x + bar / 2
            parts.append(
                f'<text class="label" x="{middle:.1f}" y="{height - 12}" text-anchor="middle">'
                f"{escape(_cut(name, 18))}</text>"
            )
    return Chart("".join(parts) + "</svg>", title, width, height)


def heatmap(
    title: str,
    across: Sequence[str],
    down: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    show: Callable[[float], str] = _shown,
    width: int = 900,
) -> Chart:
    """Return a grid of cells, the stronger the value the stronger the colour; None is left empty."""
    left, top, row, legend = 56, 26, 34, 54
    height = top + row * len(down) + legend
    step = (width - left - 16) / max(len(across), 1)
    known = [value for line in values for value in line if value is not None]
    least, most = min(known, default=0), max(known, default=1)
    parts = [_open(width, height, title)]
    for number, name in enumerate(across):
        x = left + (number + 0.5) * step
        parts.append(f'<text class="label" x="{x:.1f}" y="{top - 9}" text-anchor="middle">{escape(name)}</text>')
    for number, (name, line) in enumerate(zip(down, values, strict=True)):
        y = top + number * row
        middle = y + row / 2 + 4
        parts.append(f'<text class="label" x="{left - 10}" y="{middle:.1f}" text-anchor="end">{escape(name)}</text>')
        for column, value in enumerate(line):
            if value is not None:
                tip = f"<title>{escape(name)}, {escape(across[column])}: {escape(show(value))}</title>"
                parts.append(
                    f'<rect class="cell h{_shade(value, least, most)}" x="{left + column * step:.1f}" y="{y}" '
                    f'width="{step:.1f}" height="{row}" rx="5">{tip}</rect>'
                )
    y = height - 34
    steps = range(SHADES)
    parts.append(f'<text class="label" x="{left - 8}" y="{y + 12}" text-anchor="end">{escape(show(least))}</text>')
    parts += [f'<rect class="cell h{n}" x="{left + n * 30}" y="{y}" width="30" height="16" rx="4"/>' for n in steps]
    parts.append(f'<text class="label" x="{left + SHADES * 30 + 8}" y="{y + 12}">{escape(show(most))}</text>')
    return Chart("".join(parts) + "</svg>", title, width, height)


def _shade(value: float, least: float, most: float) -> int:
    share = (value - least) / (most - least) if most > least else 0
    return min(int(share * SHADES), SHADES - 1)


def _ticks(most: float) -> list[float]:
    """Return three to five round numbers from 0 to at least the greatest value."""
    rough = most / 4
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough)
    return [step * number for number in range(math.ceil(most / step - 1e-9) + 1)]


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
