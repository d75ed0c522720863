"""
What the bot says, as data. Views turn it into blocks; the outbox keeps it as JSON.

A post has an operation name that never changes (INC-7:evidence:1); its content may, and then the message is edited.
"""

import enum
from dataclasses import dataclass
from datetime import datetime

from bot.core.alert import Alert
from bot.core.approval import Approval
from bot.core.evidence import EvidencePack
from bot.core.execution import RunState
from bot.core.hypothesis import Assessment, SimilarFound
from bot.core.incident import Incident


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarPost:
    """The three most similar past incidents, or an honest nothing."""

    incident_id: str
    found: SimilarFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A short line in a thread: a resolve, a cancelled start, a pointer to another thread."""

    incident_id: str
    text: str


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
