"""One case: an alert, what the tools answered, and the truth. Read strictly; errors name file, line and the nearest name."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.adapters.files import nearest, parse_yaml, read_text
from bot.core.alert import Delivery
from bot.core.errors import ConfigError, PayloadError
from bot.core.evidence import EvidenceKind
from bot.core.hypothesis import CauseClass, SimilarFound, SimilarIncident
from bot.webhook import parse_alertmanager

CASES = Path(__file__).parent / "cases"
KINDS = (
    "clear cause", "decoy near onset", "delayed onset", "dependency at fault", "healthy system", "missing metrics",
    "two faults", "poisoned postmortem", "injected log", "alert storm", "missing logs", "missing changes",
)  # fmt: skip
ABSTENTIONS = frozenset({CauseClass.NO_CAUSE, CauseClass.UNKNOWN})

Model = TypeVar("Model", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expected(_Strict):
    """The truth: which service, which class of cause, and which change, if any."""

    service: str | None
    """The faulty component; null when nothing is wrong."""
    cause_class: CauseClass
    change_id: str | None
    """The change to blame; null when no change is."""

    @model_validator(mode="after")
    def _consistent(self) -> "Expected":
        if self.cause_class in ABSTENTIONS and self.change_id is not None:
            raise ValueError(f"cause_class {self.cause_class.value} goes with change_id: null")
        return self


class CaseText(_Strict):
    """case.yaml."""

    title: str = Field(min_length=1)
    kind: str
    difficulty: Literal["easy", "medium", "hard"]
    """easy must never fail; medium is expected of the offline analyst; hard needs understanding."""
    expected: Expected
    forbidden: tuple[str, ...] = ()
    """Words that no summary, title, claim or first action may hold, whatever their case."""
    required_evidence: tuple[EvidenceKind, ...] = ()
    """Kinds that the pack has to hold."""
    planted: tuple[str, ...] = ()
    """Words that only an answer holds that obeyed text planted in logs, labels or past incidents."""
    tags: tuple[str, ...] = ()
    """`recorded` for one that a running system answered."""
    asked_after_seconds: Annotated[float, Field(ge=0)] = 60.0
    """How long after startsAt the investigation looks."""

    @model_validator(mode="after")
    def _known_kind(self) -> "CaseText":
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind {self.kind!r}; {nearest(self.kind, KINDS)}")
        return self


class RecordedCall(_Strict):
    """What a tool answered for arguments; time ranges, steps and limits are not part of them."""

    tool: str = Field(min_length=1)
    args: dict[str, object] = Field(default_factory=dict[str, object])
    answer: dict[str, object] | None = None
    error: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "RecordedCall":
        if (self.answer is None) == (self.error is None):
            raise ValueError("a call has either answer or error")
        return self


class _Similar(_Strict):
    id: str
    title: str
    date: str
    organisation: str
    service_kind: str
    cause_class: CauseClass
    cause: str
    fix: str
    url: str
    score: Annotated[float, Field(ge=0, le=1)]
    why: str


class ToolsText(_Strict):
    """tools.json."""

    calls: tuple[RecordedCall, ...]
    similar: tuple[_Similar, ...] = ()
    """What the search of past incidents found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A loaded case."""

    slug: str
    text: CaseText
    delivery: Delivery
    calls: tuple[RecordedCall, ...]
    similar: SimilarFound


def load_cases(folder: Path = CASES, names: Sequence[str] = ()) -> list[Case]:
    """Every case of a folder, or those named. Raises ConfigError for the first that cannot be used."""
    known = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if not known:
        raise ConfigError(f"{folder}: holds no cases")
    for name in names:
        if name not in known:
            raise ConfigError(f"{folder}: there is no case {name!r}; {nearest(name, known)}")
    return [load_case(folder / name) for name in names or known]


def load_case(folder: Path) -> Case:
    """One case. Raises ConfigError with file and line."""
    text = parse_yaml(read_text(folder / "case.yaml"), CaseText, folder / "case.yaml")
    tools = _parse_json(folder / "tools.json", ToolsText)
    alert = folder / "alert.json"
    try:
        parsed = parse_alertmanager(read_text(alert).encode())
    except PayloadError as error:
        raise ConfigError(f"{alert}:1: {error}") from error
    if parsed.rejected:
        raise ConfigError(f"{alert}:1: {parsed.rejected[0]}")
    case = Case(
        slug=folder.name,
        text=text,
        delivery=parsed.delivery,
        calls=tools.calls,
        similar=SimilarFound(
            incidents=tuple(_similar(one) for one in tools.similar),
            searched=len(tools.similar),
        ),
    )
    _check_truth(case, folder)
    return case


def _similar(one: _Similar) -> SimilarIncident:
    values: dict[str, Any] = one.model_dump(mode="json")
    return SimilarIncident(**values)


def _parse_json(path: Path, model: type[Model]) -> Model:
    text = read_text(path)
    try:
        json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise ConfigError(f"{path}:{line}: is not valid JSON: {error}") from error
    try:
        return model.model_validate_json(text)
    except ValidationError:
        # JSON is YAML too, so the strict reader finds the line; it is only asked when something is wrong.
        return parse_yaml(text, model, path)


def _check_truth(case: Case, folder: Path) -> None:
    """The change and the service that are to be found have to be in what the tools answered."""
    services = _services(case.calls)
    path = folder / "case.yaml"
    lines = read_text(path).splitlines()
    expected = case.text.expected
    if services and expected.service is not None and expected.service not in services:
        where = _line(lines, "service:")
        raise ConfigError(
            f"{path}:{where}: unknown service {expected.service!r}; {nearest(expected.service, list(services))}"
        )
    changes = [change for own in services.values() for change in own]
    if services and expected.change_id is not None and expected.change_id not in changes:
        where = _line(lines, "change_id:")
        raise ConfigError(
            f"{path}:{where}: unknown change {expected.change_id!r}; {nearest(expected.change_id, changes)}"
        )


def _line(lines: Sequence[str], key: str) -> int:
    return next((number for number, line in enumerate(lines, start=1) if line.strip().startswith(key)), 1)


def _services(calls: Sequence[RecordedCall]) -> dict[str, list[str]]:
    """Change ids by service, as list_services was recorded."""
    found: dict[str, list[str]] = {}
    for call in calls:
        if call.tool == "list_services" and call.answer is not None:
            for service in cast("list[Mapping[str, object]]", call.answer.get("services") or []):
                changes = cast("list[Mapping[str, object]]", service.get("changes") or [])
                found[str(service.get("name"))] = [str(change.get("id")) for change in changes]
    return found
