"""What one story has otherwise than the others: its programs, its rules, its services and changes, its words."""

import json
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .programs import Cast, MissingProgramError

RECIPE = Path(__file__).parents[1]
REPOSITORY = RECIPE.parents[1]

Announce = Callable[[str], None]


class Shop(Protocol):
    """The running system of a story, healthy until `break_it`."""

    @property
    def targets(self) -> Mapping[str, str]:
        """What to scrape: host:port by service."""
        ...

    @property
    def sections(self) -> Mapping[str, object]:
        """The sections of basecamp.yaml through which the system is looked at and changed."""
        ...

    async def break_it(self) -> None:
        """Deploy the release that breaks it. Raises RecipeError when that does not work."""
        ...

    async def problems(self) -> Sequence[str]:
        """What is still wrong with the system itself after the runbook, asked past the bot and past monitoring."""
        ...

    async def put_right(self) -> None:
        """Take away the cause, where the runbook took away the effect only."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A server program that pip cannot install."""

    program: str
    package: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is told while the story is played."""

    healthy: str
    breaking: str
    asking: str
    """Ends the sentence "The bot has followed the runbook's diagnosis and asks before it …"."""
    helped: str
    """Begins the sentence "…; the alert resolved"."""
    after: str = ""
    """Told before `put_right`; empty when nothing is left to be done."""
    truth: str
    """What really was wrong, as a person writes it into the thread."""
    moved: str
    """Stands in the result's message, and in no other of its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One story. Its catalogue, changes and alert rules are files in `scenarios/NAME/`."""

    name: str
    alert: str
    """The alert whose runbook may act after an approval; one of the names that the runbook lists."""
    open: Callable[[Cast, Path, Announce], Awaitable[Shop]]
    """Start the system, healthy: its programs, the folder for data and logs."""
    culprit: str
    """The id of the change that a good hypothesis names."""
    release: str
    words: Words
    needs: Sequence[Need] = ()
    healthy_s: float = 20.0
    alert_s: float = 120.0
    """The longest time from the change to the alert."""

    @property
    def folder(self) -> Path:
        return RECIPE / "scenarios" / self.name

    @property
    def catalog(self) -> Path:
        return self.folder / "catalog-info.yaml"

    @property
    def rules(self) -> Path:
        return self.folder / "rules.yml"

    def changes(self) -> list[dict[str, Any]]:
        """What CI would have recorded, decoys included; `at` is in seconds from the culprit."""
        return json.loads((self.folder / "changes.json").read_text(encoding="utf-8"))

    def check_needs(self) -> None:
        """Raises MissingProgramError that says how to get what is not installed."""
        for need in self.needs:
            if shutil.which(need.program) is None:
                raise MissingProgramError(
                    f"the {self.name} scenario runs a real {need.program}, which is not installed: "
                    f"`apt-get install {need.package}` (or your system's package of that name), then start it again"
                )
