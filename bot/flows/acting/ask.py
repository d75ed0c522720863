"""Beginning a step: skip it, look, or ask a person for it."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.approval import BOT, DryRun, Envelope
from bot.core.errors import ConfigError, ToolError
from bot.core.execution import LookAgain, OfferRollback, Run, RunState, StepRun, StepState, Take
from bot.core.incident import IncidentState
from bot.core.policy import Actor, Decision, Effect, Ruling
from bot.core.posts import ApprovalCard
from bot.core.runbook import Runbook, Step
from bot.core.text import disarm
from bot.flows.acting.act import act_unasked
from bot.flows.acting.cards import approval_operation
from bot.flows.acting.desk import Desk
from bot.flows.acting.moves import let_go_while_paused
from bot.flows.acting.writing import (
    PREVIEW,
    Writing,
    ask_gate,
    dry_run,
    fill,
    fill_exactly,
    kept,
    look_anew,
    people_needed,
    place_of_write,
    scope_of_run,
    writing_of,
)
from bot.ports import AuditEntry, RunDetail, Transaction

_PAUSED = timedelta(seconds=30)
_FRESH = timedelta(seconds=30)
"""How old a reading may be for a write to be asked for, or made unasked."""


async def take(move: Take, detail: RunDetail, runbook: Runbook, desk: Desk) -> bool:
    """Begin a step. True: there is more to do right away."""
    step, waiting = move.step, move.step_run
    back = waiting is not None and waiting.rollback
    try:
        if not back and (waiting is not None or (step.effect is not Effect.READ and _is_old(detail, desk))):
            # The reads that the write would rest on are not of now any more.
            detail = await _refreshed(detail, runbook, desk)
        scope = scope_of_run(detail.run, detail.step_runs)
        passed_over = "" if back else _why_skip(step, detail, scope, desk)
        if passed_over:
            await _close(_turn(step, waiting), detail.run, desk, state=StepState.SKIPPED, why=passed_over)
            return True
        if step.effect is Effect.READ:
            await _look(step, fill_exactly(step.args, scope, desk), detail.run, runbook, desk)
            return True
        writing = writing_of(step, runbook, rollback=back)
        return await _ask(writing, waiting, detail, runbook, desk)
    except (ConfigError, ToolError) as error:
        why = f"{step.title}: {disarm(str(error))}"
        missing = _unread(step, detail, runbook) if isinstance(error, ConfigError) else ""
        await _close(_turn(step, waiting), detail.run, desk, state=StepState.FAILED, why=f"{why}{missing}")
        return True


def _is_old(detail: RunDetail, desk: Desk) -> bool:
    """Whether time has passed since the run's reads, or a write of its own that may have changed what they saw."""
    reads = [one.ended_at for one in detail.step_runs if one.effect is Effect.READ and one.ended_at is not None]
    writes = [one.called_at for one in detail.step_runs if one.called_at is not None]
    if not reads:
        return False
    return desk.clock.now() - min(reads) >= _FRESH or any(min(reads) <= one for one in writes)


def _why_skip(step: Step, detail: RunDetail, scope: Mapping[str, object], desk: Desk) -> str:
    """
    Why the step is passed over; empty when its turn has come.

    A read whose condition rests on a reading that is missing is passed over. For a write that is an error: whether it
    is needed is not known then. Raises ConfigError.
    """
    if not step.when:
        return ""
    try:
        return "" if desk.templates.holds(step.when, scope) else f"not needed: `{step.when}` does not hold"
    except ConfigError:
        missing = _named_unread(step.when, detail)
        if step.effect is not Effect.READ or not missing:
            raise
        return f"not run: `{step.when}` rests on {', '.join(missing)}, which could not be read"


def _unread(step: Step, detail: RunDetail, runbook: Runbook) -> str:
    """Names the readings that are missing, where the step speaks of them."""
    missing = _named_unread(f"{step.when} {dict(step.args)} {step.bounds} {step.targets}", detail)
    titles = [found.title for name in missing if (found := runbook.step(name)) is not None]
    return f"; it rests on what could not be read: {', '.join(titles)}" if titles else ""


def _named_unread(text: str, detail: RunDetail) -> list[str]:
    """Ids of reads without a result that a text speaks of."""
    unread = [one.step_id for one in detail.step_runs if one.effect is Effect.READ and one.result is None]
    return [name for name in unread if re.search(rf"\bsteps(?:\.|\[[\\\"']+){name}\b", text)]


async def _refreshed(detail: RunDetail, runbook: Runbook, desk: Desk) -> RunDetail:
    """The run with its reads made anew, kept so that a rollback later rests on the same facts as the write."""
    fresh = await look_anew(detail, runbook, desk)
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        await tx.change_run(detail.run, state=detail.run.state, now=now)
        for one in detail.step_runs:
            if one.number in fresh:
                await tx.change_step_run(one, state=one.state, now=now, result=kept(fresh[one.number], runbook))
        return await tx.run_detail(detail.run.id)


