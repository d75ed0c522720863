"""A runbook's parameters: what a person or an alert gives becomes a typed value within its bounds, or an error."""

import math
import re
from collections.abc import Callable, Mapping

from bot.core.errors import ConfigError, PayloadError
from bot.core.runbook import Parameter, ParameterKind, Runbook
from bot.core.text import clip

_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


def read_parameter(parameter: Parameter, raw: object) -> object:
    """The typed value. Raises PayloadError with a sentence for a person when it is not one or out of its bounds."""
    text = str(raw).strip()
    match parameter.kind:
        case ParameterKind.INTEGER | ParameterKind.NUMBER:
            return _number(parameter, text)
        case ParameterKind.BOOLEAN:
            if text.lower() not in _TRUTHS:
                raise PayloadError(f"{parameter.name}: say true or false, not {clip(text, 40)!r}")
            return _TRUTHS[text.lower()]
        case ParameterKind.CHOICE:
            if text not in parameter.choices:
                raise PayloadError(f"{parameter.name}: {clip(text, 40)!r} is not one of {', '.join(parameter.choices)}")
            return text
        case ParameterKind.STRING:
            if re.fullmatch(parameter.pattern, text) is None:
                raise PayloadError(f"{parameter.name}: {clip(text, 60)!r} does not match {parameter.pattern}")
            return text


def _number(parameter: Parameter, text: str) -> int | float:
    try:
        value = int(text) if parameter.kind is ParameterKind.INTEGER else float(text)
    except ValueError:
        what = "a whole number" if parameter.kind is ParameterKind.INTEGER else "a number"
        raise PayloadError(f"{parameter.name}: {clip(text, 40)!r} is not {what}") from None
    low = -math.inf if parameter.minimum is None else parameter.minimum
    high = math.inf if parameter.maximum is None else parameter.maximum
    # No infinity and no NaN passes the first test; a whole number may be too long to be a float.
    if not (-math.inf < value < math.inf and low <= value <= high):
        raise PayloadError(f"{parameter.name}: {clip(text, 40)} is not between {low:g} and {high:g}")
    return value


def read_parameters(
    runbook: Runbook, given: Mapping[str, object], default: Callable[[str], object]
) -> tuple[dict[str, object], dict[str, str]]:
    """
    Values by name, and the problems by name: a missing one, a bad one, one that the runbook does not have.

    `default` renders a default's template; its ConfigError means that there is no default here.
    """
    values: dict[str, object] = {}
    problems = {name: f"{name}: this runbook has no such parameter" for name in given if name not in _names(runbook)}
    for parameter in runbook.parameters:
        try:
            values[parameter.name] = read_parameter(parameter, _raw(parameter, given, default))
        except PayloadError as error:
            problems[parameter.name] = str(error)
    return values, problems


def _names(runbook: Runbook) -> frozenset[str]:
    return frozenset(one.name for one in runbook.parameters)


def _raw(parameter: Parameter, given: Mapping[str, object], default: Callable[[str], object]) -> object:
    if given.get(parameter.name) not in (None, ""):
        return given[parameter.name]
    if parameter.default is None:
        raise PayloadError(f"{parameter.name} is missing: {parameter.description}")
    try:
        found = default(parameter.default)
    except ConfigError as error:
        raise PayloadError(f"{parameter.name} is missing, and its default cannot be worked out: {error}") from error
    if found is None:
        raise PayloadError(f"{parameter.name} is missing, and its default `{parameter.default}` comes to nothing")
    return found
