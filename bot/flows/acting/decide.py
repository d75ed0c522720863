"""People's verdicts: review, approve, reject, withdraw, stop, and what became of a step that is unknown."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.core.approval import BOT, Approval, ApprovalState, Say, Verdict, Vote, judge
from bot.core.elicitation import read_answer
from bot.core.errors import ChatUnavailableError, ConflictError
from bot.core.execution import StepState
from bot.core.posts import Announcement, ApprovalCard
from bot.core.text import disarm
from bot.flows.acting.cards import approval_operation
from bot.flows.acting.desk import Desk
from bot.flows.acting.settling import settle
from bot.ports import AuditEntry, Pause, RunDetail, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person gets to see after a press."""

    done: bool
    text: str
    problems: Mapping[str, str] = field(default_factory=dict[str, str])
    """What is wrong with the values that were entered, by the field's place; nothing was decided then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the approval modal shows; `refused` says why this person gets no form."""

    approval: Approval
    refused: str
    entered: Mapping[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])
    """What the first of two approvers entered into a server's form."""


_UNSURE = "Slack did not tell who is in the approver group, so nothing was decided. Try again in a moment."


_LATER = "(to be said in the form)"


async def review_approval(approval_id: str, *, user: str, verdict: Verdict, desk: Desk) -> Review:
    """Whether this person may say that now, as `judge` would see it. Raises NotFoundError."""
    async with desk.store.transaction() as tx:
        approval, pause = await tx.approval(approval_id), await tx.paused()
        asked = approval.envelope.question is not None
        entered = (await tx.elicitation(approval_id)).answer if asked and approval.votes else None
    try:
        allowed = await desk.approvers.may_approve(user, approval.envelope.environment)
    except ChatUnavailableError:
        return Review(approval=approval, refused=_UNSURE)
    say = Say(user=user, verdict=verdict, shown_sha256=approval.sha256, reason=_LATER)
    judged = judge(approval, say, may_approve=allowed, paused=pause is not None, now=desk.clock.now())
    return Review(approval=approval, refused="" if judged.counts else judged.why, entered=entered or {})


async def decide_approval(approval_id: str, say: Say, *, desk: Desk) -> Answer:
    """Take one verdict; of two within milliseconds the second is told who was first. Raises NotFoundError."""
    say = replace(say, reason=disarm(say.reason))
    async with desk.store.transaction() as tx:
        environment = (await tx.approval(approval_id)).envelope.environment
    try:
        allowed = await desk.approvers.may_approve(say.user, environment)
    except ChatUnavailableError:
        return Answer(done=False, text=_UNSURE)
    try:
        async with desk.store.transaction() as tx:
            answer = await _decide(tx, approval_id, say, allowed=allowed, desk=desk)
    except ConflictError as error:
        return Answer(done=False, text=str(error))
    desk.reach("approval.decided")
    return answer


async def _decide(tx: Transaction, approval_id: str, say: Say, *, allowed: bool, desk: Desk) -> Answer:
    approval, pause, now = await tx.approval(approval_id), await tx.paused(), desk.clock.now()
    judged = judge(approval, say, may_approve=allowed, paused=pause is not None, now=now)
    detail = {"approval": approval.id, "sha256": approval.sha256, "verdict": say.verdict, "said": judged.why}
    if not judged.counts:
        refused = AuditEntry(actor=say.user, action="approval.refused", target=approval.run_id, detail=detail)
        await tx.audit([refused], now=now)
        return Answer(done=False, text=judged.why)
    wrong = await _take_answer(tx, approval, say)
    if wrong is not None:
        return wrong
    votes = approval.votes
    if say.verdict is Verdict.APPROVE:
        votes = (*votes, Vote(user=say.user, at=now))
    await tx.settle_approval(
        approval,
        state=judged.new_state or ApprovalState.PENDING,
        by=say.user,
        reason=say.reason,
        votes=votes,
        now=now,
    )
    await _repost(tx, approval_id, pause, desk)
    action = f"approval.{judged.new_state or 'vote'}"
    entry = AuditEntry(actor=say.user, action=action, target=approval.run_id, detail={**detail, "why": say.reason})
    await tx.audit([entry], now=now)
    await tx.wake_run(approval.run_id, now=now)
    return Answer(done=True, text=judged.why)


async def _take_answer(tx: Transaction, approval: Approval, say: Say) -> Answer | None:
    """Keep what was entered into a server's form; None: it is well, or nothing was asked."""
    question = approval.envelope.question
    if question is None or say.verdict is not Verdict.APPROVE:
        return None
    values, problems = read_answer(question, say.answer)
    if problems:
        return Answer(done=False, text="Something in the form is not as it was asked for.", problems=problems)
    if approval.votes and (await tx.elicitation(approval.id)).answer != values:
        first = approval.votes[0].user
        text = f"<@{first}> entered something else. Two people have to say the same; reject it if that is wrong."
        return Answer(done=False, text=text)
    await tx.answer_elicitation(approval.id, values)
    return None


async def _repost(tx: Transaction, approval_id: str, pause: Pause | None, desk: Desk) -> None:
    approval = await tx.approval(approval_id)
    incident = await tx.incident(approval.incident_id)
    await tx.put_post(
        operation=approval_operation(approval),
        incident_id=approval.incident_id,
        content=ApprovalCard(incident=incident, approval=approval, paused=pause is not None),
        now=desk.clock.now(),
    )


async def expire_approvals(*, desk: Desk) -> int:
    """
    Close the requests that are past their time, or whose incident is over; how many were past their time.

    In a pause also what servers ask in the middle of calls, should the process that began the pause have died over it.
    """
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        await tx.wake_runs_of_resolved(now=now)
        due = await tx.due_approvals(now=now)
        for approval in due:
            await settle(tx, approval, state=ApprovalState.EXPIRED, by=BOT, reason="nobody decided in time", desk=desk)
            await tx.wake_run(approval.run_id, now=now)
        if await tx.paused() is not None:
            await _give_up_questions(tx, by=BOT, desk=desk)
    return len(due)


