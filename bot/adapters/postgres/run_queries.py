"""Runs, their steps, approvals, and the kill switch."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from bot.adapters.postgres.rows import content_json, from_json, kind_of, to_json
from bot.adapters.postgres.session import Row, Session, jsonb
from bot.core.approval import Approval, ApprovalState, DryRun, Envelope, Vote
from bot.core.elicitation import Elicitation
from bot.core.errors import ConflictError, LeaseLostError, NotFoundError
from bot.core.execution import RUN_ENDS, Run, RunState, StepRun, StepState
from bot.core.policy import Effect, Level
from bot.core.posts import Content
from bot.ports import NewRun, Pause, RunDetail


class RunQueries(Session):
    """The runs' part of a transaction."""

    async def add_run(self, new: NewRun, *, now: datetime) -> Run | None:
        """Plan a run; None when this runbook is being followed for this incident already."""
        row = await self.row(
            "add_run",
            incident_id=new.incident_id,
            runbook_id=new.runbook.id,
            runbook_sha256=new.runbook.sha256,
            runbook_source=new.runbook.source,
            title=new.runbook.title,
            requester=new.requester,
            reason=new.reason,
            environment=new.environment,
            level=new.level,
            confidence=new.confidence,
            parameters=jsonb(dict(new.parameters)),
            scope=jsonb(dict(new.scope)),
            now=now,
            deadline_at=now + timedelta(seconds=new.runbook.limits.max_duration_s),
        )
        self.wakes = True
        return run_of(row) if row else None

    async def claim_run(self, *, now: datetime, owner: str, lease: timedelta, held: Collection[str] = ()) -> Run | None:
        """Take one that is due."""
        row = await self.row("claim_run", now=now, owner=owner, until=now + lease, held=list(held))
        return run_of(row) if row else None

    async def extend_run(self, run: Run, *, owner: str, until: datetime) -> None:
        """Keep it ours."""
        if await self.row("extend_run", id=run.id, owner=owner, attempt=run.attempt, until=until) is None:
            raise LeaseLostError(f"{run.id} was taken over by another worker")

    async def change_run(
        self, run: Run, *, state: RunState, now: datetime, due_at: datetime | None = None, why: str = ""
    ) -> None:
        """Move the run; with `due_at` it is let go until then."""
        row = await self.row(
            "change_run",
            id=run.id,
            attempt=run.attempt,
            state=state,
            due_at=due_at,
            ended=state in RUN_ENDS,
            why=why,
            now=now,
        )
        self.wakes = True
        if row is None:
            raise LeaseLostError(f"{run.id} was taken over by another worker")

    async def run_detail(self, run_id: str) -> RunDetail:
        """The run with its steps and approvals."""
        row = await self.row("run", id=run_id)
        if row is None:
            raise NotFoundError(f"There is no run {run_id}. `/aiops runs` shows those that are known.")
        incident = await self.row("incident", id=row["incident_id"])
        return RunDetail(
            run=run_of(row),
            step_runs=tuple(step_run_of(one) for one in await self.rows("step_runs", run_id=run_id)),
            approvals=tuple(approval_of(one) for one in await self.rows("approvals_of_run", run_id=run_id)),
            incident_resolved=incident is not None and incident["state"] == "resolved",
            elicitations=tuple(elicitation_of(one) for one in await self.rows("elicitations", run_id=run_id)),
        )

    async def runs(self, *, limit: int, incident_id: str = "", only_open: bool = False) -> Sequence[Run]:
        """Newest first."""
        rows = await self.rows("runs", limit=limit, incident_id=incident_id, only_open=only_open)
        return [run_of(row) for row in rows]

    async def count_runs(self, *, since: datetime) -> int:
        """How many were planned since then; nobody else counts or plans until this transaction ends."""
        await self.execute("lock_runs")
        row = await self.row("count_runs", since=since)
        return row["count"] if row else 0

    async def stop_run(self, run_id: str, *, user: str, now: datetime) -> bool:
        """Ask a run to stop before its next step."""
        self.wakes = True
        return await self.row("stop_run", id=run_id, user=user, now=now) is not None

    async def wake_run(self, run_id: str, *, now: datetime) -> None:
        """Look at it now."""
        self.wakes = True
        await self.execute("wake_run", id=run_id, now=now)

    async def wake_runs_of_resolved(self, *, now: datetime) -> None:
        """Look now at the runs that wait although their incident is over and nothing was changed."""
        if await self.execute("wake_runs_of_resolved", now=now):
            self.wakes = True

    async def add_step_run(
        self,
        run: Run,
        *,
        step_id: str,
        rollback: bool,
        effect: Effect,
        state: StepState,
        args: Mapping[str, object],
        now: datetime,
        why: str = "",
    ) -> StepRun:
        """Begin a step. Raises StoreError when the step has had its turn."""
        row = await self.row(
            "add_step_run",
            run_id=run.id,
            step_id=step_id,
            rollback=rollback,
            effect=effect,
            state=state,
            args=jsonb(dict(args)),
            now=now,
            why=why,
        )
        assert row is not None, "an insert that returns gives a row"
        return step_run_of(row)

    async def change_step_run(
        self,
        step_run: StepRun,
        *,
        state: StepState,
        now: datetime,
        args: Mapping[str, object] | None = None,
        result: Mapping[str, object] | None = None,
        called: bool = False,
        why: str | None = None,
        check: str | None = None,
    ) -> None:
        """Move a step run by compare-and-set."""
        row = await self.row(
            "change_step_run",
            run_id=step_run.run_id,
            number=step_run.number,
            from_state=step_run.state,
            state=state,
            now=now,
            args=None if args is None else jsonb(dict(args)),
            result=None if result is None else jsonb(dict(result)),
            called=called,
            why=why,
            check=check,
        )
        if row is None:
            raise ConflictError(f"step {step_run.step_id} of {step_run.run_id} is not {step_run.state} any more")

    async def add_approval(
        self,
        approval_id: str,
        *,
        run: Run,
        step_run: StepRun,
        envelope: Envelope,
        dry_run: DryRun,
        needed: int,
        now: datetime,
    ) -> Approval:
        """Ask for a verdict."""
        row = await self.row(
            "add_approval",
            id=approval_id,
            run_id=run.id,
            step_number=step_run.number,
            incident_id=run.incident_id,
            envelope=jsonb(to_json(envelope)),
            sha256=envelope.sha256,
            dry_run=jsonb(to_json(dry_run)),
            needed=needed,
            expires_at=envelope.expires_at,
            now=now,
        )
        assert row is not None, "an insert that returns gives a row"
        return approval_of(row)

    async def approval(self, approval_id: str) -> Approval:
        """One request, locked."""
        row = await self.row("approval", id=approval_id)
        if row is None:
            raise NotFoundError("This request is not known here. It may belong to another workspace or be long gone.")
        return approval_of(row)

    async def settle_approval(
        self,
        approval: Approval,
        *,
        state: ApprovalState,
        by: str,
        reason: str,
        votes: Sequence[Vote],
        now: datetime,
    ) -> None:
        """Decide it, once."""
        self.wakes = True
        row = await self.row(
            "settle_approval",
            id=approval.id,
            from_state=approval.state,
            from_votes=jsonb([to_json(vote) for vote in approval.votes]),
            state=state,
            by=by,
            reason=reason,
            votes=jsonb([to_json(vote) for vote in votes]),
            now=now,
        )
        if row is None:
            raise ConflictError("Somebody else was first; your press changed nothing.")

    async def add_elicitation(
        self, approval: Approval, *, held: bool, request_state: str | None, keys: Sequence[str]
    ) -> None:
        """Note that an approval answers a server."""
        await self.execute(
            "add_elicitation",
            approval_id=approval.id,
            run_id=approval.run_id,
            step_number=approval.step_run,
            held=held,
            request_state=request_state,
            keys=jsonb(list(keys)),
        )

    async def elicitation(self, approval_id: str) -> Elicitation:
        """What stands behind such an approval."""
        row = await self.row("elicitation", approval_id=approval_id)
        if row is None:
            raise NotFoundError("No server asks this any more.")
        return elicitation_of(row)

    async def answer_elicitation(self, approval_id: str, answer: Mapping[str, Mapping[str, object]]) -> None:
        """Keep what an approver entered."""
        await self.execute(
            "answer_elicitation", approval_id=approval_id, answer=jsonb({key: dict(one) for key, one in answer.items()})
        )

    async def tell_elicitation(self, approval_id: str, told: str, *, now: datetime) -> None:
        """Once."""
        if await self.row("tell_elicitation", approval_id=approval_id, told=told, now=now) is None:
            raise ConflictError("The server has been told already.")

    async def pending_approvals(self) -> Sequence[Approval]:
        """All that wait for a verdict."""
        return [approval_of(row) for row in await self.rows("pending_approvals")]

    async def due_approvals(self, *, now: datetime) -> Sequence[Approval]:
        """Pending ones that are past their time."""
        return [approval_of(row) for row in await self.rows("due_approvals", now=now)]

    async def move_incident(self, incident_id: str, state: str) -> None:
        """Where the transition table allows it."""
        await self.row("move_incident", id=incident_id, state=state)

    async def paused(self, *, hold: bool = False) -> Pause | None:
        """Whether writes are switched off; with `hold` it stays so until this transaction has ended."""
        if hold:
            await self.execute("hold_switch")
        row = await self.row("pause")
        return Pause(by=row["by_user"], reason=row["reason"], at=row["at"]) if row else None

    async def set_pause(self, *, paused: bool, user: str, reason: str, now: datetime) -> bool:
        """Switch writes off or on; False when it was so already."""
        self.wakes = True
        await self.execute("take_switch")
        return await self.row("set_pause", paused=paused, user=user, reason=reason, now=now) is not None

    async def announced(self, operation: str) -> bool:
        """Whether this has been said already."""
        return await self.row("announcement", operation=operation) is not None

    async def announce(
        self, operation: str, content: Content, *, channel: str, now: datetime, thread_ts: str | None = None
    ) -> bool:
        """A message to a channel; said once however often it is asked for."""
        self.wakes = True
        row = await self.row(
            "put_announcement",
            operation=operation,
            kind=kind_of(content),
            channel=channel,
            thread_ts=thread_ts,
            content=jsonb(content_json(content)),
            now=now,
        )
        return row is not None


