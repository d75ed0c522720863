"""Finding kept worlds."""

from collections.abc import Sequence
from datetime import datetime

from bot.adapters.postgres.rows import from_json
from bot.adapters.postgres.session import Row, Session
from bot.core.comparison import Rival
from bot.core.digest import OFFLINE
from bot.core.grading import Said, said
from bot.core.hypothesis import Hypothesis
from bot.core.outcome import OutcomeForm
from bot.ports import ToolCallEntry, WorldKey


class WorldQueries(Session):
    """The part of a transaction that replays need."""

    async def worlds(self, *, since: datetime | None = None, limit: int) -> Sequence[WorldKey]:
        """Worlds of incidents that have a label, newest first."""
        return [WorldKey(**row) for row in await self.rows("worlds", since=since, limit=limit)]

    async def world_of(self, incident_id: str) -> WorldKey | None:
        """An incident's world."""
        row = await self.row("world_of", id=incident_id)
        return WorldKey(**row) if row else None

    async def rivals(self, *, since: datetime) -> Sequence[Rival]:
        """What a model and the offline analyst blamed on the same facts, with the recorded cause."""
        return [_rival(row) for row in await self.rows("rivals", offline=OFFLINE, since=since)]

    async def tool_results(self, investigation_id: str) -> Sequence[ToolCallEntry]:
        """What the tools answered to one investigation."""
        return [
            ToolCallEntry(
                tool=row["tool"],
                args=row["args"],
                outcome=row["outcome"],
                text=row["result_text"],
                took_ms=row["took_ms"],
            )
            for row in await self.rows("tool_results", id=investigation_id)
        ]


def _rival(row: Row) -> Rival:
    return Rival(
        incident_id=row["incident_id"],
        model=said([from_json(Hypothesis, row["leader"])] if row["leader"] else []),
        offline=from_json(Said, row["offline"]) if row["offline"] else None,
        form=from_json(OutcomeForm, row["form"]),
        services=frozenset(map(str, row["services"] or ())),
    )