async def look_again(move: LookAgain, runbook: Runbook, desk: Desk) -> bool:
    """Repeat a read whose process died."""
    await _read(move.step, move.step_run, runbook, desk)
    return True


async def offer_rollback(move: OfferRollback, detail: RunDetail, runbook: Runbook, desk: Desk) -> bool:
    """Ask whether to take a write back that did not help. When that cannot even be asked, the run fails saying so."""
    writing = writing_of(move.step, runbook, rollback=True)
    try:
        return await _ask(writing, None, detail, runbook, desk)
    except (ConfigError, ToolError) as error:
        turn = _Turn(step_id=writing.step_id, tool=writing.tool, effect=writing.effect, rollback=True)
        why = f"{move.step_run.why}; the rollback cannot be offered: {disarm(str(error))}"
        await _close(turn, detail.run, desk, state=StepState.FAILED, why=why)
        return True


async def _look(step: Step, args: Mapping[str, object], run: Run, runbook: Runbook, desk: Desk) -> None:
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        await tx.change_run(run, state=RunState.RUNNING, now=now)
        step_run = await tx.add_step_run(
            run, step_id=step.id, rollback=False, effect=step.effect, state=StepState.RUNNING, args=args, now=now
        )
    desk.reach("read.started")
    await _read(step, step_run, runbook, desk)


async def _read(step: Step, step_run: StepRun, runbook: Runbook, desk: Desk) -> None:
    result: Mapping[str, object] | None = None
    why = ""
    try:
        answer = await desk.tools.call(
            step.tool, step_run.args, timeout_s=desk.policy.call_timeout_s, actor=Actor.EXECUTOR, about=step_run.run_id
        )
        result = kept(answer.structured, runbook)
    except ToolError as error:
        why = f"{step.title}: {disarm(str(error))}"
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        state = StepState.SUCCEEDED if result is not None else StepState.FAILED
        await tx.change_step_run(step_run, state=state, now=now, result=result, why=why)
        await tx.audit([_step_audit(step_run, step.tool, state, why)], now=now)


