"""
Loads postmortems: any Markdown that a team wrote. A file that cannot be used is reported, the others keep working.

Front matter is optional, its keys have common synonyms, and what it does not say is taken from title, headings, file name
and file time. What the shipped corpus promises beyond that is a test of the shipped corpus.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import cast

import yaml

from bot.adapters.files import read_text
from bot.adapters.markdown import day_in, day_told, read_review, text_of
from bot.core.errors import ConfigError
from bot.core.hypothesis import CauseClass
from bot.core.postmortem import OWN_PREFIXES, LoadedPostmortems, Postmortem
from bot.core.text import clip

_FENCE = "---"
_MOST_BYTES = 1_000_000
# Enough for every word of an ordinary review, and a bound for what a model or a message is given.
_MOST_OF_A_SECTION = 20_000
_NO_REVIEWS = frozenset({"readme", "index", "contributing", "changelog", "license", "code_of_conduct"})
_CLASSES = frozenset(one.value for one in CauseClass)
_LONGEST_HEAD = 4_000
_FRESH_NS = 100_000_000
# libyaml where PyYAML was built with it, ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_File = os.DirEntry[str]
_Known = tuple[tuple[int, int, int] | None, Postmortem | ConfigError]
"""The times and size that a file had, None when they say nothing yet, and what was read."""


def check_folders(folders: Sequence[Path]) -> None:
    """Raises ConfigError for a folder that is not there."""
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"{folder}: this postmortem folder does not exist; mend `postmortems:` in aiops.yaml")


def load_postmortems(
    folders: Sequence[Path], load: Callable[[_File, Path], Postmortem] | None = None
) -> LoadedPostmortems:
    """Every *.md under the folders but hidden ones, readmes and templates. Raises ConfigError for a folder that is not there."""
    check_folders(folders)
    found: dict[str, Postmortem] = {}
    problems: list[str] = []
    for folder in folders:
        for file in _reviews(folder):
            try:
                one = load(file, folder) if load else load_postmortem(Path(file), folder)
            except ConfigError as error:
                problems.append(str(error))
                continue
            if one.id in found:
                problems.append(f"{Path(file)}:1: id {one.id!r} is taken by {found[one.id].path}")
            else:
                found[one.id] = one
    return LoadedPostmortems(postmortems=tuple(found.values()), problems=tuple(problems))


def _reviews(folder: Path | _File) -> Iterator[_File]:
    """In the order of their paths, part by part; the folder is listed on each sync, so a name is looked at before anything else."""
    try:
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except PermissionError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.name.endswith(".md"):
            stem = entry.name.removesuffix(".md").lower()
            if stem not in _NO_REVIEWS and not stem.endswith("template"):
                yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from _reviews(entry)


class PostmortemFiles:
    """The folders as they are now; a file is read again only when the system says that it was written or exchanged."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._read: Mapping[str, _Known] = {}

    def load(self) -> LoadedPostmortems:
        """Every postmortem, and what is wrong with the other files. Raises ConfigError for a folder that is not there."""
        read: dict[str, _Known] = {}
        loaded = load_postmortems(self._folders, partial(self._load_one, read))
        self._read = read
        return loaded

    def _load_one(self, read: dict[str, _Known], file: _File, folder: Path) -> Postmortem:
        try:
            stat = file.stat()
        except OSError as error:
            raise ConfigError(f"{Path(file)}: cannot be read: {error.strerror}") from error
        # The time of the last change cannot be set: who keeps a file's size and time of writing is found out by it.
        mark = (stat.st_ctime_ns, stat.st_mtime_ns, stat.st_size)
        known = self._read.get(file.path)
        if known is None or known[0] != mark:
            # So soon after a write another one can bear the same time: what is read now is read once more.
            fresh = abs(time.time_ns() - stat.st_ctime_ns) < _FRESH_NS
            known = (None if fresh else mark, _read(Path(file), folder))
        read[file.path] = known
        if isinstance(known[1], ConfigError):
            raise known[1]
        return known[1]


def _read(path: Path, folder: Path) -> Postmortem | ConfigError:
    try:
        return load_postmortem(path, folder)
    except ConfigError as error:
        return error


