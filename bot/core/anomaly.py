"""
Onsets in a series without an alert: where it leaves everything that its last three days have seen, and stays out.

For each moment the mean of two points is set against the median and the robust spread of the three days before (at least two dozen
points). It has to lie beyond every value of those days too, so that a daily rhythm or a nightly job is no onset. Measured on the Numenta Anomaly Benchmark; see
docs/explanation/accuracy.md for what it finds and how often it cries wolf.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bot.core.metrics import Direction

Floats = NDArray[np.float64]

_RECENT = 2
_FEWEST_BEFORE = 24
PAST_S = 3 * 86_400.0
# 90 % of a normal distribution lie within 3.29 standard deviations.
_BAND = 3.29
_FLOOR = 0.05
# How many spreads away an onset is, and how near it has to come back before another one can begin.
_THRESHOLD, _OVER = 5.0, 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Onset:
    """A moment from which a series stood off."""

    at: datetime
    direction: Direction
    size: float
    """Robust spreads away from its last days."""
    before: float
    """Median of its last days."""
    after: float
    """Mean of the two points that told."""


def find_onsets(
    points: Sequence[tuple[float, float]], *, past_s: float = PAST_S, threshold: float = _THRESHOLD
) -> list[Onset]:
    """Every onset of a series of (epoch seconds, value), oldest first; none for fewer than about thirty points."""
    times = np.array([time for time, value in points if np.isfinite(value)], dtype=np.float64)
    values = np.array([value for _, value in points if np.isfinite(value)], dtype=np.float64)
    if len(values) < _FEWEST_BEFORE + _RECENT:
        return []
    width = _width(times, past_s)
    away, level, now = _away(values, width)
    found: list[Onset] = []
    standing = False
    for place in range(len(away)):
        size = float(away[place])
        if standing and abs(size) < _OVER:
            standing = False
        elif not standing and abs(size) >= threshold:
            standing = True
            moment = times[width + place]
            found.append(
                Onset(
                    at=datetime.fromtimestamp(float(moment), UTC),
                    direction=Direction.ROSE if size > 0 else Direction.FELL,
                    size=round(abs(size), 2),
                    before=float(level[place]),
                    after=float(now[place]),
                )
            )
    return found


def is_off(points: Sequence[tuple[float, float]], *, past_s: float = PAST_S) -> bool | None:
    """Whether the newest points stand off from the days before; None for fewer than about thirty points."""
    times = np.array([time for time, value in points if np.isfinite(value)], dtype=np.float64)
    values = np.array([value for _, value in points if np.isfinite(value)], dtype=np.float64)
    if len(values) < _FEWEST_BEFORE + _RECENT:
        return None
    width = _width(times, past_s)
    away, _, _ = _away(values[-width - _RECENT :], width)
    return bool(abs(away[-1]) >= _OVER)


def _width(times: Floats, past_s: float) -> int:
    """How many points the days before hold."""
    step = float(np.median(np.diff(times))) or 1.0
    return int(min(max(past_s / step, _FEWEST_BEFORE), len(times) - _RECENT))


def _away(values: Floats, width: int) -> tuple[Floats, Floats, Floats]:
    """Signed distance of each run of recent points from the window before it, with both levels."""
    before = sliding_window_view(values, width)[: len(values) - width - _RECENT + 1]
    now = np.mean(sliding_window_view(values[width:], _RECENT), axis=1)
    low, level, high = (np.asarray(np.percentile(before, share, axis=1), dtype=np.float64) for share in (5, 50, 95))
    spread = np.maximum((high - low) / _BAND, np.maximum(_FLOOR * np.abs(level), 1e-9))
    # What the days before have seen already is no onset, however far from their median.
    new = (now > np.max(before, axis=1)) | (now < np.min(before, axis=1))
    size = (now - level) / spread
    return np.asarray(np.where(new, size, np.clip(size, -_OVER, _OVER)), dtype=np.float64), level, now
