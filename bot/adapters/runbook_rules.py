"""What a runbook has to satisfy beyond its shape: known tools, honest effects, bounds, post-conditions, expressions."""

from collections.abc import Iterator, Mapping
from typing import cast

from bot.adapters.files import nearest
from bot.adapters.templates import JinjaTemplates, Known
from bot.core.policy import Effect
from bot.core.runbook import SCOPE_NAMES, PostCondition, Rollback, Runbook, Step


def check_runbook(runbook: Runbook, effects: Mapping[str, Effect] | None) -> list[str]:
    """Every problem as `file:line: sentence`; `effects` is None where the list of tools is not known."""
    problems = [*_front_problems(runbook)]
    earlier: set[str] = set()
    for step in runbook.steps:
        problems += [
            f"{runbook.path}:{step.line}: step {step.id}: {one}"
            for one in _step_problems(runbook, step, earlier, effects)
        ]
        earlier.add(step.id)
    return problems


def _front_problems(runbook: Runbook) -> Iterator[str]:
    where = f"{runbook.path}:2"
    if runbook.ai_executable and runbook.writes and not runbook.environments:
        yield f"{where}: an AI-executable runbook with writing steps must name its environments"
    templates, known = JinjaTemplates(), Known(names=SCOPE_NAMES - {"steps", "params"})
    for parameter in runbook.parameters:
        wrong = templates.check(parameter.default or "", known, expression=False)
        if wrong:
            yield f"{where}: parameter {parameter.name}: default: {wrong}"


def _step_problems(
    runbook: Runbook, step: Step, earlier: set[str], effects: Mapping[str, Effect] | None
) -> Iterator[str]:
    yield from _tool_problems(step.tool, step.effect, effects)
    yield from _place_problems(step)
    if step.effect is not Effect.READ:
        yield from _write_problems(runbook, step)
    elif step.rollback is not None or step.expect is not None or step.max_targets is not None:
        yield "a read step has no expect, rollback or max_targets"
    for check in (step.expect, step.rollback.expect if step.rollback else None):
        if check is not None:
            yield from _tool_problems(check.tool, Effect.READ, effects)
    if step.rollback is not None:
        yield from _tool_problems(step.rollback.tool, step.rollback.effect, effects)
    yield from _expression_problems(runbook, step, earlier)


def _tool_problems(tool: str, effect: Effect, effects: Mapping[str, Effect] | None) -> Iterator[str]:
    if effects is None:
        return
    listed = effects.get(tool)
    if listed is None:
        yield f"the tool {tool!r} is not listed; {nearest(tool, sorted(effects))}"
    elif listed != effect:
        yield f"the tool {tool} is {listed}, but the step says {effect}"


def _place_problems(step: Step) -> Iterator[str]:
    if step.section == "Diagnosis" and step.effect is not Effect.READ:
        yield "a step of Diagnosis only reads; a step that changes something belongs under Mitigation"
    if step.section in {"Meaning", "Impact", "Verify"}:
        yield f"steps stand under Diagnosis or Mitigation, not under {step.section}"
    if step.optional and step.effect is not Effect.READ:
        yield "only a step that reads can be optional; the run does not go on past a change that failed"
    if step.signatures and step.effect is not Effect.READ:
        yield "only a diagnostic step carries cause signatures"


def _write_problems(runbook: Runbook, step: Step) -> Iterator[str]:
    if step.expect is None:
        yield "a step that changes something needs `expect:`, the post-condition that proves it worked"
    if step.max_targets is None and runbook.limits.max_targets is None:
        yield "its targets are unbounded; set `max_targets:` here or under `limits:`"
    if step.rollback is not None and step.rollback.effect is Effect.READ:
        yield "a rollback changes something, so its effect is write or destructive"
    if step.rollback is not None and step.rollback.expect is None:
        yield "a rollback needs `expect:` too"


def _expression_problems(runbook: Runbook, step: Step, earlier: set[str]) -> Iterator[str]:
    templates = JinjaTemplates()
    for what, text, known, expression in (*_expressions(runbook, step, earlier), *_arguments(runbook, step, earlier)):
        wrong = templates.check(text, known, expression=expression)
        if wrong:
            yield f"{what}: {wrong}"


def _known(runbook: Runbook, steps: set[str]) -> Known:
    parameters = frozenset(one.name for one in runbook.parameters)
    return Known(names=SCOPE_NAMES, parameters=parameters, steps=frozenset(steps))


def _expressions(runbook: Runbook, step: Step, earlier: set[str]) -> Iterator[tuple[str, str, Known, bool]]:
    before, after = _known(runbook, earlier), _known(runbook, earlier | {step.id})
    if step.when:
        yield "when", step.when, before, True
    for bound in step.bounds:
        yield "bounds", bound, _with(before, "args"), True
    if step.targets:
        yield "targets", step.targets, _with(before, "args"), True
    for signature in step.signatures:
        yield "signatures", signature.when, _with(after, "result"), True
    for check in _checks(step):
        yield "expect", check.that, _with(after, "result"), True


def _arguments(runbook: Runbook, step: Step, earlier: set[str]) -> Iterator[tuple[str, str, Known, bool]]:
    before, after = _known(runbook, earlier), _known(runbook, earlier | {step.id})
    for text in _texts(step.args):
        yield "args", text, before, False
    for check in _checks(step):
        for text in _texts(check.args):
            yield "expect.args", text, after, False
    if step.rollback is not None:
        for text in _texts(step.rollback.args):
            yield "rollback.args", text, after, False


def _with(known: Known, name: str) -> Known:
    return Known(names=known.names | {name}, parameters=known.parameters, steps=known.steps)


def _checks(step: Step) -> list[PostCondition]:
    rollback: Rollback | None = step.rollback
    return [one for one in (step.expect, rollback.expect if rollback else None) if one is not None]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in cast("Mapping[str, object]", value).values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in cast("list[object]", value):
            yield from _texts(one)