def run_of(row: Row) -> Run:
    """One row of aiops.run."""
    return Run(
        id=row["id"],
        incident_id=row["incident_id"],
        runbook_id=row["runbook_id"],
        runbook_sha256=row["runbook_sha256"],
        runbook_source=row["runbook_source"],
        title=row["title"],
        state=RunState(row["state"]),
        requester=row["requester"],
        reason=row["reason"],
        environment=row["environment"],
        level=Level(row["level"]),
        confidence=row["confidence"],
        parameters=row["parameters"],
        scope=row["scope"],
        attempt=row["attempt"],
        created_at=row["created_at"],
        deadline_at=row["deadline_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        stopped_by=row["stopped_by"],
        why=row["why"],
    )


def step_run_of(row: Row) -> StepRun:
    """One row of aiops.step_run."""
    return StepRun(
        number=row["number"],
        run_id=row["run_id"],
        step_id=row["step_id"],
        rollback=row["rollback"],
        effect=Effect(row["effect"]),
        state=StepState(row["state"]),
        args=row["args"],
        result=row["result"],
        why=row["why"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        called_at=row["called_at"],
        check=row["check"],
    )


def approval_of(row: Row) -> Approval:
    """One row of aiops.approval."""
    return Approval(
        id=row["id"],
        incident_id=row["incident_id"],
        run_id=row["run_id"],
        step_run=row["step_number"],
        envelope=from_json(Envelope, row["envelope"]),
        sha256=row["sha256"],
        dry_run=from_json(DryRun, row["dry_run"]),
        state=ApprovalState(row["state"]),
        needed=row["needed"],
        votes=tuple(from_json(Vote, vote) for vote in row["votes"]),
        created_at=row["created_at"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        reason=row["reason"],
    )


def elicitation_of(row: Row) -> Elicitation:
    """One row of aiops.elicitation."""
    return Elicitation(
        approval_id=row["approval_id"],
        step_run=row["step_number"],
        held=row["held"],
        request_state=row["request_state"],
        keys=tuple(row["keys"]),
        answer=row["answer"],
        told=row["told"],
    )
