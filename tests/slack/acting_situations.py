"""Approvals, runs and results in every situation that has a golden file."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.adapters.runbooks import load_runbook
from bot.adapters.tool_gate import DEFAULT_EFFECTS
from bot.core.approval import BOT, Approval, ApprovalState, DryRun, Envelope, Target, Vote
from bot.core.execution import Run, RunState
from bot.core.incident import IncidentState
from bot.core.policy import Effect, Level
from bot.core.posts import Announcement, ApprovalCard, Content, RunCard, RunResult, Task, TaskState
from bot.core.text import disarm
from bot.ports import Pause
from bot.slack.views.approval import approve_form, reject_form
from bot.slack.views.home import Home, home_view
from bot.slack.views.runbook import runbook_form, runbook_list, runs_message
from tests.slack.samples import HOSTILE, ONSET, incident

ROOT = Path(__file__).parents[2]
SHA = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
# With a hash of its own, so that an edit of the runbook's prose does not change the golden files.
RUNBOOK = replace(
    load_runbook(ROOT / "runbooks" / "postgres-connections-exhausted.md", effects=DEFAULT_EFFECTS), sha256=SHA
)


def targets(count: int = 14) -> tuple[Target, ...]:
    return tuple(
        Target(
            id=f"{4100 + n}@2026-11-23T02:01:{n:02d}Z",
            label=f"session {4100 + n}",
            detail=f"checkout/2.31.0, idle {62 - n} s, from 10.1.0.{n}",
        )
        for n in range(count)
    )


def envelope(**changes: object) -> Envelope:
    made = Envelope(
        run="RUN-3",
        runbook=RUNBOOK.id,
        runbook_title=RUNBOOK.title,
        runbook_sha256=SHA,
        step="terminate",
        step_title="Terminate the leaked sessions",
        tool="pg_terminate_backends",
        args={
            "service": "orders-db",
            "sessions": [{"pid": 4100 + n, "started": f"2026-11-23T02:01:{n:02d}Z"} for n in range(14)],
        },
        effect=Effect.DESTRUCTIVE,
        targets=targets(),
        environment="production",
        requester=BOT,
        reason="PostgresConnectionsExhausted is firing and this is its runbook",
        expires_at=ONSET + timedelta(minutes=30),
    )
    return replace(made, **changes)


def approval(state: ApprovalState = ApprovalState.PENDING, **changes: object) -> Approval:
    made = Approval(
        id="pW3kq0cY1xZr8fJm2sVbTg",
        incident_id="INC-7",
        run_id="RUN-3",
        step_run=4,
        envelope=envelope(),
        sha256=SHA,
        dry_run=DryRun(
            summary="would end 14 of 20 sessions on orders-db",
            targets=targets(),
            reversible=False,
            runs_as="postgres on orders-db",
            risk="An open transaction in one of them is rolled back.",
        ),
        state=state,
        needed=1,
        votes=(),
        created_at=ONSET,
    )
    if state is not ApprovalState.PENDING:
        made = replace(made, decided_by="U0BEN", decided_at=ONSET + timedelta(minutes=2))
    return replace(made, **changes)


def card(state: ApprovalState = ApprovalState.PENDING, *, paused: bool = False, **changes: object) -> ApprovalCard:
    return ApprovalCard(incident=incident(), approval=approval(state, **changes), paused=paused)


def _tasks(last: TaskState, output: str) -> tuple[Task, ...]:
    return (
        Task(
            id="activity", title="Sessions by state and by application", state=TaskState.COMPLETE, output="2 by states"
        ),
        Task(
            id="leaked",
            title="Forgotten sessions of the largest holder",
            state=TaskState.COMPLETE,
            output="14 sessions",
        ),
        Task(id="terminate", title="Terminate the leaked sessions", state=last, output=output),
    )


def run_card(state: RunState, title: str, tasks: tuple[Task, ...], **changes: object) -> RunCard:
    made = RunCard(
        incident_id="INC-7",
        run_id="RUN-3",
        title=title,
        runbook_title=RUNBOOK.title,
        runbook_version=SHA[:12],
        requester=BOT,
        state=state,
        tasks=tasks,
    )
    return replace(made, **changes)


def result(state: RunState, headline: str, **changes: object) -> RunResult:
    made = RunResult(
        incident_id="INC-7",
        run_id="RUN-3",
        runbook_title=RUNBOOK.title,
        state=state,
        headline=headline,
        changes=("Terminate the leaked sessions: ended 14 sessions: connections 20/20 → 6/20",),
        checks=("at most 60 % of the usable connections are taken, 2 s after",),
        approvers=("U0BEN",),
        duration_s=94,
        next_action="Watch the alert; when it is over, record the actual root cause.",
    )
    return replace(made, **changes)


def contents() -> dict[str, Content]:
    states, votes = ApprovalState, (Vote(user="U0BEN", at=ONSET),)
    write = envelope(
        step="policy",
        step_title="Let Redis evict keys that are not used",
        tool="redis_config_set",
        args={"service": "sessions-cache", "name": "maxmemory-policy", "value": "allkeys-lru"},
        effect=Effect.WRITE,
        targets=(Target(id="maxmemory-policy", label="maxmemory-policy", detail="noeviction now"),),
        requester="U0ANA",
    )
    hostile_targets = tuple(Target(id=HOSTILE, label=HOSTILE * 5, detail=HOSTILE * 20) for _ in range(60))
    unknown = "Terminate the leaked sessions: the process ended while this was running; it may or may not have been carried out. Its post-condition now: at most 60 % of the usable connections are taken: yes, as of 02:04:10 UTC. It will not be repeated by itself. Was it carried out?"
    return {
        "approval_destructive": card(),
        "approval_write": card(envelope=write, dry_run=replace(approval().dry_run, reversible=True, simulated=False)),
        "approval_paused": card(paused=True),
        "approval_one_of_two": card(needed=2, votes=votes),
        "approval_used": card(states.USED, votes=votes),
        "approval_rejected": card(states.REJECTED, reason="Rolling back first, the leak would fill it again."),
        "approval_expired": card(states.EXPIRED, decided_by=BOT, reason="nobody decided in time"),
        "approval_superseded": card(
            states.SUPERSEDED,
            decided_by=BOT,
            reason="what it would touch has changed since it was approved (14 targets then, 13 now)",
        ),
        "approval_rollback": card(envelope=envelope(rollback=True, step_title="Open them again")),
        "approval_hostile": card(
            envelope=envelope(
                targets=hostile_targets,
                reason=HOSTILE * 20,
                step_title=HOSTILE * 5,
                environment=HOSTILE,
                args={HOSTILE: HOSTILE * 50},
            ),
            dry_run=DryRun(summary=HOSTILE * 9, targets=(), reversible=False, runs_as=HOSTILE, risk=HOSTILE * 9),
        ),
        "run_waiting": run_card(
            RunState.AWAITING_APPROVAL, "Waiting for an approval", _tasks(TaskState.PENDING, "waits for an approval")
        ),
        "run_verifying": run_card(
            RunState.VERIFYING, "Checking whether it helped", _tasks(TaskState.IN_PROGRESS, "ended 14 sessions")
        ),
        "run_unknown": run_card(
            RunState.RUNNING,
            "A person has to decide",
            _tasks(TaskState.ERROR, "it may or may not have been carried out"),
            question=unknown,
            unknown_step=4,
        ),
        "run_effect_unknown": run_card(
            RunState.VERIFYING,
            "A person has to decide",
            _tasks(TaskState.ERROR, "carried out; whether it helped is not known"),
            question="Terminate the leaked sessions was carried out; whether it helped is not known: at most 60 % of the "
            "usable connections are taken: could not be checked within 60 s, the last look failed: basecamp is away. "
            "It will not be repeated by itself. Did it have the wanted effect?",
            unknown_step=4,
            answered=True,
        ),
        "approval_command_line": card(envelope=envelope(requester="cli:ana"), needed=2),
        "run_done": run_card(
            RunState.SUCCEEDED, "Done", _tasks(TaskState.COMPLETE, "ended 14 sessions"), why="every step is done"
        ),
        "run_rejected": run_card(
            RunState.STOPPED,
            "Stopped",
            _tasks(TaskState.PENDING, "waits for an approval"),
            why="rejected by <@U0BEN>: rolling back first",
            requester="U0ANA",
        ),
        "run_hostile": run_card(
            RunState.FAILED,
            HOSTILE,
            tuple(Task(id=HOSTILE, title=HOSTILE * 3, state=TaskState.ERROR, output=HOSTILE * 9) for _ in range(60)),
            why=disarm(HOSTILE * 20),
            question=disarm(HOSTILE * 20),
        ),
        "result_succeeded": result(RunState.SUCCEEDED, "Ended 14 sessions: connections 20/20 → 6/20"),
        "result_failed": result(
            RunState.FAILED,
            "Terminate the leaked sessions did not have the wanted effect: not within 60 s",
            next_action="Look at what was changed before anything else is tried.",
        ),
        "result_nothing": result(
            RunState.STOPPED,
            "Nothing was changed: rejected by <@U0BEN>: rolling back first",
            changes=(),
            checks=(),
            approvers=(),
            next_action="",
        ),
        "result_hostile": result(
            RunState.FAILED,
            disarm(HOSTILE * 20),
            changes=(HOSTILE * 9,) * 40,
            checks=(HOSTILE * 9,) * 40,
            next_action=HOSTILE * 9,
            approvers=(),
        ),
        "announcement_pause": Announcement(
            text="aiops was paused by <@U0ANA>: bad deploy under way. No step that changes anything starts, and approvals are suspended."
        ),
    }


def run(**changes: object) -> Run:
    made = Run(
        id="RUN-3",
        incident_id="INC-7",
        runbook_id=RUNBOOK.id,
        runbook_sha256=SHA,
        runbook_source=RUNBOOK.source,
        title=RUNBOOK.title,
        state=RunState.SUCCEEDED,
        requester=BOT,
        reason="",
        environment="production",
        level=Level.APPROVED,
        confidence=0.7,
        parameters={},
        scope={},
        attempt=1,
        created_at=ONSET,
        deadline_at=ONSET + timedelta(hours=1),
        ended_at=ONSET + timedelta(minutes=4),
    )
    return replace(made, **changes)


def replies() -> dict[str, object]:
    """Answers that only the person who asked sees."""
    return {
        "reply_runbooks": runbook_list([RUNBOOK], "/aiops"),
        "reply_no_runbooks": runbook_list([], "/aiops"),
        "reply_runs": runs_message(
            [run(), run(id="RUN-2", state=RunState.AWAITING_APPROVAL, requester="U0ANA", ended_at=None)]
        ),
        "reply_no_runs": runs_message([]),
    }


def views() -> dict[str, object]:
    """Modals and the Home tab."""
    quiet = Home(
        waiting=(),
        open_incidents=(),
        unlabelled=(),
        runs=(),
        pause=None,
        analyst="offline analyst",
        tools=(),
        updated_at=ONSET,
    )
    busy = replace(
        quiet,
        waiting=(approval(),),
        open_incidents=(incident(),),
        unlabelled=(
            incident(id="INC-6", state=IncidentState.RESOLVED, resolved_at=ONSET),
            incident(id="INC-5", state=IncidentState.RESOLVED, resolved_at=ONSET, title="DiskFull: /var is 97 % full"),
        ),
        runs=(run(),),
        pause=Pause(by="U0ANA", reason="bad deploy", at=ONSET),
        tools=(("basecamp", ""), ("own-tools", "no connection within 5 s")),
        index="51 indexed, stale, last up to date 2026-01-02 03:00:00 UTC: the folder is gone",
    )
    two = approval(needed=2)
    hostile = approval(envelope=envelope(reason=HOSTILE * 20, step_title=HOSTILE * 5, args={HOSTILE: HOSTILE * 200}))
    return {
        "modal_approve": approve_form(approval()),
        "modal_approve_two": approve_form(two),
        "modal_approve_hostile": approve_form(hostile),
        "modal_reject": reject_form(approval()),
        "modal_runbook": runbook_form(
            RUNBOOK,
            level=Level.APPROVED,
            incidents=[incident()],
            defaults={"most": "30", "min_idle_seconds": "10"},
            channel="C1",
        ),
        "modal_runbook_advisory": runbook_form(RUNBOOK, level=Level.ADVISORY, incidents=[], defaults={}, channel="C1"),
        "home_quiet": home_view(quiet),
        "home_busy": home_view(busy),
    }
