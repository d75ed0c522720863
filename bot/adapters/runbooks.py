"""Loads runbooks/*.md; a file that cannot be used is reported with file and line, the others keep working."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.files import read_text
from bot.adapters.runbook_format import parse_runbook
from bot.core.errors import ConfigError
from bot.core.policy import Effect
from bot.core.runbook import Runbook


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRunbooks:
    """What loaded, and what is wrong with the rest."""

    runbooks: tuple[Runbook, ...]
    problems: tuple[str, ...]
    effects: Mapping[str, Effect] | None = None

    def all(self) -> Sequence[Runbook]:
        """Every runbook that loaded."""
        return self.runbooks

    def parse(self, source: str, path: str) -> Runbook:
        """A runbook from the text that a run has kept. Raises ConfigError."""
        return parse_runbook(source, Path(path), effects=self.effects)


def load_runbooks(folders: Sequence[Path], *, effects: Mapping[str, Effect] | None = None) -> LoadedRunbooks:
    """Every *.md under the folders; with `effects`, tools have to be listed. Raises ConfigError for a folder that is not there."""
    runbooks: list[Runbook] = []
    problems: list[str] = []
    owners: dict[str, str] = {}
    for path in _markdown_files(folders):
        try:
            runbook = load_runbook(path, effects=effects)
            _claim(runbook, owners)
        except ConfigError as error:
            problems.append(str(error))
        else:
            runbooks.append(runbook)
    return LoadedRunbooks(runbooks=tuple(runbooks), problems=tuple(problems), effects=effects)


def load_runbook(path: Path, *, effects: Mapping[str, Effect] | None = None) -> Runbook:
    """One file. Raises ConfigError with file and line."""
    return parse_runbook(read_text(path), path, effects=effects)


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
