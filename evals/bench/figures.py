"""Samples to figures, and a figure beside its target. Pure."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table. `met` is None where no target is set."""

    what: str
    samples: int
    median: float
    p95: float | None
    p99: float | None
    unit: str
    target: str = ""
    met: bool | None = None
    note: str = ""


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: always a value that was measured. Raises ValueError without values."""
    if not values:
        raise ValueError("a percentile needs at least one value")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def spread(
    what: str,
    values: Sequence[float],
    unit: str,
    *,
    p95_at_most: float | None = None,
    p99_at_most: float | None = None,
    target: str = "",
    note: str = "",
) -> Figure:
    """A figure from samples, judged by its 95th or 99th percentile. Nothing measured is a missed target."""
    limits = ((0.95, "p95", p95_at_most), (0.99, "p99", p99_at_most))
    judged = [(share, name, limit) for share, name, limit in limits if limit is not None]
    told = target or ", ".join(f"{name} ≤ {limit:g} {unit}" for _, name, limit in judged)
    if not values:
        nan = math.nan
        lost = False if judged else None
        return Figure(what=what, samples=0, median=nan, p95=nan, p99=nan, unit=unit, target=told, met=lost, note=note)
    return Figure(
        what=what,
        samples=len(values),
        median=statistics.median(values),
        p95=percentile(values, 0.95),
        p99=percentile(values, 0.99),
        unit=unit,
        target=told,
        met=all(percentile(values, share) <= limit for share, _, limit in judged) if judged else None,
        note=note,
    )


def count(what: str, value: float, unit: str, *, samples: int = 1, target: str = "", met: bool | None = None, note: str = "") -> Figure:  # fmt: skip
    """A single number, such as how many were lost."""
    return Figure(
        what=what, samples=samples, median=value, p95=None, p99=None, unit=unit, target=target, met=met, note=note
    )


def union_ms(intervals: Sequence[tuple[float, float]]) -> float:
    """Length of the union of intervals (start, end): time during which at least one of them ran."""
    total, reached = 0.0, -math.inf
    for start, end in sorted(intervals):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
