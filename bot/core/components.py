"""
Which component is at the root: deviation at the onset, likeness to the alerting series, and a walk along the calls.

Four rankers, fused. (1) Every series is compared with itself just before the onset, in robust standard deviations with floors. (2) As far as
the alerting series moved at the onset, only series of its kind count, each as far as it moves alike (Pearson correlation). (3) Trouble
travels from callee to caller, so a component is explained by a callee that deviates too: what stays is at the end of the walk. (4) Time
that a component spends waiting for others is not its own; it accuses those whose callers all wait, and no others do.

The walk follows the graph-traversal baseline of M. Hardt et al., The PetShop Dataset (2023); the floors and the medians are those of
bot/core/metrics.py. Constants were chosen on development data of two public systems; see docs/explanation/accuracy.md.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from bot.core.metrics import Series
from bot.core.spread import robust_spread

Floats = NDArray[np.float64]
Calls = Mapping[str, Sequence[str]]

# A quiet baseline makes noise look huge: less than this share of the level is no deviation.
_FLOOR = 0.05
_BEFORE_S = _AFTER_S = 330.0
_FEWEST_BEFORE, _FEWEST_AFTER = 2, 3
_ALIKE_S = 900.0
# Robust deviations from which a component counts as deviating.
_MOVED = 2.0
# Beyond this, more says nothing more: the baseline was merely quiet.
_MOST = 50.0
# An alerting series that stands off by this many robust deviations itself decides two thirds of the order (1 - 1/e).
_TELLS = 3.0
_HALF = 0.5
_OTHER_KIND = 0.5
_WEIGHTS = {"saturation": 1.0, "errors": 1.0, "latency": 0.9}
_RISES = frozenset({"latency", "errors"})
_FALLING = re.compile(r"availab|success|healthy|ready|hit_ratio|hit_rate", re.IGNORECASE)
# How instrumentation names the time that a caller spends in calls to others.
_OUTBOUND = re.compile(r"client|outbound|upstream|dependency", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A component with how much points to it."""

    name: str
    score: float
    """Log scale; 0 or less means that nothing points to it."""
    deviation: float
    """Robust standard deviations of its most telling series."""
    likeness: float
    """Correlation of that series with the alerting one, 0 to 1; 0 where the alerting one has nothing to say."""
    series: Series | None
    """The most telling series."""
    explained_by: str = ""
    """The callee that deviates as much, if there is one."""


@dataclass(frozen=True, slots=True)
class _Own:
    """What a component's own series say."""

    score: float = 0.0
    deviation: float = 0.0
    likeness: float = 0.0
    series: Series | None = None


def rank_components(
    series: Sequence[Series], *, onset: datetime, calls: Calls, target: Series | None = None
) -> list[Component]:
    """
    Components, likeliest root first.

    `calls` maps a component to those that it calls; empty where nobody knows. `target` is the alerting series: the more it moved at
    the onset itself, the more likeness to it and the walk decide, and the less the plain deviations do. Without one these decide alone.
    """
    at = onset.timestamp()
    of: dict[str, list[Series]] = {}
    for one in series:
        of.setdefault(one.service, []).append(one)
    tells = _tells(target, at)
    alike = {name: _of_one_kind(some, at, target) if target is not None else _Own() for name, some in of.items()}
    loud = {name: _of_any_kind(some, at) for name, some in of.items()}
    waits = {name: _waits(some, at) for name, some in of.items()}
    callers = {name: [one for one, called in calls.items() if name in called] for name in of}
    ranked: list[Component] = []
    for name in of:
        below, kid = _below(name, alike, calls)
        # Time spent waiting for others is not a component's own; it counts for those that it calls.
        score = tells * (alike[name].score - below) + (1 - tells) * loud[name].score
        score += _accused(callers[name], waits) - waits[name]
        by_likeness = tells * alike[name].score >= (1 - tells) * loud[name].score
        shown = alike[name] if by_likeness and alike[name].series is not None else loud[name]
        ranked.append(
            Component(
                name=name,
                score=round(score, 4),
                deviation=round(shown.deviation, 2),
                likeness=round(shown.likeness, 3),
                series=shown.series,
                explained_by=kid if tells >= _HALF else "",
            )
        )
    return sorted(ranked, key=lambda one: (-one.score, one.name))


