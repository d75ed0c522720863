"""Written reviews of past incidents and the bot's own closed incidents: the corpus of similar incidents."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.hypothesis import SimilarFound
from bot.core.text import one_line, plural


class Origin(enum.StrEnum):
    """Where a record comes from; files that are deleted take only their own records along."""

    FILE = "file"
    INCIDENT = "incident"
    HISTORY = "history"
    """Imported: from before the bot."""


OWN_PREFIXES = (f"{Origin.INCIDENT}:", f"{Origin.HISTORY}:")
"""How ids of records begin that come from no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmortem:
    """One file of postmortems/, one closed incident, or one imported incident."""

    id: str
    title: str
    date: str
    organisation: str
    service_kind: str
    cause_class: str
    severity: str
    source: str
    tags: tuple[str, ...]
    symptom: str
    cause: str
    fix: str
    lesson: str
    path: str
    sha256: str
    """Of what it was made from."""
    origin: Origin = Origin.FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPostmortems:
    """What loaded, and what is wrong with the other files."""

    postmortems: tuple[Postmortem, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexState:
    """How far the index of past incidents follows its files."""

    files: int = 0
    behind: int = 0
    """Files, new, changed or gone, that the index does not show yet."""
    current_at: datetime | None = None
    """When the index last held exactly what the files hold; None: not since the process began."""
    problem: str = ""
    """Why the last attempt ended early."""
    left_out: tuple[str, ...] = ()
    """Files that cannot be used, each with what is wrong; the others are not held up by them."""

    @property
    def words(self) -> str:
        """For people."""
        since = f"{self.current_at:%Y-%m-%d %H:%M:%S} UTC" if self.current_at is not None else "not yet"
        if self.problem:
            return f"stale, last up to date {since}: {one_line(self.problem)}"
        said = f"{self.behind} behind, last up to date {since}" if self.behind else f"up to date at {since}"
        if not self.left_out:
            return said
        return f"{said}; {plural(len(self.left_out), 'file')} left out: {one_line(self.left_out[0])}"


def from_incident(
    *,
    incident_id: str,
    title: str,
    service: str,
    severity: str,
    alerts: Sequence[str],
    started: datetime,
    cause: str,
    cause_class: str,
    fix: str,
    worked: bool | None,
    sha256: str,
    link: str = "",
) -> Postmortem:
    """
    A closed incident as a record, once people have said what it was.

    `alerts` are its alerts' names and summaries (none: the title stands for them), `worked` is whether the fix helped (None: nobody said), `sha256` changes
    with the label and what else the record is made from, so that a corrected outcome is another version of the same record.
    """
    return Postmortem(
        id=f"{Origin.INCIDENT}:{incident_id}",
        title=one_line(title),
        date=started.date().isoformat(),
        organisation="this team",
        service_kind=service,
        cause_class=cause_class,
        severity=severity,
        source=link,
        tags=(),
        symptom=one_line(" ".join(dict.fromkeys(alerts or (title,)))),
        cause=one_line(cause),
        fix=_fix(fix, worked),
        lesson="",
        path="",
        sha256=sha256,
        origin=Origin.INCIDENT,
    )


def from_history(
    *,
    name: str,
    title: str,
    service: str,
    severity: str,
    alerts: Sequence[str],
    started: datetime,
    cause: str,
    cause_class: str,
    fix: str,
    worked: bool | None,
    sha256: str,
    component: str = "",
    link: str = "",
) -> Postmortem:
    """An imported incident as a record; `name` is its id where it came from."""
    record = from_incident(
        incident_id=name,
        title=title,
        service=service,
        severity=severity,
        alerts=alerts,
        started=started,
        cause=cause,
        cause_class=cause_class,
        fix=fix,
        worked=worked,
        sha256=sha256,
        link=link,
    )
    tags = (component,) if component else ()
    return replace(record, id=f"{Origin.HISTORY}:{name}", tags=tags, origin=Origin.HISTORY)


def _fix(fix: str, worked: bool | None) -> str:
    told = one_line(fix)
    outcome = {True: "It worked.", False: "It did not help.", None: ""}[worked]
    if not told or not outcome:
        return told
    return f"{told if told.endswith(('.', '!', '?')) else f'{told}.'} {outcome}"


def others(found: SimilarFound, incident_id: str, *, most: int) -> SimilarFound:
    """What is like an incident, without the incident's own record."""
    kept = [one for one in found.incidents if one.id != f"{Origin.INCIDENT}:{incident_id}"]
    return replace(found, incidents=tuple(kept[:most]))
