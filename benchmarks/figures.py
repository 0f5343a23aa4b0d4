"""A figure: one thing measured for all contenders, and the targets it is held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.contest import Rounds

OURS = "ours"


@dataclass
class Figure:
    """Values of one measure, by contender and round."""

    row: str
    name: str
    unit: str
    values: dict[str, list[float]]
    bare: str | None = None
    """The contender that does nothing but the job: what ours is divided by."""
    checks: list[Check] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    """Contenders that could not take part, and why."""
    note: str = ""
    samples: dict[str, list[list[float]]] = field(default_factory=dict)
    """All that was measured, for the JSON: wall and CPU seconds, units, bytes grown."""

    def median(self, contender: str) -> float | None:
        values = self.values.get(contender)
        return median(values) if values else None

    def ratio(self, contender: str, other: str) -> float | None:
        """The median of the ratios within rounds."""
        pairs = list(zip(self.values.get(contender, ()), self.values.get(other, ()), strict=False))
        return median(one / two for one, two in pairs) if pairs and all(two for _, two in pairs) else None

    def difference(self, contender: str, other: str) -> float | None:
        """The median of the differences within rounds."""
        pairs = list(zip(self.values.get(contender, ()), self.values.get(other, ()), strict=False))
        return median(one - two for one, two in pairs) if pairs else None

    def as_json(self) -> dict[str, Any]:
        return {
            "row": self.row,
            "name": self.name,
            "unit": self.unit,
            "medians": {name: self.median(name) for name in self.values},
            "bare": self.bare,
            "ratio": self.ratio(OURS, self.bare) if self.bare else None,
            "checks": [
                {"target": check.text, "value": check.value(self), "met": check.met(self)} for check in self.checks
            ],
            "absent": self.absent,
            "note": self.note,
            "rounds": {name: [round(value, 4) for value in values] for name, values in self.values.items()},
            "samples": self.samples,
        }


@dataclass(frozen=True)
class Check:
    """A target: its wording, the value it looks at, and the limit."""

    text: str
    value: Callable[[Figure], float | None]
    limit: float
    at_most: bool = True

    def met(self, figure: Figure) -> bool | None:
        """Whether the target is met; None where it could not be measured."""
        value = self.value(figure)
        if value is None:
            return None
        return value <= self.limit if self.at_most else value >= self.limit


def at_most(limit: float, unit: str) -> Check:
    return Check(f"<= {limit:g} {unit}", lambda figure: figure.median(OURS), limit)


def at_least(limit: float, unit: str) -> Check:
    return Check(f">= {limit:g} {unit}", lambda figure: figure.median(OURS), limit, at_most=False)


def over(other: str, limit: float, unit: str) -> Check:
    return Check(f"<= {limit:g} {unit} over {other}", lambda figure: figure.difference(OURS, other), limit)


def times(other: str, limit: float) -> Check:
    return Check(f"<= {limit:g}x {other}", lambda figure: figure.ratio(OURS, other), limit)


def better_than(other: str, factor: float) -> Check:
    """Of costs: the other's is so many times ours."""
    return Check(f">= {factor:g}x better than {other}", lambda figure: figure.ratio(other, OURS), factor, at_most=False)


def share_of_ideal(ideal: float, share: float, *, cost: bool = False) -> Check:
    """Of a rate (or, as `cost`, of a time): what part of the ideal is reached."""

    def value(figure: Figure) -> float | None:
        ours = figure.median(OURS)
        return None if not ours else (ideal / ours if cost else ours / ideal)

    return Check(f">= {share:g} of ideal {ideal:g}", value, share, at_most=False)


def share_of(other: str, share: float) -> Check:
    """Of times: what part of the other's speed is reached."""
    return Check(f">= {share:g} of {other}", lambda figure: figure.ratio(other, OURS), share, at_most=False)


def figure(
    row: str, name: str, measure: str, outcome: tuple[Rounds, dict[str, str]], *, unit: str = "", **more: Any
) -> Figure:
    """Make a figure of one measure of the samples: cpu_us, wall_us, rate, seconds, grown_mib."""
    rounds, absent = outcome
    units = {"cpu_us": "CPU us", "wall_us": "us", "rate": "/s", "seconds": "s", "grown_mib": "MiB"}
    values = {one: [getattr(sample, measure) for sample in samples] for one, samples in rounds.items()}
    kept = {
        one: [[round(sample.wall, 6), round(sample.cpu, 6), sample.units, sample.grown] for sample in samples]
        for one, samples in rounds.items()
    }
    return Figure(row, name, unit or units[measure], values, absent=absent, samples=kept, **more)
