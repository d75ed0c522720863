"""Which runbook an alert has, and its diagnostic steps with what their templates see."""

import re
from collections.abc import Sequence

from bot.agent.subject import Subject
from bot.core.parameters import read_parameters
from bot.core.policy import Effect
from bot.core.runbook import Runbook, Step, scope_of
from bot.ports import Templates


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


def diagnostic_steps(runbook: Runbook) -> tuple[Step, ...]:
    """The steps that only look and need nothing from a person: what the evidence is gathered with."""
    return tuple(step for step in runbook.steps if step.effect is Effect.READ and step.section == "Diagnosis")


def scope_for(subject: Subject, runbook: Runbook, templates: Templates, incident: str) -> dict[str, object]:
    """What the diagnostics' templates see; a parameter that only a person can give is left out."""
    scope = scope_of(
        labels=subject.labels,
        alert=subject.alert_names[0] if subject.alert_names else "",
        incident=incident,
        service=subject.service,
        environment=subject.environment,
    )
    given, _ = read_parameters(runbook, {}, lambda default: templates.fill({"default": default}, scope)["default"])
    return {**scope, "params": given}
