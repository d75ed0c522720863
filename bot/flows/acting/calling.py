"""One call that was written down as begun: making it, taking it up after an answer, and noting how it ended."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import cast

from bot.core.approval import BOT
from bot.core.errors import ConfigError, ToolDeniedError, ToolError
from bot.core.execution import Reply, Run, RunState, StepRun, StepState
from bot.core.incident import IncidentState
from bot.core.policy import Actor
from bot.core.redaction import redact, redact_all
from bot.core.runbook import PostCondition, Runbook
from bot.core.text import clip, disarm
from bot.flows.acting.desk import Desk
from bot.flows.acting.elicit import Underway, answer_openly, ask_person, settle_reply
from bot.flows.acting.settling import close_questions
from bot.flows.acting.writing import Writing, facts_of, fill_exactly, scope_of_run, writing_of
from bot.ports import Asked, AuditEntry, Permit, Resumed, RunDetail, ToolResult


async def make_call(under: Underway, desk: Desk, resumed: Resumed | None = None) -> None:
    """Make it, or take it up with what its server is told; a question of the server's becomes a request."""
    writing, run, envelope = under.writing, under.run, under.envelope
    step = facts_of(writing, run, under.runbook, desk, approved=under.approved)
    permit = Permit(
        step=step,
        environment=run.environment,
        grant=_grant(under, desk, resumed),
        server=envelope.server,
        about=run.id,
    )
    timeout_s, answering = desk.policy.call_timeout_s, partial(answer_openly, under, desk)
    try:
        answer = await desk.tools.act(
            writing.tool, envelope.args, permit, timeout_s=timeout_s, answering=answering, resumed=resumed
        )
    except ToolDeniedError as error:
        why = f"{writing.title}: nothing was changed: {disarm(str(error))}"
        await ended(writing, under.step_run, run, desk, StepState.FAILED, why)
        return
    except ToolError as error:
        # It may have been carried out, wholly or in part; only a person decides what that means.
        said = f" (after it was told: {resumed.told.action})" if resumed else ""
        why = f"{writing.title}: {disarm(str(error))}{said}"
        await ended(writing, under.step_run, run, desk, StepState.UNKNOWN, why)
        return
    desk.reach("write.answered")
    if isinstance(answer, Asked):
        await ask_person(under, answer, desk, held=True)
        return
    await _record(under, answer, desk)
    desk.reach("write.recorded")


def _grant(under: Underway, desk: Desk, resumed: Resumed | None) -> str:
    """None for telling a server no: that is nothing it needs a permission for."""
    if not desk.grants.available or (resumed is not None and resumed.told.action != "accept"):
        return ""
    return desk.grants.mint(
        server=under.envelope.server,
        tool=under.writing.tool,
        args=under.envelope.args,
        run=under.run.id,
        step=under.writing.step_id,
        approver=under.approver,
        now=desk.clock.now(),
    )


async def _record(under: Underway, answer: ToolResult, desk: Desk) -> None:
    writing, run = under.writing, under.run
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        await close_questions(tx, run.id, under.step_run.number, why="the call ended meanwhile", desk=desk)
        kept = cast("Mapping[str, object]", redact_all(answer.structured))
        await tx.change_step_run(under.step_run, state=StepState.RUNNING, now=now, result=kept, called=True)
        # A call that ended while somebody was being asked left the run waiting.
        await tx.change_run(run, state=RunState.RUNNING, now=now)
        await tx.change_run(run, state=RunState.VERIFYING, now=now)
        await tx.move_incident(run.incident_id, IncidentState.VERIFYING)
        detail = {
            "step": writing.step_id,
            "tool": writing.tool,
            "server": answer.server,
            "approver": under.approver,
            "took_ms": answer.took_ms,
            "result": clip(redact(answer.text), 2_000),
        }
        await tx.audit([AuditEntry(actor=BOT, action="step.answered", target=run.id, detail=detail)], now=now)


async def reply(move: Reply, detail: RunDetail, runbook: Runbook, desk: Desk) -> bool:
    """Tell the server that holds the call what was decided, and go on with the call."""
    envelope = replace(move.approval.envelope, question=None)
    votes = move.approval.votes
    under = Underway(
        writing=writing_of(move.step, runbook, rollback=move.step_run.rollback),
        step_run=move.step_run,
        envelope=envelope,
        dry_run=move.approval.dry_run,
        run=detail.run,
        runbook=runbook,
        approver=", ".join(vote.user for vote in votes),
        approved=False,
    )
    told = await settle_reply(move.approval.id, under, desk)
    if told is not None:
        under = replace(under, approved=told.action == "accept")
        await make_call(under, desk, Resumed(told=told, request_state=move.elicitation.request_state))
    return True


async def ended(writing: Writing, step_run: StepRun, run: Run, desk: Desk, state: StepState, why: str) -> None:
    """The call did not come back with a result."""
    check = await _look_once(writing.expect, run, desk) if state is StepState.UNKNOWN else ""
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        await close_questions(tx, run.id, step_run.number, why="the call ended without an answer", desk=desk)
        await tx.change_step_run(step_run, state=state, now=now, why=why, check=check)
        detail = {"step": writing.step_id, "tool": writing.tool, "why": why}
        await tx.audit([AuditEntry(actor=BOT, action=f"step.{state}", target=run.id, detail=detail)], now=now)
    desk.reach(f"write.{state}")


async def _look_once(expect: PostCondition | None, run: Run, desk: Desk) -> str:
    """The post-condition in a sentence, whatever it is."""
    if expect is None:
        return ""
    async with desk.store.transaction() as tx:
        detail = await tx.run_detail(run.id)
    try:
        found = await holds(expect, detail, desk)
    except (ConfigError, ToolError) as error:
        return f"could not be checked: {disarm(str(error))}"
    return f"{named(expect)}: {'yes' if found else 'no'}, as of {desk.clock.now():%H:%M:%S} UTC"


def named(expect: PostCondition) -> str:
    """A post-condition as people know it."""
    return expect.title or expect.that.strip()


async def holds(expect: PostCondition, detail: RunDetail, desk: Desk) -> bool:
    """Whether a post-condition is true now. Raises ToolError, ConfigError."""
    scope = scope_of_run(detail.run, detail.step_runs)
    args = fill_exactly(expect.args, scope, desk)
    answer = await desk.tools.call(
        expect.tool, args, timeout_s=desk.policy.call_timeout_s, actor=Actor.EXECUTOR, about=detail.run.id
    )
    return desk.templates.holds(expect.that, {**scope, "result": dict(answer.structured)})
