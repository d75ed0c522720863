"""A runbook being followed, and what it changed."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from bot.core.approval import BOT
from bot.core.execution import RUN_ENDS, RunState
from bot.core.posts import Announcement, RunCard, RunResult
from bot.slack.views import blocks as b
from bot.slack.views.message import TEXT_LIMIT, Message, Room, fitted
from bot.slack.views.progress import task_cards
from bot.slack.views.text import Mrkdwn, code, lasted, person, raw_line, safe, with_people

STOP: Final = "run_stop"
CARRIED_OUT: Final = "run_carried_out"
NOT_CARRIED_OUT: Final = "run_not_carried_out"

_HEADLINES: Final = {
    RunState.SUCCEEDED: "Done",
    RunState.FAILED: "Failed",
    RunState.STOPPED: "Stopped",
    RunState.EXPIRED: "Expired",
}


def run_message(card: RunCard) -> Message:
    """One plan, edited in place; a step whose fate is unknown puts its question first."""
    text = f"{card.runbook_title}: {card.title}" + (f". {card.why}" if card.why else "")

    def build(room: Room) -> Sequence[b.Block]:
        made: list[b.Block] = []
        if card.question:
            made.append(b.section(Mrkdwn(f"*A person has to decide*\n{with_people(card.question, 1_500)}")))
            made.append(b.actions(*_answers(card)))
        title = raw_line(f"{card.runbook_title}: {card.title}", min(200, room.chars))
        made.append({"type": "plan", "title": title, "tasks": task_cards(card.tasks, room)})
        made.append(b.context(_small_print(card)))
        if card.state not in RUN_ENDS:
            made.append(b.actions(b.with_confirm(_stop(card), "Stop this run?", _STOPPING, "Stop Run")))
        return made

    return fitted(text, build)


_STOPPING: Final = "It stops before its next step. A step that is running now is finished first."


def _stop(card: RunCard) -> b.Button:
    return b.styled(b.button("Stop Run", action_id=STOP, value=card.run_id), "danger")


def _answers(card: RunCard) -> list[b.Button]:
    value = f"{card.run_id}:{card.unknown_step}"
    if card.answered:
        return [
            b.button("It Helped", action_id=CARRIED_OUT, value=value),
            b.button("It Did Not", action_id=NOT_CARRIED_OUT, value=value),
        ]
    return [
        b.button("It Was Carried Out", action_id=CARRIED_OUT, value=value),
        b.button("It Was Not", action_id=NOT_CARRIED_OUT, value=value),
    ]


def _small_print(card: RunCard) -> list[Mrkdwn]:
    who = Mrkdwn("aiops") if card.requester == BOT else person(card.requester)
    parts = [code(card.run_id, 40), Mrkdwn(f"requested by {who}"), safe(f"runbook v{card.runbook_version}", 60)]
    if card.why:
        parts.append(with_people(card.why, 500))
    return parts


def result_message(result: RunResult) -> Message:
    """What changed, whether it helped, who approved, how long it took. Verdict first."""
    verdict = _HEADLINES.get(result.state, result.state.value)
    text = f"{verdict}: {result.headline}"

    def build(room: Room) -> Sequence[b.Block]:
        mark = "✓" if result.state is RunState.SUCCEEDED else "✗" if result.state is RunState.FAILED else "–"
        made: list[b.Block] = [b.section(Mrkdwn(f"*{mark} {verdict}:* {with_people(result.headline, 1_200)}"))]
        lines = [b.line(b.word(one, room.chars)) for one in result.changes[: room.items]]
        lines += [b.line(b.glue("Checked: "), b.word(one, room.chars)) for one in result.checks[: room.items]]
        if lines:
            made.append(b.rich(b.bullets(lines)))
        if result.next_action:
            made.append(b.rich(b.line(b.word("Next: ", 20, bold=True), b.word(result.next_action, room.chars))))
        made.append(b.context(_result_print(result)))
        return made

    return fitted(text, build)


def _result_print(result: RunResult) -> list[Mrkdwn]:
    parts = [code(result.run_id, 40), safe(result.runbook_title, 150)]
    if result.approvers:
        parts.append(Mrkdwn("approved by " + " and ".join(person(user) for user in result.approvers)))
    parts.append(safe(f"took {lasted(timedelta(seconds=result.duration_s))}", 60))
    parts.append(code(f"aiops audit tail --target {result.run_id}", 80))
    return parts


def announcement_message(announcement: Announcement) -> Message:
    """A line to a channel."""
    text = with_people(announcement.text, TEXT_LIMIT)
    return Message(text=text, blocks=(b.section(text),))
