"""
What the bot says, as data. Views turn it into blocks; the outbox keeps it as JSON.

A post has an operation name that never changes (INC-7:evidence:1); its content may, and then the message is edited.
"""

import enum
import hashlib
from dataclasses import dataclass
from datetime import datetime

from bot.core.alert import Alert
from bot.core.approval import Approval
from bot.core.digest import Digest
from bot.core.evidence import EvidencePack
from bot.core.execution import RunState
from bot.core.hypothesis import Assessment, SimilarFound, SimilarIncident
from bot.core.incident import Incident
from bot.core.outcome import Grade, GradedBy, MessageRef, Outcome
from bot.core.policy import Level
from bot.core.review import Reviewed


class PostKind(enum.StrEnum):
    """Kinds of message; metadata event_type is aiops.<kind>."""

    ALERT = "alert"
    PROGRESS = "progress"
    EVIDENCE = "evidence"
    HYPOTHESIS = "hypothesis"
    SIMILAR = "similar"
    APPROVAL = "approval"
    RUN = "run"
    RESULT = "result"
    OUTCOME = "outcome"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a person said was the cause, as it stands beside the bot's hypothesis."""

    author: str
    cause: str
    established: bool
    grade: Grade | None
    graded_by: GradedBy | None


def settled(outcome: Outcome | None) -> Settled | None:
    """The short form of a label for the cards; None without one."""
    if outcome is None:
        return None
    return Settled(
        author=outcome.author,
        cause=outcome.form.cause,
        established=outcome.form.established,
        grade=outcome.grade,
        graded_by=outcome.graded_by,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCard:
    """The parent message of an incident that came in by webhook or by hand."""

    incident: Incident
    alerts: tuple[Alert, ...]
    deliveries: int
    truncated: int
    requested_by: str = ""
    verdict: str = ""
    """The newest hypothesis with its confidence, once there is one."""
    settled: Settled | None = None
    """What a person said it was; takes the verdict's place."""


class TaskState(enum.StrEnum):
    """Slack's four words for a task card."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One line of the live progress."""

    id: str
    title: str
    state: TaskState
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the bot is doing right now; edited in place."""

    incident_id: str
    title: str
    tasks: tuple[Task, ...]
    finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePost:
    """The evidence pack."""

    incident: Incident
    investigation: int
    pack: EvidencePack
    gathered_at: datetime
    took_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HypothesisCard:
    """The main reply, edited in place."""

    incident: Incident
    investigation: int
    assessment: Assessment
    pack: EvidencePack
    runbook_title: str
    as_of: datetime
    settled: Settled | None = None
    """What a person said it was, once they have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarPost:
    """The three most similar past incidents, or an honest nothing."""

    incident_id: str
    found: SimilarFound


def mark_of(similar: SimilarIncident) -> str:
    """A short name of a similar incident for a button: ids may be longer than a button can carry."""
    return hashlib.sha256(similar.id.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A short line in a thread: a resolve, a cancelled start, a pointer to another thread."""

    incident_id: str
    text: str
    by: str = ""
    """Who did what the text says, by user id; empty when nobody did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalCard:
    """A request for a verdict, and later the record of it. The buttons carry the approval's id alone."""

    incident: Incident
    approval: Approval
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCard:
    """A runbook being followed; edited in place."""

    incident_id: str
    run_id: str
    title: str
    runbook_title: str
    runbook_version: str
    requester: str
    state: RunState
    tasks: tuple[Task, ...]
    why: str = ""
    question: str = ""
    """Set while a step is unknown: what a person has to decide, with the post-condition as it was found."""
    unknown_step: int = 0
    """The number of the step run that the question is about."""
    answered: bool = False
    """Its call came back; the question is whether it helped, and not whether it was carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run changed, and whether that helped."""

    incident_id: str
    run_id: str
    runbook_title: str
    state: RunState
    headline: str
    """Verdict first: "Terminated 14 sessions; connections 20/20 → 6/20"."""
    changes: tuple[str, ...]
    """One line per write step: what was done on which targets."""
    checks: tuple[str, ...]
    """One line per post-condition, as it was found."""
    approvers: tuple[str, ...]
    duration_s: float
    next_action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRequest:
    """The question what the actual root cause was; asked once, and once more as a reminder."""

    incident_id: str
    title: str
    hypothesis: str
    """Title of the first hypothesis; empty without one."""
    reminder: bool = False
    answered: bool = False
    """A reminder that has done its work: the buttons are gone."""
    withdrawn_by: str = ""
    """Who took back what was recorded here, by user id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomePost:
    """The root cause as it is recorded; takes the question's place, and is edited when it is corrected."""

    title: str
    outcome: Outcome
    hypothesis: str
    """Title of the first hypothesis; empty without one."""
    judging: bool
    """Whether a model will grade it; without one an ungraded label stays so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeOffer:
    """The message that a root cause was taken from was edited: the new words are offered."""

    incident_id: str
    message: MessageRef
    editor: str
    recorded: str
    words: str
    settled: str = ""
    """How it ended; empty while the offer stands."""

    @property
    def operation(self) -> str:
        """The outbox's name of this offer: one for each message."""
        return offer_operation(self.incident_id, self.message)


def offer_operation(incident_id: str, message: MessageRef) -> str:
    """The outbox's name of the offer to take over an edited message's words."""
    return f"{incident_id}:outcome:edit:{message.channel}:{message.ts}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChange:
    """A class of alert rose or fell; with a fall comes the investigation pack."""

    alert_class: str
    runbook: str
    """Runbook id; empty for incidents that no runbook was matched to."""
    before: Level
    after: Level
    why: str
    pack: tuple[Reviewed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestPost:
    """The weekly eval digest."""

    digest: Digest
    links: tuple[tuple[str, str], ...] = ()
    """Incident and the address of its thread; filled in when it is sent, because only Slack knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestDetails:
    """The rest of its numbers, in its thread."""

    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A line to a channel that belongs to no incident: a pause, the audit log's head."""

    text: str


Content = (
    AlertCard
    | Progress
    | EvidencePost
    | HypothesisCard
    | SimilarPost
    | Notice
    | ApprovalCard
    | RunCard
    | RunResult
    | OutcomeRequest
    | OutcomePost
    | OutcomeOffer
    | LevelChange
    | DigestPost
    | DigestDetails
    | Announcement
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One message that should stand in Slack, with what it should say now."""

    operation: str
    incident_id: str
    kind: PostKind
    channel: str
    """Channel id or #name."""
    thread_ts: str | None
    """None: a message of its own (it becomes the thread's parent)."""
    ts: str | None
    """Set once it has been posted; from then on it is edited."""
    version: int
    """The content's version; what Slack shows is older while this is being sent."""
    content: Content
    doubtful: bool = False
    """A process died or the answer was lost while posting it: look for the operation in Slack before posting again."""
    attempts: int = 1
