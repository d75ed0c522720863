"""Observations with their source, exact query, time range and hash."""

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


class EvidenceKind(enum.StrEnum):
    """What sort of observation; also the order in which they are shown."""

    DIAGNOSTIC = "diagnostic"
    METRIC = "metric"
    LOG = "log"
    CHANGE = "change"
    ALERT = "alert"
    RUNBOOK = "runbook"
    SIMILAR = "similar"
    TOOL = "tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A closed time range in UTC."""

    start: datetime
    end: datetime

    @classmethod
    def around(cls, onset: datetime, *, before: timedelta, after: timedelta, now: datetime) -> "Window":
        """Anchored on the alert's onset, never on now, so a late or replayed alert is looked at in its own time."""
        return cls(start=onset - before, end=min(onset + after, now) if now > onset else onset + after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One observation. `excerpt` is the redacted text that claims are checked against; `facts` are its numbers."""

    id: str
    """E1, E2, … in the order of the pack."""
    kind: EvidenceKind
    source: str
    """The tool or store that answered, for example read_metrics."""
    service: str
    title: str
    """The finding in one line, for people."""
    query: str
    """The exact call, so that a person can repeat it."""
    start: datetime
    end: datetime
    excerpt: str
    sha256: str
    weight: float
    """How notable, 0 to 1; sorts the pack."""
    facts: Mapping[str, object]
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that could not be looked at, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePack:
    """Everything gathered for one investigation."""

    evidence: tuple[Evidence, ...]
    gaps: tuple[Gap, ...]
    window: Window

    def find(self, evidence_id: str) -> Evidence | None:
        """The evidence with this id, if there is one."""
        return next((item for item in self.evidence if item.id == evidence_id), None)


def content_hash(text: str) -> str:
    """SHA-256 of the excerpt, so that a later reader can tell that it is the same text."""
    return hashlib.sha256(text.encode()).hexdigest()
