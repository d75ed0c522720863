"""What recording a root cause needs from the store beside the labels themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.core.hypothesis import Assessment
from bot.core.outcome import Outcome
from bot.core.posts import Content


class LabelTransaction(Protocol):
    """The part of a transaction that labels and their messages need."""

    async def lock_label(self, incident_id: str) -> None:
        """One writer of an incident's label at a time, until the transaction ends. Raises NotFoundError."""
        ...

    async def first_assessment(self, incident_id: str) -> Assessment | None:
        """What the first investigation that concluded came to: the one that is graded. None without one."""
        ...

    async def recorded_outcomes(self, *, limit: int) -> Sequence[Outcome]:
        """The labels that stand, newest first."""
        ...

    async def content_of_post(self, operation: str) -> Content | None:
        """What a message should read now; None when there is no such message."""
        ...

    async def touch_card(self, incident_id: str, *, now: datetime) -> None:
        """The alert card shows what was recorded, so it is edited."""
        ...
