"""What recording a root cause reads beside the labels."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.adapters.postgres.learning_rows import outcome_of
from bot.adapters.postgres.rows import content_of, from_json
from bot.adapters.postgres.session import Session
from bot.core.alert import Anchor
from bot.core.errors import NotFoundError
from bot.core.hypothesis import Assessment, CauseClass
from bot.core.outcome import Outcome, OutcomeForm
from bot.core.posts import Content, PostKind
from bot.ports import Labelled, PastIncident


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

    async def unremembered_labels(self, *, model: str, limit: int) -> Sequence[Labelled]:
        """Whose record is missing or older."""
        return [
            Labelled(
                incident_id=row["id"],
                title=row["title"],
                service=row["service"],
                severity=row["severity"],
                started_at=row["started_at"],
                told=tuple(filter(None, (row["request_text"], *row["alerts"]))),
                form=from_json(OutcomeForm, row["form"]),
                link=row["link"],
                mark=row["mark"],
            )
            for row in await self.rows("unremembered_labels", model=model, limit=limit)
        ]

    async def unremembered_history(self, *, model: str, limit: int) -> Sequence[tuple[PastIncident, str]]:
        """Whose record is missing or older."""
        rows = await self.rows("unremembered_history", model=model, limit=limit)
        return [(from_json(PastIncident, row["body"]), row["mark"]) for row in rows]

    async def outlived_records(self) -> Sequence[str]:
        """Whose label is gone."""
        return [row["id"] for row in await self.rows("outlived_records")]

    async def unlinked_labels(self, *, since: datetime, limit: int) -> Sequence[tuple[str, Anchor]]:
        """What nothing leads to."""
        rows = await self.rows("unlinked_labels", since=since, limit=limit)
        return [(row["incident_id"], Anchor(channel=row["channel"], ts=row["thread_ts"])) for row in rows]

    async def link_label(self, incident_id: str, link: str) -> int:
        """A link into the thread."""
        return await self.execute("link_label", id=incident_id, link=link)

    async def cause_counts(self, service: str) -> Mapping[CauseClass, int]:
        """A service's past, by cause."""
        rows = await self.rows("cause_counts", service=service)
        return {CauseClass(row["cause_class"]): row["incidents"] for row in rows}

    async def lock_intake(self) -> None:
        """One at a time, with the intake."""
        await self.row("lock_intake")

    async def close_incident(self, incident_id: str, *, only_quiet: bool, now: datetime) -> bool:
        """Over by a person's word."""
        if await self.row("close_incident", id=incident_id, only_quiet=only_quiet, now=now) is None:
            return False
        await self.execute("close_questions", id=incident_id, now=now)
        await self.execute("cancel_queued", id=incident_id, now=now)
        self.wakes = True
        return True
