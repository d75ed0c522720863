"""What the ranking of components and the load on the way in say, as findings. All pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from bot.agent.findings import evidence
from bot.agent.shapes import Edge
from bot.agent.subject import BEFORE, Subject
from bot.core.components import Calls, Component, deviation, rank_components
from bot.core.evidence import Evidence, EvidenceKind, Window
from bot.core.metrics import Direction, MetricChange, Series, level_around, number, share_of
from bot.core.service import Service

# Below these a component does not stand out from noise.
_LEAST_DEVIATION, _LEAST_SCORE = 3.0, 0.5
_MOST_COMPONENTS = 3
_SURGE = 1.5
_NEARLY_FULL = 0.85
_CLEAR, _SHORTLY = 0.5, timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What was read of metrics."""

    series: tuple[Series, ...]
    moved: tuple[MetricChange, ...]
    """Most notable first."""
    queries: Mapping[str, str]
    """The call by which each service's were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Components in order, and what they were judged by."""

    components: tuple[Component, ...]
    onset: datetime
    target: Series | None
    """The alerting series; None when the alerting service has none that people feel or that moved."""


def rank_roots(
    series: Sequence[Series], ranked: Sequence[MetricChange], calls: Calls, service: str, alerted: datetime
) -> Ranking:
    """Which component is at the root of what `service` was alerted for at `alerted`: every one that `series` tells of, likeliest first."""
    # What moved before the window began is another story, also where older points are at hand.
    ranked = [one for one in ranked if alerted - one.at <= BEFORE]
    moved = _target(ranked, service)
    onset = min(alerted, _onset(ranked, below(service, calls), moved)) if moved is not None else alerted
    target = moved.series if moved is not None else _felt(series, service, onset)
    found = rank_components(series, onset=onset, calls=calls, target=target)
    return Ranking(components=tuple(found), onset=onset, target=target)


def from_components(read: Metrics, calls: Calls, subject: Subject) -> list[Evidence]:
    """Services below the alerting one that stand off on their own, likeliest root first; the alerting one itself is left out."""
    ranking = rank_roots(read.series, read.moved, calls, subject.service, subject.onset)
    under = below(subject.service, calls)
    found = ranking.components
    places = {one.name: place for place, one in enumerate(found, start=1)}
    telling = [
        one
        for one in found
        if one.name in under
        and one.deviation >= _LEAST_DEVIATION
        and one.score >= _LEAST_SCORE
        and not one.explained_by
    ]
    return [
        _component(one, places[one.name], ranking, read.queries[one.name], subject.window)
        for one in telling[:_MOST_COMPONENTS]
        if one.name in read.queries
    ]


def calls_of(services: Sequence[Service], edges: Iterable[Edge] = ()) -> dict[str, tuple[str, ...]]:
    """Who calls whom: what the catalogue says, and every call that traces have seen."""
    known = {one.name: dict.fromkeys(one.depends_on) for one in services}
    for edge in edges:
        if edge.calls > 0 and edge.caller != edge.callee:
            known.setdefault(edge.caller, {})[edge.callee] = None
    return {name: tuple(called) for name, called in known.items()}


def _target(ranked: Sequence[MetricChange], service: str) -> MetricChange | None:
    """The alerting series: what people feel before what machines feel."""
    own = [one for one in ranked if one.series.service == service and one.direction is not Direction.VANISHED]
    felt = [one for one in own if one.series.kind in {"errors", "latency"}]
    return next(iter([*felt, *own]), None)


def _felt(series: Sequence[Series], service: str, onset: datetime) -> Series | None:
    """Where nothing of the alerting service moved clearly: what people feel of it and moved most, which may be hardly at all."""
    own = [one for one in series if one.service == service and one.kind in {"errors", "latency"}]
    return max(own, key=lambda one: (deviation(one, onset.timestamp()), one.name), default=None)


def _onset(ranked: Sequence[MetricChange], under: frozenset[str], target: MetricChange) -> datetime:
    """When the trouble began: with the alerting series, or with what moved clearly below it shortly before."""
    early = [
        one.at
        for one in ranked
        if one.series.service in under and one.weight >= _CLEAR and timedelta(0) <= target.at - one.at <= _SHORTLY
    ]
    return min([target.at, *early])


