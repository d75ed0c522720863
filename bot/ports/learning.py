"""What is kept about labels, and what is learned from them."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.core.alert import Anchor
from bot.core.confidence import Calibration
from bot.core.hypothesis import CauseClass
from bot.core.incident import Incident
from bot.core.outcome import Call, Grade, GradedBy, MessageRef, Outcome, OutcomeForm, OutcomeSource
from bot.core.policy import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOutcome:
    """A label that is to be written down as the next version."""

    incident_id: str
    form: OutcomeForm
    author: str
    source: OutcomeSource
    message: MessageRef | None = None
    grade: Grade | None = None
    graded_by: GradedBy | None = None
    grade_reason: str = ""
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PastIncident:
    """An incident from before the bot, as it was imported."""

    id: str
    title: str
    service: str
    started_at: datetime
    cause: str
    cause_class: str
    component: str = ""
    severity: str = ""
    alerts: tuple[str, ...] = ()
    fix: str = ""
    fix_worked: bool | None = None
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one class of alert has earned with one runbook."""

    alert_class: str
    runbook: str
    level: Level
    why: str
    lower_bound: float | None
    """Lower bound of the 90 % interval of the helpful rate; None while nothing is labelled."""
    labels: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationFit:
    """One nightly fit and why it is used or not."""

    calibration: Calibration
    fitted_at: datetime
    brier_old: float | None
    brier_new: float | None
    compared: int
    """How many later calls the two were compared on."""
    used: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """What the past says about a number that is to be shown now."""

    calibration: Calibration
    history: float | None
    """How calls on the service went, 0 to 1 with 0.5 as usual; None without labels on it."""
    causes: Mapping[CauseClass, int] = field(default_factory=dict[CauseClass, int])
    """How many of the service's labelled and imported incidents had which cause."""


class Recall(Protocol):
    """Asked once per investigation, before its confidence is worked out."""

    def __call__(self, service: str, /) -> Awaitable[Experience]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionCounts:
    """Approvals and runs of a period."""

    approvals_asked: int
    approvals_rejected: int
    approvals_expired: int
    runs_succeeded: int
    runs_ended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentVersion:
    """A prompt, runbook or model as it was first seen at work."""

    kind: str
    name: str
    version: str
    sha256: str
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierRecord:
    """One training of the classifier: its report, and its weights when it was good enough to ship."""

    quarter: str
    trained_at: datetime
    labels: int
    shipped: bool
    scheduled: bool = False
    """Nobody asked for it but the clock."""
    body: Mapping[str, object]


