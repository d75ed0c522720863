"""
A tool's server asks something in the middle of a call: it becomes a request like any other, and the server is told once.

What it is told is written down before it is told. So a process that dies in between leaves a call of which nobody knows how
it went on, and nobody answers it a second time.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.approval import BOT, Approval, ApprovalState, DryRun, Envelope, unsound
from bot.core.elicitation import MOST_QUESTIONS, Form, message_of, read_form
from bot.core.errors import (
    AiopsError,
    ChatError,
    ConfigError,
    PayloadError,
    StoreUnavailableError,
    ToolDeniedError,
    ToolUnavailableError,
)
from bot.core.execution import Run, RunState, StepRun, nobody_will_say
from bot.core.incident import IncidentState
from bot.core.policy import Ruling
from bot.core.posts import ApprovalCard
from bot.core.redaction import redact
from bot.core.runbook import Runbook
from bot.core.text import clip, disarm
from bot.flows.acting.cards import approval_operation
from bot.flows.acting.desk import Desk
from bot.flows.acting.settling import OPEN, settle, too_late
from bot.flows.acting.writing import Writing, ask_gate, people_needed, place_of_write
from bot.ports import Asked, AuditEntry, Clock, Store, Told, Transaction

log = logging.getLogger(__name__)

_LEAVE_S = 2.0
_PAUSED = "aiops was paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Underway:
    """A call that has been written down as begun."""

    writing: Writing
    step_run: StepRun
    envelope: Envelope
    """Exactly what was approved, or allowed by autonomy."""
    dry_run: DryRun
    run: Run
    runbook: Runbook
    approver: str
    approved: bool
    """A person said yes to it; else autonomy allows it."""


async def note_declined(server: str, tool: str, message: str, *, store: Store, clock: Clock) -> None:
    """A server asked where nobody is asked: outside of a runbook's writing step. Never fails the call."""
    detail = {"server": server, "tool": tool, "message": clip(redact(disarm(message)), 500)}
    entry = AuditEntry(actor=BOT, action="elicitation.declined", target=server, detail=detail)
    try:
        async with store.transaction() as tx:
            await tx.audit([entry], now=clock.now())
    except AiopsError as error:
        log.warning(
            "%s asked something outside of a run and was declined; it is not in the audit log: %s", server, error
        )


async def ask_person(under: Underway, asked: Asked, desk: Desk, *, held: bool) -> str:
    """Write the request down, declined at once where nobody may answer it; its id. Raises LeaseLostError."""
    form, refused = _form(asked, under.envelope.environment, desk)
    now, run = desk.clock.now(), under.run
    envelope = replace(
        under.envelope,
        question=form,
        expires_at=min(now + desk.policy.expires_after, run.deadline_at),
        server=asked.server,
    )
    async with desk.store.transaction() as tx:
        pause = await tx.paused(hold=True)
        await tx.change_run(run, state=RunState.AWAITING_APPROVAL, now=now)
        before = [one for one in (await tx.run_detail(run.id)).elicitations if one.step_run == under.step_run.number]
        approval = await tx.add_approval(
            secrets.token_urlsafe(16),
            run=run,
            step_run=under.step_run,
            envelope=envelope,
            dry_run=under.dry_run,
            needed=people_needed(envelope, desk),
            now=now,
        )
        keys = [question.key for question in asked.questions]
        await tx.add_elicitation(approval, held=held, request_state=asked.request_state, keys=keys)
        if len(before) >= MOST_QUESTIONS:
            refused = f"it has asked {len(before)} times in this call"
        elif approval.envelope.sha256 != approval.sha256:
            refused = "its form cannot be kept exactly as it is"
        detail = {**_told_of(approval), "message": form.message, "refused": refused}
        await tx.audit([AuditEntry(actor=BOT, action="elicitation.asked", target=run.id, detail=detail)], now=now)
        await _open_or_close(tx, approval, refused, desk, paused=pause is not None)
    desk.reach("elicitation.asked")
    return approval.id


