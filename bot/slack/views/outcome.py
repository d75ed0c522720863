"""Asking for the root cause, showing what is recorded, and the offer to take over an edited message."""

from collections.abc import Sequence
from typing import Final

from bot.core.hypothesis import CauseClass
from bot.core.outcome import Outcome, OutcomeSource
from bot.core.posts import OutcomeOffer, OutcomePost, OutcomeRequest, settled
from bot.core.text import clip, one_line
from bot.slack.views import blocks as b
from bot.slack.views.message import TEXT_LIMIT, Message, Room, fitted
from bot.slack.views.settled import grade_words, verdict_word
from bot.slack.views.text import Mrkdwn, code, link, local_time, person, raw_line, safe

LABEL: Final = "label_outcome"
LABEL_NEXT: Final = "label_next"
WITHDRAW_OUTCOME: Final = "withdraw_outcome"
TAKE_OVER: Final = "take_over_outcome"
CLASS_WORDS: Final = {
    CauseClass.DEPLOY: "Deploy",
    CauseClass.CONFIG: "Configuration",
    CauseClass.FEATURE_FLAG: "Feature flag",
    CauseClass.CAPACITY: "Capacity",
    CauseClass.DEPENDENCY: "Dependency",
    CauseClass.DATA: "Data",
    CauseClass.INFRASTRUCTURE: "Infrastructure",
    CauseClass.NETWORK: "Network",
    CauseClass.SECURITY: "Security",
    CauseClass.EXTERNAL: "External provider",
    CauseClass.NO_CAUSE: "Nothing was wrong",
    CauseClass.UNKNOWN: "Unknown",
}
_SOURCES: Final = {
    OutcomeSource.MODAL: "in the form",
    OutcomeSource.REPLY: "in a reply",
    OutcomeSource.SHORTCUT: "from a message",
    OutcomeSource.COMMAND: "at the command line",
    OutcomeSource.IMPORT: "by import",
}
_HEADER: Final = 120
_WITHDRAWING: Final = "It counts for no number any more and is not searched. The history keeps it."


NOT_IN_A_THREAD: Final = Mrkdwn(
    "This message is not in an incident's thread, so there is nothing to record it for. "
    "Use a message of the incident's thread, or `aiops outcome record`."
)
ELSEWHERE: Final = Mrkdwn(
    "This was not recorded: a root cause is recorded from a reply in an incident's thread, and this is none. "
    "Reply there, or use the shortcut *Record root cause* on a message of that thread."
)
NO_WORDS: Final = Mrkdwn(
    "Say what it was, for example: `root cause: checkout 2.31 leaks connections in its retry path`."
)


NOTHING_TO_LABEL: Final = Mrkdwn("Every incident that is over has its root cause recorded.")


def hint(text: Mrkdwn) -> Message:
    """A sentence of ours that only one person sees."""
    return Message(text=text, blocks=(b.section(text),))


def label_button(incident_id: str, text: str = "Label") -> b.Button:
    """Opens the form for an incident."""
    return b.button(text, action_id=LABEL, value=raw_line(incident_id, 60))


def request_message(request: OutcomeRequest) -> Message:
    """One question, the three ways to answer it."""
    title = "Still open: what was the actual root cause?" if request.reminder else "What was the actual root cause?"
    if request.answered:
        done = Mrkdwn(f"The root cause of {code(request.incident_id, 60)} is recorded.")
        return Message(text=done, blocks=(b.context([done]),))
    said = f"The hypothesis was “{clip(one_line(request.hypothesis), 200)}”. " if request.hypothesis else ""
    shown = f"{safe(said, 260)} " if said else ""
    if request.withdrawn_by:
        shown = f"{person(request.withdrawn_by)} took back what was recorded. {shown}"
    how = f"{shown}Reply here with `root cause: …`, or press the button."
    button = b.styled(label_button(request.incident_id, "Record Root Cause"), "primary")
    blocks: list[b.Block] = [
        b.section(Mrkdwn(f"*{title}*\n{how}")),
        b.actions(button),
        b.context([code(request.incident_id, 60), Mrkdwn("asked once more after a day, then no more")])
        if not request.reminder and not request.withdrawn_by
        else b.context([code(request.incident_id, 60)])
        if request.withdrawn_by
        else b.context([code(request.incident_id, 60), Mrkdwn("this is the only reminder")]),
    ]
    text = safe(f"{title} {request.incident_id}: {request.title}. Reply in the thread with: root cause: …", TEXT_LIMIT)
    return Message(text=text, blocks=tuple(blocks))


