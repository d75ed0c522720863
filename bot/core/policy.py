"""
The gate: decides every tool call of every agent. Pure, deny by default, and there is no second one.

A call is a read, a write or destructive by *our* configuration, by exact name. Reads are allowed. Everything else needs
an AI-executable runbook's step that names the tool, an alert class above `advisory`, a running bot (not paused) and,
but for one earned exception, a person. A destructive call needs a person at every level; nothing here removes that.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

DEFAULT_ENVIRONMENT = "default"
"""The environment of what names none."""


class Effect(enum.StrEnum):
    """What calling a tool may do to the world."""

    READ = "read"
    WRITE = "write"
    DESTRUCTIVE = "destructive"


class Level(enum.StrEnum):
    """How far the bot may go for one class of alert."""

    ADVISORY = "advisory"
    APPROVED = "approved"
    AUTONOMOUS = "autonomous"


class Actor(enum.StrEnum):
    """Who wants the call. The two agents are models; the executor follows a runbook that people wrote."""

    TRIAGE_AGENT = "triage agent"
    CHAT_AGENT = "chat agent"
    EXECUTOR = "executor"


class Pin(enum.StrEnum):
    """A tool's name, schema and description against what a person accepted."""

    MATCHES = "matches"
    CHANGED = "changed"
    TAKEN = "taken"
    """Another configured server had this tool first, and nobody has said that it may come from here."""


class Ruling(enum.StrEnum):
    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """The runbook step on whose behalf the executor calls."""

    runbook: str
    step: str
    tool: str
    effect: Effect
    ai_executable: bool
    environments: frozenset[str]
    level: Level
    """The alert class's level, as configured and as earned, whichever is lower."""
    confidence: float
    threshold: float
    requested_by_person: bool
    approved: bool
    """A person's verdict on exactly this call stands: same arguments, same targets, not expired."""
    told_apart: bool
    """By environment, aiops.yaml has other approvers, or asks for two people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked of the gate."""

    tool: str
    effect: Effect | None
    """From our configuration; None: not listed."""
    actor: Actor
    pin: Pin
    paused: bool
    """The kill switch is on."""
    environment: str
    """What the alert says, and an alert can say anything; see `place_of`."""
    step: StepFacts | None = None
    server: str = ""
    """The MCP server that would get the call."""
    server_environment: str = ""
    """The environment that our configuration says it belongs to; empty: it does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The gate's answer, with a reason that a person understands."""

    ruling: Ruling
    reason: str
    waits: bool = False
    """Denied for as long as the pause lasts, and for nothing else."""


def decide(call: Call) -> Decision:
    """Allow, ask or deny one tool call."""
    refused = _first(_refusals_of_tool(call))
    if not refused and call.effect is Effect.READ:
        return Decision(ruling=Ruling.ALLOW, reason="it only reads")
    refused = refused or _first(_refusals_of_caller(call))
    if refused or call.step is None:
        return Decision(ruling=Ruling.DENY, reason=refused)
    return _decide_step(call, call.step)


def _decide_step(call: Call, step: StepFacts) -> Decision:
    refused = _first(_refusals_of_step(call, step))
    if refused:
        return Decision(ruling=Ruling.DENY, reason=refused)
    if call.paused:
        return Decision(
            ruling=Ruling.DENY, reason="aiops is paused; `/aiops resume` lets writes start again", waits=True
        )
    if step.approved:
        return Decision(ruling=Ruling.ALLOW, reason="a person approved exactly this call")
    reason = _first(_reasons_to_ask(call, step))
    if reason:
        return Decision(ruling=Ruling.ASK, reason=reason)
    earned = f"pre-approved: not destructive, autonomy earned, confidence {step.confidence:.0%}"
    return Decision(ruling=Ruling.ALLOW, reason=earned)


Checks = Sequence[tuple[bool, str]]
"""Pairs of a condition and what it means; the first that is true counts."""


def _first(checks: Checks) -> str:
    return next((reason for holds, reason in checks if holds), "")


