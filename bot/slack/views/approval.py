"""The approval card, and the two modals behind it: what would run, on exactly what, and who said yes."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from bot.core.approval import BOT, Approval, ApprovalState, Envelope
from bot.core.policy import Effect
from bot.core.posts import ApprovalCard
from bot.core.redaction import redact
from bot.core.text import clip, plural
from bot.slack.views import blocks as b
from bot.slack.views.elicitation import answer_form, question_blocks, question_text, question_title
from bot.slack.views.message import Message, Room, and_more, fitted
from bot.slack.views.modal import View, modal, reason_input
from bot.slack.views.text import Mrkdwn, code, local_time, person, safe

REVIEW: Final = "approval_review"
APPROVE: Final = "approval_approve"
REJECT: Final = "approval_reject"
WITHDRAW: Final = "approval_withdraw"
APPROVE_FORM: Final = "approval_form"
REJECT_FORM: Final = "approval_reject_form"
REASON: Final = "reason"

_MOST_TARGETS: Final = 10
# The form names every target: 1,000 is the most that a runbook may allow, and more than a form can hold says so.
_MOST_IN_FORM: Final = 100
_FORM_DETAILS: Final = 6_000
_CARD_DETAIL: Final = 60
_ENDED: Final = {
    ApprovalState.APPROVED: "Approved",
    ApprovalState.USED: "Approved",
    ApprovalState.REJECTED: "Rejected",
    ApprovalState.EXPIRED: "Expired",
    ApprovalState.SUPERSEDED: "Replaced",
    ApprovalState.WITHDRAWN: "Withdrawn",
}


def approval_message(card: ApprovalCard) -> Message:
    """Ask; after the verdict, the record of it: the preview stays, the buttons become one line."""
    approval, envelope = card.approval, card.approval.envelope
    title = _title(envelope)

    def build(room: Room) -> Sequence[b.Block]:
        if envelope.question is not None:
            asked = question_blocks(card, envelope.question, _named(envelope.requester), room)
            return asked + (_verdict(card) if approval.state is not ApprovalState.PENDING else _ask(card))
        made: list[b.Block] = [b.header(f"{title}?" if approval.state is ApprovalState.PENDING else title)]
        made.append(b.fields(_fields(approval)))
        made.append(_targets(envelope, Room(items=room.items, chars=min(room.chars, _CARD_DETAIL))))
        made.append(b.context(_small_print(approval)))
        made += _verdict(card) if approval.state is not ApprovalState.PENDING else _ask(card)
        return made

    return fitted(_text(card, title), build)


def _title(envelope: Envelope) -> str:
    if envelope.question is not None:
        return clip(question_title(envelope), 140)
    what = f"Roll back: {envelope.step_title}" if envelope.rollback else envelope.step_title
    return clip(f"Approve “{what}”", 140) if len(what) < 120 else clip(what, 140)


def _text(card: ApprovalCard, title: str) -> str:
    approval, envelope = card.approval, card.approval.envelope
    if approval.state is not ApprovalState.PENDING:
        by = approval.decided_by if approval.decided_by and approval.decided_by != BOT else ""
        what = title if envelope.question is not None else envelope.step_title
        return f"{_ENDED[approval.state]}: {what}" + (f", by {by}" if by else "")
    if envelope.question is not None:
        return question_text(envelope, _who(envelope.requester))
    return (
        f"{title}? {envelope.tool} on {plural(len(envelope.targets), 'target')}, asked for by "
        f"{_who(envelope.requester)}. Nothing runs until an approver says yes."
    )


def _who(user: str) -> str:
    return "aiops" if user == BOT else user


def _named(user: str) -> Mrkdwn:
    return Mrkdwn("aiops") if user == BOT else person(user)


def _fields(approval: Approval) -> list[tuple[str, Mrkdwn]]:
    envelope, dry = approval.envelope, approval.dry_run
    effect = "Destructive" if envelope.effect is Effect.DESTRUCTIVE else "Changes something"
    undo = "can be rolled back" if dry.reversible else "cannot be undone"
    pairs = [
        ("Requested by", _named(envelope.requester)),
        ("Reason", safe(envelope.reason, 300)),
        ("Risk", Mrkdwn(f"{effect}, {undo}" + (f"\n{safe(dry.risk, 300)}" if dry.risk else ""))),
        ("Environment", code(envelope.environment, 60)),
    ]
    if approval.state is ApprovalState.PENDING:
        pairs.append(("Expires", local_time(envelope.expires_at)))
    if approval.needed > 1:
        pairs.append(("Approvals", Mrkdwn(f"{len(approval.votes)} of {approval.needed} people")))
    return pairs


def _targets(envelope: Envelope, room: Room, most: int = _MOST_TARGETS) -> b.RichText:
    """The exact call, then each target by name."""
    shown = envelope.targets[: min(most, room.items)]
    lines = [
        b.line(b.word(one.label, 120, mono=True), b.glue("  "), b.word(one.detail, room.chars))
        if one.detail
        else b.line(b.word(one.label, 120, mono=True))
        for one in shown
    ]
    lines += and_more(len(envelope.targets) - len(shown), "target")
    head = b.line(
        b.word("Would run ", 20, bold=True),
        b.word(envelope.tool, 80, mono=True),
        *([b.glue(" of "), b.word(envelope.server, 60, mono=True)] if envelope.server else []),
        b.glue(f" on {plural(len(envelope.targets), 'target')}"),
    )
    return b.rich(head, b.bullets(lines)) if lines else b.rich(head)


def _detail_room(envelope: Envelope) -> int:
    """Fewer words for each the more there are, so that all are named."""
    return max(40, min(200, _FORM_DETAILS // max(1, len(envelope.targets))))


def _small_print(approval: Approval) -> list[Mrkdwn]:
    envelope, dry = approval.envelope, approval.dry_run
    parts = [
        safe(f"{envelope.runbook} v{envelope.runbook_sha256[:12]}, step {envelope.step}", 200),
        code(envelope.run, 40),
        safe(f"#{approval.sha256[:12]}", 20),
    ]
    if dry.runs_as:
        parts.append(safe(f"runs as {dry.runs_as}", 120))
    parts.append(safe(f"dry run: {dry.summary}" if dry.simulated else "no dry run: this server cannot preview", 300))
    return parts


def _ask(card: ApprovalCard) -> list[b.Block]:
    approval = card.approval
    made: list[b.Block] = []
    if card.paused:
        made.append(b.section(Mrkdwn("*aiops is paused.* This can be approved once somebody ends the pause.")))
    if approval.envelope.question is not None:
        first = b.button("Review and Answer", action_id=REVIEW, value=approval.id)
    elif approval.envelope.effect is Effect.DESTRUCTIVE:
        first = b.button("Review and Approve", action_id=REVIEW, value=approval.id)
    else:
        first = b.button("Approve", action_id=APPROVE, value=approval.id)
    buttons = [
        b.styled(first, "primary"),
        b.button("Reject", action_id=REJECT, value=approval.id),
        b.button("Withdraw", action_id=WITHDRAW, value=approval.id),
    ]
    made.append(b.actions(*buttons))
    return made


def _verdict(card: ApprovalCard) -> list[b.Block]:
    approval = card.approval
    parts = [Mrkdwn(f"*{_ENDED[approval.state]}*")]
    if approval.votes and approval.state in {ApprovalState.APPROVED, ApprovalState.USED}:
        parts.append(Mrkdwn("by " + " and ".join(person(vote.user) for vote in approval.votes)))
    elif approval.decided_by and approval.decided_by != BOT:
        parts.append(Mrkdwn(f"by {person(approval.decided_by)}"))
    if approval.decided_at is not None:
        parts.append(local_time(approval.decided_at))
    if approval.reason:
        parts.append(safe(approval.reason, 500))
    return [b.context([Mrkdwn(" ".join(parts[:2])), *parts[2:]])]


def approve_form(approval: Approval, entered: Mapping[str, Mapping[str, object]] | None = None) -> View:
    """The last look: the exact call, every target, the dry run; or a server's form. Submitting it is the verdict."""
    envelope = approval.envelope
    if envelope.question is not None:
        return answer_form(approval, envelope.question, entered or {}, callback_id=APPROVE_FORM, reason=REASON)
    arguments = json.dumps(dict(envelope.args), indent=1, ensure_ascii=False, sort_keys=True)
    blocks: list[b.Block] = [
        b.section(Mrkdwn(f"*{safe(envelope.step_title, 200)}* in {code(envelope.environment, 60)}")),
        b.preformatted(f"{envelope.tool} {redact(arguments)}", 2_500),
        _targets(envelope, Room(items=_MOST_IN_FORM, chars=_detail_room(envelope)), _MOST_IN_FORM),
        b.fields(_fields(approval)),
        b.context(_small_print(approval)),
        reason_input(REASON, "Note for the record", optional=True),
    ]
    if approval.needed > 1 and not approval.votes:
        blocks.insert(0, b.section(Mrkdwn("A second person has to approve this as well before it runs.")))
    return modal(
        callback_id=APPROVE_FORM,
        title="Approve this step?",
        submit="Approve",
        # What was shown is what is approved.
        metadata={"approval": approval.id, "sha256": approval.sha256},
        blocks=blocks,
    )


def reject_form(approval: Approval) -> View:
    """Why not; the reason is kept with the incident."""
    title = f"*{safe(approval.envelope.step_title, 200)}*"
    effect = f"{title} will not run, and the run stops."
    if approval.envelope.question is not None:
        effect = f"{code(approval.envelope.server, 60)} is told no, and ends {title} as it likes."
    return modal(
        callback_id=REJECT_FORM,
        title="Reject this step?",
        submit="Reject",
        metadata={"approval": approval.id, "sha256": approval.sha256},
        blocks=[
            b.section(Mrkdwn(effect)),
            reason_input(REASON, "Reason", optional=False),
        ],
    )
