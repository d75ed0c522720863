"""Runbooks in Slack: the list, the form with typed parameters, and the newest runs."""

from collections.abc import Mapping, Sequence
from typing import Final

from bot.core.approval import BOT
from bot.core.execution import Run
from bot.core.incident import Incident
from bot.core.policy import Effect, Level
from bot.core.runbook import Parameter, ParameterKind, Runbook
from bot.core.text import plural
from bot.slack.views import blocks as b
from bot.slack.views.message import TEXT_LIMIT, Message, Room, and_more, fitted
from bot.slack.views.modal import View, modal, reason_input
from bot.slack.views.text import Mrkdwn, code, local_time, person, raw_line, safe

RUNBOOK_FORM: Final = "runbook_form"
INCIDENT: Final = "incident"
REASON: Final = "reason"
PARAMETER: Final = "param_"
NEW_INCIDENT: Final = "new"
_MOST_INCIDENTS: Final = 25


def runbook_list(runbooks: Sequence[Runbook], command: str) -> Message:
    """What can be started."""
    executable = [one for one in runbooks if one.ai_executable]

    def build(room: Room) -> Sequence[b.Block]:
        shown = executable[: room.items]
        lines = [
            b.line(b.word(f"{command} runbook {one.id}", 120, mono=True), b.glue("  "), b.word(one.title, room.chars))
            for one in shown
        ]
        lines += and_more(len(executable) - len(shown), "runbook")
        if not lines:
            return [b.section(Mrkdwn("No runbook is AI-executable. `aiops runbook check` says what they miss."))]
        return [b.rich(b.line(b.word("Runbooks that can be started", 60, bold=True)), b.bullets(lines))]

    return fitted(f"{plural(len(executable), 'runbook')} can be started.", build)


def runbook_form(
    runbook: Runbook, *, level: Level, incidents: Sequence[Incident], defaults: Mapping[str, str], channel: str
) -> View:
    """Typed parameters with their defaults. Submitting it plans a run; nothing is called by the form."""
    writes = [step.title for step in runbook.writes]
    said = [safe(runbook.title, 200)]
    if writes and level is Level.ADVISORY:
        said.append(Mrkdwn("This class of alert is *advisory*: only the steps that read will run."))
    elif writes:
        said.append(Mrkdwn(f"{plural(len(writes), 'step')} changes something and asks for an approval first."))
    blocks: list[b.Block] = [b.section(Mrkdwn("\n".join(said)))]
    blocks.append(_incident_input(incidents))
    blocks += [_input(one, defaults.get(one.name, "")) for one in runbook.parameters]
    blocks.append(reason_input(REASON, "Why is it run?", optional=False))
    effects = {step.effect for step in runbook.steps}
    word = "destructive" if Effect.DESTRUCTIVE in effects else "writing" if Effect.WRITE in effects else "reading"
    blocks.append(b.context([code(f"{runbook.id} v{runbook.version}", 120), Mrkdwn(f"its strongest step is {word}")]))
    return modal(
        callback_id=RUNBOOK_FORM,
        title="Start a runbook",
        submit="Start",
        metadata={"runbook": runbook.id, "channel": channel},
        blocks=blocks,
    )


def _incident_input(incidents: Sequence[Incident]) -> b.Input:
    new: b.Option = {"text": b.plain("A new incident", 75), "value": NEW_INCIDENT}
    options = [new] + [
        {"text": b.plain(raw_line(f"{one.id} {one.title}", 75), 75), "value": one.id}
        for one in incidents[:_MOST_INCIDENTS]
    ]
    return {
        "type": "input",
        "block_id": INCIDENT,
        "optional": False,
        "label": b.plain("For which incident?", 100),
        "element": {
            "type": "static_select",
            "action_id": INCIDENT,
            "options": options,
            "initial_option": options[1] if len(options) > 1 else options[0],
        },
    }


def _input(parameter: Parameter, default: str) -> b.Input:
    block_id = f"{PARAMETER}{parameter.name}"
    element: b.TextInput | b.NumberInput | b.Select
    if parameter.kind in {ParameterKind.CHOICE, ParameterKind.BOOLEAN}:
        choices = parameter.choices or ("true", "false")
        options: list[b.Option] = [{"text": b.plain(one, 75), "value": one} for one in choices]
        select: b.Select = {"type": "static_select", "action_id": block_id, "options": options}
        chosen = next((one for one in options if one["value"] == default), None)
        element = {**select, "initial_option": chosen} if chosen is not None else select
    elif parameter.kind in {ParameterKind.INTEGER, ParameterKind.NUMBER}:
        number: b.NumberInput = {
            "type": "number_input",
            "action_id": block_id,
            "is_decimal_allowed": parameter.kind is ParameterKind.NUMBER,
            "min_value": f"{parameter.minimum:g}",
            "max_value": f"{parameter.maximum:g}",
        }
        element = {**number, "initial_value": default} if default else number
    else:
        text: b.TextInput = {"type": "plain_text_input", "action_id": block_id, "max_length": 500}
        element = {**text, "initial_value": default} if default else text
    return {
        "type": "input",
        "block_id": block_id,
        "optional": False,
        "label": b.plain(parameter.name, 100),
        "hint": b.plain(parameter.description, 150),
        "element": element,
    }


def runs_message(runs: Sequence[Run]) -> Message:
    """Newest first, each in one line."""
    if not runs:
        text = Mrkdwn("No runbook has been followed yet.")
        return Message(text=text, blocks=(b.section(text),))
    text = Mrkdwn("\n".join(run_line(one) for one in runs))
    return Message(text=safe(plural(len(runs), "run"), TEXT_LIMIT), blocks=(b.section(text),))


def run_line(one: Run) -> Mrkdwn:
    """`RUN-3 pressure-high for INC-7: succeeded, asked for by …`."""
    asked = "aiops" if one.requester == BOT else person(one.requester)
    ended = f" {local_time(one.ended_at)}" if one.ended_at is not None else ""
    state = one.state.value.replace("_", " ")
    return Mrkdwn(
        f"{code(one.id, 40)} {safe(one.runbook_id, 60)} for {code(one.incident_id, 40)}: *{state}*{ended}, asked for by {asked}"
    )
