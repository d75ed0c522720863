"""
A runbook being followed: the two state machines, and what comes next. Pure; the rows in PostgreSQL are the truth.

A write step goes: queued (asked for) → running (committed *before* the call) → succeeded | failed, by its
post-condition. A process that dies between the two leaves `running` without an answer; whoever takes the run up then
makes it `unknown`, and only a person decides what becomes of it. So no write is ever made twice by itself.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.approval import BOT, Approval, ApprovalState
from bot.core.elicitation import Elicitation
from bot.core.policy import Effect, Level
from bot.core.runbook import Rollback, Runbook, Step


class RunState(enum.StrEnum):
    """The run's machine; the same words and pairs stand in the schema."""

    PLANNED = "planned"
    RUNNING = "running"
    AWAITING_APPROVAL = "awaiting_approval"
    VERIFYING = "verifying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    EXPIRED = "expired"


_R = RunState
RUN_ENDS = frozenset({_R.SUCCEEDED, _R.FAILED, _R.STOPPED, _R.EXPIRED})
RUN_TRANSITIONS: frozenset[tuple[RunState, RunState]] = frozenset(
    {
        (_R.PLANNED, _R.RUNNING),
        (_R.RUNNING, _R.AWAITING_APPROVAL),
        (_R.RUNNING, _R.VERIFYING),
        (_R.AWAITING_APPROVAL, _R.RUNNING),
        (_R.VERIFYING, _R.RUNNING),
        (_R.VERIFYING, _R.AWAITING_APPROVAL),
        (_R.RUNNING, _R.SUCCEEDED),
        (_R.VERIFYING, _R.SUCCEEDED),
        *((state, end) for state in (_R.PLANNED, _R.RUNNING, _R.AWAITING_APPROVAL, _R.VERIFYING)
          for end in (_R.FAILED, _R.STOPPED, _R.EXPIRED)),
    }
)  # fmt: skip


class StepState(enum.StrEnum):
    """The step run's machine; the same words and pairs stand in the schema."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


MOST_REQUESTS = 3
"""How often one step is asked for; what keeps changing under people's eyes is not for approving."""

