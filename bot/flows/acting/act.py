"""Making the call that was approved, once, and looking whether it helped."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.core.approval import BOT, Approval, ApprovalState, DryRun, Envelope, no_longer, unsound
from bot.core.errors import (
    ChatUnavailableError,
    ConfigError,
    ConflictError,
    LeaseLostError,
    ToolError,
    ToolUnavailableError,
)
from bot.core.execution import Act, Move, Orphan, Run, RunState, StepRun, StepState, Take, Verify
from bot.core.incident import IncidentState
from bot.core.policy import Ruling
from bot.core.runbook import Runbook
from bot.core.text import disarm
from bot.flows.acting.calling import ended, holds, make_call, named
from bot.flows.acting.desk import Desk
from bot.flows.acting.elicit import Underway
from bot.flows.acting.moves import let_go, let_go_while_paused, move_of
from bot.flows.acting.settling import settle, too_late
from bot.flows.acting.writing import (
    Writing,
    ask_gate,
    check_bounds,
    dry_run,
    look_anew,
    place_of_write,
    results_of,
    scope_of_run,
    writing_of,
)
from bot.ports import AuditEntry, RunDetail

_AGAIN = timedelta(seconds=2)
_PAUSED = timedelta(seconds=30)
_AUTONOMY = "autonomy"
"""The approver named in the grant of a write that nobody had to approve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """Why an approved call is not made."""

    state: ApprovalState
    why: str
    skip: bool = False
    """The step has become unnecessary; the run goes on."""
    waits: bool = False
    """Only the pause is in the way: the approval stays as it is."""


async def act(move: Act, detail: RunDetail, runbook: Runbook, desk: Desk) -> bool:
    """Everything is checked once more, then the call is made. True: there is more to do right away."""
    run, approval = detail.run, move.approval
    writing = writing_of(move.step, runbook, rollback=move.step_run.rollback)
    async with desk.store.transaction() as tx:
        pause = await tx.paused()
    if pause is not None and not too_late(approval, desk):
        return await let_go_while_paused(run, desk, until=desk.clock.now() + _PAUSED)
    try:
        refusal = await _recheck(writing, approval, detail, runbook, desk)
    except (ChatUnavailableError, ToolUnavailableError):
        return await let_go(run, desk, until=desk.clock.now() + _AGAIN)
    except (ConfigError, ToolError) as error:
        refusal = _Refusal(state=ApprovalState.SUPERSEDED, why=disarm(str(error)))
    if refusal is not None and refusal.waits:
        return await let_go_while_paused(run, desk, until=desk.clock.now() + _PAUSED)
    if refusal is not None:
        await _refuse(refusal, move.step_run, approval, run, desk)
        return True
    approvers = ", ".join(vote.user for vote in approval.votes)
    await _call(writing, move.step_run, approval.envelope, run, runbook, desk, approver=approvers, approval=approval)
    return True


async def act_unasked(
    writing: Writing, step_run: StepRun, envelope: Envelope, run: Run, runbook: Runbook, desk: Desk
) -> None:
    """A write that autonomy allows: the gate has said so, and says so again right before the call."""
    await _call(writing, step_run, envelope, run, runbook, desk, approver=_AUTONOMY, approval=None)


async def _recheck(
    writing: Writing, approval: Approval, detail: RunDetail, runbook: Runbook, desk: Desk
) -> _Refusal | None:
    """What was approved must still be true, and the approvers must still be allowed to say so."""
    envelope = approval.envelope
    void = _void(writing, approval, detail.run, desk)
    if void is not None:
        return void
    for vote in approval.votes:
        if not await desk.approvers.may_approve(vote.user, envelope.environment):
            return _Refusal(state=ApprovalState.WITHDRAWN, why=f"<@{vote.user}> is not in the approver group any more")
    step = runbook.step(writing.step_id)
    # A rollback takes back what was done, by the facts of that time, so nothing of it is worked out anew.
    scope = None if step is None or writing.rollback else await _fresh_scope(detail, runbook, desk)
    if scope is not None and step is not None and step.when and not desk.templates.holds(step.when, scope):
        return _Refusal(state=ApprovalState.SUPERSEDED, why="it is not needed any more", skip=True)
    changed = await _changed(writing, envelope, detail, desk)
    if scope is not None and not changed:
        changed = _lost(writing, envelope, scope, desk)
    if changed:
        return _Refusal(state=ApprovalState.SUPERSEDED, why=changed)
    decision = await ask_gate(writing, detail.run, runbook, desk, approved=True)
    if decision.ruling is not Ruling.ALLOW:
        return _Refusal(state=ApprovalState.WITHDRAWN, why=decision.reason, waits=decision.waits)
    return None


