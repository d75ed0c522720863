"""Calls as rows: what tests/support/histories.py made up, put into the tables that it would have come from."""

from collections.abc import Sequence

import psycopg
from psycopg.types.json import Jsonb

from bot.adapters.postgres.rows import to_json
from bot.core.hypothesis import Assessment, Confidence, Hypothesis, SimilarFound, Suspect, Usage
from bot.core.outcome import Call, OutcomeForm

_INCIDENT = """
insert into aiops.incident (id, state, title, severity, service, environment, group_key, trigger, started_at, opened_at,
    resolved_at, channel) values (%s, 'resolved', %s, 'critical', %s, '', '', 'alertmanager', %s, %s, %s, 'C1')
"""
_INVESTIGATION = """
insert into aiops.investigation (id, incident_id, number, state, trigger, due_at, assessment, alert_class, runbook,
    finished_at) values (%s, %s, 1, 'done', 'alert', %s, %s, %s, %s, %s)
"""
_OUTCOME = """
insert into aiops.outcome (incident_id, version, form, author, source, recorded_at, grade, graded_by)
    values (%s, 1, %s, 'U1', 'modal', %s, %s, %s)
"""


def plant(url: str, calls: Sequence[Call]) -> None:
    """Incident, investigation and label of each call."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany(
            _INCIDENT, [(one.incident_id, one.title, one.service, one.at, one.at, one.at) for one in calls]
        )
        cursor.executemany(
            _INVESTIGATION,
            [
                (f"{one.incident_id}.1", one.incident_id, one.at, Jsonb(to_json(_assessment(one))), one.alert_class, one.runbook, one.at)
                for one in calls
            ],
        )  # fmt: skip
        labelled = [one for one in calls if one.labelled_at is not None]
        cursor.executemany(
            _OUTCOME,
            [(one.incident_id, Jsonb(to_json(_form(one))), one.labelled_at, one.grade, one.graded_by) for one in labelled],
        )  # fmt: skip


def _assessment(one: Call) -> Assessment:
    said = Hypothesis(
        rank=1,
        title=one.hypothesis,
        cause_class=one.cause_class,
        suspect=Suspect(service=one.suspect, change_id=one.change_id or None),
        claims=(),
        confidence=Confidence(value=one.confidence, raw=one.raw, labels=0, basis="prior"),
        disconfirming_check="",
    )
    return Assessment(
        summary="",
        hypotheses=(said,),
        first_action=None,
        ruled_out=(),
        similar=SimilarFound(incidents=(), searched=0),
        analyst=one.analyst,
        notes=(),
        usage=Usage(),
        features=dict(one.features),
    )


def _form(one: Call) -> OutcomeForm:
    return OutcomeForm(cause="as people found out", grade=one.person_grade, established=one.established)