async def _give_up_questions(tx: Transaction, *, by: str, desk: Desk) -> None:
    """A server waits in the middle of a call; in a pause it is told to give up rather than kept waiting."""
    for one in await tx.pending_approvals():
        if one.envelope.question is None:
            continue
        approval = await tx.approval(one.id)
        if approval.state is ApprovalState.PENDING:
            await settle(tx, approval, state=ApprovalState.WITHDRAWN, by=by, reason="aiops was paused", desk=desk)
            await tx.wake_run(approval.run_id, now=desk.clock.now())


async def stop_run(run_id: str, *, user: str, desk: Desk) -> Answer:
    """Anybody who can press the button may stop a run: stopping is the safe direction."""
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        stopped = await tx.stop_run(run_id, user=user, now=now)
        entry = AuditEntry(actor=user, action="run.stop", target=run_id, detail={"counted": stopped})
        await tx.audit([entry], now=now)
    if not stopped:
        return Answer(done=False, text=f"{run_id} is over or being stopped already.")
    return Answer(done=True, text=f"{run_id} stops before its next step. A step that is running now is finished first.")


def _place_of(detail: RunDetail, number: int) -> str:
    """The environment that a step was approved for; the run's, for one that nobody was asked for."""
    asked = (one.envelope.environment for one in reversed(detail.approvals) if one.step_run == number)
    return next(asked, detail.run.environment)


async def settle_unknown(run_id: str, number: int, *, user: str, carried_out: bool, desk: Desk) -> Answer:
    """
    A person has looked: the step was carried out, or it was not; if its call came back, it helped or it did not.

    Raises NotFoundError.
    """
    async with desk.store.transaction() as tx:
        detail = await tx.run_detail(run_id)
    try:
        allowed = await desk.approvers.may_approve(user, _place_of(detail, number))
    except ChatUnavailableError:
        return Answer(done=False, text=_UNSURE)
    step_run = next((one for one in detail.step_runs if one.number == number), None)
    if step_run is None or step_run.state is not StepState.UNKNOWN:
        return Answer(done=False, text="This has been decided already; your press changed nothing.")
    if not allowed:
        return Answer(done=False, text="Only the approver group can decide this.")
    state = StepState.SUCCEEDED if carried_out else StepState.FAILED
    yes, no = ("carried out", "not carried out") if step_run.called_at is None else ("helpful", "of no help")
    said = yes if carried_out else no
    why = "" if carried_out else f"{step_run.step_id}: <@{user}> found that it was {said}"
    try:
        async with desk.store.transaction() as tx:
            now = desk.clock.now()
            check = f"{said}, says <@{user}>"
            await tx.change_step_run(
                step_run, state=state, now=now, called=carried_out and step_run.called_at is None, why=why, check=check
            )
            entry = {"step": step_run.step_id, "number": number, "said": said}
            await tx.audit([AuditEntry(actor=user, action="step.settled", target=run_id, detail=entry)], now=now)
            await tx.wake_run(run_id, now=now)
    except ConflictError:
        return Answer(done=False, text="Somebody else was first; your press changed nothing.")
    return Answer(done=True, text=f"Noted: it was {said}.")


async def pause_writes(*, user: str, reason: str, channel: str, desk: Desk) -> Answer:
    """The kill switch: from this commit on no write step starts, on any replica."""
    return await _switch(paused=True, user=user, reason=reason, channel=channel, desk=desk)


async def resume_writes(*, user: str, reason: str, channel: str, desk: Desk) -> Answer:
    """Let writes start again; only somebody who may approve in some environment may."""
    try:
        if not await _may_resume(user, desk):
            return Answer(done=False, text="Only the approver group can end the pause. Anybody can start one.")
    except ChatUnavailableError:
        return Answer(done=False, text=_UNSURE)
    return await _switch(paused=False, user=user, reason=reason, channel=channel, desk=desk)


async def _may_resume(user: str, desk: Desk) -> bool:
    """Any approver group will do: where `default` has none, a pause must not last for ever."""
    for environment in ("", *sorted(desk.approvers.environments())):
        if await desk.approvers.may_approve(user, environment):
            return True
    return False


async def _switch(*, paused: bool, user: str, reason: str, channel: str, desk: Desk) -> Answer:
    word, reason = "paused" if paused else "resumed", disarm(reason)
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        if not await tx.set_pause(paused=paused, user=user, reason=reason, now=now):
            return Answer(done=False, text="aiops is paused already." if paused else "aiops is not paused.")
        because = f": {reason}" if reason else ""
        effect = (
            "No step that changes anything starts, and approvals are suspended."
            if paused
            else "Steps that change something can be approved again."
        )
        text = f"aiops was {word} by <@{user}>{because}. {effect}"
        await tx.announce(f"switch:{word}:{now.isoformat()}", Announcement(text=text), channel=channel, now=now)
        entry = AuditEntry(actor=user, action=f"switch.{word}", target="writes", detail={"why": reason})
        await tx.audit([entry], now=now)
    # The switch holds from here on. The cards come after it, so that nothing about them can keep it from being turned.
    async with desk.store.transaction() as tx:
        pause = await tx.paused()
        if pause is not None:
            await _give_up_questions(tx, by=user, desk=desk)
        for one in await tx.pending_approvals():
            await _repost(tx, one.id, pause, desk)
        for run in sorted(await tx.runs(limit=500, only_open=True), key=lambda one: one.id):
            await tx.wake_run(run.id, now=now)
    return Answer(done=True, text=text)
