"""PostgreSQL, as far as the flows care."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.alert import Alert, Anchor, Delivery
from bot.core.evidence import EvidencePack
from bot.core.execution import Run
from bot.core.hypothesis import Assessment, Usage
from bot.core.incident import Incident, Investigation, InvestigationState
from bot.core.intake import IntakePlan, IntakePolicy, KnownAlert, OpenIncident
from bot.core.outcome import Outcome
from bot.core.posts import Content, Post
from bot.ports.action import RunTransaction
from bot.ports.agent import Concluded, Gathered
from bot.ports.labels import LabelTransaction
from bot.ports.learning import LearningTransaction
from bot.ports.replay import WorldTransaction
from bot.ports.sweep import SweepTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to which thing."""

    actor: str
    action: str
    target: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """A Slack event that was written down before it was acknowledged."""

    event_id: str
    kind: str
    body: Mapping[str, object]
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentDetail:
    """Everything kept about one incident, for `incident show`."""

    incident: Incident
    alerts: tuple[Alert, ...]
    investigation: Investigation | None
    pack: EvidencePack | None
    assessment: Assessment | None
    timings_ms: Mapping[str, int | None]
    usage: Usage
    runs: tuple[Run, ...] = ()
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What /aiops status tells."""

    open_incidents: int
    queued: int
    running: int
    posts_waiting: int
    quarantined: int
    last_delivery_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeView:
    """The stored side of correlation, read under the intake lock."""

    known: Mapping[tuple[str, datetime], KnownAlert]
    incidents: Sequence[OpenIncident]
    ids: Sequence[str]
    """Fresh incident ids, one per alert of the batch."""
    firing: Mapping[str, datetime]
    """Fingerprint to starts_at of its firing alert, for senders that do not say when a resolved alert began."""


class Transaction(RunTransaction, LearningTransaction, LabelTransaction, WorldTransaction, SweepTransaction, Protocol):
    """What can be read and written inside one transaction."""

    async def read_intake(self, deliveries: Sequence[Delivery], *, since: datetime) -> IntakeView:
        """What correlation needs to know. Holds the intake lock until the transaction ends: one at a time."""
        ...

    async def apply_intake(self, plan: IntakePlan, *, policy: IntakePolicy, now: datetime) -> None:
        """Write alerts, incidents, investigations, posts and audit rows of one batch."""
        ...

    async def claim_investigation(
        self, *, now: datetime, owner: str, lease: timedelta, cap: int, held: Collection[str] = ()
    ) -> Investigation | None:
        """
        Take one that is due: queued past its settle time, or running with a lease that ran out. None when at cap.

        Never one of `held`: what this process is at is not dead, however late its lease was renewed.
        """
        ...

    async def extend_lease(self, investigation: Investigation, *, owner: str, until: datetime) -> None:
        """Raises LeaseLostError when the investigation is no longer ours."""
        ...

    async def end_investigation(
        self, investigation: Investigation, *, state: InvestigationState, now: datetime
    ) -> None:
        """Raises LeaseLostError when another attempt has taken over."""
        ...

    async def add_investigation(self, incident_id: str, *, due_at: datetime, trigger: str) -> bool:
        """Queue one; False when one is queued or running already."""
        ...

    async def incident(self, incident_id: str) -> Incident: ...
    async def incident_alerts(self, incident_id: str) -> Sequence[Alert]: ...
    async def alert_names(self, incident_id: str) -> Sequence[str]:
        """Names of its alerts, each once."""
        ...

    async def incident_text(self, incident_id: str) -> str: ...
    async def related_alerts(
        self, incident_id: str, *, start: datetime, end: datetime, limit: int
    ) -> Sequence[Alert]: ...
    async def incident_by_anchor(self, anchor: Anchor) -> Incident | None: ...
    async def incidents(self, *, limit: int, only_open: bool) -> Sequence[Incident]: ...
    async def detail(self, incident_id: str) -> IncidentDetail: ...
    async def counts(self) -> Counts: ...

    async def first_conclusion(self, incident_id: str) -> tuple[EvidencePack, Assessment] | None:
        """What the first investigation gathered and came to: the one that is graded."""
        ...

    async def save_evidence(self, investigation: Investigation, gathered: Gathered, *, now: datetime) -> None: ...
    async def save_assessment(self, investigation: Investigation, concluded: Concluded, *, now: datetime) -> None: ...

    async def put_post(
        self, *, operation: str, incident_id: str, content: Content, now: datetime, final: bool = True
    ) -> None:
        """
        Say that a message should read like this; new or edited, sent by the sender.

        A message that is not final is edited at most every three seconds; what is between is skipped.
        """
        ...

    async def claim_post(self, *, now: datetime, owner: str, lease: timedelta) -> Post | None: ...
    async def extend_post(self, post: Post, *, owner: str, until: datetime) -> None:
        """Raises LeaseLostError when another sender has taken it."""
        ...

    async def post_sent(self, post: Post, anchor: Anchor, *, now: datetime) -> None: ...
    async def post_delayed(self, post: Post, *, due_at: datetime, why: str, doubtful: bool) -> None: ...
    async def retry_refused_post(self, operation: str, *, now: datetime) -> bool:
        """Make a refused message due again, less and less often; False when it was not refused, or it is too early."""
        ...

    async def post_refused(self, post: Post, *, why: str) -> None: ...

    async def put_inbox(self, event_id: str, kind: str, body: Mapping[str, object], *, now: datetime) -> bool:
        """False when this event is known already."""
        ...

    async def claim_inbox(self, *, now: datetime, lease: timedelta) -> InboxItem | None: ...
    async def inbox_done(self, event_id: str, *, now: datetime) -> None: ...
    async def inbox_failed(self, event_id: str, *, why: str, retry_at: datetime | None) -> None: ...
    async def last_seen(self, channel: str) -> str | None: ...
    async def set_last_seen(self, channel: str, ts: str) -> None: ...

    async def quarantine(self, *, source: str, reason: str, body: bytes, now: datetime) -> None: ...
    async def audit(self, entries: Sequence[AuditEntry], *, now: datetime) -> None: ...


class Store(Protocol):
    """PostgreSQL."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """All or nothing. Raises StoreUnavailableError when the database is away."""
        ...


class Intake(Protocol):
    """The door for deliveries; calls that arrive together share one commit."""

    async def receive(self, delivery: Delivery) -> Sequence[str]:
        """Incident ids that the delivery's alerts belong to, once committed."""
        ...
