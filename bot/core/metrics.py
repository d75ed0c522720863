"""
What moved, when, and by how much: robust changes in time series near the onset of an alert.

Levels are medians and scales are median absolute deviations, so single spikes do not count as a change. The moment
of a change is the split that leaves the least squared error in two constant pieces (one pass over cumulative sums),
then walked back to where the series first left its old band.
"""

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from bot.core.spread import robust_spread

Floats = NDArray[np.float64]

_FEWEST_POINTS = 6
_SIGNIFICANT = 4.0
_SMALLEST_SHARE = 0.15
_COUNTER_SUFFIXES = ("_total", "_sum", "_bucket")
_RATE_UNITS = ("/s", "per second", "per minute", "/min")
_OTHER_UPS = ("scale_up", "catch_up", "follow_up", "back_up", "warm_up", "start_up", "speed_up", "clean_up")
_CLOCK_SUFFIXES = ("_created", "_timestamp_seconds", "_start_time_seconds", "_time_seconds")
_DOWN_SIZE, _MOSTLY = 50.0, 0.5
_KIND_FACTORS = {"errors": 1.0, "saturation": 1.0, "latency": 0.95, "traffic": 0.8, "other": 0.65}


class Direction(enum.StrEnum):
    """How a series moved."""

    ROSE = "rose"
    FELL = "fell"
    APPEARED = "appeared"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One time series; points are (epoch seconds, value), oldest first."""

    service: str
    name: str
    kind: str
    unit: str
    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChange:
    """A series that left its old level."""

    series: Series
    direction: Direction
    before: float
    after: float
    size: float
    """How many robust standard deviations of the old level the new one is away."""
    at: datetime
    """When the series first left its old band."""
    lead_s: float
    """Seconds before the alert; negative when it moved after the alert."""
    weight: float
    """0 to 1, for ranking."""


def rank_changes(
    series: Sequence[Series], *, onset: datetime, nearness: Mapping[str, float] | None = None
) -> list[MetricChange]:
    """
    The series that changed near the onset, most notable first.

    `nearness` is a factor (0 to 1) per service, 1 for the alerting one. Kinds compete within their kind: the strongest
    of each kind keeps its weight, and each further one counts a little less, so one chatty kind does not fill the list.
    """
    start, end = _coverage(series)
    found = [change for one in series if (change := _change(one, onset, start, end)) is not None]
    factors = nearness or {}
    weighed = [(change, _weight(change) * factors.get(change.series.service, 0.7)) for change in found]
    weighed.sort(key=lambda pair: (-pair[1], _name(pair[0].series)))
    seen: dict[str, int] = {}
    ranked: list[MetricChange] = []
    for change, weight in weighed:
        place = seen.get(change.series.kind, 0)
        seen[change.series.kind] = place + 1
        ranked.append(_with_weight(change, weight * 0.96**place))
    return sorted(ranked, key=lambda change: (-change.weight, _name(change.series)))


def level_around(series: Series, onset: datetime) -> tuple[float, float] | None:
    """Medians of the older half of what came before the onset, and of the five minutes around it; None when either is empty."""
    times, values = _read(series)
    at = onset.timestamp()
    if not len(times):
        return None
    old = values[times < times[0] + (at - times[0]) / 2]
    new = values[(times >= at - 150) & (times <= at + 150)]
    return (float(np.median(old)), float(np.median(new))) if len(old) and len(new) else None


def sentence(change: MetricChange) -> str:
    """`pg_stat_activity_count{state=idle} rose from 2 to 17 (at 09:01:10Z, 45 s before the alert)`."""
    plain = {"": "", "1": "", "1/s": " per second"}
    unit = plain.get(change.series.unit, f" {change.series.unit}")
    when = f"at {change.at:%H:%M:%S}Z, {_lead(change.lead_s)}"
    name = _name(change.series)
    if change.direction is Direction.APPEARED:
        return f"{name} appeared and reached {number(change.after)}{unit} ({when})"
    if change.direction is Direction.VANISHED:
        return f"{name} stood at {number(change.before)}{unit} and vanished ({when})"
    return f"{name} {change.direction} from {number(change.before)} to {number(change.after)}{unit} ({when})"


def number(value: float) -> str:
    """A number as people write it: 17, 0.42, 1520."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    digits = 3 if abs(value) < 100 else 4
    return f"{value:.{digits}g}" if 1e-4 <= abs(value) < 1e6 else f"{value:.3g}"


