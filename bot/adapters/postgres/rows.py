"""Rows to core values and back."""

from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

from bot.adapters.postgres.session import Row
from bot.core.alert import Alert, AlertStatus, Severity
from bot.core.errors import StoreError
from bot.core.incident import Incident, IncidentState, Investigation, InvestigationState
from bot.core.posts import (
    AlertCard,
    Announcement,
    ApprovalCard,
    Content,
    DigestDetails,
    DigestPost,
    EvidencePost,
    HypothesisCard,
    LevelChange,
    Notice,
    OutcomeOffer,
    OutcomePost,
    OutcomeRequest,
    PostKind,
    Progress,
    RunCard,
    RunResult,
    SimilarPost,
)

T = TypeVar("T")

_KINDS: dict[type[Content], PostKind] = {
    AlertCard: PostKind.ALERT,
    Progress: PostKind.PROGRESS,
    EvidencePost: PostKind.EVIDENCE,
    HypothesisCard: PostKind.HYPOTHESIS,
    SimilarPost: PostKind.SIMILAR,
    ApprovalCard: PostKind.APPROVAL,
    RunCard: PostKind.RUN,
    Notice: PostKind.RESULT,
    RunResult: PostKind.RESULT,
    LevelChange: PostKind.OUTCOME,
    DigestPost: PostKind.DIGEST,
    DigestDetails: PostKind.DIGEST,
    Announcement: PostKind.RESULT,
    OutcomeRequest: PostKind.OUTCOME,
    OutcomePost: PostKind.OUTCOME,
    OutcomeOffer: PostKind.OUTCOME,
}
_TYPE = "type"


@cache
def _adapter(kind: type[object]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def to_json(value: object) -> Any:
    """A core value as plain JSON data."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_json(kind: type[T], data: object) -> T:
    """JSON data as a core value; validated, because the column may have been written by another version."""
    return cast("T", _adapter(kind).validate_python(data))


def kind_of(content: Content) -> PostKind:
    """Which kind of message a content is."""
    return _KINDS[type(content)]


def content_json(content: Content) -> dict[str, Any]:
    """A content as plain JSON data that says which it is: two contents may share a kind."""
    return {_TYPE: type(content).__name__, **to_json(content)}


def content_of(kind: PostKind, data: dict[str, Any]) -> Content:
    """Stored content as a core value; what was written before contents said their type is the first of its kind."""
    name = data.get(_TYPE)
    for cls, its_kind in _KINDS.items():
        if its_kind is kind and name in {cls.__name__, None}:
            return from_json(cls, {key: value for key, value in data.items() if key != _TYPE})
    raise StoreError(f"no content named {name!r} belongs to a post of the kind {kind}")


def incident_of(row: Row) -> Incident:
    """One row of aiops.incident."""
    return Incident(
        id=row["id"],
        state=IncidentState(row["state"]),
        title=row["title"],
        severity=Severity(row["severity"]),
        service=row["service"],
        environment=row["environment"],
        group_key=row["group_key"],
        started_at=row["started_at"],
        opened_at=row["opened_at"],
        channel=row["channel"],
        thread_ts=row["thread_ts"],
        forwarded=row["forwarded"],
        alert_count=row["alert_count"],
        firing_count=row["firing_count"],
        resolved_at=row["resolved_at"],
        by_hand=row["trigger"] == "manual",
    )


def alert_of(row: Row) -> Alert:
    """One row of aiops.alert."""
    return Alert(
        fingerprint=row["fingerprint"],
        starts_at=row["starts_at"],
        name=row["name"],
        status=AlertStatus(row["status"]),
        severity=Severity(row["severity"]),
        service=row["service"],
        environment=row["environment"],
        summary=row["summary"],
        labels=row["labels"],
        annotations=row["annotations"],
        ends_at=row["ends_at"],
        generator_url=row["generator_url"],
    )


def investigation_of(row: Row) -> Investigation:
    """One row of aiops.investigation."""
    return Investigation(
        id=row["id"],
        incident_id=row["incident_id"],
        number=row["number"],
        state=InvestigationState(row["state"]),
        due_at=row["due_at"],
        attempt=row["attempt"],
        trigger=row["trigger"],
        started_at=row["started_at"],
        evidence_at=row["evidence_at"],
        finished_at=row["finished_at"],
    )
