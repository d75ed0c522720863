"""Written procedures for alerts: prose for people, and steps that a machine may follow."""

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from bot.core.hypothesis import CauseClass
from bot.core.policy import Effect


class ParameterKind(enum.StrEnum):
    """The types a parameter can have."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value that the alert or a person fills in, with bounds that hold before any tool sees it."""

    name: str
    kind: ParameterKind
    description: str
    default: str | None = None
    """A Jinja2 template over the alert and the incident; None: a person has to give it."""
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""
    """A regular expression that the whole text must match."""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one run may do."""

    max_steps: int = 20
    max_duration_s: float = 900.0
    max_targets: int | None = None
    """Things that one write step may touch; a step's own `max_targets` can only lower it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A pattern in the diagnostics, the cause it points to, and how strongly (0 to 1)."""

    when: str
    cause: str
    cause_class: CauseClass
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PostCondition:
    """What must become true after a write: a read tool's `result`, looked at until `that` holds or the time is over."""

    tool: str
    args: Mapping[str, object]
    that: str
    within_s: float
    every_s: float
    title: str = ""
    """For people: "connections used are below 60 %"; empty: the expression itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """How to take a write back; it needs an approval of its own."""

    title: str
    tool: str
    args: Mapping[str, object]
    effect: Effect
    expect: PostCondition | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One unit of a runbook."""

    id: str
    title: str
    tool: str
    args: Mapping[str, object]
    """Jinja2 templates; a value that is one template alone keeps its type."""
    effect: Effect
    section: str
    line: int
    when: str = ""
    """An expression over earlier results; empty: always."""
    bounds: tuple[str, ...] = ()
    """Expressions over `args` that must hold before the tool is called."""
    targets: str = ""
    """An expression for the list of what a write touches, for servers that cannot preview."""
    max_targets: int | None = None
    expect: PostCondition | None = None
    rollback: Rollback | None = None
    signatures: tuple[Signature, ...] = ()
    optional: bool = False
    """Of a step that reads: when it fails, the run goes on without its result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """One Markdown file per alert, read by people first."""

    id: str
    title: str
    alerts: tuple[str, ...]
    severity: str
    owner: str
    reviewed: str
    ai_executable: bool
    sections: Mapping[str, str]
    """Heading to prose, without the step blocks."""
    steps: tuple[Step, ...]
    sha256: str
    path: str
    environments: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    limits: Limits = Limits()
    source: str = ""
    """The whole file; a run keeps it, so that what was approved is what runs."""

    @property
    def version(self) -> str:
        """The content hash, short enough for people."""
        return self.sha256[:12]

    @property
    def writes(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.effect is not Effect.READ)

    def step(self, step_id: str) -> Step | None:
        """The step with this id."""
        return next((step for step in self.steps if step.id == step_id), None)


_WORD = re.compile(r"\w+")


def fields_read(runbook: Runbook) -> frozenset[str]:
    """
    Every word of a runbook's templates and expressions: what they may read of a result stands under one of these.

    A name too many keeps a text exact that need not be; a name too few could not be read by any template.
    """
    return frozenset(word for step in runbook.steps for text in _templates(step) for word in _WORD.findall(text))


def _templates(step: Step) -> Iterator[str]:
    yield from (step.when, step.targets, *step.bounds)
    yield from _texts(step.args)
    for expect in (step.expect, step.rollback.expect if step.rollback else None):
        if expect is not None:
            yield expect.that
            yield from _texts(expect.args)
    if step.rollback is not None:
        yield from _texts(step.rollback.args)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in cast("Mapping[str, object]", value).values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in cast("Sequence[object]", value):
            yield from _texts(one)


SCOPE_NAMES = frozenset({"alert", "database", "environment", "incident", "labels", "params", "service", "steps"})
"""What a template of a runbook may use; `args` in bounds and `result` in post-conditions come on top."""


def scope_of(
    *, labels: Mapping[str, str], alert: str, incident: str, service: str, environment: str
) -> dict[str, object]:
    """The names that templates see, before parameters and results of steps are added."""
    return {
        "alert": {"name": alert, "labels": dict(labels)},
        "incident": {"id": incident, "service": service, "environment": environment},
        "labels": dict(labels),
        "service": service,
        "database": labels.get("database") or service,
        "environment": environment,
        "params": {},
        "steps": {},
    }
