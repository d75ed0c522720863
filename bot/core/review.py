"""
Why a hypothesis missed: what was said beside what was true, and what the evidence held of it.

Evidence points to the cause when it is about the recorded component or change, or shares at least two distinctive words
with the recorded cause. What pointed there and was not cited was ignored; where nothing did, something was not looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.alert import Anchor
from bot.core.evidence import Evidence, EvidencePack, Gap
from bot.core.outcome import Call, Grade, OutcomeForm
from bot.core.words import tokens

_WORDS_SHARED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """Evidence that pointed to the cause."""

    id: str
    title: str
    cited: bool
    """Whether the hypothesis stood on it."""
    why: str
    """What connects it with the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """One incident of an investigation pack."""

    incident_id: str
    at: datetime
    anchor: Anchor | None
    """The incident's thread."""
    prompt: str
    """name@version, or the offline analyst."""
    said: str
    confidence: float
    grade: Grade | None
    actual: str
    component: str
    change_id: str
    retrieved: tuple[str, ...]
    """Titles of all evidence, best first."""
    pointers: tuple[Pointer, ...]
    gaps: tuple[Gap, ...]

    @property
    def finding(self) -> str:
        """Missing or ignored, in one sentence."""
        cited = [one for one in self.pointers if one.cited]
        ignored = [one for one in self.pointers if not one.cited]
        if cited:
            return f"{_ids(cited)} pointed to it and was cited, but read differently"
        if ignored:
            return f"{_ids(ignored)} pointed to it and was ignored"
        subject = self.component or self.change_id or "the actual cause"
        looked = f"; not looked at: {', '.join(gap.what for gap in self.gaps[:3])}" if self.gaps else ""
        return f"missing: nothing that was gathered mentions {subject}{looked}"


def _ids(pointers: Sequence[Pointer]) -> str:
    return ", ".join(one.id for one in pointers[:4])


def review(
    call: Call, form: OutcomeForm, pack: EvidencePack, cited: Sequence[str], *, anchor: Anchor | None
) -> Reviewed:
    """Hold a graded call against what was recorded; `cited` are the evidence ids of its first hypothesis."""
    pointers = [found for item in pack.evidence if (found := _pointer(item, form, item.id in cited)) is not None]
    return Reviewed(
        incident_id=call.incident_id,
        at=call.at,
        anchor=anchor,
        prompt=call.prompt or call.analyst,
        said=call.hypothesis,
        confidence=call.confidence,
        grade=call.grade,
        actual=form.cause if form.established else "no root cause was established",
        component=form.component,
        change_id=form.change_id,
        retrieved=tuple(f"{item.id} {item.title}" for item in pack.evidence),
        pointers=tuple(pointers),
        gaps=pack.gaps,
    )


def _pointer(item: Evidence, form: OutcomeForm, cited: bool) -> Pointer | None:
    why = _connection(item, form)
    return Pointer(id=item.id, title=item.title, cited=cited, why=why) if why else None


def _connection(item: Evidence, form: OutcomeForm) -> str:
    changes = {str(item.facts.get(name, "")).casefold() for name in ("change_id", "id")} - {""}
    if form.change_id and form.change_id.casefold() in changes:
        return f"it is about the change {form.change_id}"
    words = set(tokens(f"{item.title} {item.excerpt}"))
    if form.component and set(tokens(form.component)) <= words | set(tokens(item.service)):
        return f"it is about {form.component}"
    shared = [word for word in dict.fromkeys(tokens(form.cause)) if word in words and not word.isdigit()]
    return f"it shares {', '.join(shared[:4])} with the cause" if len(shared) >= _WORDS_SHARED else ""
