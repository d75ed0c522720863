"""What a metric's name and type say about it, and the arithmetic on its samples. Pure.

Names follow Prometheus' conventions (documentation: "Metric and label naming", "Histograms and summaries").
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from basecamp.results import Series, SeriesKind

Point = tuple[float, float]

_ERRORS = re.compile(
    r"error|fail|exception|reject|refus|denied|abort|drop|declin|timeout|5xx|panic|oom|restart|deadlock"
)
_LATENCY = re.compile(r"latency|duration|response_time|request_time|_seconds_p\d+$|_wait_seconds|_lag_seconds")
_SATURATION = re.compile(
    r"satur|utili[sz]ation|usage|used|in_use|connection|activity|pool|queue|backlog|pending|inflight|in_flight|"
    r"memory|resident|heap|cpu|disk|thread|open_fds|max_fds|capacity|limit|lag|evict|slots|lock"
)
_TRAFFIC = re.compile(r"request|queries|query|message|call|hits|orders|transaction|throughput|_bytes_total|rpc|jobs")
_OUTCOME_LABELS = frozenset({"outcome", "status", "code", "status_code", "result", "grpc_code"})
_BAD_OUTCOME = re.compile(r"(?i)^5\d\d$|^5xx$|error|fail|exception|timeout|unavailable|internal")
_PRIORITY: dict[str, int] = {"errors": 0, "latency": 1, "saturation": 2, "traffic": 3, "other": 4}
_UNITS = (
    ("_milliseconds", "ms"), ("_seconds", "s"), ("_bytes", "bytes"), ("_ratio", "ratio"), ("_percent", "%"),
    ("_celsius", "°C"), ("_volts", "V"), ("_joules", "J"), ("_meters", "m"), ("_ms", "ms"),
)  # fmt: skip


class Shape(Enum):
    """How the samples of a metric are turned into a line."""

    GAUGE = "as they are"
    COUNTER = "rate"
    HISTOGRAM = "95th percentile of the rate of the buckets"
    MEAN = "rate of the sum over rate of the count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One line to draw: the metric to ask for, its shape and the name it gets."""

    metric: str
    shape: Shape
    name: str


def plan(names: Iterable[str], types: Mapping[str, str]) -> list[Plan]:
    """Decide what to draw of a service's metrics, the most telling first.

    Types are those of Prometheus' metadata by metric name; where one is missing the name decides.
    """
    present = set(names)
    plans = [each for name in present if (each := _plan_one(name, present, types)) is not None]
    return sorted(plans, key=lambda each: (_PRIORITY[classify(each.name, {})], each.name))


def _plan_one(name: str, present: set[str], types: Mapping[str, str]) -> Plan | None:
    base, _, suffix = name.rpartition("_")
    if suffix == "created" and types.get(name, "gauge") == "gauge":
        return None  # the moment a client library made the series; says nothing about the service
    kind = types.get(name)
    if kind == "gauge":
        return Plan(metric=name, shape=Shape.GAUGE, name=name)
    if suffix == "bucket":
        return Plan(metric=name, shape=Shape.HISTOGRAM, name=f"{base}_p95")
    family = f"{base}_sum" in present and f"{base}_count" in present
    if suffix == "sum" and family:
        return None if f"{base}_bucket" in present else Plan(metric=base, shape=Shape.MEAN, name=f"{base}_mean")
    if kind == "counter" or suffix == "total" or (suffix == "count" and family):
        return Plan(metric=name, shape=Shape.COUNTER, name=name)
    return Plan(metric=name, shape=Shape.GAUGE, name=name)


def classify(name: str, labels: Mapping[str, str]) -> SeriesKind:
    """Which of the golden signals a series belongs to, by its name and its outcome labels."""
    lowered = name.lower()
    bad = any(key in _OUTCOME_LABELS and _BAD_OUTCOME.search(value) for key, value in labels.items())
    if bad or _ERRORS.search(lowered):
        return "errors"
    if _LATENCY.search(lowered) and not lowered.endswith(("_count", "_total")):
        return "latency"
    if lowered.endswith("_count") and _LATENCY.search(lowered):
        return "traffic"
    if _TRAFFIC.search(lowered) and lowered.endswith(("_total", "_count")):
        return "traffic"
    if _SATURATION.search(lowered):
        return "saturation"
    return "traffic" if _TRAFFIC.search(lowered) else "other"


def unit_of(name: str, *, rate: bool) -> str:
    """The unit that a metric's suffix promises; a rate is per second."""
    stem = re.sub(r"_(?:total|count|sum|bucket|p\d+|mean)$", "", name)
    unit = next((unit for suffix, unit in _UNITS if stem.endswith(suffix)), "")
    if not rate:
        return unit or "1"
    return "1/s" if name.endswith("_count") or not unit else f"{unit}/s"


def order(series: Iterable[Series]) -> list[Series]:
    """The most telling first, so that a cap drops the rest."""
    return sorted(series, key=lambda each: (_PRIORITY[each.kind], each.name, sorted(each.labels.items())))


def finite(points: Iterable[Sequence[object]]) -> list[Point]:
    """[time, "value"] pairs of Prometheus to numbers; NaN and infinities are left out."""
    numbers = ((float(str(at)), float(str(value))) for at, value in points)
    return [(at, value) for at, value in numbers if math.isfinite(value)]


def quantile_line(quantile: float, buckets: Mapping[float, Sequence[Point]]) -> list[Point]:
    """A quantile per moment from cumulative bucket rates by upper bound, as histogram_quantile() computes it."""
    by_time: dict[float, dict[float, float]] = {}
    for bound, points in buckets.items():
        for at, value in points:
            by_time.setdefault(at, {})[bound] = value
    line = ((at, quantile_of(quantile, by_time[at])) for at in sorted(by_time))
    return [(at, value) for at, value in line if value is not None]


def quantile_of(quantile: float, cumulative: Mapping[float, float]) -> float | None:
    """Linear inside a bucket, the lowest one starting at 0; None without observations or without an +Inf bucket."""
    bounds = sorted(cumulative)
    if len(bounds) < 2 or not math.isinf(bounds[-1]) or not cumulative[bounds[-1]] > 0:
        return None
    goal = quantile * cumulative[bounds[-1]]
    if goal <= cumulative[bounds[0]]:
        first = bounds[0]
        return first if first <= 0 else first * goal / cumulative[first]
    for lower, upper in pairwise(bounds):
        if cumulative[upper] >= goal:
            if math.isinf(upper):
                return lower
            share = (goal - cumulative[lower]) / (cumulative[upper] - cumulative[lower])
            return lower + (upper - lower) * share
    return bounds[-2]
