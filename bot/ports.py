"""Every socket that flows and agent need, on one screen. Adapters plug in; bootstrap does the plugging."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from bot.core.alert import Alert, Anchor, Delivery
from bot.core.evidence import EvidencePack
from bot.core.hypothesis import Assessment, PromptRef, SimilarFound, Usage
from bot.core.incident import Incident, Investigation, InvestigationState
from bot.core.intake import IntakePlan, IntakePolicy, KnownAlert, OpenIncident
from bot.core.postmortem import Postmortem
from bot.core.posts import Content, Post, Task
from bot.core.runbook import Runbook


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


# --- model -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as its server describes it."""

    name: str
    description: str
    schema: Mapping[str, object]
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A model's wish to call a tool."""

    id: str
    name: str
    args: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation with a model."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReply:
    """What came back, and what it cost."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    model: str
    tokens_in: int
    tokens_out: int
    cost_usd: float
    took_ms: int


class Model(Protocol):
    """An OpenAI-compatible chat model behind the gateway."""

    @property
    def name(self) -> str:
        """The configured model name."""
        ...

    async def complete(
        self, messages: Sequence[Message], *, tools: Sequence[ToolSpec], max_tokens: int, timeout_s: float
    ) -> ModelReply:
        """Ask once. Raises ModelUnavailableError after bounded retries, ModelReplyError for an empty or broken reply."""
        ...


# --- tools -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool said: structured content, and the same as text."""

    tool: str
    server: str
    args: Mapping[str, object]
    structured: Mapping[str, object]
    text: str
    took_ms: int


class Tools(Protocol):
    """The read tools of every configured MCP server, behind the list of effects."""

    async def available(self) -> Sequence[ToolSpec]:
        """Tools that are served right now and listed as `read`. Servers that are away contribute nothing."""
        ...

    async def call(self, name: str, args: Mapping[str, object], *, timeout_s: float) -> ToolResult:
        """Call one read tool. Raises ToolDeniedError, ToolUnavailableError, or ToolError with the server's words."""
        ...

    async def health(self) -> Mapping[str, str]:
        """Server name to an empty string when it answers, else to what is wrong."""
        ...


# --- knowledge -------------------------------------------------------------------------------------------------------


class Embedder(Protocol):
    """Text to unit vectors."""

    @property
    def name(self) -> str:
        """Model name; vectors of different names are never compared."""
        ...

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector of 384 floats per text."""
        ...


class SimilarSearch(Protocol):
    """The index of past incidents."""

    async def search(self, text: str, *, service: str, k: int) -> SimilarFound:
        """The k most similar past incidents above the floor, best first."""
        ...


class PostmortemIndex(Protocol):
    """Where vectors of postmortems are kept."""

    async def indexed(self) -> Mapping[str, str]:
        """Postmortem id to the hash that is indexed now; empty while its vectors are being made."""
        ...

    async def announce(self, postmortems: Sequence[Postmortem]) -> None:
        """Store the texts before their vectors are made, so that they can be found by words at once."""
        ...

    async def replace(self, postmortem: Postmortem, vectors: Mapping[str, Sequence[float]]) -> None:
        """Store one postmortem and its section vectors, replacing what was there."""
        ...

    async def remove(self, ids: Sequence[str]) -> None:
        """Forget postmortems whose files are gone."""
        ...

    async def nearest(self, vector: Sequence[float], k: int) -> Sequence[tuple[Postmortem, float]]:
        """Nearest postmortems by cosine similarity of their best section, best first."""
        ...

    async def everything(self) -> Sequence[Postmortem]:
        """All indexed postmortems."""
        ...


class Runbooks(Protocol):
    """The loaded runbooks."""

    def all(self) -> Sequence[Runbook]:
        """Every runbook that loaded."""
        ...


class Prompts(Protocol):
    """The loaded prompts."""

    def render(self, name: str, inputs: Mapping[str, object]) -> tuple[str, PromptRef]:
        """Render a prompt; every declared input must be given."""
        ...


# --- agent -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What an investigation starts from."""

    investigation: Investigation
    incident: Incident
    alerts: tuple[Alert, ...]
    related: tuple[Alert, ...]
    """What else alerted in the hour before, on other incidents."""
    text: str = ""
    """The person's or sender's own words, when there are any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksChanged:
    """The live progress moved."""

    title: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The evidence pack is complete."""

    pack: EvidencePack
    similar: SimilarFound
    took_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """The assessment is final."""

    assessment: Assessment
    runbook: Runbook | None
    pack: EvidencePack
    """The gathered pack and what the model's own tool calls added to it."""
    tasks: tuple[Task, ...]
    """The progress as it ended."""


