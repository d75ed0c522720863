"""What was measured, with its sample size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slackbox.jsons import Json


class BenchError(Exception):
    """The measurement could not be made; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured thing. `target` is the most (or, with `at_least`, the least) that is wanted of `judged`."""

    what: str
    unit: str
    samples: Sequence[float]
    count: int | None = None
    target: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def size(self) -> int:
        return len(self.samples) if self.count is None else self.count

    @property
    def judged(self) -> float:
        """What is held against the target: the 95th percentile, or the median of what should be high."""
        return percentile(self.samples, 50 if self.at_least else 95)

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.judged >= self.target if self.at_least else self.judged <= self.target

    def as_json(self) -> Json:
        shown = {"what": self.what, "unit": self.unit, "n": self.size, "note": self.note}
        numbers = {"p50": percentile(self.samples, 50), "p95": percentile(self.samples, 95), "max": max(self.samples)}
        return shown | numbers | {"target": self.target, "met": self.met}


def percentile(samples: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile, so always a value that was measured."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def table(figures: Sequence[Figure]) -> str:
    """The figures as aligned text."""
    head = ("what", "n", "p50", "p95", "max", "unit", "target", "")
    rows = [head, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(
            word.ljust(width) if column in {0, 5, 7} else word.rjust(width)
            for column, (word, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    notes = [f"{figure.what}: {figure.note}" for figure in figures if figure.note]
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def _row(figure: Figure) -> tuple[str, ...]:
    several = len(figure.samples) > 1
    return (
        figure.what,
        f"{figure.size:,}",
        _number(percentile(figure.samples, 50)),
        _number(percentile(figure.samples, 95)) if several else "–",
        _number(max(figure.samples)) if several else "–",
        figure.unit,
        "" if figure.target is None else f"{'≥' if figure.at_least else '≤'} {figure.target:g}",
        {None: "", True: "met", False: "missed"}[figure.met],
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