def _refusals_of_tool(call: Call) -> Checks:
    tool = call.tool
    return (
        (call.effect is None, f"{tool} is not listed under `tools:` in aiops.yaml, and what is not listed is denied"),
        (
            call.pin is Pin.CHANGED,
            f"{tool} changed since it was accepted (schema or description); `aiops doctor` shows the difference",
        ),
        (
            call.pin is Pin.TAKEN,
            f"{tool} was accepted from another server before; `mcpServers.<name>.tools` in aiops.yaml says whose it is",
        ),
    )


def _refusals_of_caller(call: Call) -> Checks:
    return (
        (call.actor is not Actor.EXECUTOR, f"the {call.actor} may only read; {call.tool} is {call.effect}"),
        (call.step is None, f"{call.tool} is {call.effect} and no runbook step names it"),
    )


def place_of(said: str, server: str) -> str:
    """The environment of a call: the one that its server belongs to, or, where that is not configured, what was said."""
    return server or said


def approvers_of(approvers: Mapping[str, Sequence[str]], environment: str) -> Sequence[str]:
    """
    Who may approve in an environment; nobody when it is empty.

    One that is not named has the approvers of `default` only where no environment is named: else a misspelt
    `production` would be in the hands of whoever may approve the least.
    """
    named = set(approvers) - {DEFAULT_ENVIRONMENT}
    if environment not in {"", DEFAULT_ENVIRONMENT} and named:
        return approvers.get(environment, ())
    return approvers.get(DEFAULT_ENVIRONMENT, ())


def _refusals_of_step(call: Call, step: StepFacts) -> Checks:
    """Why this step may not be run at all."""
    where = f"step {step.step} of {step.runbook}"
    known = ", ".join(sorted(step.environments)) or "none"
    said, home = call.environment, call.server_environment
    place, server = place_of(said, home), call.server or "its server"
    return (
        (step.tool != call.tool, f"{where} names {step.tool}, not {call.tool}"),
        (step.effect is not call.effect, f"{where} calls it {step.effect}, but {call.tool} is {call.effect}"),
        (not step.ai_executable, f"the runbook {step.runbook} is not AI-executable"),
        (
            bool(home) and said not in {"", DEFAULT_ENVIRONMENT, home},
            f"this run is for the environment {said}, but {call.tool} goes to {server}, which belongs to {home}",
        ),
        (
            step.told_apart and not home,
            f"who approves depends on the environment, and `mcpServers.{server}.environment` in aiops.yaml is not set",
        ),
        (
            place not in step.environments,
            f"the runbook {step.runbook} is not for the environment {place or 'unknown'} (it is for: {known})",
        ),
        (
            step.level not in {Level.APPROVED, Level.AUTONOMOUS},
            f"this class of alert is at the level {step.level}, so the bot only reads (see `autonomy:` in aiops.yaml)",
        ),
    )


def _reasons_to_ask(call: Call, step: StepFacts) -> Checks:
    return (
        (
            call.effect is not Effect.WRITE,
            "it is destructive, and a destructive step needs a person at every level",
        ),
        (
            step.level is not Level.AUTONOMOUS,
            f"it changes something, and this class of alert is at the level {step.level}",
        ),
        (step.requested_by_person, "a person started this run, so another person approves what it changes"),
        (
            # Said this way round, so that a confidence or a threshold that is no number asks too.
            not 0 <= step.threshold <= step.confidence <= 1,
            f"the confidence of {step.confidence:.0%} is not at least the {step.threshold:.0%} that autonomy needs",
        ),
    )


_ORDER = (Level.ADVISORY, Level.APPROVED, Level.AUTONOMOUS)


def lowest(levels: Iterable[Level]) -> Level:
    """The most careful of some levels; advisory when there are none."""
    return min(levels, key=_ORDER.index, default=Level.ADVISORY)


def level_of(names: Sequence[str], *, default: Level, classes: Mapping[str, Level], earned: Level) -> Level:
    """The level of an incident: the most careful of its alert classes, and never above what was earned."""
    return lowest([earned, *(classes.get(name, default) for name in names or ("",))])


def stricter(ours: Effect, *, says_it_writes: bool, says_it_destroys: bool) -> Effect:
    """Our effect, made stricter by what the server says of its tool, never milder."""
    if says_it_destroys:
        return Effect.DESTRUCTIVE
    if says_it_writes and ours is Effect.READ:
        return Effect.WRITE
    return ours
