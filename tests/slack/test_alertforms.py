"""Alerts that other senders' apps post in Slack, in the forms that those apps use."""

import pytest

from bot.core.alert import AlertStatus, Severity
from bot.slack.alertmessages import parse_alert_message

TS = "1767225600.000100"


def read(channel="C0ALERTS", **parts):
    return parse_alert_message(channel, {"type": "message", "bot_id": "B0SENDER", "ts": TS, **parts})


def attached(**parts):
    return read(attachments=[parts])


def fields(**pairs):
    return [{"title": title.replace("_", " "), "value": value, "short": True} for title, value in pairs.items()]


@pytest.mark.parametrize(
    ("parts", "name", "status", "severity"),
    [
        # Datadog: the state stands before the monitor's name.
        ({"title": "Triggered: [P2] Lag on ledger", "color": "danger"}, "[P2] Lag on ledger", "firing", Severity.CRITICAL),
        ({"title": "Recovered: [P2] Lag on ledger", "color": "good"}, "[P2] Lag on ledger", "resolved", Severity.UNKNOWN),
        # Grafana before unified alerting.
        ({"title": "[Alerting] Disk full", "color": "#D63232", "fields": fields(Value="97")}, "Disk full", "firing", Severity.CRITICAL),
        ({"title": "[OK] Disk full", "color": "#36a64f"}, "Disk full", "resolved", Severity.UNKNOWN),
        # CloudWatch through SNS.
        (
            {"fallback": "Alarm queue-age triggered", "color": "danger", "fields": fields(Alarm_Name="`queue-age`", Current_State="`ALARM`")},
            "queue-age",
            "firing",
            Severity.CRITICAL,
        ),
        # Opsgenie: the fields tell its priority.
        ({"title": "Open: Login fails", "fields": fields(Priority="P3", Status="open")}, "Login fails", "firing", Severity.WARNING),
        # Sentry: no state, a colour and fields.
        ({"title": "TimeoutError in checkout", "color": "#E03E2F", "fields": fields(level="error")}, "TimeoutError in checkout", "firing", Severity.ERROR),
    ],
)  # fmt: skip
def test_an_attachment_gives_name_state_and_severity(parts, name, status, severity):
    (alert,) = attached(**parts).alerts

    assert (alert.name, alert.status.value, alert.severity) == (name, status, severity)


def test_blocks_inside_a_coloured_attachment_are_read():
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": "*Triggered: Disk full*"}},
        {
            "type": "section",
            "fields": [
                {"type": "mrkdwn", "text": "*Service:*\nledger"},
                {"type": "mrkdwn", "text": "*Urgency:*\nhigh"},
            ],
        },
    ]

    (alert,) = attached(color="#A30200", blocks=blocks).alerts

    assert (alert.name, alert.service, alert.severity) == ("Disk full", "ledger", Severity.ERROR)


def test_an_end_has_the_fingerprint_of_its_beginning_and_another_channel_has_not():
    begun, ended = (
        attached(title="[Alerting] Disk full", color="danger"),
        attached(title="[OK] Disk full", color="good"),
    )
    elsewhere = read("C0OTHER", attachments=[{"title": "[Alerting] Disk full", "color": "danger"}])

    assert begun.alerts[0].fingerprint == ended.alerts[0].fingerprint != elsewhere.alerts[0].fingerprint
    assert begun.anchor.ts == TS


def test_a_line_of_text_that_begins_with_its_state_is_an_alert():
    (alert,) = read(text="ALARM: queue-age is above 300 s").alerts

    assert (alert.name, alert.status) == ("queue-age is above 300 s", AlertStatus.FIRING)


@pytest.mark.parametrize(
    "message",
    [
        {"text": "Deployed billing 4.2"},
        {"text": "Open the doors at nine"},
        {"text": "Weekly numbers", "attachments": [{"title": "Numbers of the week", "text": "all is well"}]},
        # Laid out for people, as our own answers are: these must not become alerts again.
        {"text": "Resolved: INC-7 after 12 minutes", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*Resolved*"}}]},
    ],
)  # fmt: skip
def test_talk_of_a_bot_is_left_alone(message):
    assert read(**message) is None