def _step_audit(step_run: StepRun, tool: str, state: StepState, why: str) -> AuditEntry:
    return AuditEntry(
        actor=BOT,
        action=f"step.{state}",
        target=step_run.run_id,
        detail={"step": step_run.step_id, "tool": tool, "args": dict(step_run.args), "why": why},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """Whose turn it is: a step, or the rollback of one; and its step run where it has been begun."""

    step_id: str
    tool: str
    effect: Effect
    rollback: bool = False
    waiting: StepRun | None = None


def _turn(step: Step, waiting: StepRun | None) -> _Turn:
    back = step.rollback if waiting is not None and waiting.rollback else None
    tool, effect = (back.tool, back.effect) if back else (step.tool, step.effect)
    return _Turn(step_id=step.id, tool=tool, effect=effect, rollback=back is not None, waiting=waiting)


async def _close(turn: _Turn, run: Run, desk: Desk, *, state: StepState, why: str) -> None:
    """The step is over without a call: it was not needed, or it could not be asked for."""
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        await tx.change_run(run, state=run.state, now=now)
        if turn.waiting is not None:
            await tx.change_step_run(turn.waiting, state=state, now=now, why=why)
        else:
            await tx.add_step_run(
                run,
                step_id=turn.step_id,
                rollback=turn.rollback,
                effect=turn.effect,
                state=state,
                args={},
                now=now,
                why=why,
            )
        audit = {"step": turn.step_id, "tool": turn.tool, "rollback": turn.rollback, "why": why}
        await tx.audit([AuditEntry(actor=BOT, action=f"step.{state}", target=run.id, detail=audit)], now=now)


async def _ask(writing: Writing, waiting: StepRun | None, detail: RunDetail, runbook: Runbook, desk: Desk) -> bool:
    run, scope = detail.run, scope_of_run(detail.run, detail.step_runs)
    decision = await ask_gate(writing, run, runbook, desk, approved=False)
    if decision.waits:
        # A pause holds the run where it is; it does not fail it, and nobody is asked what nobody can answer now.
        return await let_go_while_paused(run, desk, until=desk.clock.now() + _PAUSED)
    # To take something back is a decision of its own, so it is always asked for.
    asks = decision.ruling is Ruling.ASK or writing.rollback
    await _audit_decision(writing, run, desk, decision)
    if decision.ruling is Ruling.DENY:
        raise ConfigError(decision.reason)
    args = fill(writing, scope, desk)
    preview = await dry_run(writing, args, scope, run, desk)
    if not preview.targets:
        why = f"nothing to do: {disarm(preview.summary) or 'no target is left'}"
        turn = _Turn(
            step_id=writing.step_id,
            tool=writing.tool,
            effect=writing.effect,
            rollback=writing.rollback,
            waiting=waiting,
        )
        await _close(turn, run, desk, state=StepState.SKIPPED, why=why)
        return True
    place = await place_of_write(writing, run, desk)
    await _check_answerable(writing, place, desk, asks=asks)
    now = desk.clock.now()
    home = await desk.tools.home(writing.tool, timeout_s=desk.policy.call_timeout_s)
    expires_at = min(now + desk.policy.expires_after, run.deadline_at)
    envelope = _envelope(writing, args, preview, run, expires_at, server=home, environment=place)
    async with desk.store.transaction() as tx:
        await tx.change_run(run, state=run.state, now=now)
        step_run = await _queued(tx, writing, waiting, run, args, now)
        if asks:
            await _request(tx, run, step_run, envelope, preview, desk, now, reason=decision.reason)
            await tx.change_run(run, state=RunState.AWAITING_APPROVAL, now=now, due_at=expires_at)
            await tx.move_incident(run.incident_id, IncidentState.AWAITING_APPROVAL)
    if asks:
        desk.reach("approval.asked")
        return False
    await act_unasked(writing, step_run, envelope, run, runbook, desk)
    return True


async def _queued(
    tx: Transaction, writing: Writing, waiting: StepRun | None, run: Run, args: Mapping[str, object], now: datetime
) -> StepRun:
    """The step run with exactly these arguments, whether it is new or has been asked for before."""
    if waiting is not None:
        await tx.change_step_run(waiting, state=StepState.QUEUED, now=now, args=args)
        return waiting
    return await tx.add_step_run(
        run,
        step_id=writing.step_id,
        rollback=writing.rollback,
        effect=writing.effect,
        state=StepState.QUEUED,
        args=args,
        now=now,
    )


async def _audit_decision(writing: Writing, run: Run, desk: Desk, decision: Decision) -> None:
    async with desk.store.transaction() as tx:
        detail = {
            "step": writing.step_id,
            "tool": writing.tool,
            "effect": writing.effect,
            "ruling": decision.ruling,
            "why": decision.reason,
        }
        entry = AuditEntry(actor=BOT, action="policy.decided", target=run.id, detail=detail)
        await tx.audit([entry], now=desk.clock.now())


async def _check_answerable(writing: Writing, place: str, desk: Desk, *, asks: bool) -> None:
    """Nobody is woken for a question that no answer could follow."""
    if asks and not desk.approvers.configured(place):
        where = place or "this environment"
        raise ConfigError(f"nobody can approve this: set `approvers:` for {where} in aiops.yaml")
    if not desk.grants.available and await desk.tools.offers(
        PREVIEW, writing.tool, timeout_s=desk.policy.call_timeout_s
    ):
        raise ConfigError("AIOPS_APPROVAL_KEY is not set, so no grant can be signed and the server would refuse")


def _envelope(
    writing: Writing,
    args: Mapping[str, object],
    preview: DryRun,
    run: Run,
    expires_at: datetime,
    *,
    server: str,
    environment: str,
) -> Envelope:
    return Envelope(
        run=run.id,
        runbook=run.runbook_id,
        runbook_title=run.title,
        runbook_sha256=run.runbook_sha256,
        step=writing.step_id,
        step_title=writing.title,
        tool=writing.tool,
        args=args,
        effect=writing.effect,
        targets=preview.targets,
        environment=environment,
        requester=run.requester,
        reason=run.reason,
        expires_at=expires_at,
        rollback=writing.rollback,
        server=server,
    )


async def _request(
    tx: Transaction,
    run: Run,
    step_run: StepRun,
    envelope: Envelope,
    preview: DryRun,
    desk: Desk,
    now: datetime,
    *,
    reason: str,
) -> None:
    pause = await tx.paused()
    approval = await tx.add_approval(
        secrets.token_urlsafe(16),
        run=run,
        step_run=step_run,
        envelope=envelope,
        dry_run=preview,
        needed=people_needed(envelope, desk),
        now=now,
    )
    if approval.envelope.sha256 != approval.sha256:
        raise ConfigError(
            "its arguments cannot be kept exactly as they are (a number such as 1e30), so nobody is asked"
        )
    incident = await tx.incident(run.incident_id)
    await tx.put_post(
        operation=approval_operation(approval),
        incident_id=run.incident_id,
        content=ApprovalCard(incident=incident, approval=approval, paused=pause is not None),
        now=now,
    )
    detail = {
        "approval": approval.id,
        "step": envelope.step,
        "tool": envelope.tool,
        "server": envelope.server,
        "sha256": approval.sha256,
        "targets": [target.id for target in envelope.targets],
        "needed": approval.needed,
        "why": reason,
    }
    await tx.audit([AuditEntry(actor=BOT, action="approval.asked", target=run.id, detail=detail)], now=now)
