"""Written reviews of past incidents, the corpus of similar incidents."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmortem:
    """One file of postmortems/."""

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