def _void(writing: Writing, approval: Approval, run: Run, desk: Desk) -> _Refusal | None:
    """What can be told without asking anybody."""
    if too_late(approval, desk):
        return _Refusal(state=ApprovalState.EXPIRED, why="it was not run within five minutes of the approval")
    wrong = unsound(approval, run.id) or _other_call(writing, approval.envelope, run)
    return _Refusal(state=ApprovalState.WITHDRAWN, why=wrong) if wrong else None


def _other_call(writing: Writing, envelope: Envelope, run: Run) -> str:
    """What was approved has to be this step of this runbook, as it is written."""
    approved = (envelope.runbook, envelope.runbook_sha256, envelope.requester)
    asked = (envelope.step, envelope.rollback, envelope.tool, envelope.effect)
    if approved != (run.runbook_id, run.runbook_sha256, run.requester):
        return "the request was for another runbook or requester"
    if asked != (writing.step_id, writing.rollback, writing.tool, writing.effect):
        return "the request was for another step or tool"
    return ""


async def _changed(writing: Writing, envelope: Envelope, detail: RunDetail, desk: Desk) -> str:
    """Another server or environment would get the call than people saw, or it would touch other things."""
    home = await desk.tools.home(writing.tool, timeout_s=desk.policy.call_timeout_s)
    if home != envelope.server:
        return f"{writing.tool} moved from {envelope.server or 'a server that was not named'} to {home}; approve again"
    place = await place_of_write(writing, detail.run, desk)
    if place != envelope.environment:
        return f"{home} belongs to the environment {place} now, and was approved for {envelope.environment}"
    scope = scope_of_run(detail.run, detail.step_runs)
    preview = await dry_run(writing, envelope.args, scope, detail.run, desk)
    if {target.id for target in preview.targets} == {target.id for target in envelope.targets}:
        return ""
    before, after = len(envelope.targets), len(preview.targets)
    return f"what it would touch has changed since it was approved ({before} targets then, {after} now)"


async def _fresh_scope(detail: RunDetail, runbook: Runbook, desk: Desk) -> Mapping[str, object]:
    """What templates see, with the run's reads made anew. Raises ToolError."""
    fresh = await look_anew(detail, runbook, desk)
    results = {
        **results_of(detail.step_runs),
        **{one.step_id: fresh[one.number] for one in detail.step_runs if one.number in fresh},
    }
    return {**scope_of_run(detail.run, detail.step_runs), "steps": results}


def _lost(writing: Writing, envelope: Envelope, scope: Mapping[str, object], desk: Desk) -> str:
    """What made the targets eligible may have passed although they are still there. Raises ConfigError for a bound."""
    lost = no_longer(envelope.args, desk.templates.fill(writing.template, scope))
    if lost:
        return f"what was approved has changed since: {lost}"
    check_bounds(writing, envelope.args, scope, desk)
    return ""


async def _refuse(refusal: _Refusal, step_run: StepRun, approval: Approval, run: Run, desk: Desk) -> None:
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        await settle(tx, approval, state=refusal.state, by=BOT, reason=refusal.why, desk=desk)
        if refusal.skip:
            await tx.change_step_run(step_run, state=StepState.SKIPPED, now=now, why=refusal.why)
        await tx.change_run(run, state=RunState.RUNNING, now=now)
    desk.reach("approval.refused")


async def _call(
    writing: Writing,
    step_run: StepRun,
    envelope: Envelope,
    run: Run,
    runbook: Runbook,
    desk: Desk,
    *,
    approver: str,
    approval: Approval | None,
) -> None:
    started = await _started(writing, step_run, envelope, run, runbook, desk, approval=approval)
    if started is None:
        return
    desk.reach("write.started")
    under = Underway(
        writing=writing,
        step_run=started,
        envelope=envelope,
        dry_run=approval.dry_run if approval else _no_dry_run(writing, envelope),
        run=run,
        runbook=runbook,
        approver=approver,
        approved=approval is not None,
    )
    await make_call(under, desk)


def _no_dry_run(writing: Writing, envelope: Envelope) -> DryRun:
    """Of a write that nobody was shown before."""
    return DryRun(summary="", targets=envelope.targets, reversible=writing.reversible, runs_as="", simulated=False)


