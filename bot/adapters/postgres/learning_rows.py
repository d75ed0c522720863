"""Rows of the learning tables as core values."""

from collections.abc import Mapping
from datetime import datetime

from bot.adapters.postgres.rows import from_json
from bot.adapters.postgres.session import Row
from bot.core.confidence import Calibration, features_from, score
from bot.core.hypothesis import CauseClass, Hypothesis, PromptRef
from bot.core.outcome import Call, Grade, GradedBy, MessageRef, Outcome, OutcomeForm, OutcomeSource
from bot.core.policy import Level
from bot.ports import CalibrationFit, ClassifierRecord, ContentVersion, Standing


def _grade(value: int | None) -> Grade | None:
    return None if value is None else Grade(value)


def _graded_by(value: str | None) -> GradedBy | None:
    return None if value is None else GradedBy(value)


def outcome_of(row: Row) -> Outcome:
    """One row of aiops.outcome."""
    message = None
    if row["message_ts"] is not None:
        message = MessageRef(channel=row["channel"], ts=row["message_ts"], permalink=row["permalink"])
    return Outcome(
        incident_id=row["incident_id"],
        version=row["version"],
        form=from_json(OutcomeForm, row["form"]),
        author=row["author"],
        source=OutcomeSource(row["source"]),
        recorded_at=row["recorded_at"],
        message=message,
        message_deleted=row["message_deleted_at"] is not None,
        grade=_grade(row["grade"]),
        graded_by=_graded_by(row["graded_by"]),
        grade_reason=row["grade_reason"],
        withdrawn=row["withdrawn"],
    )


def call_of(row: Row) -> Call:
    """One row of the query `calls`."""
    leader = from_json(Hypothesis, row["leader"]) if row["leader"] else None
    prompt = from_json(PromptRef, row["prompt"]) if row["prompt"] else None
    features: Mapping[str, float] = row["features"] or {}
    suspect = leader.suspect if leader else None
    label = from_json(OutcomeForm, row["label"]) if row["label"] else None
    opened: datetime = row["opened_at"]
    return Call(
        incident_id=row["incident_id"],
        at=row["hypothesis_sent_at"] or row["finished_at"] or opened,
        title=row["title"],
        service=row["service"],
        alert_class=row["alert_class"],
        runbook=row["runbook"],
        analyst=row["analyst"],
        prompt=f"{prompt.name}@{prompt.version}" if prompt else "",
        hypothesis=leader.title if leader else "",
        cause_class=leader.cause_class if leader else CauseClass.UNKNOWN,
        suspect=suspect.service if suspect else "",
        change_id=(suspect.change_id or "") if suspect else "",
        confidence=leader.confidence.value if leader else 0.0,
        raw=leader.confidence.raw if leader else 0.0,
        features=features,
        score=score(features_from(features)),
        abstained=leader is None or leader.cause_class is CauseClass.UNKNOWN,
        grade=_grade(row["grade"]),
        graded_by=_graded_by(row["graded_by"]),
        person_grade=label.grade if label else None,
        judge_grade=_grade(row["judge_grade"]),
        established=label.established if label else True,
        labelled_at=row["recorded_at"],
        evidence_ms=_ms(row["evidence_sent_at"], opened),
        hypothesis_ms=_ms(row["hypothesis_sent_at"], opened),
        cost_usd=row["cost_usd"],
        tokens=row["tokens"],
        similar_shown=row["similar_shown"],
        similar_relevant=row["similar_relevant"],
    )


def _ms(later: datetime | None, earlier: datetime) -> int | None:
    return None if later is None else round((later - earlier).total_seconds() * 1000)


def standing_of(row: Row) -> Standing:
    """One row of aiops.autonomy."""
    return Standing(
        alert_class=row["alert_class"],
        runbook=row["runbook"],
        level=Level(row["level"]),
        why=row["why"],
        lower_bound=row["lower_bound"],
        labels=row["labels"],
        since=row["since"],
    )


def fit_of(row: Row) -> CalibrationFit:
    """One row of aiops.calibration."""
    return CalibrationFit(
        calibration=Calibration(slope=row["slope"], offset=row["offset"], labels=row["labels"], version=row["version"]),
        fitted_at=row["fitted_at"],
        brier_old=row["brier_old"],
        brier_new=row["brier_new"],
        compared=row["compared"],
        used=row["used"],
        why=row["why"],
    )


def content_version_of(row: Row) -> ContentVersion:
    """One row of aiops.content_version."""
    return ContentVersion(
        kind=row["kind"], name=row["name"], version=row["version"], sha256=row["sha256"], seen_at=row["seen_at"]
    )


def classifier_of(row: Row) -> ClassifierRecord:
    """One row of aiops.classifier."""
    return ClassifierRecord(
        quarter=row["quarter"],
        trained_at=row["trained_at"],
        labels=row["labels"],
        shipped=row["shipped"],
        scheduled=row["scheduled"],
        body=row["body"],
    )
