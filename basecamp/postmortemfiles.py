"""Postmortems as Markdown files: front matter and the sections Symptom, Cause and Fix. Pure but for reading files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from basecamp.errors import ConfigError

_FRONT = re.compile(r"\A---\s*\n(?P<front>.*?)\n---\s*\n(?P<body>.*)\Z", re.DOTALL)
_HEADING = re.compile(r"^##\s+(?P<title>.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemFile:
    """One past incident; `symptom` is what a new incident is compared with."""

    path: str
    sha256: str
    id: str
    title: str
    date: str | None
    service: str | None
    symptom: str
    cause: str
    fix: str
    url: str | None


def load_postmortem(file: Path, folder: Path) -> PostmortemFile:
    """Read one file. Raises ConfigError that names it and the mend."""
    raw = file.read_bytes()
    match = _FRONT.match(raw.decode("utf-8", errors="replace").replace("\r\n", "\n"))
    if match is None:
        raise ConfigError(f"{file}:1: has no front matter; begin with --- and id, title, date, source")
    try:
        parsed: Any = yaml.safe_load(match["front"])
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}:1: the front matter is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(parsed, dict):
        raise ConfigError(f"{file}:1: the front matter must be a mapping")
    front = cast("dict[str, Any]", parsed)
    sections = _sections(match["body"])
    title = _text(front, "title") or file.stem
    return PostmortemFile(
        path=file.relative_to(folder).as_posix(),
        sha256=hashlib.sha256(raw).hexdigest(),
        id=_text(front, "id") or file.stem,
        title=title,
        date=_text(front, "date"),
        service=_text(front, "service") or _text(front, "service_kind"),
        symptom=f"{title}\n{sections.get('symptom') or match['body'][:2000]}",
        cause=sections.get("cause", ""),
        fix=sections.get("fix", ""),
        url=_text(front, "source") or _text(front, "url"),
    )


def _sections(body: str) -> dict[str, str]:
    parts = _HEADING.split(body)[1:]
    return {title.lower(): text.strip() for title, text in zip(parts[::2], parts[1::2], strict=True)}


def _text(front: Mapping[str, Any], key: str) -> str | None:
    value = front.get(key)
    return None if value is None else str(value).strip()
