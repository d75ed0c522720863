"""Following runbooks: rows, templates, grants, and who may say yes."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.approval import Approval, ApprovalState, DryRun, Envelope, Vote
from bot.core.elicitation import Elicitation, Question
from bot.core.execution import Run, RunState, StepRun, StepState
from bot.core.policy import Actor, Decision, Effect, Level, Pin, StepFacts
from bot.core.posts import Content
from bot.core.runbook import Runbook
from bot.ports.model import ToolResult


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run that is asked for."""

    incident_id: str
    runbook: Runbook
    requester: str
    reason: str
    environment: str
    level: Level
    confidence: float
    parameters: Mapping[str, object]
    scope: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """A run with its steps and approvals, oldest first."""

    run: Run
    step_runs: tuple[StepRun, ...]
    approvals: tuple[Approval, ...]
    incident_resolved: bool
    elicitations: tuple[Elicitation, ...] = ()
    """What servers asked in the middle of calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """The kill switch is on."""

    by: str
    reason: str
    at: datetime


class RunTransaction(Protocol):
    """The runs' part of a transaction."""

    async def add_run(self, new: NewRun, *, now: datetime) -> Run | None:
        """Plan a run; None when this runbook is being followed for this incident already."""
        ...

    async def claim_run(self, *, now: datetime, owner: str, lease: timedelta, held: Collection[str] = ()) -> Run | None:
        """Take one that is due: planned, or under way with nobody at it."""
        ...

    async def extend_run(self, run: Run, *, owner: str, until: datetime) -> None:
        """Raises LeaseLostError when the run is no longer ours."""
        ...

    async def change_run(
        self, run: Run, *, state: RunState, now: datetime, due_at: datetime | None = None, why: str = ""
    ) -> None:
        """
        Move the run; with `due_at` it is let go until then. Entering or leaving an end state is final.

        Raises LeaseLostError when another attempt has taken over.
        """
        ...

    async def run_detail(self, run_id: str) -> RunDetail:
        """Raises NotFoundError."""
        ...

    async def runs(self, *, limit: int, incident_id: str = "", only_open: bool = False) -> Sequence[Run]: ...

    async def count_runs(self, *, since: datetime) -> int: ...

    async def stop_run(self, run_id: str, *, user: str, now: datetime) -> bool:
        """Ask a run to stop before its next step; False when it is over already."""
        ...

    async def add_step_run(
        self,
        run: Run,
        *,
        step_id: str,
        rollback: bool,
        effect: Effect,
        state: StepState,
        args: Mapping[str, object],
        now: datetime,
        why: str = "",
    ) -> StepRun: ...

    async def change_step_run(
        self,
        step_run: StepRun,
        *,
        state: StepState,
        now: datetime,
        args: Mapping[str, object] | None = None,
        result: Mapping[str, object] | None = None,
        called: bool = False,
        why: str | None = None,
        check: str | None = None,
    ) -> None:
        """
        Move a step run by compare-and-set on the state it was read with; `called` notes that its answer is stored.

        Raises ConflictError when somebody else moved it.
        """
        ...

    async def add_approval(
        self,
        approval_id: str,
        *,
        run: Run,
        step_run: StepRun,
        envelope: Envelope,
        dry_run: DryRun,
        needed: int,
        now: datetime,
    ) -> Approval: ...

    async def approval(self, approval_id: str) -> Approval:
        """Locked until the transaction ends: one verdict at a time. Raises NotFoundError."""
        ...

    async def settle_approval(
        self,
        approval: Approval,
        *,
        state: ApprovalState,
        by: str,
        reason: str,
        votes: Sequence[Vote],
        now: datetime,
    ) -> None:
        """Compare-and-set from the state it was read with. Raises ConflictError when somebody was first."""
        ...

    async def add_elicitation(
        self, approval: Approval, *, held: bool, request_state: str | None, keys: Sequence[str]
    ) -> None:
        """Note that an approval answers a server; with `held` the call can be taken up by anybody."""
        ...

    async def elicitation(self, approval_id: str) -> Elicitation:
        """Raises NotFoundError."""
        ...

    async def answer_elicitation(self, approval_id: str, answer: Mapping[str, Mapping[str, object]]) -> None:
        """Keep what an approver entered."""
        ...

    async def tell_elicitation(self, approval_id: str, told: str, *, now: datetime) -> None:
        """Note what the server is told, before it is. Raises ConflictError when it has been told already."""
        ...

    async def pending_approvals(self) -> Sequence[Approval]: ...
    async def due_approvals(self, *, now: datetime) -> Sequence[Approval]:
        """Pending ones that are past their time, locked."""
        ...

    async def wake_run(self, run_id: str, *, now: datetime) -> None:
        """Something changed for this run: look at it now."""
        ...

    async def wake_runs_of_resolved(self, *, now: datetime) -> None:
        """Look now at the runs that wait although their incident is over and nothing was changed."""
        ...

    async def announced(self, operation: str) -> bool: ...

    async def announce(
        self, operation: str, content: Content, *, channel: str, now: datetime, thread_ts: str | None = None
    ) -> bool:
        """
        A message to a channel, or into a thread of it, that belongs to no incident.

        Said once however often it is asked for: False when it was before.
        """
        ...

    async def move_incident(self, incident_id: str, state: str) -> None:
        """Where the transition table allows it; else the incident stays as it is."""
        ...

    async def paused(self, *, hold: bool = False) -> Pause | None:
        """The kill switch; with `hold` nobody can turn it until this transaction has ended."""
        ...

    async def set_pause(self, *, paused: bool, user: str, reason: str, now: datetime) -> bool:
        """False when it was so already."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """
    With what right the executor makes a call that is written down as begun.

    The transaction that wrote it down held the kill switch and saw it off; a pause that comes later is too late for it.
    """

    step: StepFacts | None
    environment: str
    grant: str = ""
    server: str = ""
    """The server that the approval names; the call goes to no other."""
    about: str = ""
    """The run that the call is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The server wants to know something before it goes on with a call."""

    server: str
    tool: str
    questions: tuple[Question, ...]
    request_state: str | None = None
    """What it wants back when the call is taken up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a server is told: accept, decline or cancel; with accept, the entered values by request."""

    action: str
    content: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A call that its server holds is taken up."""

    told: Told
    request_state: str | None


