"""The format of a runbook file: front matter, known sections, and fenced `step` blocks inside the prose."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from bot.adapters.files import nearest, parse_yaml, split_front_matter
from bot.adapters.runbook_rules import check_runbook
from bot.core.errors import ConfigError
from bot.core.hypothesis import CauseClass
from bot.core.policy import Effect
from bot.core.runbook import (
    Limits,
    Parameter,
    ParameterKind,
    PostCondition,
    Rollback,
    Runbook,
    Signature,
    Step,
)

T = TypeVar("T")

SECTIONS = ("Meaning", "Impact", "Diagnosis", "Mitigation", "Verify")
_HEADING = re.compile(r"^## +(.+?)\s*$")
_STEP_OPEN = re.compile(r"^```step\s*$")
_DURATION = re.compile(r"^(\d+(?:\.\d+)?)\s*(s|m|h)?$")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


def _seconds(value: object) -> object:
    """`90`, `90s`, `15m` or `1h`."""
    found = _DURATION.match(str(value).strip())
    if found is None:
        raise ValueError(f"{value!r} is not a duration such as 90s, 15m or 1h")
    return float(found[1]) * _UNITS[found[2]]


Duration = Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=24 * 3600)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Parameter(_Strict):
    type: ParameterKind
    description: str = Field(min_length=1, max_length=150)
    default: str | int | float | bool | None = None
    min: float | None = None
    max: float | None = None
    pattern: str = ""
    choices: tuple[str, ...] = ()

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{value!r} is not a regular expression: {error}") from error
        return value

    @model_validator(mode="after")
    def _bounded(self) -> "_Parameter":
        numeric = self.type in {ParameterKind.INTEGER, ParameterKind.NUMBER}
        if numeric and (self.min is None or self.max is None):
            raise ValueError("a number needs min and max")
        if self.type is ParameterKind.CHOICE and not self.choices:
            raise ValueError("a choice needs choices")
        if self.type is ParameterKind.STRING and not self.pattern:
            raise ValueError("a string needs a pattern that its whole text must match")
        return self


class _Limits(_Strict):
    max_steps: Annotated[int, Field(ge=1, le=100)] = 20
    max_duration: Duration = 900.0
    max_targets: Annotated[int, Field(ge=1, le=1000)] | None = None


class _FrontMatter(_Strict):
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=80)
    title: str = Field(min_length=1, max_length=120)
    alerts: list[str] = Field(min_length=1)
    severity: str
    owner: str
    reviewed: str
    ai_executable: bool
    environments: tuple[str, ...] = ()
    parameters: dict[Name, _Parameter] = Field(default_factory=dict)
    limits: _Limits = _Limits()

    @field_validator("reviewed", mode="before")
    @classmethod
    def _date_as_text(cls, value: object) -> str:
        return str(value)


class _PostCondition(_Strict):
    tool: str = Field(min_length=1)
    args: dict[str, object] = Field(default_factory=dict)
    that: str = Field(min_length=1)
    title: str = Field(default="", max_length=150)
    within: Duration = 60.0
    every: Duration = 2.0


class _Rollback(_Strict):
    title: str = Field(min_length=1, max_length=120)
    tool: str = Field(min_length=1)
    args: dict[str, object] = Field(default_factory=dict)
    effect: Effect
    expect: _PostCondition | None = None


class _Signature(_Strict):
    when: str = Field(min_length=1)
    cause: str = Field(min_length=1, max_length=200)
    cause_class: CauseClass
    weight: Annotated[float, Field(gt=0, le=1)]


class _Step(_Strict):
    id: Name
    tool: str = Field(min_length=1)
    args: dict[str, object] = Field(default_factory=dict)
    effect: Effect
    title: str = Field(default="", max_length=120)
    when: str = ""
    bounds: tuple[str, ...] = ()
    targets: str = ""
    max_targets: Annotated[int, Field(ge=1, le=1000)] | None = None
    expect: _PostCondition | None = None
    rollback: _Rollback | None = None
    signatures: tuple[_Signature, ...] = ()
    optional: bool = False


def parse_runbook(text: str, path: Path, *, effects: Mapping[str, Effect] | None = None) -> Runbook:
    """One file's text. With `effects`, every tool has to be listed with that effect. Raises ConfigError with file and line."""
    front, body, body_line = split_front_matter(text, path)
    head = parse_yaml(front, _FrontMatter, path, first_line=2)
    sections, steps = _parse_body(body, path, body_line)
    missing = [name for name in SECTIONS if name not in sections]
    if missing:
        raise ConfigError(f"{path}:{body_line}: section '## {missing[0]}' is missing")
    runbook = Runbook(
        id=head.id,
        title=head.title,
        alerts=tuple(head.alerts),
        severity=head.severity,
        owner=head.owner,
        reviewed=head.reviewed,
        ai_executable=head.ai_executable,
        sections=sections,
        steps=tuple(steps),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        path=str(path),
        environments=head.environments,
        parameters=tuple(_parameter(name, one) for name, one in head.parameters.items()),
        limits=Limits(
            max_steps=head.limits.max_steps,
            max_duration_s=head.limits.max_duration,
            max_targets=head.limits.max_targets,
        ),
        source=text,
    )
    problems = check_runbook(runbook, effects)
    if problems:
        raise ConfigError("\n".join(problems))
    return runbook


