"""
What really was wrong, as a person recorded it, beside what the bot had said.

An `Outcome` is one label; corrections add a new version and keep the old ones. A `Call` is one frozen hypothesis
with the label that stands, the form in which all scores, the calibration, autonomy and the digest read the past.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.core.hypothesis import CauseClass


class Grade(enum.IntEnum):
    """Acting on the hypothesis, where would the responder have ended up?"""

    EXACT = 100
    """The cause."""
    NEAR = 65
    """One hop short of it."""
    AREA = 35
    """The right area, the wrong diagnosis."""
    WRONG = 0
    """The wrong area."""


HELPFUL_FROM = Grade.NEAR
HARMFUL_FROM = 0.7


class GradedBy(enum.StrEnum):
    """Who gave the grade; a person's wins over a match, a match over a judge."""

    PERSON = "person"
    MATCH = "match"
    JUDGE = "judge"


class OutcomeSource(enum.StrEnum):
    """The door a label came in by."""

    MODAL = "modal"
    REPLY = "reply"
    SHORTCUT = "shortcut"
    COMMAND = "command"
    IMPORT = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRef:
    """The Slack message that a label was written in; what makes recording it idempotent."""

    channel: str
    ts: str
    permalink: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeForm:
    """What a person says was the cause; everything but the cause may be left open."""

    cause: str
    """In their words, redacted and capped. Empty only when no root cause was established."""
    cause_class: CauseClass | None = None
    component: str = ""
    change_id: str = ""
    grade: Grade | None = None
    fixed_by: str = ""
    fix_worked: bool | None = None
    links: tuple[str, ...] = ()
    established: bool = True
    """False: people looked and no root cause was established; a label, not a miss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One version of an incident's label."""

    incident_id: str
    version: int
    form: OutcomeForm
    author: str
    """Slack user id, or the name of the person at the command line."""
    source: OutcomeSource
    recorded_at: datetime
    message: MessageRef | None = None
    message_deleted: bool = False
    grade: Grade | None = None
    """The grade that counts, whoever gave it; None when nothing could be graded."""
    graded_by: GradedBy | None = None
    grade_reason: str = ""
    withdrawn: bool = False
    """It takes the versions before it back: they were no root cause. The form is the one that was taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One posted hypothesis and what became of it. Only the first investigation of an incident counts."""

    incident_id: str
    at: datetime
    """When the hypothesis was posted."""
    title: str
    service: str
    alert_class: str
    """The alert's name; with the runbook it is what autonomy is earned for."""
    runbook: str
    """Runbook id, or empty."""
    analyst: str
    prompt: str
    """name@version, empty for the offline analyst."""
    hypothesis: str
    cause_class: CauseClass
    suspect: str
    change_id: str
    confidence: float
    """As it was shown."""
    raw: float
    """What the model or the analyst said before calibration."""
    score: float
    """Log-odds before calibration."""
    features: Mapping[str, float]
    abstained: bool
    grade: Grade | None = None
    graded_by: GradedBy | None = None
    person_grade: Grade | None = None
    """The person's own grade where both a person and a judge spoke; for the judge's agreement."""
    judge_grade: Grade | None = None
    established: bool = True
    labelled_at: datetime | None = None
    evidence_ms: int | None = None
    hypothesis_ms: int | None = None
    cost_usd: float = 0.0
    tokens: int = 0
    similar_shown: int = 0
    similar_relevant: bool | None = None
    """Whether a person marked one of the similar incidents shown as relevant; None when nobody said."""

    @property
    def counted(self) -> bool:
        """Has a grade that rates count: labelled, established, and not abstained."""
        return self.grade is not None and self.established and not self.abstained

    @property
    def helpful(self) -> bool:
        """Grade 65 or better."""
        return self.grade is not None and self.grade >= HELPFUL_FROM

    @property
    def harmful(self) -> bool:
        """Said with confidence of 0.7 or more, and the wrong area."""
        return self.grade is Grade.WRONG and self.confidence >= HARMFUL_FROM and not self.abstained
