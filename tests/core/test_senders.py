"""Payloads of alert senders in their documented forms, and of a sender that nobody described."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.alert import AlertStatus, Severity
from bot.core.errors import PayloadError
from bot.core.senders import parse_payload

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def one(payload):
    (alert,) = parse_payload(payload, NOW)
    return alert


def facts(payload):
    alert = one(payload)
    return alert.name, alert.status, alert.severity, alert.service


def test_grafana_without_a_version_gives_each_alert_of_its_group():
    labels = {"alertname": "Lag", "severity": "error", "service": "ledger"}
    group = {
        "status": "firing",
        "alerts": [
            {"status": "firing", "labels": labels, "startsAt": "2026-01-01T10:00:00Z", "fingerprint": "a1"},
            {
                "status": "resolved",
                "labels": labels,
                "startsAt": "2026-01-01T09:00:00Z",
                "endsAt": "2026-01-01T09:30:00Z",
            },
        ],
    }

    first, second = parse_payload({"wrapped": json.dumps(group)}, NOW)

    assert (first.name, first.status, first.severity, first.service) == ("Lag", "firing", Severity.ERROR, "ledger")
    assert (second.status, second.ends_at) == (AlertStatus.RESOLVED, datetime(2026, 1, 1, 9, 30, tzinfo=UTC))


def test_what_one_alert_of_a_group_watches_is_not_said_of_the_next():
    alerts = [{"labels": {"alertname": "Down", "host": host}} for host in ("db-1", "db-2")]

    assert [alert.service for alert in parse_payload({"alerts": alerts}, NOW)] == ["db-1", "db-2"]


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        (
            {
                "alarmName": "queue-age",
                "state": {"value": "ALARM"},
                "configuration": {"metrics": [{"metricStat": {"metric": {"dimensions": {"QueueName": "orders"}}}}]},
            },
            ("queue-age", AlertStatus.FIRING, Severity.UNKNOWN, "orders"),
        ),
        (
            {"service": "RDS", "eventTypeCode": "AWS_RDS_OPERATIONAL_ISSUE", "statusCode": "closed"},
            ("AWS_RDS_OPERATIONAL_ISSUE", AlertStatus.RESOLVED, Severity.UNKNOWN, "RDS"),
        ),
    ],
)
def test_an_event_of_amazon_names_what_it_is_about(detail, expected):
    assert facts({"detail-type": "AWS Event", "source": "aws.health", "detail": detail}) == expected


def test_an_alarm_of_cloudwatch_is_opened_out_of_its_envelope():
    alarm = {
        "AlarmName": "queue-age",
        "NewStateValue": "OK",
        "NewStateReason": "1 datapoint was not greater than the threshold",
        "StateChangeTime": "2026-01-01T08:00:00.000+0000",
        "Trigger": {"Namespace": "AWS/SQS", "Dimensions": [{"name": "QueueName", "value": "orders"}]},
    }
    envelope = {"Records": [{"Sns": {"Subject": "OK", "Message": json.dumps(alarm)}}]}

    assert facts(envelope) == ("queue-age", AlertStatus.RESOLVED, Severity.UNKNOWN, "orders")
    assert one(envelope).starts_at == datetime(2026, 1, 1, 8, tzinfo=UTC)


def test_a_finding_has_the_grade_that_its_number_stands_for():
    finding = {
        "detail-type": "GuardDuty Finding",
        "source": "aws.guardduty",
        "detail": {"title": "Port probed", "severity": 5},
    }

    assert facts(finding) == ("Port probed", AlertStatus.FIRING, Severity.WARNING, "guardduty")


def test_an_incident_of_pagerduty_ends_under_the_identity_that_it_began_under():
    def event(kind, status):
        data = {"id": "P1", "title": "Disk full", "status": status, "urgency": "high", "service": {"summary": "ledger"}}
        return {"event": {"event_type": f"incident.{kind}", "occurred_at": "2026-01-01T08:00:00Z", "data": data}}

    begun, ended = one(event("triggered", "triggered")), one(event("resolved", "resolved"))

    assert (begun.name, begun.severity, begun.service) == ("Disk full", Severity.ERROR, "ledger")
    assert (begun.status, ended.status) == (AlertStatus.FIRING, AlertStatus.RESOLVED)
    assert begun.fingerprint == ended.fingerprint


def test_an_alert_of_opsgenie_is_closed_by_its_action():
    alert = {"message": "Lag", "priority": "P2", "alias": "lag", "details": {"service": "ledger"}}

    assert facts({"action": "Create", "alert": alert}) == ("Lag", AlertStatus.FIRING, Severity.ERROR, "ledger")
    assert one({"action": "Close", "alert": alert}).status is AlertStatus.RESOLVED


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            {
                "title": "Lag on ledger",
                "alert_transition": "Recovered",
                "priority": "P3",
                "tags": "service:ledger,env:prod",
            },
            ("Lag on ledger", AlertStatus.RESOLVED, Severity.WARNING, "ledger"),
        ),
        (
            {"MONITORNAME": "shop", "STATUS": "DOWN", "INCIDENT_REASON": "timed out", "host": "edge-1"},
            ("shop", AlertStatus.FIRING, Severity.UNKNOWN, "edge-1"),
        ),
        (
            {
                "incident": {
                    "condition_name": "5xx",
                    "state": "closed",
                    "severity": "Critical",
                    "resource_display_name": "shop",
                }
            },
            ("5xx", AlertStatus.RESOLVED, Severity.CRITICAL, "shop"),
        ),
    ],
)
def test_a_sender_that_nobody_described_is_read_by_its_keys(payload, expected):
    assert facts(payload) == expected


@pytest.mark.parametrize("payload", [[], {}, "words", 7, None, {"id": 4, "ok": True}])
def test_what_names_no_alert_is_refused_with_what_was_there(payload):
    with pytest.raises(PayloadError, match="body: "):
        parse_payload(payload, NOW)


def test_secrets_do_not_come_along():
    assert "hunter2hunter2" not in repr(one({"title": "Login failed", "message": "password=hunter2hunter2 refused"}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "alerts",
                    "labels",
                    "detail",
                    "detail-type",
                    "Records",
                    "Sns",
                    "Message",
                    "event",
                    "data",
                    "status",
                    "title",
                    "tags",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_nothing_breaks_the_reader(payload):
    try:
        alerts = parse_payload(payload, NOW)
    except PayloadError:
        return
    assert alerts
    assert all(alert.name and len(alert.name) <= 200 for alert in alerts)
