"""
The verbs: one file each, read, decide, write.

`Flows` is what the doors (Slack, webhook, scheduler, worker, command line) can ask for, with the adapters bound in.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.core.alert import Anchor, Delivery
from bot.core.hypothesis import SimilarFound
from bot.core.incident import Incident
from bot.ports import Counts, InboxItem, IncidentDetail


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
    status: Callable[[], Awaitable[StatusReport]]
    similar: Callable[[str], Awaitable[SimilarFound]]
    show: Callable[[str], Awaitable[IncidentDetail]]
    list_incidents: Callable[[int, bool], Awaitable[Sequence[Incident]]]
    investigate_next: Callable[[], Awaitable[bool]]
    """Take one due investigation and run it to its end; False when none is due."""
    sync_index: Callable[[], Awaitable[Mapping[str, int]]]
    ready: Callable[[], Awaitable[datetime]]
    """The database's clock; raises StoreUnavailableError when it is away."""
