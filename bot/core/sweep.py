"""
The anomaly sweep's rules: which points it reads, which onsets are news, and the alert that stands for one.

Every sweep reads the same grid of points, so that an onset has the same moment, and with it the same alert, whoever looks.
"""

import enum
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot.core.alert import Alert, AlertStatus, Severity
from bot.core.anomaly import PAST_S, Onset, find_onsets
from bot.core.metrics import Direction, number
from bot.core.redaction import redact
from bot.core.text import clip, one_line

STEP_S = 300
"""Seconds between points: the spacing of most series that the detector was measured on."""
LOOK_BACK = timedelta(hours=1)
"""How far before a sweep onsets are looked for; what began earlier, while nobody looked, is old news."""
_STEP = timedelta(seconds=STEP_S)
# A younger point may still change: scrapes arrive late.
_SETTLED_S = 30

ANOMALY = "anomaly"
_BEFORE, _AFTER, _SIZE = "anomaly_before", "anomaly_after", "anomaly_spreads"
_MOVED = {Direction.ROSE: "rose", Direction.FELL: "fell"}


class Watched(enum.StrEnum):
    """Which way of moving is of interest."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


_WANTED = {
    Watched.UP: (Direction.ROSE,),
    Watched.DOWN: (Direction.FELL,),
    Watched.BOTH: (Direction.ROSE, Direction.FELL),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenSignal:
    """One series that is watched without an alert rule."""

    name: str
    service: str
    query: str
    """PromQL that gives one series."""
    direction: Watched
    kind: str
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the sweep saw, as it stands in its alert."""

    before: str
    """The median of its last days."""
    after: str
    """The newest value when the alert was made."""
    onset: datetime


def period_of(now: datetime, every_s: float) -> datetime:
    """When the period of a moment began; a signal is swept once in each, by whichever process is first."""
    return datetime.fromtimestamp((now.timestamp() - _SETTLED_S) // every_s * every_s + _SETTLED_S, UTC)


def newest_point(now: datetime) -> datetime:
    """The newest moment on the grid whose value does not change any more."""
    return datetime.fromtimestamp((int(now.timestamp()) - _SETTLED_S) // STEP_S * STEP_S, UTC)


def spans(end: datetime, *, most: timedelta = timedelta(days=1)) -> Sequence[tuple[datetime, datetime]]:
    """The ranges, oldest first, that hold three days and what is looked back on; ends included, none longer than `most`."""
    start = end - timedelta(seconds=PAST_S) - LOOK_BACK
    found: list[tuple[datetime, datetime]] = []
    while end > start:
        begin = max(start, end - most + _STEP)
        found.append((begin, end))
        end = begin - _STEP
    return found[::-1]


def new_onset(
    points: Sequence[tuple[float, float]], signal: GoldenSignal, *, end: datetime, seen_to: datetime | None
) -> Onset | None:
    """
    The newest onset in the watched direction that an earlier sweep could not see.

    A sweep sees onsets up to the point before its last, because two points tell one; the first of them may be the last
    quiet one. A first sweep (`seen_to` None) tells only of what begins now.
    """
    after = (seen_to if seen_to is not None else end - 2 * _STEP) - _STEP
    fresh = [one for one in find_onsets(points) if one.at > after and one.direction in _WANTED[signal.direction]]
    return fresh[-1] if fresh else None


def fingerprint_of(signal: str) -> str:
    """The same for every alert of a signal, whatever else is changed in the configuration."""
    return f"anomaly-{hashlib.sha256(signal.encode()).hexdigest()[:16]}"


def alert_of(signal: GoldenSignal, onset: Onset, *, value: float) -> Alert:
    """The alert that stands for an onset, as any sender would describe it; `value` is the signal's newest."""
    before, after = number(onset.before), number(value)
    return Alert(
        fingerprint=fingerprint_of(signal.name),
        starts_at=onset.at,
        name=signal.name,
        status=AlertStatus.FIRING,
        severity=signal.severity,
        service=signal.service,
        environment="",
        summary=f"{_MOVED[onset.direction]} from {before} to {after}, beyond everything of its last three days",
        labels={
            "alertname": signal.name,
            "service": signal.service,
            "severity": signal.severity.value,
            "kind": signal.kind,
            "trigger": ANOMALY,
        },
        annotations={
            "description": f"No alert rule: the anomaly sweep asked Prometheus for {clip(redact(one_line(signal.query)), 500)}",
            _BEFORE: before,
            _AFTER: after,
            _SIZE: number(onset.size),
        },
    )


def over(alert: Alert, *, at: datetime) -> Alert:
    """The same alert, resolved."""
    return replace(alert, status=AlertStatus.RESOLVED, ends_at=at)


def seen_in(alert: Alert) -> Seen | None:
    """What the sweep saw; None for an alert of any other sender."""
    notes = alert.annotations
    if alert.labels.get("trigger") != ANOMALY or not alert.fingerprint.startswith("anomaly-"):
        return None
    return Seen(before=notes.get(_BEFORE, ""), after=notes.get(_AFTER, ""), onset=alert.starts_at)
