"""A server's question as a card and as a form. Everything it says is data: shown as it is, named by its place in the form."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from bot.core.approval import Approval, ApprovalState, Envelope
from bot.core.elicitation import Field, FieldKind, Form
from bot.core.policy import Effect
from bot.core.posts import ApprovalCard
from bot.core.redaction import redact
from bot.core.text import plural
from bot.slack.views import blocks as b
from bot.slack.views.message import Room, and_more
from bot.slack.views.modal import View, modal, reason_input
from bot.slack.views.text import Mrkdwn, code, local_time, person, safe

FIELD: Final = "asked_"
_CALL: Final = 1_200


def question_title(envelope: Envelope) -> str:
    """`close_valves asks something`."""
    return f"{envelope.tool} asks something before it goes on"


def question_text(envelope: Envelope, asker: str) -> str:
    """The fallback of a pending card."""
    fields = plural(len(envelope.question.fields if envelope.question else ()), "thing")
    return (
        f"{envelope.server} asks for {fields} in the middle of {envelope.tool}, for a run asked for by {asker}. "
        "It is told nothing until an approver answers."
    )


def question_blocks(card: ApprovalCard, form: Form, requested_by: Mrkdwn, room: Room) -> list[b.Block]:
    """Who asks, in which call, in which words, for what."""
    approval, envelope = card.approval, card.approval.envelope
    return [
        b.header(
            f"{question_title(envelope)}?" if approval.state is ApprovalState.PENDING else question_title(envelope)
        ),
        b.fields(_facts(approval, requested_by)),
        _call(envelope, min(_CALL, room.chars * 10)),
        b.section(Mrkdwn("*In the server's words*, which nobody has checked:")),
        b.paragraph(form.message, room.chars * 10),
        _asked(form, room),
        b.context(_small_print(approval)),
    ]


def _facts(approval: Approval, requested_by: Mrkdwn) -> list[tuple[str, Mrkdwn]]:
    envelope = approval.envelope
    effect = "Destructive" if envelope.effect is Effect.DESTRUCTIVE else "Changes something"
    pairs = [
        ("Asked by", Mrkdwn(f"the server {code(envelope.server, 60)} in {code(envelope.tool, 80)}")),
        ("Step", safe(envelope.step_title, 200)),
        ("Run requested by", requested_by),
        (
            "Environment",
            Mrkdwn(f"{code(envelope.environment, 60)}\n{effect}, on {plural(len(envelope.targets), 'target')}"),
        ),
    ]
    if approval.state is ApprovalState.PENDING:
        pairs.append(("Expires", local_time(envelope.expires_at)))
    if approval.needed > 1:
        pairs.append(("Approvals", Mrkdwn(f"{len(approval.votes)} of {approval.needed} people")))
    return pairs


def _call(envelope: Envelope, limit: int) -> b.RichText:
    arguments = json.dumps(dict(envelope.args), indent=1, ensure_ascii=False, sort_keys=True)
    return b.preformatted(f"{envelope.tool} {redact(arguments)}", limit)


def _asked(form: Form, room: Room) -> b.RichText:
    shown = form.fields[: room.items]
    lines = [b.line(b.word(one.label, 100, bold=True), b.glue("  "), b.word(one.type_words, 120)) for one in shown]
    lines += and_more(len(form.fields) - len(shown), "field")
    if not lines:
        return b.rich(b.line(b.word("It asks for a yes or no, and for no values.", 80)))
    return b.rich(b.line(b.word("It asks for", 20, bold=True)), b.bullets(lines))


def _small_print(approval: Approval) -> list[Mrkdwn]:
    envelope = approval.envelope
    return [
        safe(f"{envelope.runbook} v{envelope.runbook_sha256[:12]}, step {envelope.step}", 200),
        code(envelope.run, 40),
        safe(f"#{approval.sha256[:12]}", 20),
        Mrkdwn("approving sends what is entered to the server; rejecting tells it no"),
    ]


def answer_form(
    approval: Approval, form: Form, entered: Mapping[str, Mapping[str, object]], *, callback_id: str, reason: str
) -> View:
    """Typed inputs, one for each field. Submitting it is the verdict and the answer; `entered` is the first approver's."""
    envelope = approval.envelope
    blocks: list[b.Block] = [
        b.section(
            Mrkdwn(f"The server {code(envelope.server, 60)} asks this in the middle of {code(envelope.tool, 80)}.")
        ),
        _call(envelope, _CALL),
        b.paragraph(form.message, 1_500),
        *(
            _input(place, field, entered.get(field.request, {}).get(field.name))
            for place, field in enumerate(form.fields)
        ),
        b.context(_small_print(approval)),
        reason_input(reason, "Note for the record", optional=True),
    ]
    if approval.needed > 1:
        said = "has entered what stands here; you have to agree" if approval.votes else "has to enter the same"
        who = person(approval.votes[0].user) if approval.votes else Mrkdwn("A second person")
        blocks.insert(0, b.section(Mrkdwn(f"Two people answer this. {who} {said}.")))
    return modal(
        callback_id=callback_id,
        title="Answer the server?",
        submit="Send the answer",
        metadata={"approval": approval.id, "sha256": approval.sha256},
        blocks=blocks,
    )


