"""
The digest's numbers as metrics, found by walking `Scores`, so that a number which is added there is exported too.

Names are in Prometheus' style: the unit last (`_ratio`, `_seconds`, `_usd`), and beside each number `_n`, how many values
it rests on, and `_lower` and `_upper`, its 90 % interval. What is not known has no sample; its n is there all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from types import MappingProxyType

from bot.core.digest import Digest, Numbers
from bot.core.grading import Agreement
from bot.core.intervals import Interval
from bot.core.scores import ActionRates, Bin, Figure, Rate, Scores, Spread, Week

_OVER = "of the last 12 ISO weeks"
_NO_LABELS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """One sample."""

    name: str
    """Without the prefix `aiops_`."""
    what: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


NAMES: Mapping[str, tuple[str, str]] = {
    "calls": ("hypotheses", f"First hypotheses {_OVER}."),
    "labelled": ("labelled_ratio", "Share of the hypotheses that people have labelled."),
    "not_established": (
        "hypotheses_not_established",
        "Of the hypotheses, those whose cause people could not establish.",
    ),
    "judged_left_out": ("hypotheses_judged_left_out", "Graded by an unproven judge alone, and not counted."),
    "judge": ("judge", "a judge's and a person's grades of the same hypotheses, over all time."),
    "helpful": ("helpful_ratio", f"Share of graded hypotheses {_OVER} that helped."),
    "helpful_this_week": ("helpful_this_week_ratio", "The same share in the ISO week so far."),
    "helpful_before": ("helpful_baseline_ratio", "The same share in the 12 weeks before."),
    "exact": ("exact_ratio", "Share of graded hypotheses that named the cause itself."),
    "harmful": ("harmful_ratio", "Share of graded hypotheses that were wrong with a confidence of 0.7 or more."),
    "abstained": ("abstained_ratio", "Share of all hypotheses that named no cause."),
    "brier": ("brier_score", "Mean squared error of the confidence; 0 is perfect."),
    "skill": ("brier_skill", "Brier score against always saying the base rate; 1 is perfect, 0 no better."),
    "reliability": ("reliability", "hypotheses of similar confidence; the bin counts from the lowest."),
    "evidence_seconds": ("evidence_seconds", "from the alert to the evidence."),
    "hypothesis_seconds": ("hypothesis_seconds", "from the alert to the hypothesis."),
    "cost_usd": ("incident_cost_usd", "of the model cost per incident, US dollars."),
    "cost_mean_usd": ("incident_cost_mean_usd", "Mean model cost per incident, US dollars."),
    "similar_relevant": ("similar_relevant_ratio", "Share of shown similar incidents that somebody called relevant."),
    "actions": ("", ""),
    "weeks": ("week_hypotheses", "Hypotheses of the ISO week so far, by what became of them."),
    "asked": ("approvals_asked", f"Approvals asked for in the weeks {_OVER}."),
    "rejected": ("approvals_denied_ratio", "Share of the approvals that people denied."),
    "expired": ("approvals_expired_ratio", "Share of the approvals that nobody answered in time."),
    "succeeded": ("runbook_success_ratio", "Share of the ended runbook runs that did what they should."),
}
"""Name and meaning of every field of `Scores` and `ActionRates`; those of several values begin in `_of`."""


def gauges(digest: Digest | Numbers) -> Iterator[Gauge]:
    """Every sample of a digest."""
    yield from _walk(digest.scores)
    yield Gauge(
        name="incidents_unlabelled",
        what="Resolved incidents without a recorded root cause; 100 means as many or more.",
        value=digest.unlabelled_count,
    )
    yield Gauge(
        name="model_cost_week_usd", what="Model cost of this ISO week's incidents, US dollars.", value=digest.cost_usd
    )
    yield Gauge(
        name="numbers_timestamp_seconds", what="When these numbers were computed.", value=digest.made_at.timestamp()
    )


def _walk(scores: Scores | ActionRates) -> Iterator[Gauge]:
    for each in fields(scores):
        value: object = getattr(scores, each.name)
        if isinstance(value, ActionRates):
            name, what = NAMES["asked"]
            yield Gauge(name=name, what=what, value=value.asked)
            yield from _walk(value)
        elif not isinstance(value, datetime):
            yield from _of(*NAMES[each.name], value)


def _of(name: str, what: str, value: object) -> Iterator[Gauge]:
    """The samples of one field, by what kind of number it is. Raises TypeError for a kind that nobody taught it."""
    match value:
        case int():
            yield Gauge(name=name, what=what, value=value)
        case Rate() | Figure():
            yield from _number(name, what, value.value, value.n, value.interval)
        case Spread():
            yield from _number(f"{name}_median", f"Median {what}", value.median, value.n, value.median_interval)
            yield from _number(f"{name}_p90", f"90th percentile {what}", value.p90, value.n, value.p90_interval)
        case Agreement():
            yield from _number(f"{name}_kappa", f"Cohen's kappa of {what}", value.kappa, value.n, None)
            yield from _number(f"{name}_same_grade_ratio", f"Share equal of {what}", value.observed, value.n, None)
            yield Gauge(name=f"{name}_trusted", what="1 when grades of the judge alone count.", value=value.trusted)
        case tuple():
            yield from _rows(name, what, value)  # pyright: ignore[reportUnknownArgumentType] - of what, is looked at there
        case _:
            raise TypeError(f"{name}: nobody said how {type(value).__name__} is exported")


def _rows(name: str, what: str, rows: Sequence[object]) -> Iterator[Gauge]:
    """Bins each with its number; of the weeks only the last, for the ones before were exported in their time."""
    for place, row in enumerate(rows, start=1):
        if isinstance(row, Bin):
            labels = {"bin": str(place)}
            yield Gauge(name=f"{name}_said_ratio", what=f"Mean confidence of {what}", value=row.said, labels=labels)
            helped, held = f"Share that helped of {what}", row.helped
            yield from _number(f"{name}_helped_ratio", helped, held.value, held.n, held.interval, labels)
        elif isinstance(row, Week) and place == len(rows):
            for kind in ("helpful", "missed", "harmful", "abstained", "open"):
                yield Gauge(name=name, what=what, value=getattr(row, kind), labels={"outcome": kind})


def _number(
    name: str,
    what: str,
    value: float | None,
    n: int,
    interval: Interval | None,
    labels: Mapping[str, str] = _NO_LABELS,
) -> Iterator[Gauge]:
    if value is not None:
        yield Gauge(name=name, what=what, value=value, labels=labels)
    yield Gauge(name=f"{name}_n", what=f"How many {name} rests on.", value=n, labels=labels)
    if interval is not None:
        level = f"bound of the {interval.level:.0%} interval of {name}."
        yield Gauge(name=f"{name}_lower", what=f"Lower {level}", value=interval.low, labels=labels)
        yield Gauge(name=f"{name}_upper", what=f"Upper {level}", value=interval.high, labels=labels)
