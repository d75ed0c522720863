"""Labels, and what is learned from them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.adapters.postgres.learning_rows import (
    call_of,
    classifier_of,
    content_version_of,
    fit_of,
    outcome_of,
    standing_of,
)
from bot.adapters.postgres.rows import incident_of, to_json
from bot.adapters.postgres.session import Session, jsonb
from bot.core.alert import Anchor
from bot.core.errors import NotFoundError
from bot.core.incident import Incident
from bot.core.outcome import Call, Grade, GradedBy, Outcome
from bot.ports import (
    ActionCounts,
    CalibrationFit,
    ClassifierRecord,
    ContentVersion,
    NewOutcome,
    PastIncident,
    Standing,
)


class LearningQueries(Session):
    """The learning part of a transaction."""

    async def add_outcome(self, new: NewOutcome, *, now: datetime) -> Outcome:
        """The next version of an incident's label."""
        if await self.row("lock_incident", id=new.incident_id) is None:
            raise NotFoundError(f"There is no incident {new.incident_id}.")
        message = new.message
        row = await self.row(
            "add_outcome",
            incident_id=new.incident_id,
            form=jsonb(to_json(new.form)),
            author=new.author,
            source=new.source,
            now=now,
            channel=message.channel if message else None,
            message_ts=message.ts if message else None,
            permalink=message.permalink if message else "",
            grade=None if new.grade is None else int(new.grade),
            graded_by=new.graded_by,
            grade_reason=new.grade_reason,
            withdrawn=new.withdrawn,
        )
        assert row is not None, "an insert that returns gives a row"
        self.wakes = True
        return outcome_of(row)

    async def outcome(self, incident_id: str) -> Outcome | None:
        """The label that stands."""
        row = await self.row("outcome", id=incident_id)
        return outcome_of(row) if row else None

    async def outcomes(self, incident_id: str) -> Sequence[Outcome]:
        """Every version, oldest first."""
        return [outcome_of(row) for row in await self.rows("outcomes", id=incident_id)]

    async def outcome_by_message(self, channel: str, ts: str) -> Outcome | None:
        """The newest version that was written in a message."""
        row = await self.row("outcome_by_message", channel=channel, ts=ts)
        return outcome_of(row) if row else None

    async def outcome_message_deleted(self, channel: str, ts: str, *, now: datetime) -> int:
        """Mark the versions whose message is gone."""
        return await self.execute("outcome_message_deleted", channel=channel, ts=ts, now=now)

    async def grade_outcome(
        self, outcome: Outcome, *, grade: Grade, by: GradedBy, reason: str, judged_with: str = ""
    ) -> None:
        """Give a version its grade."""
        await self.execute(
            "grade_outcome",
            incident_id=outcome.incident_id,
            version=outcome.version,
            grade=int(grade),
            by=by,
            reason=reason,
            judged_with=judged_with,
        )

    async def unjudged_outcomes(self, *, now: datetime, limit: int) -> Sequence[Outcome]:
        """Labels on which a judge's word is missing."""
        return [outcome_of(row) for row in await self.rows("unjudged_outcomes", now=now, limit=limit)]

    async def claim_judging(self, outcome: Outcome, *, now: datetime, until: datetime) -> bool:
        """Hold a label for as long as it is judged."""
        row = await self.row(
            "claim_judging", incident_id=outcome.incident_id, version=outcome.version, now=now, until=until
        )
        return row is not None

    async def release_judging(self, outcome: Outcome) -> None:
        """Let others try."""
        await self.execute("release_judging", incident_id=outcome.incident_id, version=outcome.version)

    async def judge_pairs(self) -> Sequence[tuple[Grade, Grade]]:
        """A person's and a judge's grades of the same hypotheses."""
        return [(Grade(row["person"]), Grade(row["judge"])) for row in await self.rows("judge_pairs")]

    async def anything_graded(self) -> bool:
        """Whether there is a grade at all."""
        return await self.row("anything_graded") is not None

    async def ask_outcome(self, incident_id: str, *, now: datetime) -> bool:
        """Note that the root cause was asked for."""
        return await self.row("ask_outcome", id=incident_id, now=now) is not None

    async def unasked(self, *, over_since: datetime, limit: int) -> Sequence[Incident]:
        """Whom to ask about."""
        return [incident_of(row) for row in await self.rows("unasked", over_since=over_since, limit=limit)]

    async def due_reminders(self, *, asked_before: datetime, limit: int) -> Sequence[Incident]:
        """Whom to remind about."""
        rows = await self.rows("due_reminders", asked_before=asked_before, limit=limit)
        return [incident_of(row) for row in rows]

    async def outcome_reminded(self, incident_id: str, *, now: datetime) -> None:
        """Reminded once."""
        await self.execute("outcome_reminded", id=incident_id, now=now)

    async def unlabelled(self, *, limit: int) -> Sequence[Incident]:
        """What nobody has said the cause of."""
        return [incident_of(row) for row in await self.rows("unlabelled", limit=limit)]

    async def put_past_incident(self, past: PastIncident, *, by: str, now: datetime) -> bool:
        """Add or replace an imported incident."""
        body = to_json(past)
        sha256 = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        row = await self.row("put_past_incident", id=past.id, body=jsonb(body), sha256=sha256, by=by, now=now)
        return row is not None

    async def vote_similar(
        self, incident_id: str, similar_id: str, *, user: str, relevant: bool, now: datetime
    ) -> None:
        """Whether a similar incident was of any use."""
        await self.execute(
            "vote_similar", incident_id=incident_id, similar_id=similar_id, user=user, relevant=relevant, now=now
        )

    async def calls(
        self,
        *,
        since: datetime | None = None,
        alert_class: str | None = None,
        runbook: str | None = None,
        incident_id: str | None = None,
    ) -> Sequence[Call]:
        """The first hypothesis of each incident with the label that stands, oldest first."""
        rows = await self.rows("calls", since=since, alert_class=alert_class, runbook=runbook, incident_id=incident_id)
        return [call_of(row) for row in rows]

    async def earned_for(self, incident_id: str) -> tuple[str, str] | None:
        """The class and runbook that an incident's label counts for."""
        row = await self.row("earned_for", id=incident_id)
        return (row["alert_class"], row["runbook"]) if row and row["alert_class"] else None

    async def lock_standing(self, alert_class: str, runbook: str) -> None:
        """One writer at a time."""
        await self.row("lock_standing", alert_class=alert_class, runbook=runbook)

    async def standing(self, alert_class: str, runbook: str) -> Standing | None:
        """What one class has earned with one runbook."""
        row = await self.row("standing", alert_class=alert_class, runbook=runbook)
        return standing_of(row) if row else None

    async def undetailed_digests(self, *, since: datetime) -> Sequence[tuple[str, Anchor]]:
        """Digests that stand in Slack without their details: operation, and where it stands."""
        rows = await self.rows("undetailed_digests", since=since)
        return [(row["operation"], Anchor(channel=row["channel"], ts=row["ts"])) for row in rows]

    async def standings(self) -> Sequence[Standing]:
        """What every class has earned."""
        return [standing_of(row) for row in await self.rows("standings")]

    async def set_standing(self, standing: Standing) -> None:
        """Write a level down."""
        await self.execute(
            "set_standing",
            alert_class=standing.alert_class,
            runbook=standing.runbook,
            level=standing.level,
            why=standing.why,
            lower_bound=standing.lower_bound,
            labels=standing.labels,
            since=standing.since,
        )

    async def calibration(self) -> CalibrationFit | None:
        """The newest fit that is used."""
        row = await self.row("calibration")
        return fit_of(row) if row else None

    async def calibrations(self, *, limit: int) -> Sequence[CalibrationFit]:
        """The newest fits."""
        return [fit_of(row) for row in await self.rows("calibrations", limit=limit)]

    async def add_calibration(self, fit: CalibrationFit) -> bool:
        """Write a fit down, once."""
        line = fit.calibration
        row = await self.row(
            "add_calibration",
            version=line.version,
            slope=line.slope,
            offset=line.offset,
            labels=line.labels,
            fitted_at=fit.fitted_at,
            brier_old=fit.brier_old,
            brier_new=fit.brier_new,
            compared=fit.compared,
            used=fit.used,
            why=fit.why,
        )
        return row is not None

    async def action_counts(self, *, since: datetime, until: datetime) -> ActionCounts:
        """Approvals asked for and runs ended in a period."""
        row = await self.row("action_counts", since=since, until=until)
        assert row is not None, "a select of aggregates always gives a row"
        return ActionCounts(**row)

    async def put_world(self, investigation_id: str, body: Mapping[str, object], *, now: datetime) -> None:
        """Keep what an investigation knew."""
        await self.execute("put_world", id=investigation_id, body=jsonb(dict(body)), now=now)

    async def world(self, investigation_id: str) -> Mapping[str, object] | None:
        """What an investigation knew."""
        row = await self.row("world", id=investigation_id)
        return row["body"] if row else None

    async def note_content(self, versions: Sequence[ContentVersion]) -> Sequence[ContentVersion]:
        """Note versions at work; those that are new."""
        return [one for one in versions if await self._noted(one)]

    async def _noted(self, one: ContentVersion) -> bool:
        row = await self.row(
            "note_content",
            kind=one.kind,
            what=one.name,
            version=one.version,
            sha256=one.sha256,
            seen_at=one.seen_at,
        )
        return row is not None

    async def new_content(self, *, since: datetime) -> Sequence[ContentVersion]:
        """What was first seen since a moment."""
        return [content_version_of(row) for row in await self.rows("new_content", since=since)]

    async def add_classifier(self, record: ClassifierRecord) -> bool:
        """Keep a training."""
        row = await self.row(
            "add_classifier",
            quarter=record.quarter,
            trained_at=record.trained_at,
            labels=record.labels,
            shipped=record.shipped,
            scheduled=record.scheduled,
            body=jsonb(dict(record.body)),
        )
        return row is not None

    async def classifiers(self, *, limit: int) -> Sequence[ClassifierRecord]:
        """The newest trainings."""
        return [classifier_of(row) for row in await self.rows("classifiers", limit=limit)]

    async def classifier_in_use(self) -> ClassifierRecord | None:
        """The newest that shipped."""
        row = await self.row("classifier_in_use")
        return classifier_of(row) if row else None