def _tells(target: Series | None, at: float) -> float:
    """0 to 1: how much the alerting series moved at the onset, and so how much it has to say."""
    return 1 - math.exp(-_worse(target, deviation(target, at)) / _TELLS) if target is not None else 0.0


def deviation(series: Series, at: float) -> float:
    """
    How many robust standard deviations a series stands off after `at` (epoch seconds), signed; 0 when it cannot be told.

    Medians of the five minutes before and after, at least two and three points. The scale is the noise before, at
    least 5 % of the level.
    """
    times = np.array([point[0] for point in series.points], dtype=np.float64)
    values = np.array([point[1] for point in series.points], dtype=np.float64)
    known = np.isfinite(values)
    times, values = times[known], values[known]
    late = int(np.searchsorted(times, at))
    if late < _FEWEST_BEFORE or late == len(values):
        return 0.0
    first = min(int(np.searchsorted(times, at - _BEFORE_S)), late - _FEWEST_BEFORE)
    last = max(int(np.searchsorted(times, at + _AFTER_S)), late + _FEWEST_AFTER)
    recent = values[first:late]
    level = float(np.median(recent))
    # Too few points make no noise to speak of; then the whole past has to tell.
    noise = robust_spread(recent) if len(recent) >= _FEWEST_BEFORE + 2 else robust_spread(values[:late])
    scale = max(noise, _FLOOR * abs(level), 1e-9)
    moved = (float(np.median(values[late:last])) - level) / scale
    return max(-_MOST, min(_MOST, moved))


def likeness(one: Series, other: Series, at: float) -> float:
    """Pearson correlation in the quarter of an hour each way of `at`; 0 for fewer than four common points or one that stands still."""
    known = {time: value for time, value in other.points if abs(time - at) <= _ALIKE_S and math.isfinite(value)}
    pairs = [(value, known[time]) for time, value in one.points if time in known and math.isfinite(value)]
    if len(pairs) < 4:
        return 0.0
    left, right = np.array(pairs, dtype=np.float64).T
    if float(np.std(left)) < 1e-12 or float(np.std(right)) < 1e-12:
        return 0.0
    return float(np.corrcoef(left, right)[0, 1])


def _of_one_kind(some: Iterable[Series], at: float, target: Series) -> _Own:
    best = _Own()
    for one in some:
        if one.name != target.name and (one.kind not in _WEIGHTS or _OUTBOUND.search(one.name)):
            continue
        moved = _worse(one, deviation(one, at))
        alike = max(0.0, likeness(one, target, at))
        score = math.log1p(moved) * alike * (1.0 if one.kind == target.kind else _OTHER_KIND)
        if score > best.score:
            best = _Own(score, moved, alike, one)
    return best


def _of_any_kind(some: Iterable[Series], at: float) -> _Own:
    best = _Own()
    for one in some:
        if one.kind not in _WEIGHTS or _OUTBOUND.search(one.name):
            continue
        moved = _worse(one, deviation(one, at))
        score = _WEIGHTS[one.kind] * math.log1p(moved)
        if score > best.score:
            best = _Own(score, moved, 0.0, one)
    return best


def _worse(series: Series, moved: float) -> float:
    """The part of a deviation that means trouble. Of resources both ways do: a level that falls at once is a restart."""
    if _FALLING.search(series.name):
        return max(0.0, -moved)
    return max(0.0, moved) if series.kind in _RISES else abs(moved)


def _waits(some: Iterable[Series], at: float) -> float:
    """How much longer a component waits for others. Log scale."""
    found = (deviation(one, at) for one in some if one.kind == "latency" and _OUTBOUND.search(one.name))
    return max((math.log1p(max(0.0, moved)) for moved in found), default=0.0)


def _accused(callers: Sequence[str], waits: Mapping[str, float]) -> float:
    """Mean wait of the callers, as far as nobody else waits."""
    whole = sum(waits.values())
    if not callers or whole <= 0:
        return 0.0
    theirs = sum(waits.get(name, 0.0) for name in callers)
    return theirs / len(callers) * theirs / whole


def _below(name: str, own: Mapping[str, _Own], calls: Calls) -> tuple[float, str]:
    """The strongest deviating callee and its score: what it explains is not the caller's own."""
    found = [
        (own[kid].score, kid)
        for kid in calls.get(name, ())
        if kid in own and kid != name and own[kid].deviation >= _MOVED
    ]
    return max(found, default=(0.0, ""))
