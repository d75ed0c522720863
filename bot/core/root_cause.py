"""A person's words about the root cause: found in a message, tidied before they are kept, and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.core.outcome import MessageRef, Outcome, OutcomeForm, OutcomeSource
from bot.core.redaction import redact
from bot.core.text import clean, clip, one_line

CAUSE_LIMIT = 3_000
FIELD_LIMIT = 500
COMPONENT_LIMIT = 100
LINKS_LIMIT = 10
_LINK_LIMIT = 500

# A hyphen only counts with a space around it: "root cause-analysis tomorrow" is no root cause.
_ROOT_CAUSE = re.compile(
    r"[*_~\s]*root[\s-]+cause[*_~]*(?:\s*[:=]|\s*[-–—](?=\s|$))[*_~]*(?P<words>.*)",
    re.IGNORECASE | re.DOTALL,
)
_MENTION = re.compile(r"<@(?P<who>[A-Z0-9]+)(?:\|[^>]*)?>[\s,:]*")
# Slack sends a quoted line with its mark as it is or escaped.
_QUOTED = re.compile(r"[ \t]*(?:>|&gt;)")
_BRIEF = frozenset({OutcomeSource.REPLY, OutcomeSource.COMMAND})
_WEB = re.compile(r"https?://[^\s<>|\"]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a person hands in, at whichever door."""

    incident_id: str
    form: OutcomeForm
    author: str
    source: OutcomeSource
    message: MessageRef | None = None
    update: bool = False
    """The message was edited and the person wants the new words: not a repetition of what was recorded from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A message that says `root cause:`, at its beginning or after a mention."""

    words: str
    """Empty when nothing follows."""
    to: str
    """The user id of whoever is mentioned right before it; empty without a mention."""


def find_root_cause(text: str) -> Spoken | None:
    """
    Read a message; None when neither it nor what follows a mention in it begins with `root cause:` (or `-`).

    Case and formatting do not matter. A quoted line is somebody else's word and is passed over.
    """
    lines = text.splitlines(keepends=True)
    quoted = next((place for place, line in enumerate(lines) if not _QUOTED.match(line)), len(lines))
    mentions = (one for one in _MENTION.finditer(text) if not _QUOTED.match(text, text.rfind("\n", 0, one.start()) + 1))
    for start, who in ((len("".join(lines[:quoted])), ""), *((one.end(), one["who"]) for one in mentions)):
        found = _ROOT_CAUSE.match(text, start)
        if found is not None:
            # The other half of formatting that began before the words.
            return Spoken(words=found["words"].strip().rstrip("*~").strip(), to=who)
    return None


def links_in(text: str) -> tuple[str, ...]:
    """The web addresses in a text, once each."""
    return tuple(dict.fromkeys(link.rstrip(".,;:!?)") for link in _WEB.findall(text)))[:LINKS_LIMIT]


def is_cut(cause: str) -> bool:
    """Whether a cause is longer than what is kept of it."""
    return len(redact(clean(cause)).strip()) > CAUSE_LIMIT


def tidied(form: OutcomeForm) -> OutcomeForm:
    """What is kept of a form: secrets and hidden characters are gone, every text has its limit."""
    return replace(
        form,
        cause=clip(redact(clean(form.cause)).strip(), CAUSE_LIMIT),
        component=_short(form.component, COMPONENT_LIMIT),
        change_id=_short(form.change_id, COMPONENT_LIMIT),
        fixed_by=clip(redact(clean(form.fixed_by)).strip(), FIELD_LIMIT),
        links=tuple(dict.fromkeys(_short(link, _LINK_LIMIT) for link in form.links if link.strip()))[:LINKS_LIMIT],
    )


def _short(text: str, limit: int) -> str:
    return clip(redact(one_line(clean(text))), limit)


def form_problems(form: OutcomeForm) -> Mapping[str, str]:
    """What a person has to mend, by field of the form; empty when it can be recorded."""
    problems: dict[str, str] = {}
    if form.established and not form.cause.strip():
        problems["cause"] = "Say what the cause was, or tick that no root cause was established."
    if not form.established and form.grade is not None:
        problems["grade"] = "Leave this open: without an established cause there is nothing to compare with."
    wrong = next((link for link in form.links if link.strip() and not _WEB.fullmatch(link.strip())), "")
    if wrong:
        problems["links"] = f"{clip(wrong, 60)} is not a web address; begin with https:// and put each on its own line."
    elif len([link for link in form.links if link.strip()]) > LINKS_LIMIT:
        problems["links"] = f"At most {LINKS_LIMIT} links can be kept."
    return problems


def is_repeated(label: Label, *, standing: Outcome | None, written: Outcome | None) -> bool:
    """
    Whether recording a label would say again what is recorded.

    `standing` is the label that stands, `written` the newest version from the same message. A message counts once, however
    often Slack delivers it and whichever door takes it; a form counts again only when it says something else.
    """
    if standing is not None and standing.form == label.form:
        return True
    return label.source is OutcomeSource.REPLY and written is not None and not label.update


def carried_on(label: Label, standing: Outcome | None) -> Label:
    """
    A label in a few words keeps what was said before: only what it gives is replaced.

    A form shows everything and is taken as it is; a reply and a command say one thing. A person's grade was given for a
    cause, so it goes with a cause that is materially different: when other words than case, spaces and punctuation differ
    and neither text holds the other. That none was established is taken as it is, without what was said of a cause.
    """
    form = label.form
    if label.source not in _BRIEF or standing is None or not form.established or not standing.form.established:
        return label
    known = standing.form
    kept = replace(
        known,
        cause=form.cause or known.cause,
        cause_class=form.cause_class or known.cause_class,
        component=form.component or known.component,
        change_id=form.change_id or known.change_id,
        grade=form.grade if form.grade is not None else known.grade if _same_cause(form.cause, known.cause) else None,
        fixed_by=form.fixed_by or known.fixed_by,
        fix_worked=known.fix_worked if form.fix_worked is None else form.fix_worked,
        links=form.links or known.links,
    )
    return replace(label, form=kept)


def _same_cause(new: str, known: str) -> bool:
    one, other = (" ".join(re.findall(r"\w+", text.casefold())) for text in (new, known))
    return not one or one in other or (bool(other) and other in one)
