"""Take one run that is due and bring it as far as it goes without a person."""

import logging
from dataclasses import replace
from datetime import timedelta

from bot.core.approval import BOT, ApprovalState
from bot.core.errors import (
    ChatError,
    ConfigError,
    ConflictError,
    LeaseLostError,
    StoreUnavailableError,
    ToolUnavailableError,
)
from bot.core.execution import (
    RUN_ENDS,
    Act,
    Finish,
    LookAgain,
    Move,
    OfferRollback,
    Orphan,
    Reply,
    Run,
    RunState,
    StepState,
    Take,
    Verify,
    Wait,
)
from bot.core.incident import IncidentState
from bot.core.policy import Effect, lowest
from bot.core.runbook import Runbook
from bot.flows.acting.act import act, orphan, verify
from bot.flows.acting.ask import look_again, offer_rollback, take
from bot.flows.acting.calling import reply
from bot.flows.acting.cards import result_operation, run_card, run_operation, run_result
from bot.flows.acting.desk import Desk
from bot.flows.acting.levels import classes_of, level_now
from bot.flows.acting.moves import let_go, move_of
from bot.flows.acting.settling import OPEN, settle
from bot.flows.leases import kept, noted
from bot.ports import AuditEntry, RunDetail, Transaction

log = logging.getLogger(__name__)

_RETRY = timedelta(seconds=5)


async def follow_next(desk: Desk) -> bool:
    """False when no run is due."""
    async with desk.store.transaction() as tx:
        run = await tx.claim_run(now=desk.clock.now(), owner=desk.owner, lease=desk.lease, held=desk.held)
    if run is None:
        return False

    async def extend() -> None:
        async with desk.store.transaction() as tx:
            await tx.extend_run(run, owner=desk.owner, until=desk.clock.now() + desk.lease)

    try:
        with noted(desk.held, run.id):
            async with kept(extend, lease=desk.lease, what=run.id):
                await _follow(run, desk)
    except* LeaseLostError as lost:
        log.warning("run %s goes on elsewhere: %s", run.id, lost.exceptions[0])
    except* StoreUnavailableError as away:
        # The lease runs out and the run is taken up again.
        log.warning("run %s waits: %s", run.id, away.exceptions[0])
    return True


async def _follow(run: Run, desk: Desk) -> None:
    try:
        runbook = desk.runbooks.parse(run.runbook_source, f"{run.runbook_id}.md")
    except ConfigError as error:
        # The list of tools has changed since the run began.
        await _end_unreadable(run, desk, str(error))
        return
    more = True
    while more:
        detail = await _read(run, desk)
        if detail.run.state in RUN_ENDS:
            return
        await _show(detail, runbook, desk)
        try:
            detail = await _as_trusted(detail, runbook, desk)
            more = await _perform(move_of(detail, runbook, desk.clock.now()), detail, runbook, desk)
        except (LeaseLostError, StoreUnavailableError):
            raise
        except (ChatError, ConflictError, ToolUnavailableError) as error:
            log.warning("run %s waits: %s", run.id, error)
            more = await let_go(detail.run, desk, until=desk.clock.now() + _RETRY)
    detail = await _read(run, desk)
    await _show(detail, runbook, desk)


async def _read(run: Run, desk: Desk) -> RunDetail:
    async with desk.store.transaction() as tx:
        detail = await tx.run_detail(run.id)
        if detail.run.attempt != run.attempt:
            raise LeaseLostError(f"{run.id} was taken over by another worker")
        if detail.run.state is RunState.PLANNED:
            await tx.change_run(detail.run, state=RunState.RUNNING, now=desk.clock.now())
            detail = await tx.run_detail(run.id)
    return detail


async def _as_trusted(detail: RunDetail, runbook: Runbook, desk: Desk) -> RunDetail:
    """The run at the level that was planned, and no more than its class of alert is trusted with by now."""
    run = detail.run
    async with desk.store.transaction() as tx:
        names = await tx.alert_names(run.incident_id)
        classes = classes_of(runbook, names, by_person=run.requester != BOT)
        trusted = await level_now(tx, run.runbook_id, classes, desk.autonomy)
    return replace(detail, run=replace(run, level=lowest([run.level, trusted])))


async def _perform(move: Move, detail: RunDetail, runbook: Runbook, desk: Desk) -> bool:  # noqa: C901, PLR0911 - one line per kind of move
    match move:
        case Take():
            return await take(move, detail, runbook, desk)
        case LookAgain():
            return await look_again(move, runbook, desk)
        case Act():
            return await act(move, detail, runbook, desk)
        case Reply():
            return await reply(move, detail, runbook, desk)
        case Verify():
            return await verify(move, detail, runbook, desk)
        case Orphan():
            return await orphan(move, detail, runbook, desk)
        case OfferRollback():
            return await offer_rollback(move, detail, runbook, desk)
        case Wait():
            return await _wait(detail, runbook, desk)
        case Finish():
            await _finish(move, detail, runbook, desk)
            return False


