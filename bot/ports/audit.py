"""The audit log as it leaves the database, and what the tools tell of their calls for it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.core.policy import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One sealed audit entry."""

    place: int
    entry: int
    at: datetime
    actor: str
    action: str
    target: str
    detail: Mapping[str, object]
    hash: str
    incident: str = ""
    """The incident that it belongs to; empty for what belongs to none."""


class AuditDestination(Protocol):
    """Where the audit log is shipped to."""

    @property
    def name(self) -> str:
        """Names the cursor."""
        ...

    async def send(self, lines: Sequence[AuditLine]) -> int:
        """Send some, from the first on; how many were taken (at least one). Raises AiopsError when none was."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One call at the gate, as it ended."""

    actor: Actor
    tool: str
    server: str
    """Empty when it never got as far as to a server."""
    args: Mapping[str, object]
    about: str
    """What it was for, a run's id for example."""
    outcome: str
    """ok, denied or error."""
    why: str
    took_ms: int


Witness = Callable[[Seen], Awaitable[None]]
"""
Told of every call that was denied, and of every call that says what it is about.

An agent's calls do not say so: its journal records them with their results.
"""
