"""
Every number that is shown about the past, from the calls alone.

Each comes with the n that it rests on and a 90 % interval, and is None where n is 0. A week is an ISO week in UTC; "12
weeks" are the ISO week of the moment asked about and the eleven before it, so that the chart adds up to the headline.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bot.core.grading import Agreement, counting, exact, judge_agreement
from bot.core.intervals import Interval, beta_interval, quantile, quantile_interval, resampled, wilson
from bot.core.outcome import Call, GradedBy

WEEKS = 12
MOST_BINS = 5
FEWEST_BINS = 3
FEWEST_PER_BIN = 6
"""With 6 calls Wilson's 90 % bar is up to 0.56 long; a bin of fewer would tell even less."""


class Actions(Protocol):
    """Approvals and runs of a period, as counted by the store."""

    @property
    def approvals_asked(self) -> int: ...
    @property
    def approvals_rejected(self) -> int: ...
    @property
    def approvals_expired(self) -> int: ...
    @property
    def runs_succeeded(self) -> int: ...
    @property
    def runs_ended(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share of n."""

    hits: int
    n: int
    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number computed from n calls, in the unit that its name gives."""

    value: float | None
    n: int
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Median and 90th percentile of n values."""

    n: int
    median: float | None
    median_interval: Interval | None
    p90: float | None
    p90_interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Calls of similar confidence: what was said, and how often it helped (Wilson's interval)."""

    lowest: float
    highest: float
    said: float
    """Mean confidence."""
    helped: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """One ISO week of the chart. Every posted call is in exactly one of the counts."""

    start: date
    """Its Monday."""
    helpful: int
    harmful: int
    abstained: int
    missed: int
    """Graded below 65 without being harmful."""
    open: int
    """Not labelled, no cause established, or graded only by a judge that is not trusted."""

    @property
    def name(self) -> str:
        """As ISO 8601 writes it: 2026-W47."""
        year, week, _ = self.start.isocalendar()
        return f"{year}-W{week:02}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRates:
    """What became of approvals that were asked for, and of runbook runs that ended."""

    rejected: Rate
    expired: Rate
    succeeded: Rate

    @property
    def asked(self) -> int:
        """How many approvals were asked for."""
        return self.rejected.n


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Everything, for the 12 weeks up to a moment. Shares are between 0 and 1."""

    since: datetime
    until: datetime
    calls: int
    labelled: Rate
    """Of the calls: those that people have labelled, "no root cause established" included."""
    not_established: int
    judged_left_out: int
    """Graded by the judge alone, and left out because the judge's agreement is unproven or too low."""
    judge: Agreement
    """Over all calls that both have graded, whenever that was."""
    helpful: Rate
    helpful_this_week: Rate
    helpful_before: Rate
    """The 12 weeks before these, to compare with."""
    exact: Rate
    harmful: Rate
    abstained: Rate
    """Of all calls, labelled or not."""
    brier: Figure
    skill: Figure
    """1 is perfect, 0 no better than always saying the base rate, below 0 worse; None when all or none helped."""
    reliability: tuple[Bin, ...]
    evidence_seconds: Spread
    hypothesis_seconds: Spread
    cost_usd: Spread
    cost_mean_usd: Figure
    """Per incident."""
    similar_relevant: Rate
    """Of the calls that showed similar incidents and where somebody said whether one was relevant."""
    actions: ActionRates
    weeks: tuple[Week, ...]
    """Oldest first; the last one is the week of `until`."""


def week_start(at: datetime) -> datetime:
    """Monday, 00:00 UTC. Raises ValueError for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone belongs to no week")
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def compute(calls: Sequence[Call], actions: Actions, *, now: datetime, judge: Agreement | None = None) -> Scores:
    """
    The scores at a moment; calls posted after it are not looked at.

    `actions` are those of the same 12 weeks (`window`); `judge` is the agreement over all time, without one that of these calls. For the digest of a past week give its last moment.
    """
    monday = week_start(now)
    since, _ = window(now)
    known = [call for call in calls if call.at <= now]
    judge = judge or judge_agreement(known)
    inside = [call for call in known if call.at >= since]
    graded = counting(inside, judge)
    earlier = counting([call for call in known if since - timedelta(weeks=WEEKS) <= call.at < since], judge)
    return Scores(
        since=since,
        until=now,
        calls=len(inside),
        labelled=rate(sum(_labelled(call) for call in inside), len(inside)),
        not_established=sum(not call.established for call in inside),
        judged_left_out=sum(call.counted and call.graded_by is GradedBy.JUDGE for call in inside)
        - sum(call.graded_by is GradedBy.JUDGE for call in graded),
        judge=judge,
        helpful=helpful_rate(graded),
        helpful_this_week=helpful_rate([call for call in graded if call.at >= monday]),
        helpful_before=helpful_rate(earlier),
        exact=rate(sum(exact(call.grade) for call in graded), len(graded)),
        harmful=rate(sum(call.harmful for call in graded), len(graded)),
        abstained=rate(sum(call.abstained for call in inside), len(inside)),
        brier=brier(graded),
        skill=skill(graded),
        reliability=reliability(graded),
        evidence_seconds=_spread([call.evidence_ms / 1000 for call in inside if call.evidence_ms is not None]),
        hypothesis_seconds=_spread([call.hypothesis_ms / 1000 for call in inside if call.hypothesis_ms is not None]),
        cost_usd=_spread([call.cost_usd for call in inside]),
        cost_mean_usd=_mean([call.cost_usd for call in inside]),
        similar_relevant=_similar(inside),
        actions=_actions(actions),
        weeks=_weeks(inside, frozenset(call.incident_id for call in graded), since),
    )


def window(now: datetime) -> tuple[datetime, datetime]:
    """From the Monday eleven weeks before this one until now."""
    return week_start(now) - timedelta(weeks=WEEKS - 1), now


def brier(calls: Sequence[Call]) -> Figure:
    """
    Mean squared distance between the confidence shown and what happened (1 helpful, 0 not); 0 is perfect.

    G. Brier, Monthly Weather Review 78 (1950). Bootstrap interval from 10 calls on.
    """
    rows = _forecasts(calls)
    value = _brier(np.asarray(rows, dtype=np.float64)) if rows else None
    return Figure(value=value, n=len(rows), interval=resampled(rows, _brier))


def skill(calls: Sequence[Call]) -> Figure:
    """
    1 - Brier / Brier of always saying the base rate of these same calls (Murphy, Journal of Applied Meteorology 12, 1973).

    The base rate is known only afterwards, so the reference is a little better than anybody could have been.
    """
    rows = _forecasts(calls)
    value = _skill(np.asarray(rows, dtype=np.float64)) if rows else math.nan
    if math.isnan(value):
        return Figure(value=None, n=len(rows), interval=None)
    return Figure(value=value, n=len(rows), interval=resampled(rows, _skill))


def reliability(calls: Sequence[Call]) -> tuple[Bin, ...]:
    """
    Calls in three to five bins of about equal count by confidence; empty below 18 calls.

    Equal confidences are never split, so many equal ones give fewer bins, down to a single one.
    """
    ordered = _forecasts(calls)
    n = len(ordered)
    bins = min(MOST_BINS, n // FEWEST_PER_BIN)
    if bins < FEWEST_BINS:
        return ()
    cuts = [0]
    for place in range(1, bins):
        cut = round(place * n / bins)
        while cut < n and ordered[cut][0] == ordered[cut - 1][0]:
            cut += 1
        if cut - cuts[-1] >= FEWEST_PER_BIN:
            cuts.append(cut)
    if len(cuts) > 1 and n - cuts[-1] < FEWEST_PER_BIN:
        cuts.pop()
    return tuple(_bin(ordered[low:high]) for low, high in zip(cuts, [*cuts[1:], n], strict=True))


def _bin(rows: Sequence[tuple[float, float]]) -> Bin:
    hits, n = int(sum(helped for _, helped in rows)), len(rows)
    return Bin(
        lowest=rows[0][0],
        highest=rows[-1][0],
        said=math.fsum(said for said, _ in rows) / n,
        helped=Rate(hits=hits, n=n, value=hits / n, interval=wilson(hits, n)),
    )


def _forecasts(calls: Sequence[Call]) -> list[tuple[float, float]]:
    return sorted((call.confidence, float(call.helpful)) for call in calls if call.counted)


def _brier(rows: NDArray[np.float64]) -> float:
    return float(np.mean((rows[:, 0] - rows[:, 1]) ** 2))


def _skill(rows: NDArray[np.float64]) -> float:
    base = float(np.mean(rows[:, 1]))
    return 1 - _brier(rows) / (base * (1 - base)) if 0 < base < 1 else math.nan


def _labelled(call: Call) -> bool:
    return call.labelled_at is not None or call.grade is not None or not call.established


def rate(hits: int, n: int) -> Rate:
    """A share with its 90 % interval (Jeffreys)."""
    return Rate(hits=hits, n=n, value=hits / n if n else None, interval=beta_interval(hits, n))


def helpful_rate(calls: Sequence[Call]) -> Rate:
    """How many of these calls, all of which count, helped."""
    return rate(sum(call.helpful for call in calls), len(calls))


def _similar(calls: Sequence[Call]) -> Rate:
    said = [call.similar_relevant for call in calls if call.similar_shown > 0 and call.similar_relevant is not None]
    return rate(sum(said), len(said))


def _actions(counts: Actions) -> ActionRates:
    return ActionRates(
        rejected=rate(counts.approvals_rejected, counts.approvals_asked),
        expired=rate(counts.approvals_expired, counts.approvals_asked),
        succeeded=rate(counts.runs_succeeded, counts.runs_ended),
    )


def _spread(values: Sequence[float]) -> Spread:
    return Spread(
        n=len(values),
        median=quantile(values, 0.5),
        median_interval=quantile_interval(values, 0.5),
        p90=quantile(values, 0.9),
        p90_interval=quantile_interval(values, 0.9),
    )


def _mean(values: Sequence[float]) -> Figure:
    rows = [(value,) for value in values]
    value = math.fsum(values) / len(values) if values else None
    return Figure(value=value, n=len(values), interval=resampled(rows, lambda drawn: float(np.mean(drawn[:, 0]))))


def _weeks(calls: Sequence[Call], graded: frozenset[str], since: datetime) -> tuple[Week, ...]:
    mondays = [since + timedelta(weeks=place) for place in range(WEEKS)]
    return tuple(
        _week(monday.date(), [call for call in calls if week_start(call.at) == monday], graded) for monday in mondays
    )


def _week(start: date, calls: Sequence[Call], graded: frozenset[str]) -> Week:
    counted = [call for call in calls if call.incident_id in graded]
    good, bad = sum(call.helpful for call in counted), sum(call.harmful for call in counted)
    abstained = sum(call.abstained for call in calls)
    return Week(
        start=start,
        helpful=good,
        harmful=bad,
        abstained=abstained,
        missed=len(counted) - good - bad,
        open=len(calls) - len(counted) - abstained,
    )
