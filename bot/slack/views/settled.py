"""What a person said was the cause, in the one line that stands beside the bot's hypothesis."""

from bot.core.outcome import Grade, GradedBy
from bot.core.posts import Settled
from bot.slack.views.text import Mrkdwn, person, safe

GRADE_WORDS = {
    Grade.EXACT: "exactly the cause",
    Grade.NEAR: "one hop short",
    Grade.AREA: "right area, wrong diagnosis",
    Grade.WRONG: "wrong area",
}
_BY = {GradedBy.PERSON: "", GradedBy.MATCH: " (compared by rule)", GradedBy.JUDGE: " (judged by the model)"}


def verdict_word(settled: Settled) -> str:
    """Confirmed, Corrected, or what else a label says of the hypothesis."""
    if not settled.established:
        return "No root cause established"
    if settled.grade is None:
        return "Root cause recorded"
    return "Confirmed" if settled.grade >= Grade.NEAR else "Corrected"


def settled_line(settled: Settled) -> Mrkdwn:
    """`Confirmed by @ana`, or `Corrected by @ana: <cause>`; how it was graded, where a person did not."""
    by = _BY[settled.graded_by] if settled.graded_by is not None else ""
    head = f"*{verdict_word(settled)}* by {person(settled.author)}{by}"
    if settled.grade is Grade.NEAR:
        head += ", one hop short"
    said = settled.cause and settled.grade is not Grade.EXACT
    return Mrkdwn(f"{head}: {safe(settled.cause, 400)}" if said else head)


def settled_text(settled: Settled) -> str:
    """The same for notifications."""
    said = settled.cause and settled.grade is not Grade.EXACT
    return f"{verdict_word(settled)}: {settled.cause}" if said else verdict_word(settled)


def grade_words(grade: Grade | None, by: GradedBy | None) -> str:
    """`one hop short (judged by the model)`."""
    if grade is None:
        return "not graded"
    return f"{GRADE_WORDS[grade]}{_BY[by] if by is not None else ''}"