def _form(asked: Asked, environment: str, desk: Desk) -> tuple[Form, str]:
    try:
        form = read_form(asked.questions)
    except PayloadError as error:
        return Form(message=message_of(asked.questions), fields=()), str(error)
    nobody = "nobody can answer it: no `approvers:` are set for this environment in aiops.yaml"
    return form, "" if desk.approvers.configured(environment) else nobody


def _told_of(approval: Approval) -> Mapping[str, object]:
    envelope, question = approval.envelope, approval.envelope.question
    return {
        "approval": approval.id,
        "sha256": approval.sha256,
        "step": envelope.step,
        "server": envelope.server,
        "tool": envelope.tool,
        "fields": [f"{field.label}: {field.type_words}" for field in question.fields] if question else [],
    }


async def _open_or_close(tx: Transaction, approval: Approval, refused: str, desk: Desk, *, paused: bool) -> None:
    if refused:
        await settle(tx, approval, state=ApprovalState.REJECTED, by=BOT, reason=refused, desk=desk)
        return
    if paused:
        await settle(tx, approval, state=ApprovalState.WITHDRAWN, by=BOT, reason=_PAUSED, desk=desk)
        return
    incident = await tx.incident(approval.incident_id)
    await tx.put_post(
        operation=approval_operation(approval),
        incident_id=approval.incident_id,
        content=ApprovalCard(incident=incident, approval=approval),
        now=desk.clock.now(),
    )
    await tx.move_incident(approval.incident_id, IncidentState.AWAITING_APPROVAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What the server is to be told, and what becomes of the request."""

    action: str
    state: ApprovalState
    why: str = ""


_CANCEL = "cancel"


async def settle_reply(approval_id: str, under: Underway, desk: Desk) -> Told | None:
    """
    What the server is told, once there is something to tell; None: not yet, or look again.

    Whoever gets an answer has to tell it: it is written down as told. Raises ConflictError when it was told before,
    ToolUnavailableError or ChatUnavailableError while it cannot be checked whether a yes still counts.
    """
    async with desk.store.transaction() as tx:
        pause = await tx.paused()
        approval, run = await tx.approval(approval_id), (await tx.run_detail(under.run.id)).run
    verdict = await _verdict(approval, run, under, desk, paused=pause is not None)
    if verdict is None:
        return None
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        # Locks, in the order in which a verdict takes them: the switch, the request, the run.
        pause, fresh = await tx.paused(hold=True), await tx.approval(approval_id)
        if (fresh.state, fresh.votes) != (approval.state, approval.votes):
            return None
        await tx.change_run(under.run, state=RunState.RUNNING, now=now)
        elicitation, current = await tx.elicitation(approval_id), (await tx.run_detail(run.id)).run
        if verdict.action == "accept" and (pause is not None or current.stopped_by):
            why = _PAUSED if pause is not None else nobody_will_say(current, fresh, now)
            verdict = _Verdict(action=_CANCEL, state=ApprovalState.WITHDRAWN, why=why)
        if verdict.state is not fresh.state:
            await settle(tx, fresh, state=verdict.state, by=BOT, reason=verdict.why, desk=desk)
        await tx.tell_elicitation(approval_id, verdict.action, now=now)
        await tx.move_incident(run.incident_id, IncidentState.REMEDIATING)
        said: Mapping[str, Mapping[str, object]] = (elicitation.answer or {}) if verdict.action == "accept" else {}
        content = {key: said.get(key, {}) for key in elicitation.keys}
        told = {**_told_of(fresh), "told": verdict.action, "why": verdict.why or fresh.reason}
        await tx.audit([AuditEntry(actor=BOT, action="elicitation.told", target=run.id, detail=told)], now=now)
    desk.reach("elicitation.told")
    return Told(action=verdict.action, content=content)


async def _verdict(approval: Approval, run: Run, under: Underway, desk: Desk, *, paused: bool) -> _Verdict | None:
    match approval.state:
        case ApprovalState.PENDING | ApprovalState.APPROVED if paused:
            return _Verdict(action=_CANCEL, state=ApprovalState.WITHDRAWN, why=_PAUSED)
        case ApprovalState.PENDING:
            why = nobody_will_say(run, approval, desk.clock.now())
            state = ApprovalState.WITHDRAWN if run.stopped_by else ApprovalState.EXPIRED
            return _Verdict(action=_CANCEL, state=state, why=why) if why else None
        case ApprovalState.APPROVED:
            return await _checked(approval, run, under, desk)
        case ApprovalState.REJECTED:
            return _Verdict(action="decline", state=approval.state)
        case _:
            return _Verdict(action=_CANCEL, state=approval.state)


async def _checked(approval: Approval, run: Run, under: Underway, desk: Desk) -> _Verdict:
    """A yes counts if it still does right before the server gets it, as for any call."""
    if too_late(approval, desk):
        why = "the server was not told within five minutes of the approval"
        return _Verdict(action=_CANCEL, state=ApprovalState.EXPIRED, why=why)
    why = unsound(approval, run.id)
    for vote in approval.votes:
        if not why and not await desk.approvers.may_approve(vote.user, approval.envelope.environment):
            why = f"<@{vote.user}> is not in the approver group any more"
    why = why or await _not_allowed(approval, under, desk)
    if why:
        return _Verdict(action=_CANCEL, state=ApprovalState.WITHDRAWN, why=why)
    return _Verdict(action="accept", state=ApprovalState.USED)


async def _not_allowed(approval: Approval, under: Underway, desk: Desk) -> str:
    """Why the call may not go on, by the gate and the server of this moment."""
    tool, approved, environment = under.writing.tool, approval.envelope.server, approval.envelope.environment
    try:
        place = await place_of_write(under.writing, under.run, desk)
        home = await desk.tools.home(tool, timeout_s=desk.policy.call_timeout_s)
        decision = await ask_gate(under.writing, under.run, under.runbook, desk, approved=True)
    except (ConfigError, ToolDeniedError) as error:
        return disarm(str(error))
    if home != approved:
        return f"{tool} moved from {approved} to {home}"
    if place != environment:
        return f"{home} belongs to {place} now, and not to {environment}"
    return "" if decision.ruling is Ruling.ALLOW else decision.reason


async def answer_openly(under: Underway, desk: Desk, asked: Asked) -> Told:
    """Ask, and wait while the call stays open: until the verdict, the expiry, a Stop, a pause, or our own end."""
    approval_id = await ask_person(under, asked, desk, held=False)
    try:
        while True:
            try:
                told = await settle_reply(approval_id, under, desk)
            except (ChatError, StoreUnavailableError, ToolUnavailableError) as error:
                log.warning("run %s waits in the middle of a call: %s", under.run.id, error)
                told = None
            if told is not None:
                return told
            await asyncio.sleep(desk.policy.look_every_s)
    except asyncio.CancelledError:
        await asyncio.shield(_leave(approval_id, under, desk, desk.clock.now()))
        raise


async def _leave(approval_id: str, under: Underway, desk: Desk, now: datetime) -> None:
    """This process goes away in the middle of the call: nobody can answer the server any more."""
    why = "aiops stopped in the middle of the call"
    try:
        async with asyncio.timeout(_LEAVE_S), desk.store.transaction() as tx:
            approval = await tx.approval(approval_id)
            if approval.state in OPEN:
                await settle(tx, approval, state=ApprovalState.WITHDRAWN, by=BOT, reason=why, desk=desk)
            await tx.tell_elicitation(approval_id, _CANCEL, now=now)
    except (AiopsError, TimeoutError) as error:
        # Whoever takes the run up closes it.
        log.warning("the question of %s stays open: %s", under.run.id, error)
