"""What the executor works with, and its house rules."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from bot.flows.acting.levels import AutonomyRules
from bot.ports import ActingTools, Approvers, Clock, Grants, RunbookSource, Store, Templates


def pass_by(_: str) -> None:
    """Go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPolicy:
    """From aiops.yaml."""

    expires_after: timedelta = timedelta(minutes=30)
    two_person: frozenset[str] = frozenset()
    """Environments in which a destructive step needs two different people."""
    threshold: float = 0.8
    """The calibrated confidence that an autonomous write needs."""
    call_timeout_s: float = 30.0
    look_every_s: float = 0.5
    """How often a call that is kept open looks whether its server's question was answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything that following a runbook needs."""

    store: Store
    tools: ActingTools
    templates: Templates
    grants: Grants
    approvers: Approvers
    runbooks: RunbookSource
    clock: Clock
    owner: str
    lease: timedelta
    autonomy: AutonomyRules
    policy: RunPolicy = RunPolicy()
    held: set[str] = field(default_factory=set[str])
    """The runs that this process is at."""
    reach: Callable[[str], None] = pass_by
    """Called at named points where a crash would hurt most; tests make it kill the process."""
