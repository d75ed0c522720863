"""What the thread shows of a run. Pure: rows in, posts out."""

from collections.abc import Mapping, Sequence
from typing import cast

from bot.core.approval import Approval, ApprovalState
from bot.core.execution import RUN_ENDS, Run, RunState, StepRun, StepState
from bot.core.policy import Effect
from bot.core.posts import RunCard, RunResult, Task, TaskState
from bot.core.redaction import redact
from bot.core.runbook import Runbook, Step
from bot.core.text import clip, data_size, disarm, plural
from bot.ports import RunDetail

_TASK_STATES = {
    StepState.QUEUED: TaskState.PENDING,
    StepState.RUNNING: TaskState.IN_PROGRESS,
    StepState.SUCCEEDED: TaskState.COMPLETE,
    StepState.SKIPPED: TaskState.COMPLETE,
    StepState.FAILED: TaskState.ERROR,
    StepState.UNKNOWN: TaskState.ERROR,
}
_TITLES = {
    RunState.PLANNED: "About to start",
    RunState.RUNNING: "Running",
    RunState.AWAITING_APPROVAL: "Waiting for an approval",
    RunState.VERIFYING: "Checking whether it helped",
    RunState.SUCCEEDED: "Done",
    RunState.FAILED: "Failed",
    RunState.STOPPED: "Stopped",
    RunState.EXPIRED: "Out of time",
}


def approval_operation(approval: Approval) -> str:
    """The name of the approval's message."""
    return f"{approval.incident_id}:approval:{approval.id}"


def run_operation(run: Run) -> str:
    """The name of the run's message."""
    return f"{run.incident_id}:run:{run.id}"


def result_operation(run: Run) -> str:
    """The name of the message that tells what a run changed."""
    return f"{run.incident_id}:result:{run.id}"


def run_card(detail: RunDetail, runbook: Runbook) -> RunCard:
    """The live progress of a run."""
    run = detail.run
    unknown = next((one for one in reversed(detail.step_runs) if one.state is StepState.UNKNOWN), None)
    title = _TITLES[run.state]
    if unknown is not None and run.state not in RUN_ENDS:
        title = "A person has to decide"
    return RunCard(
        incident_id=run.incident_id,
        run_id=run.id,
        title=title,
        runbook_title=runbook.title,
        runbook_version=runbook.version,
        requester=run.requester,
        state=run.state,
        tasks=tuple(_tasks(detail, runbook)),
        why=run.why,
        question=_question(unknown) if unknown is not None and run.state not in RUN_ENDS else "",
        unknown_step=unknown.number if unknown is not None else 0,
        answered=unknown is not None and unknown.called_at is not None,
    )


def _question(unknown: StepRun) -> str:
    if unknown.called_at is not None:
        return f"{unknown.why}: {unknown.check}. It will not be repeated by itself. Did it have the wanted effect?"
    looked = f" Its post-condition now: {unknown.check}." if unknown.check else ""
    return f"{unknown.why}.{looked} It will not be repeated by itself. Was it carried out?"


def _tasks(detail: RunDetail, runbook: Runbook) -> Sequence[Task]:
    begun = {(one.step_id, one.rollback): one for one in detail.step_runs}
    over = detail.run.state in RUN_ENDS
    tasks: list[Task] = []
    for step in runbook.steps:
        step_run = begun.get((step.id, False))
        if step_run is None and over:
            continue
        tasks.append(_task(step.id, step.title, step, step_run))
        undone = begun.get((step.id, True))
        if undone is not None and step.rollback is not None:
            tasks.append(_task(f"{step.id}_rollback", f"Roll back: {step.rollback.title}", step, undone))
    return tasks


def _task(task_id: str, title: str, step: Step, step_run: StepRun | None) -> Task:
    if step_run is None:
        return Task(id=task_id, title=title, state=TaskState.PENDING)
    state = _TASK_STATES[step_run.state]
    if step_run.state is StepState.QUEUED and step.effect is not Effect.READ:
        return Task(id=task_id, title=title, state=TaskState.PENDING, output="waits for an approval")
    return Task(id=task_id, title=title, state=state, output=clip(_output(step_run), 300))


