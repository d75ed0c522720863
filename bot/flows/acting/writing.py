"""What a write step, or its rollback, would call: arguments, bounds, the gate's facts, the dry run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from bot.core.approval import BOT, CLI, DryRun, Envelope, Target
from bot.core.errors import ConfigError, ToolError
from bot.core.execution import Run, StepRun, StepState
from bot.core.policy import DEFAULT_ENVIRONMENT, Actor, Decision, Effect, StepFacts, place_of
from bot.core.redaction import placeholders, redact, redact_all
from bot.core.runbook import PostCondition, Runbook, Step, fields_read
from bot.core.text import clip, plural
from bot.flows.acting.desk import Desk
from bot.ports import RunDetail

PREVIEW = "preview_write"
_MOST_RESULT_TEXT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """One write: a step's own, or the one that takes it back."""

    step_id: str
    title: str
    tool: str
    template: Mapping[str, object]
    effect: Effect
    expect: PostCondition | None
    bounds: tuple[str, ...]
    targets: str
    max_targets: int | None
    rollback: bool
    reversible: bool


def writing_of(step: Step, runbook: Runbook, *, rollback: bool) -> Writing:
    """The write behind a step run."""
    most = [one for one in (step.max_targets, runbook.limits.max_targets) if one is not None]
    if rollback:
        if step.rollback is None:
            raise ConfigError(f"step {step.id} of {runbook.id} has no rollback")
        return Writing(
            step_id=step.id,
            title=step.rollback.title,
            tool=step.rollback.tool,
            template=step.rollback.args,
            effect=step.rollback.effect,
            expect=step.rollback.expect,
            bounds=(),
            targets=step.targets,
            max_targets=min(most, default=None),
            rollback=True,
            reversible=False,
        )
    return Writing(
        step_id=step.id,
        title=step.title,
        tool=step.tool,
        template=step.args,
        effect=step.effect,
        expect=step.expect,
        bounds=step.bounds,
        targets=step.targets,
        max_targets=min(most, default=None),
        rollback=False,
        reversible=step.rollback is not None,
    )


def results_of(step_runs: Sequence[StepRun]) -> dict[str, object]:
    """What the steps answered so far, by step id."""
    return {
        one.step_id: dict(one.result)
        for one in step_runs
        if one.result is not None and not one.rollback and one.state is not StepState.SKIPPED
    }


def scope_of_run(run: Run, step_runs: Sequence[StepRun]) -> dict[str, object]:
    """What templates see at this point of a run."""
    return {**run.scope, "params": dict(run.parameters), "steps": results_of(step_runs)}


async def look_anew(detail: RunDetail, runbook: Runbook, desk: Desk) -> dict[int, Mapping[str, object]]:
    """What the reads of a run answer now, by the number of their step run. Raises ToolError."""
    fresh: dict[int, Mapping[str, object]] = {}
    for one in detail.step_runs:
        step = runbook.step(one.step_id)
        if step is not None and one.effect is Effect.READ and one.state is StepState.SUCCEEDED:
            answer = await desk.tools.call(
                step.tool, one.args, timeout_s=desk.policy.call_timeout_s, actor=Actor.EXECUTOR, about=one.run_id
            )
            fresh[one.number] = dict(answer.structured)
    return fresh


def facts_of(writing: Writing, run: Run, runbook: Runbook, desk: Desk, *, approved: bool) -> StepFacts:
    """The gate's view of the step."""
    return StepFacts(
        runbook=runbook.id,
        step=writing.step_id,
        tool=writing.tool,
        effect=writing.effect,
        ai_executable=runbook.ai_executable,
        environments=frozenset(runbook.environments),
        level=run.level,
        confidence=run.confidence,
        threshold=desk.policy.threshold,
        requested_by_person=run.requester != BOT,
        approved=approved,
        told_apart=bool((desk.approvers.environments() | desk.policy.two_person) - {DEFAULT_ENVIRONMENT}),
    )


async def place_of_write(writing: Writing, run: Run, desk: Desk) -> str:
    """The environment in which a write would happen: that of the server that would get it. Raises ToolError."""
    server = await desk.tools.environment(writing.tool, timeout_s=desk.policy.call_timeout_s)
    return place_of(run.environment, server)


def people_needed(envelope: Envelope, desk: Desk) -> int:
    """
    How many different people have to approve; an environment without approvers of its own follows `default`.

    Two for what was started on the command line: one of them is somebody else than whoever sat there.
    """
    if envelope.requester.startswith(CLI):
        return 2
    environment = envelope.environment
    own = environment in desk.approvers.environments() or environment in desk.policy.two_person
    rule = environment if own else DEFAULT_ENVIRONMENT
    return 2 if envelope.effect is Effect.DESTRUCTIVE and rule in desk.policy.two_person else 1


async def ask_gate(writing: Writing, run: Run, runbook: Runbook, desk: Desk, *, approved: bool) -> Decision:
    """What the gate says to this write now, by the kill switch as it is now."""
    async with desk.store.transaction() as tx:
        pause = await tx.paused()
    return await desk.tools.rule(
        writing.tool,
        step=facts_of(writing, run, runbook, desk, approved=approved),
        environment=run.environment,
        paused=pause is not None,
        timeout_s=desk.policy.call_timeout_s,
    )


