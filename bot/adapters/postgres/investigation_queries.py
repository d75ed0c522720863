"""Claiming, recording and ending investigations."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from bot.adapters.postgres.rows import from_json, investigation_of, to_json
from bot.adapters.postgres.session import Row, Session, jsonb
from bot.core.errors import LeaseLostError
from bot.core.evidence import Evidence, EvidencePack, Gap, Window
from bot.core.hypothesis import Assessment, Usage
from bot.core.incident import Investigation, InvestigationState
from bot.ports import Concluded, Gathered


class InvestigationQueries(Session):
    """The investigation's part of a transaction."""

    async def claim_investigation(
        self, *, now: datetime, owner: str, lease: timedelta, cap: int, held: Collection[str] = ()
    ) -> Investigation | None:
        """Take one that is due and not `held`; None when nothing is due or `cap` are running."""
        await self.execute("lock_investigations")
        row = await self.row("claim_investigation", now=now, owner=owner, until=now + lease, cap=cap, held=list(held))
        if row is None:
            return None
        self.wakes = True
        if await self.execute("incident_starts", id=row["incident_id"]):
            await self.execute("touch_card", id=row["incident_id"], now=now)
        return investigation_of(row)

    async def extend_lease(self, investigation: Investigation, *, owner: str, until: datetime) -> None:
        """Keep it ours."""
        row = await self.row(
            "extend_lease", id=investigation.id, attempt=investigation.attempt, owner=owner, until=until
        )
        _ours(row, investigation)

    async def end_investigation(
        self, investigation: Investigation, *, state: InvestigationState, now: datetime
    ) -> None:
        """Done, failed, or back in the queue."""
        row = await self.row(
            "end_investigation", id=investigation.id, attempt=investigation.attempt, state=state, now=now
        )
        _ours(row, investigation)

    async def add_investigation(self, incident_id: str, *, due_at: datetime, trigger: str) -> bool:
        """Queue one; False when one is on its way."""
        self.wakes = True
        return await self.row("add_investigation", incident_id=incident_id, due_at=due_at, trigger=trigger) is not None

    async def due_investigations(self, *, now: datetime) -> Sequence[str]:
        """Ids that should be running and are not."""
        return [row["id"] for row in await self.rows("due_investigations", now=now)]

    async def save_evidence(self, investigation: Investigation, gathered: Gathered, *, now: datetime) -> None:
        """Keep the pack; saving the same pack again changes nothing."""
        row = await self.row(
            "save_pack",
            id=investigation.id,
            attempt=investigation.attempt,
            now=now,
            gather_ms=gathered.took_ms,
            start=gathered.pack.window.start,
            end=gathered.pack.window.end,
            gaps=jsonb([to_json(gap) for gap in gathered.pack.gaps]),
        )
        _ours(row, investigation)
        await self._save_items(investigation, gathered.pack.evidence)

    async def save_assessment(self, investigation: Investigation, concluded: Concluded, *, now: datetime) -> None:
        """Freeze what it came to."""
        row = await self.row(
            "save_assessment",
            id=investigation.id,
            attempt=investigation.attempt,
            assessment=jsonb(to_json(concluded.assessment)),
            runbook=concluded.runbook.id if concluded.runbook else "",
            runbook_alerts=list(concluded.runbook.alerts) if concluded.runbook else [],
        )
        _ours(row, investigation)
        await self.execute("touch_card", id=investigation.incident_id, now=now)
        # What the model's own tool calls found came after the gathered pack was saved.
        await self._save_items(investigation, concluded.pack.evidence)

    async def _save_items(self, investigation: Investigation, items: Sequence[Evidence]) -> None:
        await self.many(
            "save_evidence",
            [
                {
                    "investigation": investigation.id,
                    "id": item.id,
                    "place": int(item.id.removeprefix("E")),
                    "body": jsonb(to_json(item)),
                }
                for item in items
            ],
        )

    async def pack_of(self, incident_id: str) -> tuple[Investigation | None, EvidencePack | None, Assessment | None]:
        """The newest concluded run with its pack and assessment; the newest run while none is concluded."""
        row = await self.row("concluded_investigation", id=incident_id)
        if row is None:
            return None, None, None
        assessment = from_json(Assessment, row["assessment"]) if row["assessment"] else None
        if row["window_start"] is None:
            return investigation_of(row), None, assessment
        return investigation_of(row), await self._pack(row), assessment

    async def first_conclusion(self, incident_id: str) -> tuple[EvidencePack, Assessment] | None:
        """What the first investigation gathered and came to."""
        row = await self.row("first_conclusion", id=incident_id)
        if row is None or row["window_start"] is None:
            return None
        return await self._pack(row), from_json(Assessment, row["assessment"])

    async def _pack(self, row: Row) -> EvidencePack:
        items = await self.rows("evidence", id=row["id"])
        return EvidencePack(
            evidence=tuple(from_json(Evidence, item["body"]) for item in items),
            gaps=tuple(from_json(Gap, gap) for gap in row["gaps"]),
            window=Window(start=row["window_start"], end=row["window_end"]),
        )

    async def usage_of(self, incident_id: str) -> Usage:
        """What the incident has cost so far."""
        row = await self.row("usage", id=incident_id)
        return Usage(tokens=row["tokens"], cost_usd=row["cost_usd"], steps=row["steps"]) if row else Usage()


def _ours(row: object, investigation: Investigation) -> None:
    if row is None:
        raise LeaseLostError(f"investigation {investigation.id} was taken over by another attempt")
