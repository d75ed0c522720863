"""
What a class of alert has earned with a runbook: advice only, or what the configuration allows.

The past is played through label by label, so the same labels always give the same standing, and a corrected label
corrects it. Slow to rise, quick to fall.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.intervals import Interval, beta_interval
from bot.core.outcome import Call, GradedBy
from bot.core.policy import Level
from bot.core.text import plural

FEWEST_LABELS = 12
LOWER_BOUND = 0.75
"""What the lower end of the 90 % interval of the helpful rate has to reach."""
HARMLESS_LAST = 20
MISSES_IN_A_ROW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A level and what it rests on."""

    level: Level
    why: str
    """For people, one sentence."""
    lower_bound: float | None
    """Of the helpful rate, since the last drop; None without labels since."""
    n: int
    """Labelled calls since the last drop."""
    since: datetime | None = None
    """When the label came that last changed the level; None when nothing was ever earned."""
    because: tuple[str, ...] = ()
    """Incidents behind the last drop or setback, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fall:
    """A drop, or at advisory already a setback: the count starts anew either way."""

    at: datetime
    why: str
    incidents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the play stands after a label."""

    risen: bool = False
    since: datetime | None = None
    fall: _Fall | None = None


def judge_level(history: Sequence[Call], allowed: Level) -> Standing:
    """
    The standing after all labels of one alert class with one runbook.

    Rises to `allowed` when, since the last drop, at least 12 calls are labelled, the lower end of the 90 % interval of
    their helpful rate is at least 0.75 (Jeffreys, `intervals.beta_interval`), and none of the last 20 labelled calls,
    whether before or after a drop, was harmful. Drops to advisory on one harmful call, on three misses in a row, and
    when the last 20 since the last drop make 0.75 itself implausible (upper end below it), however the misses are
    spread. After a drop only calls posted later count towards a rise; those before it were given under a trust that failed.

    A miss never brings a rise, even when it pushes harm out of the last 20.

    Labels come in the order in which people gave them. Abstentions and incidents without an established cause are
    neither hits nor misses. A judge's grade can take autonomy and never give it: its hits are left out.
    """
    labels = sorted((call for call in history if _weighs(call)), key=_order)
    place = _Place()
    for count in range(1, len(labels) + 1):
        place = _after(place, labels[:count])
    evidence = _evidence(labels, place.fall)
    bound = _interval(evidence)
    risen = place.risen and allowed is not Level.ADVISORY
    return Standing(
        level=allowed if risen else Level.ADVISORY,
        why=_risen_why(evidence, bound) if risen else _held_why(labels, evidence, place, allowed),
        lower_bound=bound.low if bound else None,
        n=len(evidence),
        since=place.since,
        because=place.fall.incidents if place.fall else (),
    )


def _weighs(call: Call) -> bool:
    return call.counted and not (call.helpful and call.graded_by is GradedBy.JUDGE)


def _order(call: Call) -> tuple[datetime, datetime, str]:
    return _known(call), call.at, call.incident_id


def _known(call: Call) -> datetime:
    return call.labelled_at or call.at


def _after(place: _Place, labels: Sequence[Call]) -> _Place:
    newest = labels[-1]
    fall = _falls(place, labels)
    if fall is not None:
        return _Place(risen=False, since=fall.at if place.risen else place.since, fall=fall)
    if newest.helpful and not place.risen and _may_rise(labels, _evidence(labels, place.fall)):
        return _Place(risen=True, since=_known(newest), fall=place.fall)
    return place


def _falls(place: _Place, labels: Sequence[Call]) -> _Fall | None:
    """The reason in the newest label, if there is one, to drop or to start counting anew."""
    newest = labels[-1]
    at = _known(newest)
    if newest.harmful:
        why = f"a wrong area was named with {newest.confidence:.0%} confidence"
        return _Fall(at=at, why=why, incidents=(newest.incident_id,))
    fresh = [call for call in labels if place.fall is None or _known(call) > place.fall.at]
    latest = fresh[-MISSES_IN_A_ROW:]
    if len(latest) == MISSES_IN_A_ROW and not any(call.helpful for call in latest):
        return _Fall(
            at=at, why=f"{MISSES_IN_A_ROW} misses in a row", incidents=tuple(call.incident_id for call in latest)
        )
    return _slow_fall(place, labels, at) if place.risen else None


def _slow_fall(place: _Place, labels: Sequence[Call], at: datetime) -> _Fall | None:
    recent = _evidence(labels, place.fall)[-HARMLESS_LAST:]
    interval = _interval(recent)
    if interval is None or interval.high >= LOWER_BOUND:
        return None
    missed = [call.incident_id for call in recent if not call.helpful]
    return _Fall(
        at=at,
        why=f"only {len(recent) - len(missed)} of the last {len(recent)} labelled calls helped",
        incidents=tuple(missed[-MISSES_IN_A_ROW:]),
    )


def _evidence(labels: Sequence[Call], fall: _Fall | None) -> list[Call]:
    return [call for call in labels if fall is None or call.at > fall.at]


def _may_rise(labels: Sequence[Call], evidence: Sequence[Call]) -> bool:
    interval = _interval(evidence)
    enough = len(evidence) >= FEWEST_LABELS and interval is not None and interval.low >= LOWER_BOUND
    return enough and not any(call.harmful for call in labels[-HARMLESS_LAST:])


def _interval(calls: Sequence[Call]) -> Interval | None:
    return beta_interval(sum(call.helpful for call in calls), len(calls))


def _risen_why(evidence: Sequence[Call], interval: Interval | None) -> str:
    hits = sum(call.helpful for call in evidence)
    bound = f", so at least {_percent(interval.low)} of the time (90 % interval)" if interval else ""
    return f"earned: {hits} of {plural(len(evidence), 'labelled incident')} helped{bound}, none of the last {HARMLESS_LAST} harmful"


def _held_why(labels: Sequence[Call], evidence: Sequence[Call], place: _Place, allowed: Level) -> str:
    if allowed is Level.ADVISORY:
        return "the configuration allows no more than advice for this class of alert"
    if place.fall is None:
        return _missing(labels, evidence)
    return f"advice only since {place.fall.at:%Y-%m-%d}: {place.fall.why}; since then {_missing(labels, evidence)}"


def _missing(labels: Sequence[Call], evidence: Sequence[Call]) -> str:
    n, hits = len(evidence), sum(call.helpful for call in evidence)
    interval = _interval(evidence)
    if n < FEWEST_LABELS or interval is None:
        return f"{n} of the {FEWEST_LABELS} labelled incidents that are needed"
    if interval.low < LOWER_BOUND:
        low = _percent(interval.low)
        return (
            f"{hits} of {n} labelled incidents helped, which may mean no more than {low}; {LOWER_BOUND:.0%} is needed"
        )
    harmful = [call.incident_id for call in labels[-HARMLESS_LAST:] if call.harmful]
    if not harmful:
        return f"{hits} of {n} helped; the next one that helps earns it"
    return f"{hits} of {n} helped, but {', '.join(harmful)} among the last {HARMLESS_LAST} labelled was harmful"


def _percent(share: float) -> str:
    """Rounded down, so that 74.97 % never reads as the 75 % that it does not reach."""
    return f"{int(share * 100)}%"
