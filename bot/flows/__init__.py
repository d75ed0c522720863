"""
The verbs: one file each, read, decide, write.

`Flows` is what the doors (Slack, webhook, scheduler, worker, command line) can ask for, with the adapters bound in.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bot.core.alert import Anchor, Delivery
from bot.core.approval import Approval, Say, Verdict
from bot.core.execution import Run
from bot.core.hypothesis import SimilarFound
from bot.core.incident import Incident
from bot.core.policy import Level
from bot.core.postmortem import IndexState
from bot.core.runbook import Runbook
from bot.ports import Counts, InboxItem, IncidentDetail, Pause, RunDetail

if TYPE_CHECKING:
    from bot.flows.acting.decide import Answer, Review
    from bot.flows.acting.start import RunWish, Started


class Receive(Protocol):
    """Store a delivery; calls that arrive together share one commit."""

    def __call__(self, delivery: Delivery, /) -> Awaitable[Sequence[str]]: ...


class RememberEvent(Protocol):
    """Write a Slack event down before it is acknowledged; False when it is known already."""

    def __call__(self, event_id: str, kind: str, body: Mapping[str, object]) -> Awaitable[bool]: ...


class StartTriage(Protocol):
    """Open an incident from a person's words; returns its id. `anchor` hangs the thread under an existing message."""

    def __call__(self, text: str, *, channel: str, user: str, anchor: Anchor | None = None) -> Awaitable[str]: ...


class RunAgain(Protocol):
    """Queue another investigation; False when one is on its way already."""

    def __call__(self, incident_id: str, *, user: str) -> Awaitable[bool]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """What /aiops status shows."""

    counts: Counts
    open_incidents: tuple[Incident, ...]
    analyst: str
    """The model's name, or "offline analyst"."""
    tools: Mapping[str, str]
    """MCP server to an empty string, or to what is wrong with it."""
    postmortems: int
    index: str = ""
    """How fresh the index of past incidents is."""


class StartRun(Protocol):
    """Plan a run for a person."""

    def __call__(self, wish: "RunWish", /) -> "Awaitable[Started]": ...


class CloseIncident(Protocol):
    """Close an incident that no alert resolves; False when it is over already. Raises NotFoundError."""

    def __call__(self, incident_id: str, /, *, user: str, reason: str) -> Awaitable[bool]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """What the doors can ask of the executor; people come by user id."""

    runbooks: Callable[[], Sequence[Runbook]]
    parameters: Callable[[Runbook, str], Awaitable[Mapping[str, str]]]
    """A runbook's defaults for an incident ("" for none), by parameter; those without one are left out."""
    check: Callable[[Runbook, str, Mapping[str, object]], Awaitable[Mapping[str, str]]]
    """What is wrong with parameters for an incident ("" for none), by parameter."""
    level: Callable[[Runbook], Awaitable[Level]]
    """How far the bot may go for this runbook's alerts."""
    start_run: StartRun
    runs: Callable[[int], Awaitable[Sequence[Run]]]
    run_detail: Callable[[str], Awaitable[RunDetail]]
    pending: Callable[[], Awaitable[Sequence[Approval]]]
    may_approve: Callable[[str, str], Awaitable[bool]]
    """User and environment."""
    review: Callable[[str, str, Verdict], Awaitable["Review"]]
    """Approval, user, and what they are about to say."""
    decide: Callable[[str, Say], Awaitable["Answer"]]
    stop: Callable[[str, str], Awaitable["Answer"]]
    """Run and user."""
    settle_unknown: Callable[[str, int, str, bool], Awaitable["Answer"]]
    """Run, number of the step run, user, and whether it was carried out."""
    pause: Callable[[str, str], Awaitable["Answer"]]
    """User and reason."""
    resume: Callable[[str, str], Awaitable["Answer"]]
    paused: Callable[[], Awaitable[Pause | None]]
    follow_next: Callable[[], Awaitable[bool]]
    """Take one due run as far as it goes; False when none is due."""
    expire: Callable[[], Awaitable[int]]
    announce_head: Callable[[], Awaitable[None]]
    """Say once a day where the audit chain ends, so that a rewrite shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """Every verb, bound to its adapters by bootstrap."""

    receive: Receive
    quarantine: Callable[[str, str, bytes], Awaitable[None]]
    """Keep what could not be read: source, reason, body."""
    remember_event: RememberEvent
    next_event: Callable[[], Awaitable[InboxItem | None]]
    event_done: Callable[[str], Awaitable[None]]
    event_failed: Callable[[InboxItem, str], Awaitable[None]]
    last_seen: Callable[[str], Awaitable[str | None]]
    set_last_seen: Callable[[str, str], Awaitable[None]]
    start_triage: StartTriage
    run_again: RunAgain
    close: CloseIncident
    status: Callable[[], Awaitable[StatusReport]]
    similar: Callable[[str], Awaitable[SimilarFound]]
    show: Callable[[str], Awaitable[IncidentDetail]]
    list_incidents: Callable[[int, bool], Awaitable[Sequence[Incident]]]
    investigate_next: Callable[[], Awaitable[bool]]
    """Take one due investigation and run it to its end; False when none is due."""
    sync_index: Callable[[], Awaitable[Mapping[str, int]]]
    ready: Callable[[], Awaitable[datetime]]
    """The database's clock; raises StoreUnavailableError when it is away."""
    index_state: Callable[[], IndexState] = IndexState
    """How fresh the index of past incidents is, as of the last sync."""