def kept(answer: Mapping[str, object], runbook: Runbook) -> Mapping[str, object]:
    """
    What is kept of a read's answer: without secrets, save in the fields that the runbook's templates name.

    Those are identifiers for later calls, and a placeholder would name something else.
    """
    return cast("Mapping[str, object]", redact_all(answer, exact=fields_read(runbook)))


def fill_exactly(template: Mapping[str, object], scope: Mapping[str, object], desk: Desk) -> Mapping[str, object]:
    """Arguments of a call. Raises ConfigError also when a secret that was not kept would have to be in them."""
    args = desk.templates.fill(template, scope)
    gone = placeholders(args) & placeholders(scope.get("steps"))
    if gone:
        raise ConfigError(
            f"the arguments would hold {', '.join(sorted(gone))} in place of a secret that is not kept; name the fields "
            'that the call needs, as in `map("pick", "id")`'
        )
    return args


def fill(writing: Writing, scope: Mapping[str, object], desk: Desk) -> Mapping[str, object]:
    """The exact arguments, inside the step's bounds. Raises ConfigError that names the bound."""
    args = fill_exactly(writing.template, scope, desk)
    check_bounds(writing, args, scope, desk)
    return args


def check_bounds(writing: Writing, args: Mapping[str, object], scope: Mapping[str, object], desk: Desk) -> None:
    """Raises ConfigError that names the bound."""
    for bound in writing.bounds:
        if not desk.templates.holds(bound, {**scope, "args": dict(args)}):
            raise ConfigError(f"the arguments are outside the bound `{bound}`, so the tool is not called")


async def dry_run(
    writing: Writing, args: Mapping[str, object], scope: Mapping[str, object], run: Run, desk: Desk
) -> DryRun:
    """
    What the call would do now, on exactly which targets.

    The server's own preview where it has one; else the targets are read off the arguments. Raises ToolError,
    ConfigError when the targets cannot be told or are too many.
    """
    timeout_s = desk.policy.call_timeout_s
    if await desk.tools.offers(PREVIEW, writing.tool, timeout_s=timeout_s):
        asked = {"tool": writing.tool, "arguments": dict(args)}
        # Of the server that would make the call: another one's view of the same arguments proves nothing.
        answer = await desk.tools.call(
            PREVIEW, asked, timeout_s=timeout_s, actor=Actor.EXECUTOR, beside=writing.tool, about=run.id
        )
        found = _read_preview(answer.structured, writing)
    else:
        found = _read_off(writing, args, scope, desk)
    if writing.max_targets is not None and len(found.targets) > writing.max_targets:
        raise ConfigError(
            f"it would touch {plural(len(found.targets), 'target')}; at most {writing.max_targets} are allowed"
        )
    return found


def _read_preview(answer: Mapping[str, object], writing: Writing) -> DryRun:
    targets = answer.get("targets")
    if not isinstance(targets, list):
        raise ToolError(f"{PREVIEW} of {writing.tool} answered without a list of targets")
    return DryRun(
        summary=clip(redact(str(answer.get("summary", ""))), _MOST_RESULT_TEXT),
        targets=tuple(_target(one, writing) for one in cast("list[object]", targets)),
        reversible=writing.reversible and answer.get("reversible") is not False,
        runs_as=clip(redact(str(answer.get("runs_as", ""))), 120),
        risk=clip(redact(str(answer.get("risk", ""))), _MOST_RESULT_TEXT),
    )


def _target(one: object, writing: Writing) -> Target:
    if not isinstance(one, dict) or not isinstance(cast("dict[str, object]", one).get("id"), str):
        raise ToolError(f"{PREVIEW} of {writing.tool} answered with a target that has no id")
    fields = cast("dict[str, object]", one)
    return Target(
        id=str(fields["id"]),
        # The id stays exact, because it is compared; what people read of it is not.
        label=clip(redact(str(fields.get("label") or fields["id"])), 200),
        detail=clip(redact(str(fields.get("detail", ""))), 200),
    )


def _read_off(writing: Writing, args: Mapping[str, object], scope: Mapping[str, object], desk: Desk) -> DryRun:
    if not writing.targets:
        raise ConfigError(
            f"the server of {writing.tool} cannot preview, and the step has no `targets:` expression, so what it would "
            "touch is not known"
        )
    named = desk.templates.value(writing.targets, {**scope, "args": dict(args)})
    if not isinstance(named, list):
        raise ConfigError(f"`targets:` of step {writing.step_id} is not a list")
    return DryRun(
        summary=f"{writing.tool} on {plural(len(cast('list[object]', named)), 'target')}",
        targets=tuple(Target(id=str(one), label=clip(redact(str(one)), 200)) for one in cast("list[object]", named)),
        reversible=writing.reversible,
        runs_as="",
        simulated=False,
    )