async def _wait(detail: RunDetail, runbook: Runbook, desk: Desk) -> bool:
    """Until a verdict, or until there cannot be one any more."""
    pending = [one.envelope.expires_at for one in detail.approvals if one.state is ApprovalState.PENDING]

    async def nobody_spoke(tx: Transaction) -> bool:
        return isinstance(move_of(await tx.run_detail(detail.run.id), runbook, desk.clock.now()), Wait)

    return await let_go(detail.run, desk, until=min([detail.run.deadline_at, *pending]), while_=nobody_spoke)


async def _show(detail: RunDetail, runbook: Runbook, desk: Desk) -> None:
    async with desk.store.transaction() as tx:
        await tx.put_post(
            operation=run_operation(detail.run),
            incident_id=detail.run.incident_id,
            content=run_card(detail, runbook),
            now=desk.clock.now(),
            final=detail.run.state in RUN_ENDS or detail.run.state is RunState.AWAITING_APPROVAL,
        )


async def _finish(move: Finish, detail: RunDetail, runbook: Runbook, desk: Desk) -> None:
    run = detail.run
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        await _close_requests(tx, move, detail, desk)
        await tx.change_run(run, state=move.state, now=now, why=move.why)
        ended = await tx.run_detail(run.id)
        await tx.put_post(
            operation=run_operation(run), incident_id=run.incident_id, content=run_card(ended, runbook), now=now
        )
        await tx.put_post(
            operation=result_operation(run), incident_id=run.incident_id, content=run_result(ended, runbook), now=now
        )
        changed = any(one.effect is not Effect.READ and one.called_at for one in ended.step_runs)
        await tx.move_incident(run.incident_id, _incident_after(move.state, changed=changed))
        detail_of = {"state": move.state, "why": move.why}
        await tx.audit([AuditEntry(actor=BOT, action="run.ended", target=run.id, detail=detail_of)], now=now)
    desk.reach("run.ended")


async def _close_requests(tx: Transaction, move: Finish, detail: RunDetail, desk: Desk) -> None:
    """Nothing stays open behind a run that is over: no request that a person could still say yes to, no open step."""
    for one in detail.approvals:
        approval = await tx.approval(one.id)
        if approval.state in OPEN:
            state = ApprovalState.EXPIRED if move.state is RunState.EXPIRED else ApprovalState.WITHDRAWN
            await settle(tx, approval, state=state, by=BOT, reason=move.why, desk=desk)
    for step_run in detail.step_runs:
        if step_run.state is StepState.QUEUED:
            why = f"not run: {move.why}"
            await tx.change_step_run(step_run, state=StepState.SKIPPED, now=desk.clock.now(), why=why)
        elif step_run.state is StepState.RUNNING:
            # A read whose process died; a write would have become unknown before this.
            why = f"not finished: {move.why}"
            await tx.change_step_run(step_run, state=StepState.FAILED, now=desk.clock.now(), why=why)


def _incident_after(state: RunState, *, changed: bool) -> IncidentState:
    if state is RunState.SUCCEEDED:
        return IncidentState.VERIFYING
    return IncidentState.ESCALATED if changed else IncidentState.INVESTIGATING


async def _end_unreadable(run: Run, desk: Desk, why: str) -> None:
    """The run cannot be followed any further: what was under way is left as unknown, and people are told."""
    detail = await _read(run, desk)
    async with desk.store.transaction() as tx:
        for step_run in detail.step_runs:
            if step_run.state is StepState.RUNNING:
                unknown = step_run.effect is not Effect.READ
                state = StepState.UNKNOWN if unknown else StepState.FAILED
                sentence = f"{step_run.step_id}: the runbook cannot be read any more, so its effect was not looked at"
                await tx.change_step_run(step_run, state=state, now=desk.clock.now(), why=sentence)
    move = Finish(state=RunState.FAILED, why=f"the runbook can no longer be used: {why}")
    await _finish(move, await _read(run, desk), _without_steps(run), desk)


def _without_steps(run: Run) -> Runbook:
    """As much of a runbook as the cards of an unreadable one need."""
    return Runbook(
        id=run.runbook_id,
        title=run.title,
        alerts=(),
        severity="",
        owner="",
        reviewed="",
        ai_executable=False,
        sections={},
        steps=(),
        sha256=run.runbook_sha256,
        path="",
    )