def _input(place: int, field: Field, entered: object) -> b.Input:
    block_id = f"{FIELD}{place}"
    shown: b.Input = {
        "type": "input",
        "block_id": block_id,
        "optional": not field.required,
        "label": b.plain(field.label, 100),
        "element": _element(block_id, field, entered),
    }
    hint = ". ".join(part for part in (field.description, field.type_words) if part)
    return {**shown, "hint": b.plain(hint, 290)}


def _element(block_id: str, field: Field, entered: object) -> b.TextInput | b.NumberInput | b.Select | b.MultiSelect:
    match field.kind:
        case FieldKind.BOOLEAN | FieldKind.CHOICE:
            options = _options(field)
            select: b.Select = {"type": "static_select", "action_id": block_id, "options": options}
            chosen = _option_of(options, field, [_spoken(entered)])
            return {**select, "initial_option": chosen[0]} if chosen else select
        case FieldKind.CHOICES:
            options = _options(field)
            menu: b.MultiSelect = {"type": "multi_static_select", "action_id": block_id, "options": options}
            chosen = _option_of(options, field, entered if isinstance(entered, list) else [])  # pyright: ignore[reportUnknownArgumentType] - only compared
            return {**menu, "initial_options": chosen} if chosen else menu
        case FieldKind.INTEGER | FieldKind.NUMBER:
            number: b.NumberInput = {
                "type": "number_input",
                "action_id": block_id,
                "is_decimal_allowed": field.kind is FieldKind.NUMBER,
            }
            return {**number, "initial_value": _spoken(entered)} if entered is not None else number
        case FieldKind.TEXT:
            text: b.TextInput = {"type": "plain_text_input", "action_id": block_id, "max_length": 1_000}
            return {**text, "initial_value": _spoken(entered)} if entered else text


def _spoken(entered: object) -> str:
    return str(entered).lower() if isinstance(entered, bool) else str(entered)


def _values(field: Field) -> Sequence[tuple[str, str]]:
    if field.kind is FieldKind.BOOLEAN:
        return (("true", "Yes"), ("false", "No"))
    return tuple(zip(field.choices, field.labels, strict=True))


def _options(field: Field) -> list[b.Option]:
    """An option carries its place: the server's values may be longer than Slack allows."""
    return [{"text": b.plain(label, 75), "value": str(n)} for n, (_, label) in enumerate(_values(field))]


def _option_of(options: list[b.Option], field: Field, values: Sequence[object]) -> list[b.Option]:
    return [option for option, (value, _) in zip(options, _values(field), strict=True) if value in values]


def entered_values(form: Form, chosen: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What a submitted form holds, by the field's place, with the choices' places turned back into the server's values."""
    found: dict[str, list[str]] = {}
    for place, field in enumerate(form.fields):
        raw = list(chosen.get(f"{FIELD}{place}", ()))
        if field.kind in {FieldKind.BOOLEAN, FieldKind.CHOICE, FieldKind.CHOICES}:
            values = [value for value, _ in _values(field)]
            raw = [values[int(one)] if one.isdecimal() and int(one) < len(values) else "" for one in raw]
        found[str(place)] = raw
    return found
