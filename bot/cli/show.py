"""Incidents for people and for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bot.core.alert import Alert
from bot.core.evidence import Evidence
from bot.core.execution import Run
from bot.core.hypothesis import FirstAction, Hypothesis, SimilarFound, SimilarIncident
from bot.core.incident import Incident
from bot.core.outcome import Outcome
from bot.ports import IncidentDetail


def print_json(data: object) -> None:
    """One JSON document on standard output."""
    print(json.dumps(data, indent=2, ensure_ascii=False, default=str))  # noqa: T201 - this is the output


def run_json(one: Run) -> dict[str, Any]:
    """One following of a runbook."""
    return {
        "id": one.id,
        "runbook": one.runbook_id,
        "version": one.runbook_sha256[:12],
        "state": one.state,
        "requester": one.requester,
        "level": one.level,
        "why": one.why,
        "started_at": one.started_at.isoformat() if one.started_at else None,
        "ended_at": one.ended_at.isoformat() if one.ended_at else None,
    }


def alert_json(alert: Alert) -> dict[str, Any]:
    """One alert."""
    return {
        "name": alert.name,
        "status": alert.status,
        "severity": alert.severity,
        "service": alert.service,
        "summary": alert.summary,
        "fingerprint": alert.fingerprint,
        "starts_at": alert.starts_at.isoformat(),
        "ends_at": alert.ends_at.isoformat() if alert.ends_at else None,
        "labels": dict(alert.labels),
    }


def evidence_json(item: Evidence) -> dict[str, Any]:
    """One observation."""
    return {
        "id": item.id,
        "kind": item.kind,
        "source": item.source,
        "service": item.service,
        "title": item.title,
        "query": item.query,
        "start": item.start.isoformat(),
        "end": item.end.isoformat(),
        "excerpt": item.excerpt,
        "sha256": item.sha256,
    }


def hypothesis_json(one: Hypothesis) -> dict[str, Any]:
    """One hypothesis."""
    return {
        "rank": one.rank,
        "title": one.title,
        "cause_class": one.cause_class,
        "suspect": {"service": one.suspect.service, "change_id": one.suspect.change_id} if one.suspect else None,
        "explanation": one.explanation,
        "evidence": list(one.evidence_ids),
        "confidence": round(one.confidence.value, 3),
        "confidence_basis": one.confidence.basis,
        "disconfirming_check": one.disconfirming_check,
    }


def similar_json(one: SimilarIncident) -> dict[str, Any]:
    """One past incident."""
    return {
        "id": one.id,
        "title": one.title,
        "date": one.date,
        "service_kind": one.service_kind,
        "cause": one.cause,
        "fix": one.fix,
        "url": one.url,
        "score": one.score,
        "why": one.why,
    }


def _action_json(action: FirstAction | None) -> dict[str, Any] | None:
    return {"text": action.text, "runbook": action.runbook, "step": action.step} if action else None


def detail_json(detail: IncidentDetail) -> dict[str, Any]:
    """`aiops incident show ID --json`: names that other programs rely on."""
    assessment = detail.assessment
    return {
        "id": detail.incident.id,
        "state": detail.incident.state,
        "title": detail.incident.title,
        "severity": detail.incident.severity,
        "service": detail.incident.service,
        "alerts": [alert_json(alert) for alert in detail.alerts],
        "evidence": [evidence_json(item) for item in detail.pack.evidence] if detail.pack else [],
        "gaps": [{"what": gap.what, "why": gap.why} for gap in detail.pack.gaps] if detail.pack else [],
        "summary": assessment.summary if assessment else None,
        "hypotheses": [hypothesis_json(one) for one in assessment.hypotheses] if assessment else [],
        "first_action": _action_json(assessment.first_action) if assessment else None,
        "similar": [similar_json(one) for one in assessment.similar.incidents] if assessment else [],
        "analyst": assessment.analyst if assessment else None,
        "notes": list(assessment.notes) if assessment else [],
        "runs": [run_json(one) for one in detail.runs],
        "outcome": outcome_json(detail.outcome) if detail.outcome else None,
        "usage": {"tokens": detail.usage.tokens, "cost_usd": detail.usage.cost_usd, "steps": detail.usage.steps},
        "timings_ms": dict(detail.timings_ms),
    }


def outcome_json(one: Outcome) -> dict[str, Any]:
    """One version of an incident's label."""
    form, message = one.form, one.message
    return {
        "version": one.version,
        "withdrawn": one.withdrawn,
        "established": form.established,
        "cause": form.cause,
        "cause_class": form.cause_class,
        "component": form.component,
        "change_id": form.change_id,
        "fixed_by": form.fixed_by,
        "fix_worked": form.fix_worked,
        "links": list(form.links),
        "grade": None if one.grade is None else int(one.grade),
        "graded_by": one.graded_by,
        "grade_reason": one.grade_reason,
        "author": one.author,
        "source": one.source,
        "recorded_at": one.recorded_at.isoformat(),
        "message": {
            "channel": message.channel,
            "ts": message.ts,
            "permalink": message.permalink,
            "deleted": one.message_deleted,
        }
        if message
        else None,
    }


