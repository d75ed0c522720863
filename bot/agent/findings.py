"""What a tool said becomes evidence: one finding, one sentence, its query, its excerpt. All pure."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.agent.shapes import Edge, Traces
from bot.agent.subject import Relation, Subject
from bot.core.alert import Alert
from bot.core.diffs import read_change
from bot.core.evidence import Evidence, EvidenceKind, Window, content_hash
from bot.core.hypothesis import SimilarFound, SimilarIncident
from bot.core.loglines import shorten
from bot.core.logs import LogTemplate, Trend
from bot.core.matching import Match
from bot.core.metrics import Direction, MetricChange, number, sentence
from bot.core.redaction import redact
from bot.core.runbook import Runbook
from bot.core.service import Change
from bot.core.signs import signs_in
from bot.core.text import clean, clip, one_line, plural

EXCERPT_LIMIT = 1500
MOST_METRICS = 10
MOST_TEMPLATES = 8
MOST_CHANGES = 10
MOST_ALERTS = 5
_MOST_WORDS = 200
_LEAST_METRIC_WEIGHT = 0.12
_LEAST_TEMPLATE_WEIGHT = 0.2
# A line that names an operational cause is worth reading however rare or old it is.
_SIGN_WEIGHT = 0.45
_QUIET = frozenset({"", "info", "debug", "trace"})


def call_text(tool: str, args: Mapping[str, object]) -> str:
    """A tool call as a person would repeat it: `read_metrics(service="orders-db", start="…", end="…")`."""
    return f"{tool}({', '.join(f'{key}={json.dumps(value, ensure_ascii=False)}' for key, value in args.items())})"


def evidence(
    *,
    kind: EvidenceKind,
    source: str,
    service: str,
    title: str,
    query: str,
    window: Window,
    excerpt: str,
    weight: float,
    facts: Mapping[str, object],
    url: str = "",
) -> Evidence:
    """Build one finding: redacted, cleaned, capped and hashed. Its id is given when the pack is put in order."""
    kept = clip(redact(clean(excerpt)), EXCERPT_LIMIT)
    return Evidence(
        id="",
        kind=kind,
        source=source,
        service=service,
        title=clip(redact(one_line(clean(title))), 300),
        query=clip(redact(clean(query)), 500),
        start=window.start,
        end=window.end,
        excerpt=kept,
        sha256=content_hash(kept),
        weight=round(min(1.0, max(0.0, weight)), 4),
        facts=facts,
        url=url,
    )


def numbered(found: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Stable order by kind and weight, with ids E1, E2, …"""
    order = list(EvidenceKind)
    ranked = sorted(found, key=lambda one: (order.index(one.kind), -one.weight, one.service, one.title, one.query))
    return tuple(replace(one, id=f"E{place}") for place, one in enumerate(ranked, start=1))


# --- metrics and logs ------------------------------------------------------------------------------------------------


def from_metrics(changes: Sequence[MetricChange], queries: Mapping[str, str], window: Window) -> list[Evidence]:
    """The most notable metric changes."""
    notable = [change for change in changes if change.weight >= _LEAST_METRIC_WEIGHT][:MOST_METRICS]
    return [
        _metric(change, place, len(changes), queries[change.series.service], window)
        for place, change in enumerate(notable, start=1)
    ]


