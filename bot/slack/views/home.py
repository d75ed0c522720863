"""The Home tab: what waits for this person first, then what runs, what was done, and whether the bot is well."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypedDict

from bot.core.approval import Approval
from bot.core.execution import Run
from bot.core.incident import Incident
from bot.core.policy import Effect
from bot.core.text import plural
from bot.ports import Pause
from bot.slack.views import blocks as b
from bot.slack.views.approval import APPROVE, REJECT, REVIEW
from bot.slack.views.outcome import label_button
from bot.slack.views.runbook import run_line
from bot.slack.views.text import Mrkdwn, code, local_time, safe, with_people

_MOST: Final = 10
MOST_UNLABELLED: Final = 100
"""As many are counted; more are told as so many or more."""


class HomeView(TypedDict):
    """What views.publish takes."""

    type: Literal["home"]
    blocks: list[b.Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What one person's Home tab shows."""

    waiting: tuple[Approval, ...]
    """Approvals that this person may decide."""
    open_incidents: tuple[Incident, ...]
    unlabelled: tuple[Incident, ...]
    """Resolved incidents whose root cause nobody has recorded, newest first."""
    runs: tuple[Run, ...]
    pause: Pause | None
    analyst: str
    tools: tuple[tuple[str, str], ...]
    """MCP server and what is wrong with it."""
    updated_at: datetime
    index: str = ""
    """How many past incidents can be searched, and how fresh they are."""


def home_view(home: Home) -> HomeView:
    """Under a hundred blocks, whatever there is."""
    made: list[b.Block] = []
    if home.pause is not None:
        because = f": {home.pause.reason}" if home.pause.reason else ""
        text = f"Paused by <@{home.pause.by}>{because}. Nothing that changes anything starts."
        made.append(b.section(Mrkdwn(f"*{with_people(text, 600)}*")))
    made.append(b.header(f"Waiting for you ({len(home.waiting)})" if home.waiting else "Nothing waits for you"))
    for approval in home.waiting[:_MOST]:
        made += _waiting(approval)
    made.append(b.header("Open incidents"))
    made.append(_lines([_incident(one) for one in home.open_incidents[:_MOST]], "None. Quiet is good."))
    made += _unlabelled(home.unlabelled)
    made.append(b.header("What the bot did last"))
    made.append(_lines([run_line(one) for one in home.runs[:5]], "It has not followed a runbook yet."))
    made.append(b.context(_health(home)))
    return {"type": "home", "blocks": made}


def _waiting(approval: Approval) -> list[b.Block]:
    envelope = approval.envelope
    text = Mrkdwn(
        f"*{safe(envelope.step_title, 200)}* on {plural(len(envelope.targets), 'target')} "
        f"({code(approval.incident_id, 40)}, {safe(envelope.environment, 60)}), expires {local_time(envelope.expires_at)}"
    )
    asked = envelope.question is not None
    first = REVIEW if asked or envelope.effect is Effect.DESTRUCTIVE else APPROVE
    label = "Review and Answer" if asked else "Review and Approve" if first == REVIEW else "Approve"
    return [
        b.section(text),
        b.actions(
            b.styled(b.button(label, action_id=first, value=approval.id), "primary"),
            b.button("Reject", action_id=REJECT, value=approval.id),
        ),
    ]


def _unlabelled(incidents: Sequence[Incident]) -> list[b.Block]:
    if not incidents:
        return []
    shown = incidents[:_MOST]
    made: list[b.Block] = [b.header(f"Root cause missing ({_count(incidents)})")]
    made += [b.section_with(_over(one), label_button(one.id)) for one in shown]
    return made


def _count(incidents: Sequence[Incident]) -> str:
    return str(len(incidents)) if len(incidents) < MOST_UNLABELLED else f"{MOST_UNLABELLED} or more"


def _over(one: Incident) -> Mrkdwn:
    when = Mrkdwn(f", resolved {local_time(one.resolved_at)}") if one.resolved_at is not None else ""
    return Mrkdwn(f"{code(one.id, 40)} {safe(one.title, 150)}{when}")


def _incident(one: Incident) -> Mrkdwn:
    return Mrkdwn(
        f"{code(one.id, 40)} {safe(one.title, 150)}: {one.state.value.replace('_', ' ')}, since {local_time(one.started_at)}"
    )


def _lines(lines: Sequence[Mrkdwn], empty: str) -> b.Section:
    return b.section(Mrkdwn("\n".join(lines) or empty))


def _health(home: Home) -> list[Mrkdwn]:
    wrong = [Mrkdwn(f"{safe(name, 60)}: {safe(why, 150)}") for name, why in home.tools if why]
    tools = wrong or [Mrkdwn(f"{plural(len(home.tools), 'tool server')} answering")]
    index = [safe(f"past incidents: {home.index}", 300)] if home.index else []
    return [safe(home.analyst, 100), *tools[:3], *index, Mrkdwn(f"updated {local_time(home.updated_at)}")]