def below(service: str, calls: Calls) -> frozenset[str]:
    """Everything that a service calls, at any distance."""
    seen: set[str] = set()
    left = list(calls.get(service, ()))
    while left:
        name = left.pop()
        if name not in seen and name != service:
            seen.add(name)
            left.extend(calls.get(name, ()))
    return frozenset(seen)


def _component(one: Component, place: int, ranking: Ranking, query: str, window: Window) -> Evidence:
    what = one.series.name if one.series is not None else "its series"
    target = ranking.target
    alike = (
        f", and moves with {target.name} of {target.service} (correlation {number(round(one.likeness, 2))})"
        if target is not None and one.likeness > 0
        else ""
    )
    said = (
        f"{one.name} is number {place} of {len(ranking.components)} services as the root: {what} stands "
        f"{number(round(one.deviation, 1))} robust deviations off at the onset{alike}"
    )
    return evidence(
        kind=EvidenceKind.METRIC,
        source="read_metrics",
        service=one.name,
        title=said,
        query=query,
        window=window,
        excerpt=f"{said}\nonset {ranking.onset.isoformat()}; nothing that it calls deviates as much",
        weight=min(0.9, 0.3 + 0.15 * one.score),
        facts={
            "root": place,
            "score": one.score,
            "deviation": one.deviation,
            "likeness": one.likeness,
            "series": what,
            "kind": one.series.kind if one.series is not None else "other",
            "at": ranking.onset.isoformat(),
        },
    )


def from_load(
    series: Sequence[Series], services: Sequence[Service], subject: Subject, queries: Mapping[str, str], window: Window
) -> list[Evidence]:
    """More work that came in: the traffic of the services that nobody else here depends on, before and around the onset."""
    seen = {one.service for one in series}
    needed = {name for one in services if one.name in seen for name in one.depends_on if name != one.name}
    entries = sorted((seen - needed) or seen)
    rises = [
        (rise, one) for one in series if one.service in entries and (rise := _rise(one, subject.onset)) is not None
    ]
    if not rises:
        return []
    ratio, busiest = max(rises, key=lambda pair: (pair[0], pair[1].service))
    if ratio < _SURGE:
        return []
    before, after = level_around(busiest, subject.onset) or (0.0, 0.0)
    said = f"Load rose: {busiest.service} {busiest.name} went from {number(before)} to {number(after)}"
    return [
        evidence(
            kind=EvidenceKind.METRIC,
            source="read_metrics",
            service=busiest.service,
            title=said,
            query=queries.get(busiest.service, "read_metrics"),
            window=window,
            excerpt=f"{said}\nlooked at the traffic of {', '.join(entries)}, where work comes in",
            weight=0.8,
            facts={"load": round(ratio, 2), "kind": "load"},
        )
    ]


def from_standing(
    series: Sequence[Series], subject: Subject, queries: Mapping[str, str], window: Window
) -> list[Evidence]:
    """Resources of the alerting service that are nearly used up, also where they did not move within the window."""
    found: list[Evidence] = []
    for one in series:
        share = _share(one) if one.service == subject.service and one.kind == "saturation" else None
        if share is None or not _NEARLY_FULL <= share <= 1.05:
            continue
        said = f"{one.service}: {one.name} stands at {number(round(100 * share, 1))} %"
        found.append(
            evidence(
                kind=EvidenceKind.METRIC,
                source="read_metrics",
                service=one.service,
                title=said,
                query=queries.get(one.service, "read_metrics"),
                window=window,
                excerpt=said,
                weight=0.55 + 0.3 * (min(share, 1.0) - _NEARLY_FULL) / (1 - _NEARLY_FULL),
                facts={"share": round(share, 3), "kind": "saturation", "series": one.name},
            )
        )
    return sorted(found, key=lambda one: -one.weight)[:_MOST_COMPONENTS]


def _share(series: Series) -> float | None:
    """Where a share stands at the end, 0 to 1; None for a series that is no share."""
    values = [value for _, value in series.points[-5:] if math.isfinite(value)]
    if not values:
        return None
    return share_of(series.name, series.unit, float(np.median(values)))


def _rise(series: Series, onset: datetime) -> float | None:
    if series.kind != "traffic":
        return None
    levels = level_around(series, onset)
    return levels[1] / levels[0] if levels is not None and levels[0] > 0 else None
