"""Written reviews of past incidents and the bot's own closed incidents: the corpus of similar incidents."""

import enum
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.text import one_line


class Origin(enum.StrEnum):
    """Where a record comes from; files that are deleted take only their own records along."""

    FILE = "file"
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmortem:
    """One file of postmortems/, or one closed incident."""

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
    origin: Origin = Origin.FILE


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

    @property
    def words(self) -> str:
        """For people."""
        since = f"{self.current_at:%Y-%m-%d %H:%M:%S} UTC" if self.current_at is not None else "not yet"
        if self.problem:
            return f"stale, last up to date {since}: {one_line(self.problem)}"
        return f"{self.behind} behind, last up to date {since}" if self.behind else f"up to date at {since}"


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
    link: str = "",
) -> Postmortem:
    """
    A closed incident as a record, once people have said what it was.

    `alerts` are its alerts' names and summaries, `worked` is whether the fix helped (None: nobody said). Its hash covers all
    of it, so a corrected outcome is another version of the same record.
    """
    told = one_line(fix)
    outcome = {True: "It worked.", False: "It did not help.", None: ""}[worked]
    record = Postmortem(
        id=f"incident:{incident_id}",
        title=one_line(title),
        date=started.date().isoformat(),
        organisation="this team",
        service_kind=service,
        cause_class=cause_class,
        severity=severity,
        source=link,
        tags=(),
        symptom=one_line(" ".join(dict.fromkeys(alerts))),
        cause=one_line(cause),
        fix=f"{told} {outcome}".strip() if told else "",
        lesson="",
        path="",
        sha256="",
        origin=Origin.INCIDENT,
    )
    return replace(record, sha256=hashlib.sha256(repr(record).encode()).hexdigest())
