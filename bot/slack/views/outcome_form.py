"""The form for the root cause. Nothing but the cause is asked for; what is known beforehand is filled in."""

from collections.abc import Mapping, Sequence
from typing import Final

from bot.core.hypothesis import CauseClass
from bot.core.outcome import Grade, MessageRef, OutcomeForm, OutcomeSource
from bot.core.root_cause import CAUSE_LIMIT, COMPONENT_LIMIT, FIELD_LIMIT
from bot.core.text import clip, one_line
from bot.flows.learning.labels import Draft
from bot.slack.views import blocks as b
from bot.slack.views.modal import View, modal
from bot.slack.views.outcome import CLASS_WORDS
from bot.slack.views.settled import GRADE_WORDS
from bot.slack.views.text import Mrkdwn, code, percent, person, safe

OUTCOME_FORM: Final = "outcome_form"
# The names of the form's fields, so that what is wrong with a field is shown at its input.
CAUSE: Final = "cause"
NOT_ESTABLISHED: Final = "established"
CLASS: Final = "cause_class"
COMPONENT: Final = "component"
CHANGE: Final = "change_id"
GRADE: Final = "grade"
FIXED_BY: Final = "fixed_by"
WORKED: Final = "fix_worked"
LINKS: Final = "links"
_NONE: Final = "none"


def prefill(draft: Draft, words: str) -> OutcomeForm:
    """What the form begins with: the label that stands, else the hypothesis's class and component."""
    if draft.standing is not None:
        standing = draft.standing.form
        return standing if not words else _with_cause(standing, words)
    leader = draft.hypothesis
    named = leader is not None and leader.cause_class is not CauseClass.UNKNOWN
    return OutcomeForm(
        cause=words,
        cause_class=leader.cause_class if leader is not None and named else None,
        component=leader.suspect.service if leader is not None and leader.suspect is not None else "",
    )


def _with_cause(form: OutcomeForm, words: str) -> OutcomeForm:
    return OutcomeForm(
        cause=words,
        cause_class=form.cause_class,
        component=form.component,
        change_id=form.change_id,
        fixed_by=form.fixed_by,
        fix_worked=form.fix_worked,
        links=form.links,
    )


def outcome_form(draft: Draft, *, source: OutcomeSource, words: str = "", message: MessageRef | None = None) -> View:
    """The modal; `words` are those of the message that it was opened on."""
    form = prefill(draft, words)
    metadata: Mapping[str, str] = {
        "incident": draft.incident.id,
        "source": source.value,
        "channel": message.channel if message else "",
        "ts": message.ts if message else "",
        "permalink": message.permalink if message else "",
    }
    return modal(
        callback_id=OUTCOME_FORM,
        title="Root cause" if draft.standing is None else "Correct the root cause",
        submit="Save",
        metadata=metadata,
        blocks=[_head(draft), *_about_cause(form, draft), *_about_fix(form)],
    )


def _head(draft: Draft) -> b.Section:
    lines = [Mrkdwn(f"{code(draft.incident.id, 60)} {safe(draft.incident.title, 200)}")]
    if draft.hypothesis is not None:
        shown = safe(f"“{clip(one_line(draft.hypothesis.title), 200)}”", 300)
        lines.append(Mrkdwn(f"The hypothesis: {shown} ({percent(draft.hypothesis.confidence.value)})"))
    if draft.standing is not None:
        lines.append(
            Mrkdwn(f"Recorded by {person(draft.standing.author)}; saving adds a version and keeps the old one.")
        )
    return b.section(Mrkdwn("\n".join(lines)))


def _about_cause(form: OutcomeForm, draft: Draft) -> list[b.Block]:
    classes = [b.option(words, one.value) for one, words in CLASS_WORDS.items() if one is not CauseClass.UNKNOWN]
    grades = [b.option(words.capitalize(), str(int(grade))) for grade, words in GRADE_WORDS.items()]
    guessed = draft.standing is None and draft.hypothesis is not None
    hint = "Filled in from the hypothesis; change it if that was not so." if guessed else ""
    chosen = form.cause_class.value if form.cause_class is not None else ""
    made: list[b.Block] = [
        _text(CAUSE, "Actual root cause", form.cause, CAUSE_LIMIT, multiline=True, hint="One or two sentences."),
        _tick(ticked=not form.established),
        _select(CLASS, "Class", classes, chosen, hint=hint),
        _text(COMPONENT, "Component", form.component, COMPONENT_LIMIT, hint=hint),
        _text(CHANGE, "Change", form.change_id, COMPONENT_LIMIT, hint="Id of the change, if one is to blame."),
    ]
    if draft.hypothesis is not None:
        given = "" if form.grade is None else str(int(form.grade))
        label = "Acting on the hypothesis, where would you have ended up?"
        made.append(_select(GRADE, label, grades, given, hint="If left open, it is worked out from what you recorded."))
    return made


def _about_fix(form: OutcomeForm) -> list[b.Block]:
    worked = [b.option("Yes", "yes"), b.option("No", "no")]
    given = {True: "yes", False: "no", None: ""}[form.fix_worked]
    return [
        _text(FIXED_BY, "What fixed it", form.fixed_by, FIELD_LIMIT, multiline=True),
        _select(WORKED, "Did it work?", worked, given),
        _text(LINKS, "Links", "\n".join(form.links), CAUSE_LIMIT, multiline=True, hint="One on each line."),
    ]


def _text(block_id: str, label: str, value: str, limit: int, *, multiline: bool = False, hint: str = "") -> b.Input:
    element: b.TextInput = {
        "type": "plain_text_input",
        "action_id": block_id,
        "multiline": multiline,
        "max_length": limit,
    }
    if value:
        # A person wrote it here or in a message, and gets it back as it was.
        element["initial_value"] = clip(value, limit)
    return _input(block_id, label, element, hint)


def _select(block_id: str, label: str, options: Sequence[b.Option], value: str, *, hint: str = "") -> b.Input:
    element: b.Select = {"type": "static_select", "action_id": block_id, "options": list(options)}
    chosen = next((one for one in options if one["value"] == value), None)
    if chosen is not None:
        element["initial_option"] = chosen
    return _input(block_id, label, element, hint)


def _tick(*, ticked: bool) -> b.Input:
    option = b.option("No root cause was established", _NONE)
    element: b.Checkboxes = {"type": "checkboxes", "action_id": NOT_ESTABLISHED, "options": [option]}
    if ticked:
        element["initial_options"] = [option]
    return _input(NOT_ESTABLISHED, "Or", element, "")


def _input(block_id: str, label: str, element: b.TextInput | b.Select | b.Checkboxes, hint: str) -> b.Input:
    made: b.Input = {
        "type": "input",
        "block_id": block_id,
        "optional": True,
        "label": b.plain(label, 150),
        "element": element,
    }
    if hint:
        made["hint"] = b.plain(hint, 150)
    return made


def grade_of(value: str) -> Grade | None:
    """The chosen grade; None when none was chosen."""
    return Grade(int(value)) if value in {str(int(grade)) for grade in Grade} else None
