"""What recording a root cause reads beside the labels."""

from collections.abc import Sequence
from datetime import datetime

from bot.adapters.postgres.learning_rows import outcome_of
from bot.adapters.postgres.rows import content_of, from_json
from bot.adapters.postgres.session import Session
from bot.core.errors import NotFoundError
from bot.core.hypothesis import Assessment
from bot.core.outcome import Outcome
from bot.core.posts import Content, PostKind


class LabelQueries(Session):
    """The part of a transaction that labels and their messages need."""

    async def lock_label(self, incident_id: str) -> None:
        """One writer at a time."""
        if await self.row("lock_incident", id=incident_id) is None:
            raise NotFoundError(
                f"There is no incident {incident_id}. `aiops incident list` shows those that are known."
            )

    async def first_assessment(self, incident_id: str) -> Assessment | None:
        """The one that is graded."""
        row = await self.row("first_assessment", id=incident_id)
        return from_json(Assessment, row["assessment"]) if row else None

    async def recorded_outcomes(self, *, limit: int) -> Sequence[Outcome]:
        """The labels that stand."""
        return [outcome_of(row) for row in await self.rows("recorded_outcomes", limit=limit)]

    async def content_of_post(self, operation: str) -> Content | None:
        """What a message should read now."""
        row = await self.row("content_of_post", operation=operation)
        return content_of(PostKind(row["kind"]), row["content"]) if row else None

    async def touch_card(self, incident_id: str, *, now: datetime) -> None:
        """Have the alert card edited."""
        self.wakes = True
        await self.execute("touch_card", id=incident_id, now=now)
