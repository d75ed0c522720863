"""What people ask for: incidents, details, counts; and the audit trail."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.adapters.postgres.investigation_queries import InvestigationQueries
from bot.adapters.postgres.rows import alert_of, incident_of
from bot.adapters.postgres.session import Row, jsonb
from bot.core.alert import Alert, Anchor
from bot.core.errors import NotFoundError
from bot.core.incident import Incident
from bot.core.redaction import redact_all
from bot.ports import AuditEntry, Counts, IncidentDetail

_ALL_ALERTS = 1_000


def _ms(later: datetime | None, earlier: datetime) -> int | None:
    return None if later is None else round((later - earlier).total_seconds() * 1000)


class ReadQueries(InvestigationQueries):
    """Reading; extends the investigation's queries because a detail is made of them."""

    async def _incident_row(self, incident_id: str) -> Row:
        row = await self.row("incident", id=incident_id)
        if row is None:
            raise NotFoundError(
                f"There is no incident {incident_id}. `aiops incident list` shows those that are known."
            )
        return row

    async def incident(self, incident_id: str) -> Incident:
        """One incident. Raises NotFoundError."""
        return incident_of(await self._incident_row(incident_id))

    async def alert_names(self, incident_id: str) -> Sequence[str]:
        """Names of its alerts, each once."""
        return (await self._incident_row(incident_id))["alert_names"]

    async def incident_text(self, incident_id: str) -> str:
        """The words of the person or message that opened it; empty for a webhook."""
        return (await self._incident_row(incident_id))["request_text"]

    async def incident_alerts(self, incident_id: str) -> Sequence[Alert]:
        """Its alerts, firing ones first."""
        return [alert_of(row) for row in await self.rows("incident_alerts", id=incident_id, limit=_ALL_ALERTS)]

    async def related_alerts(self, incident_id: str, *, start: datetime, end: datetime, limit: int) -> Sequence[Alert]:
        """What else alerted in a time range, on other incidents."""
        rows = await self.rows("related_alerts", id=incident_id, start=start, end=end, limit=limit)
        return [alert_of(row) for row in rows]

    async def incident_by_anchor(self, anchor: Anchor) -> Incident | None:
        """The incident whose thread hangs under a message."""
        row = await self.row("incident_by_anchor", channel=anchor.channel, ts=anchor.ts)
        return incident_of(row) if row else None

    async def incidents(self, *, limit: int, only_open: bool) -> Sequence[Incident]:
        """Newest first."""
        return [incident_of(row) for row in await self.rows("incidents", limit=limit, only_open=only_open)]

    async def counts(self) -> Counts:
        """Numbers for the status report."""
        row = await self.row("counts")
        assert row is not None, "a select of aggregates always gives a row"
        return Counts(**row)

    async def detail(self, incident_id: str) -> IncidentDetail:
        """Everything about one incident."""
        row = await self._incident_row(incident_id)
        alerts = await self.incident_alerts(incident_id)
        investigation, pack, assessment = await self.pack_of(incident_id)
        posted = {one["kind"]: one["at"] for one in await self.rows("post_times", id=incident_id)}
        opened: datetime = row["opened_at"]
        return IncidentDetail(
            incident=incident_of(row),
            alerts=tuple(alerts),
            investigation=investigation,
            pack=pack,
            assessment=assessment,
            timings_ms={
                # A person's words have no earlier beginning than their arrival.
                "received": 0 if row["trigger"] == "manual" else _ms(opened, row["started_at"]),
                "evidence_posted": _ms(posted.get("evidence"), opened),
                "hypothesis_posted": _ms(posted.get("hypothesis"), opened),
            },
            usage=await self.usage_of(incident_id),
        )

    async def audit(self, entries: Sequence[AuditEntry], *, now: datetime) -> None:
        """Write down who did what."""
        rows: list[Mapping[str, object]] = [
            {
                "now": now,
                "actor": entry.actor,
                "action": entry.action,
                "target": entry.target,
                # Arguments and answers stand in many details; of what was called, the log needs no secret.
                "detail": jsonb(redact_all(entry.detail)),
            }
            for entry in entries
        ]
        await self.many("audit", rows)
