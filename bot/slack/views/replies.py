"""Answers that only the asking person sees."""

from collections.abc import Sequence

from bot.core.incident import Incident
from bot.core.text import plural
from bot.flows import StatusReport
from bot.slack.views import blocks as b
from bot.slack.views.message import TEXT_LIMIT, Message, Room, and_more, fitted
from bot.slack.views.text import Mrkdwn, code, local_time, safe, with_people

_HELP = (
    ("triage <text or link>", "investigate an alert, a message link or a description; the answer is a thread here"),
    ("similar <text>", "the three most similar past incidents"),
    ("runbook <name>", "start a runbook; every step that changes something still asks"),
    ("runs", "the newest runs and how they ended"),
    ("digest", "how often the bot was right, so far this week; posted here for everybody"),
    ("pause [reason]", "the kill switch: nothing that changes anything starts; `resume` ends it"),
    ("status", "what is open, what is running, whether the tools answer"),
    ("help", "this list"),
)
_EXAMPLES = ("triage checkout returns 502 since 09:10", "similar connection pool exhausted after a deploy")


def help_message(command: str, unknown: str = "") -> Message:
    """What the command can do; starts with the word that was not understood, if there was one."""
    made: list[b.Block] = []
    if unknown:
        made.append(b.section(Mrkdwn(f"{code(unknown, 60)} is not something I know. This is what I can do:")))
    made.append(
        b.rich(
            b.bullets(
                [b.line(b.word(f"{command} {usage}", 80, mono=True), b.glue(f"  {what}")) for usage, what in _HELP]
            ),
            b.line(b.word("For example", 40, bold=True)),
            b.bullets([b.line(b.word(f"{command} {example}", 120, mono=True)) for example in _EXAMPLES]),
        )
    )
    made.append(
        b.context(
            [Mrkdwn("Slash commands do not work inside threads; use the message shortcut *Triage this message*.")]
        )
    )
    usages = ", ".join(usage.split()[0] for usage, _ in _HELP)
    return Message(text=safe(f"{command} understands: {usages}.", TEXT_LIMIT), blocks=tuple(made))


def said(text: str) -> Message:
    """One sentence of ours; parts from elsewhere are escaped by `safe`."""
    shown = safe(text, TEXT_LIMIT)
    return Message(text=shown, blocks=(b.section(shown),))


def spoken(text: str) -> Message:
    """A sentence of a flow's, in which people are named."""
    shown = with_people(text, TEXT_LIMIT)
    return Message(text=shown, blocks=(b.section(shown),))


def triage_started(incident_id: str) -> Message:
    """The receipt for /aiops triage."""
    text = Mrkdwn(f"Investigating as {code(incident_id, 60)}. Evidence and a hypothesis follow in its thread.")
    return Message(text=text, blocks=(b.section(text),))


def usage_message(command: str, verb: str, what: str) -> Message:
    """A verb that needs words was given none."""
    text = Mrkdwn(f"Tell me what: {code(f'{command} {verb} {what}', 200)}")
    return Message(text=text, blocks=(b.section(text),))


def run_again_message(incident_id: str, *, queued: bool) -> Message:
    """The receipt for the Run Again button."""
    text = (
        Mrkdwn(f"Looking again at {code(incident_id, 60)}; the card is brought up to date when it is done.")
        if queued
        else Mrkdwn(f"An investigation of {code(incident_id, 60)} is on its way already.")
    )
    return Message(text=text, blocks=(b.section(text),))


def close_message(incident_id: str, *, closed: bool) -> Message:
    """The receipt for the Close Incident button."""
    text = Mrkdwn(f"{code(incident_id, 60)} is closed." if closed else f"{code(incident_id, 60)} is over already.")
    return Message(text=text, blocks=(b.section(text),))


def error_message(text: str, error_id: str) -> Message:
    """A sentence for the person, and an id that is in the log too."""
    shown = Mrkdwn(f"{safe(text, 2_000)}\nError id {code(error_id, 40)}")
    return Message(text=shown, blocks=(b.section(shown),))


def status_message(report: StatusReport) -> Message:
    """Open incidents first, then the bot's own health."""
    counts = report.counts
    headline = plural(counts.open_incidents, "open incident") if counts.open_incidents else "No open incidents"

    def build(room: Room) -> Sequence[b.Block]:
        made: list[b.Block] = [b.header(headline)]
        if report.open_incidents:
            shown = report.open_incidents[: min(10, room.items)]
            lines = [_incident_line(incident, room) for incident in shown]
            lines += and_more(max(counts.open_incidents, len(report.open_incidents)) - len(shown), "incident")
            made.append(b.rich(b.bullets(lines)))
        made.append(b.fields(_health(report)))
        made += _tools(report, room)
        return made

    away = [name for name, problem in report.tools.items() if problem]
    return fitted(f"{headline}." + (f" Tools away: {', '.join(away)}." if away else ""), build)


def _incident_line(incident: Incident, room: Room) -> b.RichSection:
    state = incident.state.value.replace("_", " ")
    return b.line(
        b.word(incident.id, 40, mono=True),
        b.glue("  "),
        b.word(incident.title, min(room.chars, 150)),
        b.glue(f"  ({incident.severity.value}, {state})"),
    )


def _health(report: StatusReport) -> list[tuple[str, Mrkdwn]]:
    counts = report.counts
    last = local_time(counts.last_delivery_at) if counts.last_delivery_at is not None else Mrkdwn("none so far")
    pairs = [
        ("Investigations", Mrkdwn(f"{counts.running} running, {counts.queued} queued")),
        ("Last alert", last),
        ("Analyst", safe(report.analyst, 120)),
        ("Postmortems", safe(f"{report.postmortems} indexed{f', {report.index}' if report.index else ''}", 300)),
    ]
    if counts.posts_waiting:
        pairs.append(("Posts waiting", Mrkdwn(str(counts.posts_waiting))))
    if counts.quarantined:
        pairs.append(("Unreadable deliveries", Mrkdwn(str(counts.quarantined))))
    return pairs


def _tools(report: StatusReport, room: Room) -> list[b.Block]:
    if not report.tools:
        return [b.context([Mrkdwn("No MCP server is configured; evidence comes from the alert alone.")])]
    lines = [
        b.line(b.word(name, 80, mono=True), b.glue("  "), b.word(problem or "answers", room.chars))
        for name, problem in list(report.tools.items())[: min(20, room.items)]
    ]
    lines += and_more(len(report.tools) - len(lines), "server")
    return [b.rich(b.line(b.word("Tools", 40, bold=True)), b.bullets(lines))]
