"""Loads postmortems/*.md: strict for the corpus that ships, with file and line for what is wrong."""

import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from bot.adapters.files import nearest, parse_yaml, read_text, split_front_matter
from bot.core.errors import ConfigError
from bot.core.hypothesis import CauseClass
from bot.core.postmortem import Postmortem

_SECTIONS = ("Symptom", "Cause", "Fix", "Lesson")
_HEADING = re.compile(r"^## +(.+?)\s*$")


class _FrontMatter(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    title: str = Field(min_length=1)
    date: date
    organisation: str = Field(min_length=1)
    service_kind: str = Field(min_length=1)
    cause_class: CauseClass
    severity: str
    source: str = Field(pattern=r"^https?://")
    tags: list[str] = Field(default_factory=list)


def load_postmortems(folders: Sequence[Path], load: Callable[[Path], Postmortem] | None = None) -> list[Postmortem]:
    """Every *.md under the folders. Raises ConfigError for the first that cannot be used, or an id used twice."""
    found: dict[str, Postmortem] = {}
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"{folder}: this postmortem folder does not exist; mend `postmortems:` in aiops.yaml")
        for path in sorted(folder.rglob("*.md")):
            if path.name == "README.md":
                continue
            postmortem = (load or load_postmortem)(path)
            if postmortem.id in found:
                raise ConfigError(f"{path}:2: id {postmortem.id!r} is taken by {found[postmortem.id].path}")
            found[postmortem.id] = postmortem
    return list(found.values())


class PostmortemFiles:
    """The folders as they are now; a file is read again only when its time or size has changed."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._read: dict[Path, tuple[tuple[int, int], Postmortem]] = {}

    def load(self) -> list[Postmortem]:
        """Every postmortem. Raises ConfigError for the first file that cannot be used, or an id used twice."""
        return load_postmortems(self._folders, self._load_one)

    def _load_one(self, path: Path) -> Postmortem:
        stat = path.stat()
        mark = (stat.st_mtime_ns, stat.st_size)
        known = self._read.get(path)
        if known is None or known[0] != mark:
            self._read[path] = known = (mark, load_postmortem(path))
        return known[1]


def load_postmortem(path: Path) -> Postmortem:
    """One file. Raises ConfigError with file and line."""
    text = read_text(path)
    front, body, body_line = split_front_matter(text, path)
    head = parse_yaml(front, _FrontMatter, path, first_line=2)
    sections = _sections(body, path, body_line)
    return Postmortem(
        id=head.id,
        title=head.title,
        date=head.date.isoformat(),
        organisation=head.organisation,
        service_kind=head.service_kind,
        cause_class=head.cause_class.value,
        severity=head.severity,
        source=head.source,
        tags=tuple(head.tags),
        symptom=sections["Symptom"],
        cause=sections["Cause"],
        fix=sections["Fix"],
        lesson=sections["Lesson"],
        path=str(path),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _sections(body: str, path: Path, first_line: int) -> dict[str, str]:
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for number, line in enumerate(body.splitlines(), start=first_line):
        heading = _HEADING.match(line)
        if heading is None:
            current.append(line)
        elif heading[1] not in _SECTIONS:
            raise ConfigError(f"{path}:{number}: unknown section {heading[1]!r}; {nearest(heading[1], _SECTIONS)}")
        else:
            current = sections.setdefault(heading[1], [])
    texts = {name: " ".join("\n".join(lines).split()) for name, lines in sections.items()}
    empty = [name for name in _SECTIONS if not texts.get(name)]
    if empty:
        raise ConfigError(f"{path}:{first_line}: section '## {empty[0]}' is missing or empty")
    return texts
