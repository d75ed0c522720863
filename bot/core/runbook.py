"""Written procedures for alerts."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One unit of a runbook. Only read steps are run so far."""

    id: str
    title: str
    tool: str
    args: Mapping[str, object]
    effect: str
    line: int


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
