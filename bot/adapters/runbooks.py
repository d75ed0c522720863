"""Loads runbooks/*.md; a file that cannot be used is reported with file and line, the others keep working."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.adapters.files import nearest, parse_yaml, read_text, split_front_matter
from bot.core.errors import ConfigError
from bot.core.runbook import Runbook, Step

_SECTIONS = ("Meaning", "Impact", "Diagnosis", "Mitigation", "Verify")
_HEADING = re.compile(r"^## +(.+?)\s*$")
_STEP_OPEN = re.compile(r"^```step\s*$")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _FrontMatter(_Strict):
    id: str = Field(min_length=1)
    title: str = Field(min_length=1)
    alerts: list[str] = Field(min_length=1)
    severity: str
    owner: str
    reviewed: str
    ai_executable: bool

    @field_validator("reviewed", mode="before")
    @classmethod
    def _date_as_text(cls, value: object) -> str:
        return str(value)


class _Step(_Strict):
    id: str = Field(min_length=1)
    tool: str = Field(min_length=1)
    args: dict[str, object] = Field(default_factory=dict)
    effect: Literal["read"]
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRunbooks:
    """What loaded, and what is wrong with the rest."""

    runbooks: tuple[Runbook, ...]
    problems: tuple[str, ...]

    def all(self) -> Sequence[Runbook]:
        """Every runbook that loaded."""
        return self.runbooks


def load_runbooks(folders: Sequence[Path]) -> LoadedRunbooks:
    """Every *.md under the folders. Raises ConfigError for a folder that is not there."""
    runbooks: list[Runbook] = []
    problems: list[str] = []
    owners: dict[str, str] = {}
    for path in _markdown_files(folders):
        try:
            runbook = load_runbook(path)
            _claim(runbook, owners)
        except ConfigError as error:
            problems.append(str(error))
        else:
            runbooks.append(runbook)
    return LoadedRunbooks(runbooks=tuple(runbooks), problems=tuple(problems))


def _markdown_files(folders: Sequence[Path]) -> list[Path]:
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"{folder}: this runbook folder does not exist; mend `runbooks:` in aiops.yaml")
    return sorted(path for folder in folders for path in folder.rglob("*.md") if path.name != "README.md")


def _claim(runbook: Runbook, owners: dict[str, str]) -> None:
    """Ids and alert names belong to one runbook each."""
    for name in (f"id {runbook.id}", *(f"alert {alert}" for alert in runbook.alerts)):
        if name in owners:
            raise ConfigError(f"{runbook.path}:1: {name} is taken by {owners[name]}")
    owners.update(dict.fromkeys((f"id {runbook.id}", *(f"alert {a}" for a in runbook.alerts)), runbook.path))


def load_runbook(path: Path) -> Runbook:
    """One file. Raises ConfigError with file and line."""
    text = read_text(path)
    front, body, body_line = split_front_matter(text, path)
    head = parse_yaml(front, _FrontMatter, path, first_line=2)
    sections, steps = _parse_body(body, path, body_line)
    missing = [name for name in _SECTIONS if name not in sections]
    if missing:
        raise ConfigError(f"{path}:{body_line}: section '## {missing[0]}' is missing")
    return Runbook(
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
    )


def _parse_body(body: str, path: Path, first_line: int) -> tuple[dict[str, str], list[Step]]:
    sections: dict[str, list[str]] = {}
    steps: list[Step] = []
    current: list[str] = []
    block: list[str] | None = None
    block_line = 0
    for number, line in enumerate(body.splitlines(), start=first_line):
        heading = _HEADING.match(line) if block is None else None
        if heading:
            current = sections.setdefault(_known_section(heading[1], path, number), [])
        elif block is None and _STEP_OPEN.match(line):
            block, block_line = [], number + 1
        elif block is not None and line.strip() == "```":
            steps.append(_step("\n".join(block), path, block_line, steps))
            block = None
        elif block is not None:
            block.append(line)
        else:
            current.append(line)
    if block is not None:
        raise ConfigError(f"{path}:{block_line}: the step block is not closed")
    return {name: "\n".join(lines).strip() for name, lines in sections.items()}, steps


def _known_section(name: str, path: Path, line: int) -> str:
    if name not in _SECTIONS:
        raise ConfigError(f"{path}:{line}: unknown section {name!r}; {nearest(name, _SECTIONS)}")
    return name


def _step(text: str, path: Path, line: int, earlier: Sequence[Step]) -> Step:
    step = parse_yaml(text, _Step, path, first_line=line)
    if any(other.id == step.id for other in earlier):
        raise ConfigError(f"{path}:{line}: step id {step.id!r} is used twice")
    return Step(id=step.id, title=step.title or step.id, tool=step.tool, args=step.args, effect=step.effect, line=line)