def _is_its_turn(move: Move, step_run: StepRun, approval: Approval | None) -> bool:
    """Whether the machine still says, of rows that are locked now, that exactly this call comes next."""
    match move:
        case Act():
            asked = approval is not None and move.approval.id == approval.id
            return asked and move.step_run.number == step_run.number
        case Take():
            again = move.step_run is not None and move.step_run.number == step_run.number
            return approval is None and again
        case _:
            return False


async def _started(
    writing: Writing,
    step_run: StepRun,
    envelope: Envelope,
    run: Run,
    runbook: Runbook,
    desk: Desk,
    *,
    approval: Approval | None,
) -> StepRun | None:
    """
    Write down that the call begins, before it does. From this commit on it is never made by itself again.

    None when a pause, a Stop, the time limit, or somebody else came in between: everything is looked at once more.
    """
    try:
        async with desk.store.transaction() as tx:
            now = desk.clock.now()
            # Locks, in the order in which a verdict takes them: the switch, the request, the run.
            if await tx.paused(hold=True) is not None:
                return None
            fresh = await tx.approval(approval.id) if approval else None
            await tx.change_run(run, state=RunState.RUNNING, now=now)
            if not _is_its_turn(move_of(await tx.run_detail(run.id), runbook, now), step_run, fresh):
                return None
            if fresh is not None:
                await settle(tx, fresh, state=ApprovalState.USED, by=BOT, reason="", desk=desk)
            await tx.change_step_run(step_run, state=StepState.RUNNING, now=now)
            await tx.move_incident(run.incident_id, IncidentState.REMEDIATING)
            detail = {
                "step": writing.step_id,
                "tool": writing.tool,
                "args": dict(envelope.args),
                "approval": approval.id if approval else "",
            }
            await tx.audit([AuditEntry(actor=BOT, action="step.started", target=run.id, detail=detail)], now=now)
            current = (await tx.run_detail(run.id)).step_runs
    except LeaseLostError:
        raise
    except ConflictError:
        return None
    return next(one for one in current if one.number == step_run.number)


async def orphan(move: Orphan, detail: RunDetail, runbook: Runbook, desk: Desk) -> bool:
    """The process died in mid-write: it becomes unknown, with the post-condition as it is found now."""
    writing = writing_of(move.step, runbook, rollback=move.step_run.rollback)
    why = f"{writing.title}: the process ended while this was running; it may or may not have been carried out"
    await ended(writing, move.step_run, detail.run, desk, StepState.UNKNOWN, why)
    return True


async def verify(move: Verify, detail: RunDetail, runbook: Runbook, desk: Desk) -> bool:
    """Look at the post-condition; it has until its time is over."""
    writing = writing_of(move.step, runbook, rollback=move.step_run.rollback)
    expect, run = writing.expect, detail.run
    if expect is None:
        await _judged(writing, move.step_run, run, desk, StepState.SUCCEEDED, "the runbook names no post-condition")
        return True
    problem = ""
    try:
        found = await holds(expect, detail, desk)
    except (ConfigError, ToolError) as error:
        found, problem = False, disarm(str(error))
    called_at = move.step_run.called_at or desk.clock.now()
    now = desk.clock.now()
    passed = round((now - called_at).total_seconds())
    if found:
        await _judged(writing, move.step_run, run, desk, StepState.SUCCEEDED, f"{named(expect)}, {passed} s after")
        return True
    if now >= called_at + timedelta(seconds=expect.within_s):
        check = f"{named(expect)}: not within {expect.within_s:g} s"
        if problem:
            check = (
                f"{named(expect)}: could not be checked within {expect.within_s:g} s, the last look failed: {problem}"
            )
        await _judged(writing, move.step_run, run, desk, StepState.UNKNOWN if problem else StepState.FAILED, check)
        return True
    return await let_go(run, desk, until=now + timedelta(seconds=expect.every_s))


async def _judged(writing: Writing, step_run: StepRun, run: Run, desk: Desk, state: StepState, check: str) -> None:
    said = {
        StepState.FAILED: f"{writing.title} did not have the wanted effect: {check}",
        StepState.UNKNOWN: f"{writing.title} was carried out; whether it helped is not known",
    }
    why = said.get(state, "")
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        await tx.change_step_run(step_run, state=state, now=now, why=why, check=check)
        detail = {"step": writing.step_id, "tool": writing.tool, "check": check}
        await tx.audit([AuditEntry(actor=BOT, action=f"step.{state}", target=run.id, detail=detail)], now=now)
    desk.reach("write.judged")
