"""The run's machine: it always ends, never acts without a verdict, and never makes a write twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.core.approval import BOT, Approval, ApprovalState, DryRun, Envelope
from bot.core.execution import (
    MOST_REQUESTS,
    RUN_ENDS,
    RUN_TRANSITIONS,
    STEP_TRANSITIONS,
    Act,
    Finish,
    LookAgain,
    OfferRollback,
    Orphan,
    Progress,
    Run,
    RunState,
    StepRun,
    StepState,
    Take,
    Verify,
    Wait,
    next_move,
)
from bot.core.policy import Effect, Level
from bot.core.runbook import Limits, PostCondition, Rollback, Runbook, Step

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
CHECK = PostCondition(tool="look", args={}, that="true", within_s=10, every_s=1)
UNDO = Rollback(title="Undo", tool="undo", args={}, effect=Effect.WRITE, expect=CHECK, line=1)


def step(name, effect, rollback=None):
    section = "Diagnosis" if effect is Effect.READ else "Mitigation"
    expect = None if effect is Effect.READ else CHECK
    return Step(
        id=name,
        title=name.title(),
        tool=name,
        args={},
        effect=effect,
        section=section,
        line=1,
        expect=expect,
        rollback=rollback,
    )


LOOK, SHUT, FLUSH = (
    step("look", Effect.READ),
    step("shut", Effect.DESTRUCTIVE, UNDO),
    step("flush", Effect.WRITE),
)


def book(*steps, **limits):
    return Runbook(
        id="r",
        title="R",
        alerts=("A",),
        severity="",
        owner="",
        reviewed="",
        ai_executable=True,
        sections={},
        steps=steps or (LOOK, SHUT, FLUSH),
        sha256="ab" * 32,
        path="r.md",
        limits=Limits(**limits),
    )


RUN = Run(
    id="RUN-1",
    incident_id="INC-1",
    runbook_id="r",
    runbook_sha256="ab" * 32,
    runbook_source="",
    title="R",
    state=RunState.RUNNING,
    requester=BOT,
    reason="",
    environment="prod",
    level=Level.APPROVED,
    confidence=0.5,
    parameters={},
    scope={},
    attempt=1,
    created_at=NOW,
    deadline_at=NOW + timedelta(hours=1),
)


def begun(number, step_id, state, *, effect=Effect.DESTRUCTIVE, rollback=False, called=False, why=""):
    return StepRun(
        number=number,
        run_id="RUN-1",
        step_id=step_id,
        rollback=rollback,
        effect=effect,
        state=state,
        args={},
        result={} if called else None,
        why=why,
        started_at=None,
        ended_at=None,
        called_at=NOW if called else None,
    )


def asked(state, *, expires=NOW + timedelta(minutes=30), by="U0ANA", reason="", number=2, ident="a1"):
    envelope = Envelope(
        run="RUN-1",
        runbook="r",
        runbook_title="R",
        runbook_sha256="ab" * 32,
        step="shut",
        step_title="Shut",
        tool="shut",
        args={},
        effect=Effect.DESTRUCTIVE,
        targets=(),
        environment="prod",
        requester=BOT,
        reason="",
        expires_at=expires,
    )
    return Approval(
        id=ident,
        incident_id="INC-1",
        run_id="RUN-1",
        step_run=number,
        envelope=envelope,
        sha256=envelope.sha256,
        dry_run=DryRun(summary="", targets=(), reversible=True, runs_as=""),
        state=state,
        needed=1,
        votes=(),
        created_at=NOW,
        decided_by=by,
        decided_at=NOW,
        reason=reason,
    )


LOOKED = begun(1, "look", StepState.SUCCEEDED, effect=Effect.READ)


def move(*step_runs, approval=None, requests=1, resolved=False, now=NOW, runbook=None, **run):
    return next_move(
        Progress(
            run=replace(RUN, **run),
            runbook=runbook or book(),
            step_runs=step_runs,
            approval=approval,
            requests=requests,
            incident_resolved=resolved,
            now=now,
        )
    )


QUEUED = begun(2, "shut", StepState.QUEUED)
RUNNING = begun(2, "shut", StepState.RUNNING)
CALLED = begun(2, "shut", StepState.RUNNING, called=True)
FAILED = begun(2, "shut", StepState.FAILED, called=True, why="it did not help")
LATE = {"now": NOW + timedelta(hours=2)}


@pytest.mark.parametrize(
    ("step_runs", "facts", "expected"),
    [
        ((), {}, Take(step=LOOK)),
        ((LOOKED,), {}, Take(step=SHUT)),
        (
            (begun(1, "look", StepState.RUNNING, effect=Effect.READ),),
            {},
            LookAgain(step=LOOK, step_run=begun(1, "look", StepState.RUNNING, effect=Effect.READ)),
        ),
        ((LOOKED, QUEUED), {}, Take(step=SHUT, step_run=QUEUED)),
        ((LOOKED, QUEUED), {"approval": asked(ApprovalState.PENDING)}, Wait()),
        (
            (LOOKED, QUEUED),
            {"approval": asked(ApprovalState.APPROVED)},
            Act(step=SHUT, step_run=QUEUED, approval=asked(ApprovalState.APPROVED)),
        ),
        (
            (LOOKED, QUEUED),
            {"approval": asked(ApprovalState.SUPERSEDED), "requests": 2},
            Take(step=SHUT, step_run=QUEUED),
        ),
        ((LOOKED, RUNNING), {}, Orphan(step=SHUT, step_run=RUNNING)),
        ((LOOKED, CALLED), {}, Verify(step=SHUT, step_run=CALLED)),
        ((LOOKED, RUNNING), {"stopped_by": "U0ANA", **LATE}, Orphan(step=SHUT, step_run=RUNNING)),
        ((LOOKED, CALLED), {"stopped_by": "U0ANA", **LATE}, Verify(step=SHUT, step_run=CALLED)),
        ((LOOKED, begun(2, "shut", StepState.UNKNOWN)), {}, Wait()),
        ((LOOKED, FAILED), {}, OfferRollback(step=SHUT, step_run=FAILED, rollback=UNDO)),
        ((LOOKED, begun(2, "shut", StepState.SKIPPED)), {}, Take(step=FLUSH)),
    ],
)
def test_what_comes_next(step_runs, facts, expected):
    assert move(*step_runs, **facts) == expected


@pytest.mark.parametrize(
    ("step_runs", "facts", "state", "words"),
    [
        ((LOOKED, QUEUED), {"approval": asked(ApprovalState.REJECTED, reason="no")}, "stopped", "rejected by <@U0ANA>: no"),
        ((LOOKED, QUEUED), {"approval": asked(ApprovalState.WITHDRAWN)}, "stopped", "withdrawn by <@U0ANA>"),
        (
            (LOOKED, QUEUED),
            {"approval": asked(ApprovalState.WITHDRAWN, by=BOT, reason="<@U0ANA> left")},
            "stopped",
            "the approval was withdrawn: <@U0ANA> left",
        ),
        ((LOOKED, QUEUED), {"approval": asked(ApprovalState.PENDING, expires=NOW)}, "expired", "nobody decided in time"),
        (
            (LOOKED, QUEUED),
            {"approval": asked(ApprovalState.EXPIRED, by=BOT, reason="it was not run within five minutes")},
            "expired",
            "not run within five minutes",
        ),
        (
            (LOOKED, QUEUED),
            {"approval": asked(ApprovalState.SUPERSEDED, reason="targets changed"), "requests": 3},
            "failed",
            "was asked for 3 times, and each time it could not be run as approved; the last time targets changed",
        ),
        ((LOOKED, QUEUED), {"approval": asked(ApprovalState.APPROVED), "stopped_by": "U0BEN"}, "stopped", "<@U0BEN>"),
        ((LOOKED, QUEUED), {"approval": asked(ApprovalState.APPROVED), **LATE}, "expired", "its time limit"),
        ((LOOKED, QUEUED), {"approval": asked(ApprovalState.APPROVED), "resolved": True}, "stopped", "the incident resolved"),
        ((LOOKED, FAILED, begun(3, "shut", StepState.SUCCEEDED, rollback=True)), {}, "failed", "and was rolled back"),
        (
            (LOOKED, FAILED, begun(3, "shut", StepState.SKIPPED, rollback=True, why="nothing to do")),
            {},
            "failed",
            "it was not rolled back: nothing to do",
        ),
        ((begun(1, "look", StepState.FAILED, effect=Effect.READ, why="away"),), {}, "failed", "away"),
        ((LOOKED, begun(2, "shut", StepState.FAILED, why="refused")), {}, "failed", "refused"),
        (
            (LOOKED, begun(2, "shut", StepState.SKIPPED), begun(3, "flush", StepState.SKIPPED, effect=Effect.WRITE)),
            {},
            "succeeded",
            "nothing had to be changed",
        ),
        ((LOOKED,), {"runbook": book(max_steps=1)}, "failed", "its limit of 1 steps was reached"),
    ],
)  # fmt: skip
def test_how_a_run_ends_and_the_words_for_it(step_runs, facts, state, words):
    found = move(*step_runs, **facts)

    assert isinstance(found, Finish)
    assert found.state == state
    assert words in found.why


def test_no_end_state_is_ever_left_and_no_step_goes_back():
    assert not {source for source, _ in RUN_TRANSITIONS} & RUN_ENDS
    assert all(target is not StepState.QUEUED for _, target in STEP_TRANSITIONS)
    assert (StepState.UNKNOWN, StepState.RUNNING) not in STEP_TRANSITIONS


def test_a_resolved_incident_does_not_hide_what_was_changed_already():
    changed = begun(2, "shut", StepState.SUCCEEDED, called=True)
    waiting = begun(3, "flush", StepState.QUEUED, effect=Effect.WRITE)

    assert isinstance(move(LOOKED, changed, waiting, approval=asked(ApprovalState.PENDING), resolved=True), Wait)


class Following(RuleBasedStateMachine):
    """The rows as the executor and people write them, in any order, with the process dying at any time."""

    def __init__(self):
        super().__init__()
        self.run, self.now, self.resolved = RUN, NOW, False
        self.steps: list[StepRun] = []
        self.approvals: list[Approval] = []
        self.writes: list[tuple[int, bool]] = []
        self.finished: Finish | None = None
        self.serial = 0

    def proposed(self):
        newest = self.steps[-1].number if self.steps else 0
        mine = [one for one in self.approvals if one.step_run == newest]
        progress = Progress(
            run=self.run,
            runbook=book(),
            step_runs=tuple(self.steps),
            approval=mine[-1] if mine else None,
            requests=len(mine),
            incident_resolved=self.resolved,
            now=self.now,
        )
        return next_move(progress)

    def go(self, state, **more):
        newest = self.steps[-1]
        assert newest.state is state or (newest.state, state) in STEP_TRANSITIONS
        self.steps[-1] = replace(newest, state=state, **more)

    def settle(self, state, **more):
        self.approvals[-1] = replace(self.approvals[-1], state=state, decided_at=self.now, **more)

    def ask(self, target, waiting, *, rollback):
        if waiting is None:
            effect = UNDO.effect if rollback else target.effect
            number = len(self.steps) + 1
            self.steps.append(begun(number, target.id, StepState.QUEUED, effect=effect, rollback=rollback))
        self.serial += 1
        expires = self.now + timedelta(minutes=30)
        number, ident = self.steps[-1].number, f"a{self.serial}"
        self.approvals.append(asked(ApprovalState.PENDING, expires=expires, number=number, ident=ident))

    @precondition(lambda self: self.finished is None)
    @rule(luck=st.sampled_from(["good", "bad", "changed", "dies", "dies later", "skip"]))
    def executor(self, luck):
        match self.proposed():
            case Finish() as finish:
                self.finished = finish
            case Wait():
                pass
            case Take(step=target, step_run=waiting) if target.effect is Effect.READ or luck == "skip":
                state = StepState.SKIPPED if luck == "skip" else StepState.RUNNING
                if waiting is not None:
                    self.go(StepState.SKIPPED)
                else:
                    self.steps.append(begun(len(self.steps) + 1, target.id, state, effect=target.effect))
            case Take(step=target, step_run=waiting):
                self.ask(target, waiting, rollback=waiting is not None and waiting.rollback)
            case LookAgain():
                if luck != "dies":
                    self.go(StepState.FAILED if luck == "bad" else StepState.SUCCEEDED)
            case OfferRollback(step=target):
                self.ask(target, None, rollback=True)
            case Act(step_run=step_run, approval=approval):
                self.act(step_run, approval, luck)
            case Orphan():
                self.go(StepState.UNKNOWN)
            case Verify():
                self.go(StepState.FAILED if luck == "bad" else StepState.SUCCEEDED)

    def act(self, step_run, approval, luck):
        assert approval.state is ApprovalState.APPROVED
        assert approval.step_run == step_run.number
        assert step_run.number not in {number for number, _ in self.writes}
        if luck == "changed":
            self.settle(ApprovalState.SUPERSEDED, reason="targets changed")
            return
        self.settle(ApprovalState.USED)
        self.go(StepState.RUNNING)
        if luck == "dies":
            return
        self.writes.append((step_run.number, step_run.rollback))
        if luck == "dies later":
            return
        self.go(StepState.RUNNING, called_at=self.now, result={})

    @precondition(lambda self: self.approvals and self.approvals[-1].state is ApprovalState.PENDING)
    @rule(state=st.sampled_from(["approved", "approved", "approved", "rejected", "expired", "withdrawn"]))
    def verdict(self, state):
        self.settle(ApprovalState(state))

    @precondition(lambda self: self.steps and self.steps[-1].state is StepState.UNKNOWN)
    @rule(done=st.booleans())
    def person_settles(self, done):
        if done:
            self.go(StepState.SUCCEEDED, called_at=self.now)
        else:
            self.go(StepState.FAILED)

    @rule()
    def stop(self):
        self.run = replace(self.run, stopped_by="U0ANA")

    @rule()
    def alert_resolves(self):
        self.resolved = True

    @rule(minutes=st.integers(1, 40))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)

    @invariant()
    def each_step_has_one_turn_and_each_write_is_made_once(self):
        turns = [(one.step_id, one.rollback) for one in self.steps]
        assert len(turns) == len(set(turns))
        assert len(self.writes) == len(set(self.writes))
        asked_for = {one.step_run for one in self.approvals if one.state is ApprovalState.USED}
        assert {number for number, _ in self.writes} <= asked_for

    @invariant()
    def nobody_is_asked_for_one_step_for_ever(self):
        for one in self.steps:
            assert len([each for each in self.approvals if each.step_run == one.number]) <= MOST_REQUESTS

    @invariant()
    def only_an_approved_request_is_acted_on(self):
        proposed = self.proposed()
        if isinstance(proposed, Act):
            assert proposed.approval.state is ApprovalState.APPROVED
            assert proposed.step_run.state is StepState.QUEUED

    @invariant()
    def a_write_that_was_made_is_never_passed_off_as_not_begun(self):
        for number, _ in self.writes:
            assert self.steps[number - 1].state not in {StepState.QUEUED, StepState.SKIPPED}

    def teardown(self):
        """Left alone, with nobody saying anything any more, the run ends, and not before its last write was looked at."""
        for _ in range(60):
            if self.finished is not None:
                break
            self.now += timedelta(minutes=10)
            self.executor("good")
        assert self.finished is not None
        assert self.finished.state in RUN_ENDS
        assert self.finished.why
        assert all(one.effect is Effect.READ or one.state is not StepState.RUNNING for one in self.steps)


TestFollowing = Following.TestCase
TestFollowing.settings = settings(max_examples=300, stateful_step_count=40, deadline=None, derandomize=True)
