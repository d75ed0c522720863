"""Alertmanager's Slack messages read back into alerts."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.alert import AlertStatus, Anchor, Severity, Source
from bot.slack.alertmessages import parse_alert_message

TS = "1795163470.000200"
LABELLED = (
    "*Alert:* Volume is filling up - `warning`\n*Summary:* volume at 93 %\n*Description:* node <http://n.example|n1> is at 93 %\n"
    "*Details:*\n  • *alertname:* `VolumeFilling`\n  • *service:* `billing`\n  • *env:* `prod`\n"
    "  • *instance:* `{instance}`\n  • *severity:* `warning`\n"
)


def message(title, *, form="webhook", **attachment):
    sender = {"subtype": "bot_message", "bot_id": "B0ALERTMGR"} if form == "webhook" else {"bot_id": "B1", "user": "U1"}
    return {
        "type": "message",
        "ts": TS,
        "text": "",
        **sender,
        "attachments": [
            {"title": title, "fallback": f"{title} | http://am.example/#/alerts", "color": "danger", **attachment}
        ],
    }


def parsed(title, **more):
    delivery = parse_alert_message("C0ALERTS", message(title, **more))
    assert delivery is not None
    return delivery.alerts[0]


@pytest.mark.parametrize("form", ["webhook", "app"])
def test_both_forms_of_the_default_template_are_read(form):
    delivery = parse_alert_message(
        "C0ALERTS",
        message(
            "[FIRING:2] DiskSlow storage (critical eu-1)", form=form, title_link="http://am.example/#/alerts?receiver=x"
        ),
    )

    assert delivery.source is Source.SLACK
    assert delivery.anchor == Anchor(channel="C0ALERTS", ts=TS)
    assert delivery.external_url == "http://am.example/#/alerts?receiver=x"
    [alert] = delivery.alerts
    assert (alert.name, alert.status, alert.severity) == ("DiskSlow", AlertStatus.FIRING, Severity.CRITICAL)
    assert alert.starts_at.timestamp() == pytest.approx(1795163470.0002)
    assert alert.summary == "storage critical eu-1"


def test_labels_are_read_from_a_template_that_lists_them():
    text = LABELLED.format(instance="10.0.0.1:9100") + "\n" + LABELLED.format(instance="10.0.0.2:9100")

    alert = parsed('[FIRING:2] VolumeFilling for billing (team="core")', text=text)

    assert (alert.name, alert.service, alert.environment) == ("VolumeFilling", "billing", "prod")
    assert alert.severity is Severity.WARNING
    assert alert.summary == "volume at 93 %"
    assert alert.annotations["description"] == "node n1 is at 93 %"
    assert alert.labels["team"] == "core"
    assert "instance" not in alert.labels


def test_fields_of_an_attachment_are_read_as_labels():
    alert = parsed(
        "[FIRING:1] QueueFull",
        fields=[{"title": "Service", "value": "mailer", "short": True}, {"title": "Severity", "value": "high"}],
    )

    assert (alert.service, alert.severity) == ("mailer", Severity.ERROR)


def test_a_resolved_message_has_the_fingerprint_of_its_firing_one():
    firing = parsed("[FIRING:1] DiskSlow storage (critical node-1)")
    more = parsed("[FIRING:3] DiskSlow storage (critical)")
    resolved = parsed("[RESOLVED] DiskSlow storage (critical)", color="good")

    assert {firing.fingerprint, more.fingerprint, resolved.fingerprint} == {firing.fingerprint}
    assert resolved.status is AlertStatus.RESOLVED
    assert resolved.ends_at == resolved.starts_at


def test_another_group_or_another_channel_has_another_fingerprint():
    title = "[FIRING:1] DiskSlow storage (critical)"
    elsewhere = parse_alert_message("C0OTHER", message(title)).alerts[0]

    assert parsed(title).fingerprint != parsed("[FIRING:1] DiskSlow cache (critical)").fingerprint
    assert parsed(title).fingerprint != elsewhere.fingerprint


def test_an_edited_message_ends_when_it_was_edited():
    edited = {**message("[RESOLVED] DiskSlow storage"), "edited": {"user": "B1", "ts": "1795163770.000000"}}

    alert = parse_alert_message("C0ALERTS", edited).alerts[0]

    assert (alert.ends_at - alert.starts_at).total_seconds() == pytest.approx(300, abs=1)


def test_a_title_that_is_a_link_and_escaped_is_read():
    alert = parsed("<http://am.example|[FIRING:1] Lag &gt; 5 min (error)>")

    assert (alert.name, alert.severity) == ("Lag", Severity.ERROR)


def test_people_and_other_bots_are_left_alone():
    said = {"type": "message", "ts": TS, "user": "U0ANA", "text": "[FIRING:1] joking"}
    deployed = {"type": "message", "ts": TS, "subtype": "bot_message", "text": "Deployed billing 4.2"}

    assert parse_alert_message("C0ALERTS", said) is None
    assert parse_alert_message("C0ALERTS", deployed) is None
    assert parse_alert_message("C0ALERTS", {**message("[FIRING:1] X"), "ts": "nonsense"}) is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=60)
    | st.sampled_from(["[FIRING:1] a (b)", "[RESOLVED] x", TS]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["title", "text", "fallback", "fields", "value", "ts", "edited", "attachments"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=200, deadline=None)
@given(JSON, st.text(max_size=300))
def test_no_message_breaks_the_reader(attachments, text):
    base = {"ts": TS, "subtype": "bot_message", "text": text, "attachments": attachments}
    assert parse_alert_message("C0ALERTS", base) is None or attachments or text

    titled = parse_alert_message("C0ALERTS", message(f"[FIRING:1] {text}", text=text, fields=attachments))
    if titled is not None:
        assert len(titled.alerts[0].summary) <= 500
        assert replace(titled, text="") == replace(
            parse_alert_message("C0ALERTS", message(f"[FIRING:1] {text}", text=text, fields=attachments)), text=""
        )
