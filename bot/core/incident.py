"""An incident: what people handle. One or more alerts, a state, a thread."""

import enum
from dataclasses import dataclass
from datetime import datetime

from bot.core.alert import Severity


class IncidentState(enum.StrEnum):
    """The incident's machine; the same words and pairs stand in the schema."""

    RECEIVED = "received"
    INVESTIGATING = "investigating"
    AWAITING_APPROVAL = "awaiting_approval"
    REMEDIATING = "remediating"
    VERIFYING = "verifying"
    RESOLVED = "resolved"
    ESCALATED = "escalated"


_S = IncidentState

INCIDENT_TRANSITIONS: frozenset[tuple[IncidentState, IncidentState]] = frozenset(
    {
        (_S.RECEIVED, _S.INVESTIGATING),
        (_S.RECEIVED, _S.RESOLVED),
        (_S.INVESTIGATING, _S.AWAITING_APPROVAL),
        (_S.INVESTIGATING, _S.RESOLVED),
        (_S.INVESTIGATING, _S.ESCALATED),
        (_S.AWAITING_APPROVAL, _S.REMEDIATING),
        (_S.AWAITING_APPROVAL, _S.INVESTIGATING),
        (_S.AWAITING_APPROVAL, _S.RESOLVED),
        (_S.AWAITING_APPROVAL, _S.ESCALATED),
        (_S.REMEDIATING, _S.VERIFYING),
        (_S.REMEDIATING, _S.ESCALATED),
        (_S.VERIFYING, _S.RESOLVED),
        (_S.VERIFYING, _S.INVESTIGATING),
        (_S.VERIFYING, _S.ESCALATED),
        (_S.ESCALATED, _S.RESOLVED),
        (_S.ESCALATED, _S.INVESTIGATING),
        (_S.INVESTIGATING, _S.REMEDIATING),
        (_S.REMEDIATING, _S.INVESTIGATING),
        (_S.REMEDIATING, _S.RESOLVED),
        (_S.REMEDIATING, _S.AWAITING_APPROVAL),
        (_S.VERIFYING, _S.AWAITING_APPROVAL),
        (_S.ESCALATED, _S.AWAITING_APPROVAL),
    }
)


class InvestigationState(enum.StrEnum):
    """One run of the bot on an incident."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


_I = InvestigationState

INVESTIGATION_TRANSITIONS: frozenset[tuple[InvestigationState, InvestigationState]] = frozenset(
    {
        (_I.QUEUED, _I.RUNNING),
        (_I.QUEUED, _I.CANCELLED),
        (_I.RUNNING, _I.DONE),
        (_I.RUNNING, _I.FAILED),
        (_I.RUNNING, _I.QUEUED),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What people handle. `id` is shown to people as it is, for example INC-7."""

    id: str
    state: IncidentState
    title: str
    severity: Severity
    service: str
    environment: str
    group_key: str
    started_at: datetime
    opened_at: datetime
    channel: str
    thread_ts: str | None
    forwarded: bool
    alert_count: int
    firing_count: int
    resolved_at: datetime | None = None
    by_hand: bool = False
    """A person asked for it, so no alert will resolve it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Investigation:
    """One run of the bot on an incident; `id` is also the graph's thread id."""

    id: str
    incident_id: str
    number: int
    state: InvestigationState
    due_at: datetime
    attempt: int
    trigger: str
    started_at: datetime | None = None
    evidence_at: datetime | None = None
    finished_at: datetime | None = None
