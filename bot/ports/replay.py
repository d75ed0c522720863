"""Where kept worlds are found again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.core.comparison import Rival
from bot.ports.agent import ToolCallEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldKey:
    """One kept world: of the first investigation of an incident that came to a hypothesis, as in `calls`."""

    incident_id: str
    investigation_id: str
    kept_at: datetime
    model_ms: int
    """How long its model calls took together."""


class WorldTransaction(Protocol):
    """The part of a transaction that replays need."""

    async def worlds(self, *, since: datetime | None = None, limit: int) -> Sequence[WorldKey]:
        """Worlds of incidents that have a label, newest first."""
        ...

    async def world_of(self, incident_id: str) -> WorldKey | None:
        """An incident's world, with or without a label; None when none was kept."""
        ...

    async def rivals(self, *, since: datetime) -> Sequence[Rival]:
        """What a model and the offline analyst blamed on the same facts, of worlds kept since then whose cause is established."""
        ...

    async def tool_results(self, investigation_id: str) -> Sequence[ToolCallEntry]:
        """What the tools answered to one investigation, in the order of the calls."""
        ...