def outcome_text(one: Outcome) -> Text:
    """One version for a terminal."""
    head = one.form.cause if one.form.established else "No root cause established"
    if one.withdrawn:
        head = f"Taken back: {head}"
    parts = [f"version {one.version}, {one.recorded_at:%Y-%m-%d %H:%M} UTC by {one.author} ({one.source})"]
    known = (
        ("class", one.form.cause_class),
        ("component", one.form.component),
        ("change", one.form.change_id),
        ("fixed by", one.form.fixed_by),
        ("links", " ".join(one.form.links)),
        ("grade", "" if one.grade is None else f"{int(one.grade)} by {one.graded_by}"),
        ("why", one.grade_reason),
        ("note", "the message was deleted" if one.message_deleted else ""),
    )
    parts += [f"{name}: {value}" for name, value in known if value]
    return Text.assemble((f"{one.incident_id}  {head}\n", "bold"), "  " + "\n  ".join(parts))


def incident_json(one: Incident) -> dict[str, Any]:
    """One line of a list."""
    return {
        "id": one.id,
        "state": one.state,
        "title": one.title,
        "severity": one.severity,
        "service": one.service,
        "alerts": one.alert_count,
        "firing": one.firing_count,
        "opened_at": one.opened_at.isoformat(),
    }


def print_incidents(incidents: Sequence[Incident]) -> None:
    """A table, newest first."""
    if not incidents:
        Console().print("No incidents.")
        return
    table = Table("id", "state", "severity", "service", "alerts", "opened (UTC)", "title", box=None)
    for one in incidents:
        table.add_row(
            one.id,
            one.state,
            one.severity,
            one.service,
            f"{one.firing_count}/{one.alert_count}",
            f"{one.opened_at:%Y-%m-%d %H:%M}",
            Text(one.title),
        )
    Console().print(table)


def print_similar(found: SimilarFound) -> None:
    """Past incidents, best first."""
    console = Console()
    if not found.incidents:
        console.print(f"Nothing similar in {found.searched} records.")
    for one in found.incidents:
        console.print(Text.assemble((f"{one.score:.0%} ", "bold"), f"{one.organisation} {one.date}: {one.title}"))
        console.print(Text(f"     {one.why}\n     fix: {one.fix}\n     {one.url}", "dim"))
    if found.note:
        console.print(Text(found.note, "yellow"))


def detail_panel(detail: IncidentDetail) -> RenderableType:
    """The verdict first, then what it stands on."""
    incident = detail.incident
    parts: list[RenderableType] = [
        Text(
            f"{incident.severity} · {incident.service or 'no service'} · {incident.state} · {incident.opened_at:%F %T}Z"
        )
    ]
    if detail.assessment is None:
        parts.append(Text("No hypothesis yet.", "yellow"))
    else:
        parts += [Text(detail.assessment.summary), *(_hypothesis(one) for one in detail.assessment.hypotheses)]
        if detail.assessment.first_action:
            parts.append(Text(f"First: {detail.assessment.first_action.text}", "green"))
        parts += [Text(note, "yellow") for note in detail.assessment.notes]
    if detail.outcome:
        parts.append(outcome_text(detail.outcome))
    if detail.pack:
        parts.append(_evidence(detail.pack.evidence))
        parts += [Text(f"Could not look at {gap.what}: {gap.why}", "yellow") for gap in detail.pack.gaps]
    return Panel(Group(*parts), title=Text(f"{incident.id}  {incident.title}"), title_align="left")


def _hypothesis(one: Hypothesis) -> Text:
    cited = " ".join(one.evidence_ids)
    return Text.assemble(
        (f"{one.rank}. {one.confidence.value:.0%} {one.title}\n", "bold"), f"   {one.explanation} [{cited}]"
    )


def _evidence(items: Sequence[Evidence]) -> Table:
    table = Table("", "kind", "service", "finding", box=None)
    for item in items:
        table.add_row(item.id, item.kind, item.service, Text(item.title))
    return table


def print_mapping(data: Mapping[str, object]) -> None:
    """Words and numbers, one a line."""
    for name, value in data.items():
        Console().print(f"{name}: {value}")
