"""The alert card: the parent message of an incident that came in by webhook or by hand."""

from collections.abc import Sequence

from bot.core.alert import Alert, AlertStatus, Severity
from bot.core.incident import Incident, IncidentState
from bot.core.posts import AlertCard
from bot.core.sweep import Seen, seen_in
from bot.core.text import plural
from bot.slack.views import blocks as b
from bot.slack.views.message import Message, Room, and_more, fitted
from bot.slack.views.settled import settled_line, settled_text
from bot.slack.views.text import Mrkdwn, clock, code, lasted, link, local_time, person, safe

_SEVERITY_WORDS = {
    Severity.CRITICAL: "Critical",
    Severity.ERROR: "Error",
    Severity.WARNING: "Warning",
    Severity.INFO: "Info",
    Severity.UNKNOWN: "Alert",
}
_STATE_WORDS = {
    IncidentState.RECEIVED: "waiting for more alerts",
    IncidentState.INVESTIGATING: "investigating",
    IncidentState.AWAITING_APPROVAL: "waiting for an approval",
    IncidentState.REMEDIATING: "running a runbook",
    IncidentState.VERIFYING: "checking that it worked",
    IncidentState.RESOLVED: "resolved",
    IncidentState.ESCALATED: "needs a person",
}


def alert_message(card: AlertCard) -> Message:
    """Severity word and name first, then where, since when, how many; edited in place when the state moves."""
    incident = card.incident
    name, summary = _name_and_summary(incident, card.alerts)
    state = _STATE_WORDS[incident.state]
    seen = _anomaly(card.alerts)
    headline = f"{_word(incident, seen)}: {name}"
    where = f" on {incident.service}" if incident.service and incident.service not in name else ""

    def build(room: Room) -> Sequence[b.Block]:
        made: list[b.Block] = [b.header(headline)]
        if summary:
            made.append(b.paragraph(summary, room.chars))
        if card.settled is not None:
            made.append(b.section(settled_line(card.settled)))
        elif card.verdict:
            made.append(b.section(Mrkdwn(f"*Likely cause:* {safe(card.verdict, 300)}")))
        made.append(b.fields([*_fields(incident), *_seen_field(seen)]))
        if len(card.alerts) > 1 or card.truncated:
            made.append(_alert_lines(card, room))
        made.append(b.context(_small_print(card, state)))
        return made

    verdict = f" Likely cause: {card.verdict}." if card.verdict else ""
    if card.settled is not None:
        verdict = f" {settled_text(card.settled)}."
    return fitted(f"{headline}{where}. {_state_sentence(incident, state)}{verdict}", build)


def _word(incident: Incident, seen: Seen | None) -> str:
    if incident.state is IncidentState.RESOLVED:
        return "Resolved" if seen is None else "Anomaly resolved"
    return _SEVERITY_WORDS[incident.severity] if seen is None else "Anomaly"


def _anomaly(alerts: Sequence[Alert]) -> Seen | None:
    """What the sweep saw, when nothing but the sweep tells of this incident."""
    seen = [seen_in(alert) for alert in alerts]
    return seen[0] if seen and all(seen) else None


def _seen_field(seen: Seen | None) -> list[tuple[str, Mrkdwn]]:
    if seen is None:
        return []
    words = f"{seen.before} before, {seen.after} when seen, onset {clock(seen.onset)}"
    return [("Seen by the sweep", Mrkdwn(f"{safe(words, 200)}; no alert rule fired"))]


def _state_sentence(incident: Incident, state: str) -> str:
    if incident.resolved_at is not None:
        return f"Resolved after {lasted(incident.resolved_at - incident.started_at)}."
    return f"{state[0].upper()}{state[1:]}."


def _name_and_summary(incident: Incident, alerts: Sequence[Alert]) -> tuple[str, str]:
    """The title holds name and summary in one; the card sets them apart so that the header stays short."""
    first = next((alert for alert in alerts if incident.title.startswith(alert.name)), alerts[0] if alerts else None)
    if first is None or not first.name or not incident.title.startswith(first.name):
        return incident.title, first.summary if first is not None and first.summary != incident.title else ""
    return first.name, first.summary or incident.title[len(first.name) :].lstrip(": ")


def _fields(incident: Incident) -> list[tuple[str, Mrkdwn]]:
    service = code(incident.service, 200) if incident.service else Mrkdwn("not named by the alert")
    if incident.environment:
        service = Mrkdwn(f"{service} in {safe(incident.environment, 100)}")
    severity = Mrkdwn("not given" if incident.severity is Severity.UNKNOWN else _SEVERITY_WORDS[incident.severity])
    pairs = [("Service", service), ("Severity", severity), ("Started", local_time(incident.started_at))]
    if incident.resolved_at is not None:
        after = lasted(incident.resolved_at - incident.started_at)
        return [*pairs, ("Resolved", Mrkdwn(f"after {after}, {local_time(incident.resolved_at)}"))]
    count = plural(incident.alert_count, "alert")
    firing = "" if incident.firing_count == incident.alert_count else f", {incident.firing_count} firing now"
    return [*pairs, ("Alerts", Mrkdwn(f"{count}{firing}"))]


def _alert_lines(card: AlertCard, room: Room) -> b.RichText:
    shown = card.alerts[: min(8, room.items)]
    differ = len({alert.name for alert in card.alerts}) > 1
    lines = [_alert_line(alert, room, named=differ) for alert in shown]
    lines += and_more(len(card.alerts) - len(shown), "alert")
    if card.truncated:
        lines.append(b.line(b.glue(f"{plural(card.truncated, 'more alert')} left out by the sender")))
    return b.rich(b.bullets(lines))


def _alert_line(alert: Alert, room: Room, *, named: bool) -> b.RichSection:
    """What this alert says; its name too where the alerts are not all of one name."""
    detail = alert.summary or ", ".join(f"{key}={value}" for key, value in alert.labels.items() if key != "alertname")
    elements: list[b.RichElement] = [b.word(alert.name, 120, bold=True)] if named or not detail else []
    if seen_in(alert) is not None:
        # Beside alerts of rules it has to be told apart.
        elements.insert(0, b.glue("Anomaly  "))
    if detail:
        elements += [*([b.glue("  ")] if elements else []), b.word(detail, min(room.chars, 160))]
    if alert.status is AlertStatus.RESOLVED:
        elements.append(b.glue("  (resolved)"))
    return b.line(*elements)


def _small_print(card: AlertCard, state: str) -> list[Mrkdwn]:
    parts = [code(card.incident.id, 60), Mrkdwn(state)]
    if card.deliveries > 1:
        parts.append(Mrkdwn(f"reported {card.deliveries} times"))
    if card.requested_by:
        parts.append(Mrkdwn(f"asked by {person(card.requested_by)}"))
    source = next((alert.generator_url for alert in card.alerts if alert.generator_url), "")
    runbook = next((url for alert in card.alerts if (url := alert.annotations.get("runbook_url", ""))), "")
    parts += [link(url, label) for url, label in ((source, "Open the source"), (runbook, "Open the runbook")) if url]
    return parts