def _output(step_run: StepRun) -> str:
    if step_run.why:
        # The condition itself stands in the audit log; nobody reads an expression at 2 am.
        return "not needed" if step_run.why.startswith("not needed: `") else step_run.why
    said = summary_of(step_run.result)
    return f"{said}; {step_run.check}" if said and step_run.check else said or step_run.check


def summary_of(result: Mapping[str, object] | None) -> str:
    """One line of a tool's answer: its own summary, else how much there is of what."""
    if not result:
        return ""
    if isinstance(result.get("summary"), str):
        return clip(disarm(redact(str(result["summary"]))), 200)
    lists = [
        plural(len(cast("list[object]", value)), key.rstrip("s"))
        for key, value in result.items()
        if isinstance(value, list)
    ]
    return clip(disarm(redact(", ".join(lists[:3]))), 200)


def run_result(detail: RunDetail, runbook: Runbook) -> RunResult:
    """What was changed, whether it helped, who approved, how long it took."""
    run = detail.run
    writes = [one for one in detail.step_runs if one.effect is not Effect.READ and one.state is not StepState.SKIPPED]
    acted = [one for one in writes if one.called_at is not None or one.state is StepState.UNKNOWN]
    approvers = [
        vote.user
        for approval in detail.approvals
        if approval.state in {ApprovalState.USED, ApprovalState.APPROVED}
        for vote in approval.votes
    ]
    ended = run.ended_at or run.created_at
    return RunResult(
        incident_id=run.incident_id,
        run_id=run.id,
        runbook_title=runbook.title,
        state=run.state,
        headline=_headline(run, acted),
        changes=tuple(_change(one, runbook) for one in acted),
        checks=tuple(one.check for one in acted if one.check),
        approvers=tuple(dict.fromkeys(approvers)),
        duration_s=max(0.0, (ended - (run.started_at or run.created_at)).total_seconds()),
        next_action=_next_action(run, acted),
    )


def _headline(run: Run, acted: Sequence[StepRun]) -> str:
    if not acted:
        return f"Nothing was changed: {run.why}" if run.why else "Nothing was changed"
    if run.state is RunState.SUCCEEDED:
        return "; ".join(filter(None, (_before_after(one) or summary_of(one.result) for one in acted)))
    return run.why or "It did not go as planned"


def _before_after(step_run: StepRun) -> str:
    """`connections 20/20 → 6/20`, as the server told it."""
    result = step_run.result or {}
    before, after = result.get("before"), result.get("after")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return ""
    was, now = cast("dict[str, object]", before), cast("dict[str, object]", after)
    moved = [_moved(key, was[key], now[key]) for key in was if key in now and was[key] != now[key]]
    said = summary_of(result)
    if "→" in said or not moved:
        # The server has told it in its own words.
        return said
    return f"{said}: {', '.join(moved)}" if said else ", ".join(moved)


def _moved(key: str, was: object, now: object) -> str:
    """`replicas 3 → 5`; amounts of bytes as people write them."""
    name = key.removesuffix("_bytes")
    if name != key and str(was).isdecimal() and str(now).isdecimal():
        return disarm(f"{redact(name)} {data_size(int(str(was)))} → {data_size(int(str(now)))}")
    return disarm(redact(f"{key} {was} → {now}"))


def _change(step_run: StepRun, runbook: Runbook) -> str:
    step = runbook.step(step_run.step_id)
    title = step.title if step else step_run.step_id
    if step_run.rollback and step is not None and step.rollback is not None:
        title = f"Roll back: {step.rollback.title}"
    if step_run.state is StepState.UNKNOWN:
        fate = "carried out" if step_run.called_at is None else "of any help"
        return f"{title}: not known whether it was {fate}"
    return f"{title}: {_before_after(step_run) or 'done'}"


def _next_action(run: Run, acted: Sequence[StepRun]) -> str:
    if run.state is RunState.SUCCEEDED and acted:
        return "Watch the alert; when it is over, record the actual root cause."
    if any(one.state is StepState.UNKNOWN for one in acted):
        return "Look at the system before anything is tried again."
    if acted:
        return "Look at what was changed before anything else is tried."
    return ""