Answering = Callable[[Asked], Awaitable[Told]]
"""Finds out what a server is told while the call stays open."""


class Pins(Protocol):
    """Tools as a person accepted them."""

    async def compare(
        self,
        server: str,
        tools: Mapping[str, tuple[str, Mapping[str, object]]],
        rivals: Mapping[str, Sequence[str]],
    ) -> Mapping[str, Pin]:
        """
        Hash and description by tool name, against what was accepted.

        A tool seen for the first time is accepted, unless one of its `rivals` (other servers that may offer it) has it.
        """
        ...


class ActingTools(Protocol):
    """The executor's side of the tools."""

    async def call(
        self,
        name: str,
        args: Mapping[str, object],
        *,
        timeout_s: float,
        actor: Actor = Actor.TRIAGE_AGENT,
        beside: str = "",
        about: str = "",
    ) -> ToolResult:
        """Call one read tool; with `beside`, on the server that has that tool. `about`: the run that it is for."""
        ...

    async def rule(self, name: str, *, step: StepFacts, environment: str, paused: bool, timeout_s: float) -> Decision:
        """What the gate says about this call. Raises ToolUnavailableError when no server has the tool."""
        ...

    async def act(
        self,
        name: str,
        args: Mapping[str, object],
        permit: Permit,
        *,
        timeout_s: float,
        answering: Answering,
        resumed: Resumed | None = None,
    ) -> ToolResult | Asked:
        """
        Make one call, once, or take up one that its server holds.

        A server that asks something ends the call with Asked, or, where its protocol knows only open calls, waits for
        `answering`; the time limit stands still meanwhile. Raises ToolDeniedError when the gate or the server refused (nothing was changed), ToolUnavailableError when it
        is not known whether the call was carried out, ToolError with the server's words when the tool failed.
        """
        ...

    async def home(self, name: str, *, timeout_s: float) -> str:
        """The server that gets calls of this tool. Raises ToolDeniedError when several offer it."""
        ...

    async def environment(self, name: str, *, timeout_s: float) -> str:
        """To which environment that server belongs, by aiops.yaml; empty: it is not said. Raises as `home`."""
        ...

    async def offers(self, name: str, beside: str, *, timeout_s: float) -> bool:
        """Whether the server that has the tool `beside` has `name` as well."""
        ...


class Templates(Protocol):
    """Arguments and conditions of runbooks: sandboxed, strict, with bounded output."""

    def fill(self, args: Mapping[str, object], scope: Mapping[str, object]) -> Mapping[str, object]:
        """Render every text in the arguments; a value that is one expression alone keeps its type. Raises ConfigError."""
        ...

    def holds(self, expression: str, scope: Mapping[str, object]) -> bool:
        """Whether a condition is true. Raises ConfigError when it cannot be worked out."""
        ...

    def value(self, expression: str, scope: Mapping[str, object]) -> object:
        """What an expression comes to. Raises ConfigError."""
        ...


class Grants(Protocol):
    """Short-lived signed permissions for one exact call."""

    @property
    def available(self) -> bool:
        """False without AIOPS_APPROVAL_KEY: then nothing that needs a grant can run."""
        ...

    def mint(
        self,
        *,
        server: str,
        tool: str,
        args: Mapping[str, object],
        run: str,
        step: str,
        approver: str,
        now: datetime,
    ) -> str:
        """Sign one, for that server alone. Raises ConfigError without a key."""
        ...


class Approvers(Protocol):
    """Who may approve, asked of Slack every time."""

    async def may_approve(self, user: str, environment: str) -> bool:
        """Raises ChatUnavailableError when the group cannot be looked up; then nobody may."""
        ...

    def configured(self, environment: str) -> Sequence[str]:
        """
        User and group ids for an environment; empty: nobody can approve.

        Those of `default` for an environment that is not named, but only where no environment is.
        """
        ...

    def environments(self) -> frozenset[str]:
        """Those with a list of their own, `default` aside."""
        ...


class RunbookSource(Protocol):
    """Reads the runbook that a run has kept."""

    def parse(self, source: str, path: str) -> Runbook:
        """Raises ConfigError."""
        ...