class LearningTransaction(Protocol):
    """The learning part of a transaction."""

    async def add_outcome(self, new: NewOutcome, *, now: datetime) -> Outcome:
        """The next version, under a lock on the incident. Raises NotFoundError for an unknown incident."""
        ...

    async def outcome(self, incident_id: str) -> Outcome | None:
        """The label that stands: the newest version; None when that took the label back."""
        ...

    async def outcomes(self, incident_id: str) -> Sequence[Outcome]:
        """Every version, oldest first."""
        ...

    async def outcome_by_message(self, channel: str, ts: str) -> Outcome | None:
        """The newest version that was written in a message, whether or not it still stands."""
        ...

    async def outcome_message_deleted(self, channel: str, ts: str, *, now: datetime) -> int:
        """Mark the versions whose message is gone; how many there were."""
        ...

    async def grade_outcome(
        self, outcome: Outcome, *, grade: Grade, by: GradedBy, reason: str, judged_with: str = ""
    ) -> None:
        """Give a version its grade; a judge's is kept beside a person's, which it never replaces."""
        ...

    async def unjudged_outcomes(self, *, now: datetime, limit: int) -> Sequence[Outcome]:
        """Labels that stand, name a cause, belong to a posted hypothesis, have no judge's word, and that nobody judges now."""
        ...

    async def claim_judging(self, outcome: Outcome, *, now: datetime, until: datetime) -> bool:
        """Hold a label for a judge until a moment; False when another holds it or it is judged already."""
        ...

    async def release_judging(self, outcome: Outcome) -> None: ...

    async def judge_pairs(self) -> Sequence[tuple[Grade, Grade]]:
        """A person's and a judge's grade of the same hypothesis, of every label that stands: what the judge's trust rests on."""
        ...

    async def anything_graded(self) -> bool:
        """Whether any label has a grade; cheap enough to be asked often."""
        ...

    async def ask_outcome(self, incident_id: str, *, now: datetime) -> bool:
        """Note that the root cause was asked for; False when it was before."""
        ...

    async def unasked(self, *, over_since: datetime, limit: int) -> Sequence[Incident]:
        """Incidents resolved since then, with a hypothesis in their thread, that were not asked about and have no label."""
        ...

    async def due_reminders(self, *, asked_before: datetime, limit: int) -> Sequence[Incident]:
        """Asked before this moment, never reminded, still without a label."""
        ...

    async def outcome_reminded(self, incident_id: str, *, now: datetime) -> None: ...

    async def unlabelled(self, *, limit: int) -> Sequence[Incident]:
        """Resolved incidents with a hypothesis and without a label, newest first."""
        ...

    async def put_past_incident(self, past: PastIncident, *, by: str, now: datetime) -> bool:
        """Add or replace an imported incident; False when it was there, unchanged."""
        ...

    async def vote_similar(
        self, incident_id: str, similar_id: str, *, user: str, relevant: bool, now: datetime
    ) -> None: ...

    async def calls(
        self,
        *,
        since: datetime | None = None,
        alert_class: str | None = None,
        runbook: str | None = None,
        incident_id: str | None = None,
    ) -> Sequence[Call]:
        """The first posted hypothesis of each incident with the label that stands, oldest first."""
        ...

    async def earned_for(self, incident_id: str) -> tuple[str, str] | None:
        """Alert class and runbook that an incident's label counts for; None without a hypothesis or an alert."""
        ...

    async def lock_standing(self, alert_class: str, runbook: str) -> None:
        """One writer of a standing at a time, until the transaction ends; take it before reading the calls."""
        ...

    async def standing(self, alert_class: str, runbook: str) -> Standing | None: ...
    async def undetailed_digests(self, *, since: datetime) -> Sequence[tuple[str, Anchor]]:
        """Digests sent since then whose details are not in their thread: operation, and where the digest stands."""
        ...

    async def standings(self) -> Sequence[Standing]: ...
    async def set_standing(self, standing: Standing) -> None: ...

    async def calibration(self) -> CalibrationFit | None:
        """The newest fit that is used."""
        ...

    async def add_calibration(self, fit: CalibrationFit) -> bool:
        """False when this version was written already."""
        ...

    async def calibrations(self, *, limit: int) -> Sequence[CalibrationFit]:
        """Newest first, used or not."""
        ...

    async def action_counts(self, *, since: datetime, until: datetime) -> ActionCounts: ...

    async def put_world(self, investigation_id: str, body: Mapping[str, object], *, now: datetime) -> None:
        """Keep what an investigation knew; the first one counts."""
        ...

    async def world(self, investigation_id: str) -> Mapping[str, object] | None: ...

    async def note_content(self, versions: Sequence[ContentVersion]) -> Sequence[ContentVersion]:
        """Note versions at work; returns those that were not known before."""
        ...

    async def new_content(self, *, since: datetime) -> Sequence[ContentVersion]:
        """What was first seen since a moment, oldest first."""
        ...

    async def add_classifier(self, record: ClassifierRecord) -> bool:
        """Beside those before; False when the quarter's scheduled one is there and this is another."""
        ...

    async def classifiers(self, *, limit: int) -> Sequence[ClassifierRecord]:
        """Every training, newest first, used or not."""
        ...

    async def classifier_in_use(self) -> ClassifierRecord | None:
        """The newest that shipped, of whatever quarter."""
        ...
