"""
Approvals: what a person says yes to, who may say it, and that it is said once.

People approve an envelope: runbook and its hash, step, tool, canonical arguments, targets, environment, requester,
reason, expiry. Its SHA-256 is shown, stored, compared at the verdict and compared again before anything runs.
"""

import enum
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import cast

from bot.core.elicitation import Form
from bot.core.policy import Effect

BOT = "aiops"
"""The requester of steps that the bot starts by itself."""

CLI = "cli:"
"""Before the requester of a run that was started on the command line: who that is was not proved to anybody."""

USE_WITHIN = timedelta(minutes=5)
"""How long a verdict may wait to be used, and the longest life of a grant."""


def asked_for_by(requester: str, user: str) -> bool:
    """Whether this person asked for it, by Slack's word or, on the command line, by their own."""
    return user in {requester, requester.removeprefix(CLI)}


def canonical_json(value: object) -> str:
    """One text per value: keys sorted, no white space, UTF-8 kept. Raises ValueError for NaN and infinities."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_of(value: object) -> str:
    """SHA-256 (hex) of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def no_longer(approved: object, fresh: object, name: str = "") -> str:
    """
    What of approved arguments the facts do not give any more, in a sentence; empty when all still stands.

    Every item of a list has to be among the fresh ones still; that there are more by now takes nothing from a yes to
    those that were shown. Everything else has to be equal.
    """
    was: object = approved
    would: object = fresh
    if isinstance(approved, Mapping) and isinstance(fresh, Mapping):
        before, now = cast("Mapping[str, object]", approved), cast("Mapping[str, object]", fresh)
        if before.keys() != now.keys():
            return f"{name or 'the arguments'}: other names"
        found = (no_longer(before[key], now[key], f"{name}.{key}" if name else key) for key in before)
        return next((one for one in found if one), "")
    if isinstance(approved, list) and isinstance(fresh, list):
        named = Counter(_text(one) for one in cast("list[object]", approved))
        gone = (named - Counter(_text(one) for one in cast("list[object]", fresh))).total()
        return f"{name}: {gone} of {named.total()} would not be chosen any more" if gone else ""
    return "" if _text(was) == _text(would) else f"{name} would be another"


def _text(value: object) -> str:
    """For comparing; what has no canonical JSON, such as NaN, equals nothing that was approved."""
    try:
        return canonical_json(value)
    except (TypeError, ValueError):
        return f"not JSON: {value!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing that a write touches. `id` is exact, `label` is for people."""

    id: str
    label: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What the call would do right now."""

    summary: str
    targets: tuple[Target, ...]
    reversible: bool
    runs_as: str
    risk: str = ""
    simulated: bool = True
    """False: the server cannot preview; the targets were read off the arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Exactly what is approved."""

    run: str
    runbook: str
    runbook_title: str
    runbook_sha256: str
    step: str
    step_title: str
    tool: str
    args: Mapping[str, object]
    effect: Effect
    targets: tuple[Target, ...]
    environment: str
    requester: str
    """A Slack user id, BOT, or after CLI the name of an account or the Slack user id that was typed there."""
    reason: str
    expires_at: datetime
    rollback: bool = False
    server: str = ""
    """The MCP server that gets the call; empty only in what was written before envelopes named it."""
    question: Form | None = None
    """Set when the server asks this in the middle of the call: then the verdict is an answer to it."""

    @property
    def sha256(self) -> str:
        """What people approve and what runs."""
        later: dict[str, object] = {"server": self.server} if self.server else {}
        if self.question is not None:
            later["question"] = asdict(self.question)
        return sha256_of(
            {
                **later,
                "run": self.run,
                "runbook": self.runbook,
                "runbook_sha256": self.runbook_sha256,
                "step": self.step,
                "tool": self.tool,
                "args": dict(self.args),
                "effect": self.effect,
                "targets": sorted(target.id for target in self.targets),
                "environment": self.environment,
                "requester": self.requester,
                "reason": self.reason,
                "expires_at": self.expires_at.isoformat(),
                "rollback": self.rollback,
            }
        )


class ApprovalState(enum.StrEnum):
    """The approval's machine; the same words and pairs stand in the schema."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    USED = "used"


_A = ApprovalState

APPROVAL_TRANSITIONS: frozenset[tuple[ApprovalState, ApprovalState]] = frozenset(
    {
        (_A.PENDING, _A.APPROVED),
        (_A.PENDING, _A.REJECTED),
        (_A.PENDING, _A.EXPIRED),
        (_A.PENDING, _A.SUPERSEDED),
        (_A.PENDING, _A.WITHDRAWN),
        (_A.APPROVED, _A.USED),
        (_A.APPROVED, _A.EXPIRED),
        (_A.APPROVED, _A.SUPERSEDED),
        (_A.APPROVED, _A.WITHDRAWN),
    }
)