_S = StepState
STEP_TRANSITIONS: frozenset[tuple[StepState, StepState]] = frozenset(
    {
        (_S.QUEUED, _S.RUNNING),
        (_S.QUEUED, _S.SKIPPED),
        (_S.QUEUED, _S.FAILED),
        (_S.RUNNING, _S.SUCCEEDED),
        (_S.RUNNING, _S.FAILED),
        (_S.RUNNING, _S.UNKNOWN),
        (_S.UNKNOWN, _S.SUCCEEDED),
        (_S.UNKNOWN, _S.FAILED),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One following of one runbook. `id` is shown to people as it is, for example RUN-3."""

    id: str
    incident_id: str
    runbook_id: str
    runbook_sha256: str
    runbook_source: str
    """The file as it was when the run began."""
    title: str
    state: RunState
    requester: str
    """A Slack user id, or approval.BOT."""
    reason: str
    environment: str
    level: Level
    confidence: float
    parameters: Mapping[str, object]
    scope: Mapping[str, object]
    """Alert, incident and labels, as templates see them."""
    attempt: int
    created_at: datetime
    deadline_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stopped_by: str = ""
    """Who pressed Stop; obeyed before the next step."""
    why: str = ""
    """How it ended, in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """One step of one run."""

    number: int
    run_id: str
    step_id: str
    rollback: bool
    effect: Effect
    state: StepState
    args: Mapping[str, object]
    result: Mapping[str, object] | None
    """What the tool answered; for a write, its being there is the proof that the call came back."""
    why: str
    started_at: datetime | None
    ended_at: datetime | None
    called_at: datetime | None
    """When the write's answer was stored."""
    check: str = ""
    """The post-condition, as it was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """All that `next_move` looks at."""

    run: Run
    runbook: Runbook
    step_runs: Sequence[StepRun]
    approval: Approval | None
    """The newest approval of the newest step run."""
    requests: int
    """How often a person has been asked for the newest step run."""
    incident_resolved: bool
    now: datetime
    elicitation: Elicitation | None = None
    """What the server of the newest step run asks and has not been told yet; `approval` is the request for it then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """Begin this step: skip it, look, or ask for it."""

    step: Step
    step_run: StepRun | None = None
    """Set when it has been begun before: its request was superseded, or its process died before asking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAgain:
    """A read was under way when its process died; reading twice harms nobody."""

    step: Step
    step_run: StepRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A person has to say something first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Approved: check everything once more and make the call."""

    step: Step
    step_run: StepRun
    approval: Approval


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The server asked in the middle of the call, and there is a verdict or there will be none: tell it."""

    step: Step
    step_run: StepRun
    approval: Approval
    elicitation: Elicitation


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """The call came back; look at the post-condition."""

    step: Step
    step_run: StepRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A write was under way when its process died. It becomes unknown."""

    step: Step
    step_run: StepRun


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRollback:
    """The write did not do what it should; ask whether to take it back."""

    step: Step
    step_run: StepRun
    rollback: Rollback


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The run is over."""

    state: RunState
    why: str


Move = Take | LookAgain | Wait | Act | Reply | Verify | Orphan | OfferRollback | Finish


def next_move(progress: Progress) -> Move:
    """What the executor does next."""
    newest = progress.step_runs[-1] if progress.step_runs else None
    if newest is not None and newest.state is StepState.RUNNING and newest.effect is not Effect.READ:
        # Never leave a write behind unexamined, whatever else is true by now.
        step = _step_of(progress, newest)
        return Verify(step=step, step_run=newest) if newest.called_at else _in_mid_call(progress, step, newest)
    ended = _ended_from_outside(progress, newest)
    if ended is not None:
        return ended
    return _following(progress) if newest is None else _continue(progress, newest)


def _in_mid_call(progress: Progress, step: Step, newest: StepRun) -> Move:
    """The call is held by its server until it is told something; or the process that made it is gone."""
    asked, approval, run = progress.elicitation, progress.approval, progress.run
    if asked is None or approval is None or not asked.held or asked.told or asked.approval_id != approval.id:
        return Orphan(step=step, step_run=newest)
    if approval.state is ApprovalState.PENDING and not nobody_will_say(run, approval, progress.now):
        return Wait()
    return Reply(step=step, step_run=newest, approval=approval, elicitation=asked)


def nobody_will_say(run: Run, approval: Approval, now: datetime) -> str:
    """Why there will be no verdict on what a server asks; empty while there may be one."""
    if run.stopped_by:
        return f"the run was stopped by <@{run.stopped_by}>"
    if now >= run.deadline_at:
        return "the run's time limit was reached"
    return "nobody decided in time" if now >= approval.envelope.expires_at else ""


def _continue(progress: Progress, newest: StepRun) -> Move:
    match newest.state:
        case StepState.QUEUED:
            return _asked(progress, newest)
        case StepState.UNKNOWN:
            return Wait()
        case StepState.RUNNING:
            return LookAgain(step=_step_of(progress, newest), step_run=newest)
        case StepState.FAILED:
            return _failed(progress, newest)
        case StepState.SUCCEEDED | StepState.SKIPPED:
            if newest.rollback:
                return _rolled_back(progress, newest)
            return _following(progress)


def _ended_from_outside(progress: Progress, newest: StepRun | None) -> Finish | None:
    """Stop button, time limit, or an incident that is over before anything was changed."""
    run = progress.run
    if run.stopped_by:
        return Finish(state=RunState.STOPPED, why=f"stopped by <@{run.stopped_by}>")
    if progress.now >= run.deadline_at:
        return Finish(state=RunState.EXPIRED, why="its time limit was reached")
    waiting = newest is None or newest.state is StepState.QUEUED
    changed = any(one.effect is not Effect.READ and one.called_at for one in progress.step_runs)
    if progress.incident_resolved and waiting and not changed:
        return Finish(state=RunState.STOPPED, why="the incident resolved before anything was changed")
    return None


def _asked(progress: Progress, newest: StepRun) -> Move:
    """A write that waits for its verdict."""
    approval, step = progress.approval, _step_of(progress, newest)
    if approval is None:
        return Take(step=step, step_run=newest)
    match approval.state:
        case ApprovalState.APPROVED:
            return Act(step=step, step_run=newest, approval=approval)
        case ApprovalState.PENDING if progress.now < approval.envelope.expires_at:
            return Wait()
        case ApprovalState.SUPERSEDED if progress.requests >= MOST_REQUESTS:
            why = f"{step.title} was asked for {progress.requests} times, and each time it could not be run as approved"
            return Finish(state=RunState.FAILED, why=f"{why}; the last time {approval.reason}")
        case ApprovalState.SUPERSEDED | ApprovalState.USED:
            return Take(step=step, step_run=newest)
        case _:
            return _refused(approval)


def _refused(approval: Approval) -> Finish:
    because = f": {approval.reason}" if approval.reason else ""
    person = approval.decided_by not in {"", BOT}
    match approval.state:
        case ApprovalState.REJECTED:
            return Finish(state=RunState.STOPPED, why=f"rejected by <@{approval.decided_by}>{because}")
        case ApprovalState.WITHDRAWN:
            by = f" by <@{approval.decided_by}>" if person else ""
            return Finish(state=RunState.STOPPED, why=f"the approval was withdrawn{by}{because}")
        case _:
            return Finish(state=RunState.EXPIRED, why=f"the request has expired{because or ': nobody decided in time'}")


def _failed(progress: Progress, newest: StepRun) -> Move:
    step = _step_of(progress, newest)
    if newest.effect is Effect.READ and step.optional:
        return _following(progress)
    if newest.effect is Effect.READ or newest.rollback or newest.called_at is None or step.rollback is None:
        return Finish(state=RunState.FAILED, why=newest.why or f"the step {step.title} failed")
    return OfferRollback(step=step, step_run=newest, rollback=step.rollback)


def _following(progress: Progress) -> Move:
    """The first step of the file that has not had its turn."""
    done = {one.step_id for one in progress.step_runs if not one.rollback}
    following = next((step for step in progress.runbook.steps if step.id not in done), None)
    if following is None:
        changed = any(one.effect is not Effect.READ and one.called_at for one in progress.step_runs)
        why = "every step is done" if changed else "every step is done; nothing had to be changed"
        unread = [_step_of(progress, one).title for one in progress.step_runs if one.state is StepState.FAILED]
        why += f"; without what could not be read: {', '.join(unread)}" if unread else ""
        return Finish(state=RunState.SUCCEEDED, why=why)
    if len(progress.step_runs) >= progress.runbook.limits.max_steps:
        return Finish(state=RunState.FAILED, why=f"its limit of {progress.runbook.limits.max_steps} steps was reached")
    return Take(step=following)


def _rolled_back(progress: Progress, newest: StepRun) -> Finish:
    title = _step_of(progress, newest).title
    if newest.state is StepState.SKIPPED:
        return Finish(state=RunState.FAILED, why=f"{title} did not help, and it was not rolled back: {newest.why}")
    return Finish(state=RunState.FAILED, why=f"{title} did not help and was rolled back")


def _step_of(progress: Progress, step_run: StepRun) -> Step:
    step = progress.runbook.step(step_run.step_id)
    if step is None:
        raise ValueError(f"run {progress.run.id} has a step {step_run.step_id} that its runbook has not")
    return step