def _parse_body(body: str, path: Path, first_line: int) -> tuple[dict[str, str], list[Step]]:
    sections: dict[str, list[str]] = {}
    steps: list[Step] = []
    section, current = "", list[str]()
    block: list[str] | None = None
    block_line = 0
    for number, line in enumerate(body.splitlines(), start=first_line):
        heading = _HEADING.match(line) if block is None else None
        if heading:
            section = _known_section(heading[1], path, number)
            current = sections.setdefault(section, [])
        elif block is None and _STEP_OPEN.match(line):
            block, block_line = [], number + 1
        elif block is not None and line.strip() == "```":
            steps.append(_step("\n".join(block), path, block_line, section, steps))
            block = None
        elif block is not None:
            block.append(line)
        else:
            current.append(line)
    if block is not None:
        raise ConfigError(f"{path}:{block_line}: the step block is not closed")
    return {name: "\n".join(lines).strip() for name, lines in sections.items()}, steps


def _known_section(name: str, path: Path, line: int) -> str:
    if name not in SECTIONS:
        raise ConfigError(f"{path}:{line}: unknown section {name!r}; {nearest(name, SECTIONS)}")
    return name


def _step(text: str, path: Path, line: int, section: str, earlier: Sequence[Step]) -> Step:
    step = parse_yaml(text, _Step, path, first_line=line)
    if any(other.id == step.id for other in earlier):
        raise ConfigError(f"{path}:{line}: step id {step.id!r} is used twice")
    return Step(
        id=step.id,
        title=step.title or step.id,
        tool=step.tool,
        args=step.args,
        effect=step.effect,
        section=section,
        line=line,
        when=step.when,
        bounds=step.bounds,
        targets=step.targets,
        max_targets=step.max_targets,
        expect=_post_condition(step.expect),
        rollback=_rollback(step.rollback, line),
        signatures=tuple(
            Signature(when=one.when, cause=one.cause, cause_class=one.cause_class, weight=one.weight)
            for one in step.signatures
        ),
        optional=step.optional,
    )


def _parameter(name: str, one: _Parameter) -> Parameter:
    return Parameter(
        name=name,
        kind=one.type,
        description=one.description,
        default=None if one.default is None else _as_text(one.default),
        minimum=one.min,
        maximum=one.max,
        pattern=one.pattern,
        choices=one.choices,
    )


def _as_text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _post_condition(one: _PostCondition | None) -> PostCondition | None:
    if one is None:
        return None
    return PostCondition(
        tool=one.tool, args=one.args, that=one.that, within_s=one.within, every_s=one.every, title=one.title
    )


def _rollback(one: _Rollback | None, line: int) -> Rollback | None:
    if one is None:
        return None
    return Rollback(
        title=one.title,
        tool=one.tool,
        args=one.args,
        effect=one.effect,
        expect=_post_condition(one.expect),
        line=line,
    )
