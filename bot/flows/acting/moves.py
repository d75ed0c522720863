"""What comes next for a run, read off its rows; and waiting for it without missing what happens meanwhile."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from bot.core.execution import Move, Progress, Run, next_move
from bot.core.runbook import Runbook
from bot.flows.acting.desk import Desk
from bot.ports import RunDetail, Transaction


def move_of(detail: RunDetail, runbook: Runbook, now: datetime) -> Move:
    """The machine's next move."""
    newest = detail.step_runs[-1].number if detail.step_runs else 0
    approvals = [one for one in detail.approvals if one.step_run == newest]
    asked = next((one for one in reversed(detail.elicitations) if one.step_run == newest and not one.told), None)
    if asked is not None:
        approvals = [one for one in approvals if one.id == asked.approval_id]
    return next_move(
        Progress(
            run=detail.run,
            runbook=runbook,
            step_runs=detail.step_runs,
            approval=approvals[-1] if approvals else None,
            requests=len(approvals),
            incident_resolved=detail.incident_resolved,
            now=now,
            elicitation=asked,
        )
    )


async def let_go(
    run: Run, desk: Desk, *, until: datetime, while_: Callable[[Transaction], Awaitable[bool]] | None = None
) -> bool:
    """
    Leave the run until then, or until somebody wakes it. True: `while_` does not hold (any more), so go on now.

    The run's row is locked before `while_` looks. So whoever changes what it looks at has either committed, and is
    seen, or wakes the run after this commit: no verdict is slept through.
    """
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        await tx.change_run(run, state=run.state, now=now)
        if while_ is not None and not await while_(tx):
            return True
        await tx.change_run(run, state=run.state, now=now, due_at=until)
    return False


async def let_go_while_paused(run: Run, desk: Desk, *, until: datetime) -> bool:
    """As `let_go`, for the kill switch; resuming wakes every run."""

    async def still_paused(tx: Transaction) -> bool:
        return await tx.paused() is not None

    return await let_go(run, desk, until=until, while_=still_paused)