class Verdict(enum.StrEnum):
    """What a person can say."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One person's yes."""

    user: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A request for a verdict. `id` is opaque and all that a button carries."""

    id: str
    incident_id: str
    run_id: str
    step_run: int
    """The number of the step run in its run."""
    envelope: Envelope
    sha256: str
    dry_run: DryRun
    state: ApprovalState
    needed: int
    """How many different people have to approve."""
    votes: tuple[Vote, ...]
    created_at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""
    """Why it was rejected, withdrawn, superseded or left to expire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """A person's attempt at a verdict."""

    user: str
    verdict: Verdict
    shown_sha256: str
    """The hash of what the person was shown; empty for a reject or a withdrawal."""
    reason: str = ""
    answer: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """What was entered into a server's form, by the field's place in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Whether the verdict counts; if not, the sentence for the person."""

    counts: bool
    why: str
    new_state: ApprovalState | None = None
    """None with `counts`: one of two yeses; the other is still missing."""


def unsound(approval: Approval, run: str) -> str:
    """
    Why an approval may not be acted on, whatever its state says; empty when it may.

    Its envelope must still hash to what people saw, be about this run, and carry enough different people's yes, the
    requester's not among them.
    """
    voters = {vote.user for vote in approval.votes}
    checks = (
        (approval.envelope.sha256 != approval.sha256, "what is kept of the request is not what was shown"),
        (run != approval.run_id or run != approval.envelope.run, "the request belongs to another run"),
        (
            any(asked_for_by(approval.envelope.requester, one) for one in voters),
            "the requester is among those who approved it",
        ),
        (len(voters) < approval.needed, f"{len(voters)} of {approval.needed} people approved it"),
    )
    return next((why for holds, why in checks if holds), "")


def judge(approval: Approval, say: Say, *, may_approve: bool, paused: bool, now: datetime) -> Judged:
    """Decide what a person's verdict does. `may_approve`: the person is in the approver group right now."""
    refused = _closed(approval, now) or _not_theirs(approval, say, may_approve=may_approve)
    if refused:
        return Judged(counts=False, why=refused)
    match say.verdict:
        case Verdict.REJECT:
            if not say.reason.strip():
                return Judged(counts=False, why="Say why it is rejected; the reason is kept with the incident.")
            return Judged(counts=True, why="Rejected. Nothing was changed.", new_state=ApprovalState.REJECTED)
        case Verdict.WITHDRAW:
            return Judged(counts=True, why="Withdrawn. Nothing was changed.", new_state=ApprovalState.WITHDRAWN)
        case Verdict.APPROVE:
            return _judge_yes(approval, say, paused=paused)


def _judge_yes(approval: Approval, say: Say, *, paused: bool) -> Judged:
    if paused:
        return Judged(counts=False, why="aiops is paused, so nothing can be approved. `/aiops resume` ends the pause.")
    if say.shown_sha256 != approval.sha256 or approval.envelope.sha256 != approval.sha256:
        return Judged(counts=False, why="This has changed since it was shown to you. Look at it again.")
    if any(vote.user == say.user for vote in approval.votes):
        return Judged(counts=False, why="You have approved this already; a second person has to as well.")
    if len(approval.votes) + 1 < approval.needed:
        return Judged(counts=True, why="Noted. A second person has to approve this as well.")
    return Judged(counts=True, why="Approved.", new_state=ApprovalState.APPROVED)


def _closed(approval: Approval, now: datetime) -> str:
    who = f" by <@{approval.decided_by}>" if approval.decided_by and approval.decided_by != BOT else ""
    match approval.state:
        case ApprovalState.PENDING:
            if now >= approval.envelope.expires_at:
                return "This request has expired. Nothing was run; start the runbook again if it is still wanted."
            return ""
        case ApprovalState.APPROVED | ApprovalState.USED:
            return f"This was approved{who} already; your press changed nothing."
        case ApprovalState.SUPERSEDED:
            return "This was replaced, because what it would touch has changed. Look at the newer request."
        case _:
            return f"This is closed already ({approval.state}{who}); your press changed nothing."


def _not_theirs(approval: Approval, say: Say, *, may_approve: bool) -> str:
    requester = approval.envelope.requester
    # Not running it is the safe direction, so whoever asked for it may say that too.
    if say.verdict in {Verdict.WITHDRAW, Verdict.REJECT} and requester != BOT and asked_for_by(requester, say.user):
        return ""
    if say.verdict is Verdict.APPROVE and asked_for_by(requester, say.user):
        return "You asked for this, so somebody else has to approve it."
    if not may_approve:
        where = approval.envelope.environment or "this environment"
        return f"You are not in the approver group for {where}. The people who are can press this."
    return ""