def load_postmortem(path: Path, folder: Path | None = None) -> Postmortem:
    """One file of a folder. Raises ConfigError with file and line."""
    _check(path, folder or path.parent)
    text = read_text(path)
    head, body = _split(text, path)
    review = read_review(body)
    title = text_of(head, "title", "summary", "name") or review.heading or path.stem.replace("-", " ").replace("_", " ")
    if not (review.symptom or review.cause):
        raise ConfigError(f"{path}:1: says neither what was seen nor what was behind it")
    name = text_of(head, "id") or path.relative_to(folder or path.parent).with_suffix("").as_posix()
    if name.startswith(OWN_PREFIXES):
        raise ConfigError(f"{path}:1: id {name!r} would be one of the bot's own records")
    told_class = text_of(head, "cause_class", "class", "category").lower()
    link = text_of(head, "source", "url", "link")
    return Postmortem(
        id=name,
        title=clip(title, 300),
        date=day_in(text_of(head, "date", "incident_date", "day", "started", "created"), path.stem, title)
        or day_told(body)
        or _file_day(path),
        organisation=text_of(head, "organisation", "organization", "company", "team", "owner"),
        service_kind=text_of(head, "service_kind", "service", "services", "component", "components", "system", "app"),
        cause_class=told_class if told_class in _CLASSES else CauseClass.UNKNOWN.value,
        severity=text_of(head, "severity", "sev", "priority"),
        source=link if link.startswith(("http://", "https://")) else "",
        tags=_tags(head),
        symptom=clip(review.symptom, _MOST_OF_A_SECTION),
        cause=clip(review.cause, _MOST_OF_A_SECTION),
        fix=clip(review.fix, _MOST_OF_A_SECTION),
        lesson=clip(review.lesson, _MOST_OF_A_SECTION),
        path=str(path),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _check(path: Path, folder: Path) -> None:
    """A link in somebody's repository must not lead to other files of this machine."""
    try:
        inside = path.resolve(strict=True).is_relative_to(folder.resolve())
        size = path.stat().st_size
    except (OSError, RuntimeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    if not inside:
        raise ConfigError(f"{path}: is a link that leads out of {folder}")
    if size > _MOST_BYTES:
        raise ConfigError(f"{path}: is larger than {_MOST_BYTES // 1_000_000} MB, which no review is")


def _split(text: str, path: Path) -> tuple[Mapping[str, object], str]:
    """Front matter, empty without any, and the rest: a rule at the top with prose under it is no front matter."""
    lines = text.lstrip("\ufeff").splitlines()
    if not lines or lines[0].strip() != _FENCE:
        return {}, text
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.strip() == _FENCE), None)
    if end is None:
        return {}, "\n".join(lines[1:])
    try:
        head = _yaml("\n".join(lines[1:end]))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "is not valid YAML"
        raise ConfigError(f"{path}:{2 + (mark.line if mark else 0)}: {problem}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}:2: is nested too deeply") from error
    except ValueError as error:
        # Such as 2024-13-45 where a date is told from other texts by its form.
        raise ConfigError(f"{path}:2: {error}") from error
    body = "\n".join(lines[end + 1 :])
    if head is None:
        return {}, body
    if not isinstance(head, dict):
        return {}, "\n".join(lines[1:])
    return {str(key).lower(): value for key, value in cast("dict[object, object]", head).items()}, body


def _yaml(text: str) -> object:
    """Raises YAMLError and ValueError in the words of PyYAML."""
    if len(text) > _LONGEST_HEAD:
        # libyaml has no end to its recursion, and the process would go with it.
        return yaml.safe_load(text)
    try:
        return yaml.load(text, Loader=_LOADER)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError):
        return yaml.safe_load(text)


def _tags(head: Mapping[str, object]) -> tuple[str, ...]:
    told = head.get("tags") or head.get("labels") or head.get("keywords") or ()
    if isinstance(told, str):
        told = told.split(",")
    if not isinstance(told, list):
        return ()
    return tuple(dict.fromkeys(clip(str(one).strip(), 60) for one in cast("list[object]", told) if str(one).strip()))


def _file_day(path: Path) -> str:
    """When the file was last written; in a Git checkout that is when it was fetched, which says nothing of the incident."""
    if any((parent / ".git").exists() for parent in path.absolute().parents):
        return ""
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC).date().isoformat()