AgentEvent = TasksChanged | Gathered | Concluded


class TriageAgent(Protocol):
    """One investigation, resumable: what finished before a crash is not done or paid for again."""

    def investigate(self, brief: Brief) -> AsyncGenerator[AgentEvent]:
        """Run or resume. Gathered and Concluded come exactly once per call, also when they were reached before."""
        ...

    async def forget(self, investigation_id: str) -> None:
        """Delete the checkpoints of a finished investigation."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCallEntry:
    """One model call for the record."""

    purpose: str
    prompt: PromptRef
    model: str
    outcome: str
    usage: Usage
    took_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallEntry:
    """One tool call for the record; `text` is kept whole (redacted) so that the agent can search it."""

    tool: str
    args: Mapping[str, object]
    outcome: str
    text: str
    took_ms: int


class Journal(Protocol):
    """Where an investigation's calls are recorded."""

    async def model_call(self, investigation_id: str, entry: ModelCallEntry) -> None:
        """Record a model call in the audit log and the investigation's usage."""
        ...

    async def tool_call(self, investigation_id: str, entry: ToolCallEntry) -> None:
        """Record a tool call in the audit log and keep its full text."""
        ...

    async def search_tool_results(self, investigation_id: str, contains: str, limit: int) -> Sequence[str]:
        """Lines of kept tool results that contain a text, case-insensitively."""
        ...


# --- chat ------------------------------------------------------------------------------------------------------------


class Chat(Protocol):
    """Slack, as far as the flows care."""

    async def send(self, post: Post) -> Anchor:
        """Post or edit one message and say where it stands. Raises ChatUnavailableError (try again) or ChatError."""
        ...

    async def find(self, post: Post) -> Anchor | None:
        """Look in Slack for a message with the post's operation, in case a crash hid that it was sent."""
        ...

    async def permalink(self, anchor: Anchor) -> str:
        """A link to a message."""
        ...


# --- store -----------------------------------------------------------------------------------------------------------


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


class Transaction(Protocol):
    """What can be read and written inside one transaction."""

    async def read_intake(self, deliveries: Sequence[Delivery], *, since: datetime) -> IntakeView:
        """What correlation needs to know. Holds the intake lock until the transaction ends: one at a time."""
        ...

    async def apply_intake(self, plan: IntakePlan, *, policy: IntakePolicy, now: datetime) -> None:
        """Write alerts, incidents, investigations, posts and audit rows of one batch."""
        ...

    async def claim_investigation(
        self, *, now: datetime, owner: str, lease: timedelta, cap: int
    ) -> Investigation | None:
        """Take one that is due: queued past its settle time, or running with a lease that ran out. None when at cap."""
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
    async def incident_text(self, incident_id: str) -> str: ...
    async def related_alerts(
        self, incident_id: str, *, start: datetime, end: datetime, limit: int
    ) -> Sequence[Alert]: ...
    async def incident_by_anchor(self, anchor: Anchor) -> Incident | None: ...
    async def incidents(self, *, limit: int, only_open: bool) -> Sequence[Incident]: ...
    async def detail(self, incident_id: str) -> IncidentDetail: ...
    async def counts(self) -> Counts: ...

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