def _metric(change: MetricChange, place: int, of: int, query: str, window: Window) -> Evidence:
    series = change.series
    points = series.points[:: max(1, len(series.points) // 24)]
    trace = " ".join(f"{_clock(time)}={number(value)}" for time, value in points)
    said = sentence(change)
    # A series that came or went has no level to stand off from.
    size = round(change.size, 1) if change.direction in {Direction.ROSE, Direction.FELL} else None
    off = f"{number(size)} robust deviations off, " if size is not None else ""
    where = f"{off}number {place} of {plural(of, 'change')}"
    return evidence(
        kind=EvidenceKind.METRIC,
        source="read_metrics",
        service=series.service,
        title=f"{series.service}: {said}; {where}",
        query=query,
        window=window,
        excerpt=f"{said}; {where}\nkind {series.kind}, labels {dict(sorted(series.labels.items()))}\n{trace}",
        weight=change.weight,
        facts={
            "metric": series.name,
            "kind": series.kind,
            "labels": dict(series.labels),
            "direction": change.direction.value,
            "before": _short(change.before),
            "after": _short(change.after),
            "at": change.at.isoformat(),
            "seconds_before_alert": round(change.lead_s),
            "size": size,
            "place": place,
        },
    )


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _clock(seconds: float) -> str:
    whole = int(seconds) % 86400
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def from_logs(templates: Sequence[LogTemplate], queries: Mapping[str, str], window: Window) -> list[Evidence]:
    """New and surging log templates, one redacted example each."""
    raised = [replace(one, weight=max(one.weight, _SIGN_WEIGHT)) if _speaks(one) else one for one in templates]
    notable = sorted((one for one in raised if _worth_reading(one)), key=lambda one: -one.weight)[:MOST_TEMPLATES]
    return [_log(one, queries[one.service], window) for one in notable if one.service in queries]


def _speaks(one: LogTemplate) -> bool:
    """Whether it names an operational cause, and not in passing."""
    return one.level.lower() not in _QUIET and bool(signs_in(one.example))


def _worth_reading(one: LogTemplate) -> bool:
    if one.trend in {Trend.NEW, Trend.SURGING}:
        return one.weight >= _LEAST_TEMPLATE_WEIGHT
    return one.trend is Trend.STEADY and one.weight >= 0.3


_LEVEL = re.compile(r"\b(?:FATAL|PANIC|CRITICAL|ERROR|WARN(?:ING)?|INFO|LOG|NOTICE|DEBUG)\b")


def _message(one: LogTemplate) -> str:
    """The template from its level word on: what stands before it is time, process and names of the logger."""
    found = _LEVEL.search(one.template[:120])
    return one.template[found.start() :] if found else one.template


def _log(one: LogTemplate, query: str, window: Window) -> Evidence:
    how = {
        Trend.NEW: f"new: {plural(one.after, 'time')}, first at {one.first_at:%H:%M:%S}Z",
        Trend.SURGING: f"surging: {plural(one.after, 'time')}, {one.before} before",
        Trend.STEADY: f"steady: {plural(one.after, 'time')}, {one.before} before",
        Trend.GONE: f"gone: {plural(one.before, 'time')} before",
    }[one.trend]
    when = {
        Trend.NEW: f"new, {plural(one.after, 'time')} since {one.first_at:%H:%M:%S}Z",
        Trend.SURGING: f"{plural(one.after, 'time')}, {one.before} before",
        Trend.STEADY: f"{plural(one.after, 'time')}, {one.before} before",
        Trend.GONE: f"gone, {plural(one.before, 'time')} before",
    }[one.trend]
    return evidence(
        kind=EvidenceKind.LOG,
        source="read_logs",
        service=one.service,
        title=f"{one.service} logs “{clip(_message(one), 140)}” ({when})",
        query=query,
        window=window,
        excerpt=f"{how}; last at {one.last_at:%H:%M:%S}Z\ntemplate: {one.template}\nexample: {shorten(one.example, 900)}",
        weight=one.weight,
        facts={
            "level": one.level.lower() or "log",
            "trend": one.trend.value,
            "before": one.before,
            "after": one.after,
            "first_at": one.first_at.isoformat(),
            "exceptions": list(one.exceptions),
        },
    )


# --- changes and alerts ----------------------------------------------------------------------------------------------


def from_changes(
    changes: Sequence[Change], known: Mapping[str, Relation], subject: Subject, query: str, window: Window
) -> list[Evidence]:
    """
    Changes before the end of the window, related services first, then by distance in time to the onset.

    Unrelated changes near the onset are kept too: a reader must see what was ruled out.
    """
    inside = [change for change in changes if window.start <= change.at <= window.end]
    weighed = sorted(
        ((_change_weight(one, known, subject), one) for one in inside), key=lambda pair: (-pair[0], pair[1].id)
    )
    return [_change(one, weight, known, subject, query, window) for weight, one in weighed[:MOST_CHANGES]]


def _change_weight(change: Change, known: Mapping[str, Relation], subject: Subject) -> float:
    gap = abs((subject.onset - change.at).total_seconds())
    near = 1 / (1 + gap / 3600)
    relation = known.get(change.service)
    factor = {"self": 1.0, "dependency": 0.9, "dependent": 0.9}.get(relation.kind if relation else "", 0.4)
    late = 0.5 if change.at > subject.onset else 1.0
    # A change that does nothing dangerous is kept only where there is room.
    risk = read_change(change.kind.value, change.title, change.detail).risk
    return (0.5 * near + 0.5 * risk) * factor * late


def _change(
    change: Change, weight: float, known: Mapping[str, Relation], subject: Subject, query: str, window: Window
) -> Evidence:
    relation = known.get(change.service, Relation(kind="unrelated", distance=9))
    lead = round((subject.onset - change.at).total_seconds())
    when = f"{lead} s before the alert" if lead >= 0 else f"{-lead} s after the alert"
    version = f" {change.version}" if change.version and change.version not in change.title else ""
    said = f"{change.kind} on {change.service}{version} at {change.at:%H:%M:%S}Z, {when}: {change.title}"
    nature = read_change(change.kind.value, change.title, clean(change.detail))
    does = f"what it does: {'; '.join(nature.reasons)}\n" if nature.reasons else ""
    return evidence(
        kind=EvidenceKind.CHANGE,
        source="list_services",
        service=change.service,
        title=said,
        query=query,
        window=window,
        excerpt=f"{said}\nid {change.id}, by {change.author or 'unknown'}, at {change.at.isoformat()}\n{does}{change.detail}",
        weight=weight,
        facts={
            "change_id": change.id,
            "service": change.service,
            "kind": change.kind.value,
            "version": change.version,
            "at": change.at.isoformat(),
            "seconds_before_alert": lead,
            "relation": relation.kind,
            "distance": relation.distance,
            "title": clip(redact(clean(change.title)), 200),
            "detail": clip(redact(clean(change.detail)), 400),
            "nature": {
                "risk": nature.risk,
                "reasons": [redact(one) for one in nature.reasons],
                "words": sorted(nature.words)[:_MOST_WORDS],
                "names": [one for one in sorted(nature.names) if redact(one) == one],
                "moved": [list(pair) for pair in nature.moved[:8]],
                "read": nature.read,
            },
        },
    )


def from_alerts(related: Sequence[Alert], subject: Subject) -> list[Evidence]:
    """What else alerted in the hour before, the nearest first."""
    ranked = sorted(related, key=lambda one: (abs((one.starts_at - subject.onset).total_seconds()), one.name))
    return [_alert(one, subject) for one in ranked[:MOST_ALERTS]]


def _alert(alert: Alert, subject: Subject) -> Evidence:
    lead = round((subject.onset - alert.starts_at).total_seconds())
    when = f"{lead} s before" if lead >= 0 else f"{-lead} s after"
    said = (
        f"{alert.name} on {alert.service or 'unknown service'} ({alert.severity}), {when} this alert: {alert.summary}"
    )
    return evidence(
        kind=EvidenceKind.ALERT,
        source="alerts",
        service=alert.service,
        title=said,
        query="alerts of other incidents in the hour before the onset",
        window=subject.window,
        excerpt=f"{said}\n{alert.annotations.get('description', '')}\nlabels {dict(sorted(alert.labels.items()))}",
        weight=0.6 / (1 + abs(lead) / 600),
        facts={"alert": alert.name, "service": alert.service, "at": alert.starts_at.isoformat()},
    )


def from_traces(read: Traces, query: str, window: Window) -> list[Evidence]:
    """Calls between services that fail; the worst first."""
    failing = sorted(
        (edge for edge in read.edges if edge.calls and edge.errors), key=lambda one: -one.errors / one.calls
    )
    return [_edge(edge, query, window) for edge in failing[:MOST_ALERTS]]


def _edge(edge: Edge, query: str, window: Window) -> Evidence:
    share = edge.errors / edge.calls
    slow = f", p95 {number(edge.p95_ms)} ms" if edge.p95_ms is not None else ""
    said = f"{edge.caller} calls {edge.callee}: {number(edge.errors)} of {number(edge.calls)} calls failed{slow}"
    return evidence(
        kind=EvidenceKind.METRIC,
        source="read_traces",
        service=edge.callee,
        title=said,
        query=query,
        window=window,
        excerpt=said,
        weight=min(0.9, 0.3 + share),
        facts={
            "caller": edge.caller,
            "callee": edge.callee,
            "calls": edge.calls,
            "errors": edge.errors,
            "share": _short(share),
        },
    )


# --- knowledge -------------------------------------------------------------------------------------------------------


def from_runbook(runbook: Runbook, subject: Subject) -> Evidence:
    """The matched runbook, its mitigation first."""
    prose = "\n".join(
        f"{name}: {one_line(text)}" for name in ("Mitigation", "Meaning") if (text := runbook.sections.get(name))
    )
    return evidence(
        kind=EvidenceKind.RUNBOOK,
        source="runbooks",
        service=subject.service,
        title=f"Runbook {runbook.id}: {runbook.title} (owner {runbook.owner}, reviewed {runbook.reviewed})",
        query=f"runbook for alert {', '.join(subject.alert_names)}",
        window=subject.window,
        excerpt=prose,
        weight=0.5,
        facts={"runbook": runbook.id, "steps": [step.id for step in runbook.steps]},
    )


def from_likely_runbook(runbook: Runbook, match: Match, subject: Subject) -> Evidence:
    """A runbook that does not name the alert and seems to be about it."""
    return evidence(
        kind=EvidenceKind.RUNBOOK,
        source="runbooks",
        service=subject.service,
        title=f"No runbook names this alert; {runbook.id} may fit: {runbook.title} (owner {runbook.owner})",
        query=f"runbook for alert {', '.join(subject.alert_names)}",
        window=subject.window,
        excerpt=f"Why: {match.why}.\nMeaning: {one_line(runbook.sections.get('Meaning', ''))}",
        weight=0.2,
        facts={"likely_runbook": runbook.id, "sure": round(match.sure, 2)},
    )


def from_similar(found: SimilarFound, subject: Subject) -> list[Evidence]:
    """Past incidents that read alike: hints about where to look."""
    return [
        evidence(
            kind=EvidenceKind.SIMILAR,
            source="postmortems",
            service=one.service_kind,
            title=f"{one.organisation} {one.date}: {one.title}",
            query=f"past incidents like: {clip(one_line(subject.text), 160)}",
            window=subject.window,
            excerpt=f"{one.title}\ncause ({one.cause_class}): {one.cause}\nfix: {one.fix}\nwhy it matched: {one.why}",
            weight=0.6 * one.score,
            facts={"incident": one.id, "cause_class": one.cause_class, "score": round(one.score, 3)},
            url=one.url,
        )
        for one in found.incidents[:3]
    ]


def without_secrets(found: SimilarFound) -> SimilarFound:
    """The same incidents: what anybody wrote into a postmortem is redacted and cleaned before it is shown or prompted."""

    def told(one: SimilarIncident) -> SimilarIncident:
        names = ("title", "date", "organisation", "service_kind", "cause", "fix", "why")
        return replace(one, **{name: redact(clean(getattr(one, name))) for name in names})

    return replace(found, incidents=tuple(told(one) for one in found.incidents), note=redact(clean(found.note)))


def changes_window(window: Window, since: datetime) -> Window:
    """Changes are looked for further back than metrics and logs."""
    return Window(start=min(since, window.start), end=window.end)


def described(count: int, noun: str) -> str:
    """`3 changes`, or `nothing` for none: one line for the progress list."""
    return plural(count, noun) if count else "nothing"
