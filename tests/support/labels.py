"""Incidents that went through, planted straight into the tables, for tests of what is learned from them."""

from datetime import UTC, datetime, timedelta

import psycopg
from psycopg.types.json import Jsonb

from bot.adapters.postgres.rows import to_json
from bot.core.evidence import Evidence, EvidenceKind, Gap, content_hash
from bot.core.hypothesis import Assessment, CauseClass, Claim, Confidence, Hypothesis, SimilarFound, Suspect, Usage
from bot.core.outcome import OutcomeForm, OutcomeSource
from bot.ports import NewOutcome

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLASS = ("CheckoutErrors", "high-error-rate")
"""Alert and runbook."""


def assessment(title="Release 2.31 leaks connections", *, cause=CauseClass.DEPLOY, confidence=0.72):
    said = Hypothesis(
        rank=1,
        title=title,
        cause_class=cause,
        suspect=Suspect(service="checkout", change_id="rel-231"),
        claims=(Claim(text="It began after the release.", evidence=("E1",)),),
        confidence=Confidence(value=confidence, raw=0.8, labels=0, basis="prior"),
        disconfirming_check="Roll back.",
    )
    return Assessment(
        summary="Errors",
        hypotheses=(said,),
        first_action=None,
        ruled_out=(),
        similar=SimilarFound(incidents=(), searched=3),
        analyst="offline analyst",
        notes=(),
        usage=Usage(),
        features={"raw": 0.8, "grounding": 1.0, "margin": 0.4, "gaps": 0.0},
    )


def found(number, title, *, service="checkout", **facts):
    """One piece of evidence."""
    return Evidence(
        id=f"E{number}",
        kind=EvidenceKind.CHANGE if facts else EvidenceKind.LOG,
        source="list_services",
        service=service,
        title=title,
        query="list_services()",
        start=NOW,
        end=NOW,
        excerpt=title,
        sha256=content_hash(title),
        weight=0.5,
        facts=facts,
    )


def seed(url, incident="INC-1", *, state="resolved", at=NOW, told=None, number=1, evidence=(), gaps=(), of=CLASS):
    """An incident that went through: opened, investigated, told in its thread."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into aiops.incident (id, state, title, severity, service, environment, group_key, trigger, started_at,"
            " opened_at, resolved_at, channel, alert_names) values (%s, %s, 'Errors', 'critical', 'checkout', '', '',"
            " 'alertmanager', %s, %s, %s, 'C1', %s) on conflict do nothing",
            (incident, state, at, at, at + timedelta(minutes=20), [of[0]]),
        )
        connection.execute(
            "insert into aiops.investigation (id, incident_id, number, state, trigger, due_at, assessment, alert_class,"
            " runbook, finished_at, window_start, window_end, gaps) values (%s, %s, %s, 'done', 'alert', %s, %s,"
            " %s, %s, %s, %s, %s, %s)",
            (
                f"{incident}.{number}",
                incident,
                number,
                at,
                Jsonb(to_json(told or assessment())),
                *of,
                at,
                at,
                at,
                Jsonb([to_json(Gap(what=what, why=why)) for what, why in gaps]),
            ),
        )
        for place, item in enumerate(evidence, start=1):
            connection.execute(
                "insert into aiops.evidence (investigation_id, id, place, body) values (%s, %s, %s, %s)",
                (f"{incident}.{number}", item.id, place, Jsonb(to_json(item))),
            )
        connection.execute(
            "insert into aiops.post (operation, incident_id, kind, ts, due_at, created_at, first_sent_at)"
            " values (%s, %s, 'hypothesis', '1.1', %s, %s, %s) on conflict do nothing",
            (f"{incident}:hypothesis", incident, at, at, at + timedelta(seconds=9)),
        )


def label(incident="INC-1", cause="the retry path leaks", **more):
    return NewOutcome(
        incident_id=incident,
        form=OutcomeForm(cause=cause, cause_class=CauseClass.DEPLOY),
        author="U1",
        source=OutcomeSource.REPLY,
        **more,
    )