def tells_up(name: str) -> bool:
    """Whether a metric is 1 while something is there and 0 while it is not: `up`, `redis_up`, but not `hpa_scale_up`."""
    return name == "up" or (name.endswith("_up") and not name.endswith(_OTHER_UPS))


def share_of(name: str, unit: str, level: float) -> float | None:
    """A level of a metric as a share, 0 to 1; None where the metric is no share by its name and unit."""
    if unit in {"%", "percent"} or name.endswith(("_pct", "_percent")):
        # Some call a share of 1 a percentage.
        return level / 100 if level > 1.05 else level
    return level if name.endswith(("_ratio", "_utilization", "_utilisation")) else None


def _lead(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s before the alert" if whole >= 0 else f"{-whole} s after the alert"


def _name(series: Series) -> str:
    labels = ",".join(
        f"{key}={value}" for key, value in sorted(series.labels.items()) if value and key not in _OBVIOUS_LABELS
    )
    return f"{series.name}{{{labels}}}" if labels else series.name


# Labels every series of a service has, which tell nothing apart; a pod is told by its name, not by its uid.
_OBVIOUS_LABELS = frozenset({"__name__", "service", "job", "instance", "uid"})


def _coverage(series: Sequence[Series]) -> tuple[float, float]:
    """First and last moment that any series covers, so that a series which begins late can be told."""
    times = [time for one in series if one.points for time in (one.points[0][0], one.points[-1][0])]
    return (min(times), max(times)) if times else (0.0, 0.0)


def _change(series: Series, onset: datetime, start: float, end: float) -> MetricChange | None:
    if series.name.endswith(_CLOCK_SUFFIXES) or not series.points:
        return None
    times, values = _read(series)
    if len(values) < 2:
        return None
    alert = onset.timestamp()
    if (since := _down_since(series, times, values)) is not None:
        return _build(series, Direction.FELL, 1.0, 0.0, _DOWN_SIZE, since, alert)
    step = float(np.median(np.diff(times)))
    late = max(2 * step, 0.1 * (end - start))
    if times[0] - start > late and abs(float(np.median(values))) > 0:
        return _edge(series, Direction.APPEARED, float(times[0]), 0.0, _level(values), alert)
    if end - times[-1] > late and abs(float(np.median(values))) > 0:
        return _edge(series, Direction.VANISHED, float(times[-1]), _level(values), 0.0, alert)
    return _moved(series, times, values, alert) if len(values) >= _FEWEST_POINTS else None


def _down_since(series: Series, times: Floats, values: Floats) -> float | None:
    """When what was up went down and stayed so; two samples tell as much as two hundred (`up` of Prometheus, `redis_up` of an exporter)."""
    was = np.flatnonzero(values == 1)
    if not tells_up(series.name) or not np.all((values == 0) | (values == 1)) or values[-1] != 0 or not len(was):
        return None
    # A flag that was raised for a while is no outage.
    if float(np.mean(values[: int(was[-1]) + 1])) <= _MOSTLY:
        return None
    return float(times[int(was[-1]) + 1])


def _read(series: Series) -> tuple[Floats, Floats]:
    """Times and finite values; a raw counter becomes its rate."""
    times = np.array([point[0] for point in series.points], dtype=np.float64)
    values = np.array([point[1] for point in series.points], dtype=np.float64)
    finite = np.isfinite(values)
    times, values = times[finite], values[finite]
    return _rates(times, values) if _is_counter(series, values) else (times, values)


def _is_counter(series: Series, values: Floats) -> bool:
    """Whether a server handed out raw counts instead of rates: a rate falls now and then and stands still seldom."""
    if not series.name.endswith(_COUNTER_SUFFIXES) or series.unit.endswith(_RATE_UNITS) or len(values) < _FEWEST_POINTS:
        return False
    steps = np.diff(values)
    return bool(np.all(steps >= 0)) and float(np.mean(steps > 0)) > 0.5


def _rates(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    gaps = np.diff(times)
    keep = gaps > 0
    return times[1:][keep], np.diff(values)[keep] / gaps[keep]


def _level(values: Floats) -> float:
    """Where a series ends up: the median of its last three points."""
    return float(np.median(values[-3:]))


def _edge(
    series: Series, direction: Direction, at: float, before: float, after: float, alert: float
) -> MetricChange | None:
    # A series that came or went long before or after the alert is another story.
    size = 25.0 if direction is Direction.APPEARED else 8.0
    return _build(series, direction, before, after, size, at, alert)


def _moved(series: Series, times: Floats, values: Floats, alert: float) -> MetricChange | None:
    split = _split(values)
    old = values[:split]
    before = float(np.median(old))
    scale = _scale(old, values)
    index = _left_band(values, split, before, scale)
    new = values[index:]
    settled = new[times[index:] >= min(alert, float(times[-1]))]
    after = float(np.median(settled)) if len(settled) else _level(new)
    distance = abs(after - before)
    size = distance / scale
    if size < _SIGNIFICANT or distance < _SMALLEST_SHARE * max(abs(before), abs(after)):
        return None
    direction = Direction.ROSE if after > before else Direction.FELL
    return _build(series, direction, before, after, min(size, 50.0), float(times[index]), alert)


def _split(values: Floats) -> int:
    """The index that best cuts a series in two constant pieces (least squares, by cumulative sums)."""
    count = len(values)
    sums = np.cumsum(values)
    sizes = np.arange(1, count, dtype=np.float64)
    left = sums[:-1]
    gain = left**2 / sizes + (sums[-1] - left) ** 2 / (count - sizes)
    # Two points at least on each side, so that both levels can be told.
    return int(np.argmax(gain[1:-1])) + 2


def _scale(old: Floats, values: Floats) -> float:
    """Robust spread of the old level, with floors so that a constant baseline does not make noise infinite."""
    reach = float(np.max(values) - np.min(values))
    return max(robust_spread(old), 0.03 * abs(float(np.median(old))), 0.02 * reach, 1e-9)


def _left_band(values: Floats, split: int, before: float, scale: float) -> int:
    """Walk back from the split to the first point of the run that is outside the old band."""
    index = min(split, len(values) - 1)
    sign = math.copysign(1.0, float(np.median(values[index:])) - before)
    while index > 1 and sign * (float(values[index - 1]) - before) > 3 * scale:
        index -= 1
    while index < len(values) - 1 and sign * (float(values[index]) - before) <= 3 * scale:
        index += 1
    return index


def _build(
    series: Series, direction: Direction, before: float, after: float, size: float, at: float, alert: float
) -> MetricChange:
    return MetricChange(
        series=series,
        direction=direction,
        before=before,
        after=after,
        size=size,
        at=datetime.fromtimestamp(at, UTC),
        lead_s=alert - at,
        weight=0.0,
    )


def _weight(change: MetricChange) -> float:
    """Size saturates, distance in time from the alert fades over ten minutes, and the kind tells how telling it is."""
    size = 1 - math.exp(-change.size / 8)
    near = 0.3 + 0.7 * math.exp(-abs(change.lead_s) / 600)
    vanished = 0.6 if change.direction is Direction.VANISHED else 1.0
    telling = 1.0 if tells_up(change.series.name) else _KIND_FACTORS.get(change.series.kind, 0.65)
    return size * near * vanished * telling


def _with_weight(change: MetricChange, weight: float) -> MetricChange:
    return MetricChange(
        series=change.series,
        direction=change.direction,
        before=change.before,
        after=change.after,
        size=change.size,
        at=change.at,
        lead_s=change.lead_s,
        weight=round(min(1.0, weight), 4),
    )