def outcome_message(post: OutcomePost) -> Message:
    """The record: the cause first, then what it means for the hypothesis."""
    outcome, form = post.outcome, post.outcome.form
    cause = one_line(form.cause)
    headline = f"Root cause: {cause}" if form.established else "No root cause established"

    def build(room: Room) -> Sequence[b.Block]:
        made: list[b.Block] = [b.header(clip(headline, _HEADER))]
        if form.cause and (not form.established or len(headline) > _HEADER or form.cause != cause):
            made.append(b.paragraph(form.cause, room.chars * 5))
        made.append(b.fields(_fields(post)))
        if form.links:
            made.append(b.section(Mrkdwn(" · ".join(link(one, one, 80) for one in form.links[: room.items]))))
        made.append(b.context(_small_print(outcome)))
        mistake = b.button("Not a Root Cause", action_id=WITHDRAW_OUTCOME, value=outcome.incident_id)
        withdraw = b.with_confirm(mistake, "Take this back?", _WITHDRAWING, "Take Back")
        made.append(b.actions(label_button(outcome.incident_id, "Correct"), withdraw))
        return made

    short = settled(outcome)
    assert short is not None, "the label is there"
    text = f"{headline}. {verdict_word(short)}." if form.established else f"{headline}. {cause}".rstrip(". ") + "."
    return fitted(clip(text, TEXT_LIMIT // 2), build)


def _fields(post: OutcomePost) -> list[tuple[str, Mrkdwn]]:
    outcome, form = post.outcome, post.outcome.form
    pairs: list[tuple[str, Mrkdwn]] = [("Hypothesis", _hypothesis(post))]
    if form.cause_class is not None:
        pairs.append(("Class", Mrkdwn(CLASS_WORDS[form.cause_class])))
    if form.component:
        pairs.append(("Component", code(form.component, 120)))
    if form.change_id:
        pairs.append(("Change", code(form.change_id, 120)))
    if form.fixed_by or form.fix_worked is not None:
        worked = {True: "it worked", False: "it did not work", None: ""}[form.fix_worked]
        pairs.append(
            ("Fixed by", Mrkdwn("\n".join(filter(None, (form.fixed_by and safe(form.fixed_by, 500), worked)))))
        )
    pairs.append(("Recorded by", Mrkdwn(f"{person(outcome.author)}\n{local_time(outcome.recorded_at)}")))
    return pairs


def _hypothesis(post: OutcomePost) -> Mrkdwn:
    """What the label means for what the bot had said."""
    outcome = post.outcome
    if not post.hypothesis:
        return Mrkdwn("there was none")
    named = safe(f"“{clip(one_line(post.hypothesis), 200)}”", 300)
    if not outcome.form.established:
        return Mrkdwn(f"neither right nor wrong\n{named}")
    if outcome.grade is not None:
        short = settled(outcome)
        assert short is not None, "the label is there"
        word = verdict_word(short)
        return Mrkdwn(f"*{word}:* {grade_words(outcome.grade, outcome.graded_by)}\n{named}")
    waiting = "a model will grade it" if post.judging else "only text can decide, and no model is configured"
    return Mrkdwn(f"not graded: {waiting}\n{named}")


def _small_print(outcome: Outcome) -> list[Mrkdwn]:
    message = outcome.message
    source = Mrkdwn(_SOURCES[outcome.source])
    if message is not None and message.permalink and not outcome.message_deleted:
        source = link(message.permalink, _SOURCES[outcome.source])
    parts = [code(outcome.incident_id, 60), source]
    if outcome.message_deleted:
        parts.append(Mrkdwn("the message was deleted, the record stands"))
    if outcome.version > 1:
        parts.append(Mrkdwn(f"version {outcome.version}; `aiops outcome show` has the earlier ones"))
    if outcome.grade_reason:
        parts.append(safe(outcome.grade_reason, 300))
    return parts


def offer_message(offer: OutcomeOffer) -> Message:
    """The message was edited: the new words, and one button to take them over."""
    if offer.settled:
        done = safe(offer.settled, 300)
        return Message(text=done, blocks=(b.context([done]),))
    head = Mrkdwn(f"{person(offer.editor)} edited the message that the root cause was taken from. It reads now:")
    text = f"The message with the root cause was edited. It reads now: {clip(one_line(offer.words), 300)}"
    return Message(
        text=safe(text, TEXT_LIMIT),
        blocks=(
            b.section(head),
            b.paragraph(offer.words, 1_500),
            b.actions(b.button("Update to the New Words", action_id=TAKE_OVER, value=offer.operation)),
            b.context([code(offer.incident_id, 60), Mrkdwn(f"recorded is “{safe(offer.recorded, 200)}”")]),
        ),
    )
