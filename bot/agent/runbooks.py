"""Which runbook an alert has, and its diagnostic steps with their arguments filled in."""

import re
from collections.abc import Mapping, Sequence

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from bot.agent.subject import Subject
from bot.core.errors import ConfigError
from bot.core.runbook import Runbook, Step


def match_runbook(runbooks: Sequence[Runbook], alert_names: Sequence[str]) -> Runbook | None:
    """
    The runbook that names one of the alerts exactly; else one whose spelling differs only in case and separators.

    No guessing beyond that: "there is no runbook" is an answer.
    """
    for name in alert_names:
        exact = next((one for one in runbooks if name in one.alerts), None)
        if exact is not None:
            return exact
    folded = {_fold(name) for name in alert_names if _fold(name)}
    return next((one for one in runbooks if folded & {_fold(name) for name in (*one.alerts, one.id)}), None)


def _fold(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def read_steps(runbook: Runbook) -> tuple[Step, ...]:
    """The steps that only look."""
    return tuple(step for step in runbook.steps if step.effect == "read")


def render_args(step: Step, subject: Subject) -> dict[str, object]:
    """A step's arguments with the incident's values; raises ConfigError naming the step when a value is missing."""
    env = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    values: dict[str, object] = {
        **{key: value for key, value in subject.labels.items() if key.isidentifier()},
        "service": subject.service,
        "database": subject.labels.get("database") or subject.service,
        "environment": subject.environment,
        "labels": dict(subject.labels),
    }
    return {key: _render(env, value, values, step) for key, value in step.args.items()}


def _render(env: SandboxedEnvironment, value: object, values: Mapping[str, object], step: Step) -> object:
    if not isinstance(value, str):
        return value
    try:
        return env.from_string(value).render(values)
    except TemplateError as error:
        raise ConfigError(f"runbook step {step.id} (line {step.line}): {error}") from error
