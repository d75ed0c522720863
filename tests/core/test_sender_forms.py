"""Payloads in the forms that products document or that their users write, and payloads of nobody in particular."""

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.alert import AlertStatus, Severity
from bot.core.errors import PayloadError
from bot.core.senders import parse_payload
from bot.core.senders.states import split_title, status_of_title
from bot.webhook import parse_sender

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
CRITICAL, ERROR, WARNING, INFO, UNKNOWN = Severity

AZURE = {
    "schemaId": "azureMonitorCommonAlertSchema",
    "data": {
        "essentials": {
            "alertId": "/subscriptions/11/providers/Microsoft.AlertsManagement/alerts/b9569717",
            "alertRule": "api-cpu-high",
            "severity": "Sev3",
            "signalType": "Metric",
            "monitorCondition": "Resolved",
            "monitoringService": "Platform",
            "alertTargetIDs": [
                "/subscriptions/11/resourcegroups/web/providers/microsoft.compute/virtualmachines/vm-api"
            ],
            "configurationItems": ["vm-api"],
            "originAlertId": "11_web_microsoft.insights_metricalerts_api-cpu-high",
            "firedDateTime": "2026-01-01T05:00:00.0000000Z",
            "resolvedDateTime": "2026-01-01T05:20:00.0000000Z",
            "description": "CPU above 90 % for five minutes",
        },
        "alertContext": {"conditionType": "SingleResourceMultipleMetricCriteria", "condition": {"windowSize": "PT5M"}},
    },
}
KUMA = {
    "heartbeat": {"monitorID": 4, "status": 1, "time": "2026-01-01 05:00:00", "msg": "200 - OK", "important": True},
    "monitor": {"id": 4, "name": "Billing page", "url": "https://billing.example", "hostname": None, "type": "http"},
    "msg": "[Billing page] [✅ Up] 200 - OK",
}
SENSU = {
    "entity": {"metadata": {"name": "db-4", "namespace": "default"}, "entity_class": "agent"},
    "check": {
        "metadata": {"name": "check-disk"},
        "status": 2,
        "state": "failing",
        "output": "disk 96 % full",
        "issued": 1,
    },
}
MACROS = {
    "NOTIFICATIONTYPE": "PROBLEM",
    "HOSTNAME": "mail-2",
    "HOSTSTATE": "UP",
    "SERVICEDESC": "Queue length",
    "SERVICESTATE": "CRITICAL",
    "SERVICEOUTPUT": "412 messages wait",
}
ZABBIX = {
    "event_id": "4411",
    "event_name": "Load average is too high",
    "event_nseverity": "4",
    "event_severity": "High",
    "event_value": "1",
    "host_name": "app-7",
    "alert_subject": "Problem: Load average is too high",
    "event_recovery_value": "{EVENT.RECOVERY.VALUE}",
}
WAZUH = {
    "timestamp": "2026-01-01T05:00:00.000+0000",
    "rule": {"level": 12, "description": "Many failed logins", "id": "5712"},
    "agent": {"id": "004", "name": "bastion"},
    "manager": {"name": "siem"},
    "decoder": {"name": "sshd"},
}
ROLLBAR = {
    "event_name": "new_item",
    "data": {"item": {"id": 8, "title": "KeyError: 'cart'", "level": 50, "environment": "production", "framework": 7, "project_id": 9}},
}  # fmt: skip
PINGDOM = {
    "check_id": 12,
    "check_name": "Shop front",
    "check_type": "HTTP",
    "check_params": {"hostname": "shop.example", "port": 443},
    "previous_state": "UP",
    "current_state": "DOWN",
    "importance_level": "HIGH",
    "long_description": "HTTP Server Error 503",
}
DYNATRACE = {
    "ProblemID": "P-5512",
    "ProblemTitle": "Response time degradation",
    "State": "OPEN",
    "ProblemSeverity": "PERFORMANCE",
    "ImpactedEntities": [{"type": "SERVICE", "name": "cart", "entity": "SERVICE-1F"}],
    "ImpactedEntity": "Response time degradation on Web service cart",
}
GOOGLE = {
    "incident": {
        "incident_id": "0.abc",
        "scoping_project_id": "acme",
        "state": "closed",
        "severity": "Warning",
        "policy_name": "Queue age",
        "condition_name": "oldest message above 600 s",
        "resource_display_name": "orders",
    },
    "version": "1.2",
}
ATLAS = {
    "id": "5f",
    "eventTypeName": "OUTSIDE_METRIC_THRESHOLD",
    "status": "CLOSED",
    "created": "2026-01-01T05:00:00Z",
    "hostnameAndPort": "shard-1.example:27017",
    "clusterName": "orders",
}
FORMS = {
    "Azure Monitor": (AZURE, ("api-cpu-high", RESOLVED, INFO, "vm-api")),
    "Nagios, a service": (MACROS, ("Queue length", FIRING, CRITICAL, "mail-2")),
    "Checkmk, with its prefix": (
        {f"NOTIFY_{key}": value for key, value in MACROS.items()} | {"NOTIFY_NOTIFICATIONTYPE": "RECOVERY", "NOTIFY_SERVICESTATE": "OK"},
        ("Queue length", RESOLVED, UNKNOWN, "mail-2"),
    ),
    "Nagios, a host": (
        {"notification_type": "PROBLEM", "host_name": "mail-2", "host_state": "DOWN", "host_output": "100% loss", "service_desc": "$SERVICEDESC$"},
        ("mail-2", FIRING, CRITICAL, "mail-2"),
    ),
    "Icinga, nested": (
        {"host": {"name": "mail-2"}, "service": {"name": "queue", "state": "WARNING"}, "notification": {"type": "PROBLEM"}},
        ("queue", FIRING, WARNING, "mail-2"),
    ),
    "Icinga, flat": (
        {"host": "mail-2", "service": "queue", "state": "OK", "type": "RECOVERY", "output": "QUEUE OK - 3 wait"},
        ("queue", RESOLVED, UNKNOWN, "mail-2"),
    ),
    "Zabbix": (ZABBIX, ("Load average is too high", FIRING, ERROR, "app-7")),
    "Zabbix, recovered": (ZABBIX | {"event_value": "0"}, ("Load average is too high", RESOLVED, ERROR, "app-7")),
    "Zabbix, a message of lines": (
        {"Subject": "Resolved in 12m 3s: Disk is full", "Message": "Problem name: Disk is full\nHost: app-7\nSeverity: Disaster\n"},
        ("Disk is full", RESOLVED, CRITICAL, "app-7"),
    ),
    "Zabbix, in capitals": (
        {"TRIGGER_NAME": "Disk is full", "TRIGGER_STATUS": "PROBLEM", "TRIGGER_SEVERITY": "Average", "HOST": "app-7"},
        ("Disk is full", FIRING, WARNING, "app-7"),
    ),
    "UptimeRobot": (
        {"monitorID": "77", "monitorURL": "https://shop.example", "monitorFriendlyName": "Shop", "alertType": "2", "alertTypeFriendlyName": "Up", "alertDetails": "HTTP 200"},
        ("Shop", RESOLVED, UNKNOWN, "Shop"),
    ),
    "Uptime Kuma": (KUMA, ("Billing page", RESOLVED, UNKNOWN, "Billing page")),
    "Pingdom": (PINGDOM, ("Shop front", FIRING, ERROR, "Shop front")),
    "StatusCake": (
        {"URL": "https://shop.example", "Name": "Shop", "StatusCode": "0", "Status": "Down", "CheckRate": "60", "Tags": ""},
        ("Shop", FIRING, UNKNOWN, "Shop"),
    ),
    "Splunk On-Call": (
        {"message_type": "CRITICAL", "entity_id": "db-4/disk", "entity_display_name": "Disk of db-4", "state_message": "96 % full", "host_name": "db-4"},
        ("Disk of db-4", FIRING, CRITICAL, "db-4"),
    ),
    "Splunk On-Call, recovered": ({"message_type": "RECOVERY", "entity_id": "db-4/disk"}, ("db-4/disk", RESOLVED, UNKNOWN, "")),
    "Splunk On-Call, going out": (
        {"ALERT.entity_display_name": "Disk of db-4", "ALERT.message_type": "WARNING", "STATE.CURRENT_ALERT_PHASE": "RESOLVED", "STATE.SERVICE": "disk"},
        ("Disk of db-4", RESOLVED, WARNING, "disk"),
    ),
    "Dynatrace": (DYNATRACE, ("Response time degradation", FIRING, WARNING, "cart")),
    "Dynatrace, without a list": (
        {key: value for key, value in DYNATRACE.items() if key != "ImpactedEntities"} | {"State": "RESOLVED", "ProblemSeverity": "AVAILABILITY"},
        ("Response time degradation", RESOLVED, CRITICAL, "cart"),
    ),
    "Datadog, its default": (
        {"id": "6", "event_type": "metric_alert_monitor", "title": "[P2] [Triggered] Lag of orders", "body": "too slow", "org": {"id": 1, "name": "Acme"}},
        ("Lag of orders", FIRING, ERROR, ""),
    ),
    "Datadog, recovered": (
        {"title": "[P1] [Recovered on {host:web-3}] Disk of {{host.name}}", "tags": ["service:shop"], "alert_type": "success"},
        ("Disk of {{host.name}}", RESOLVED, CRITICAL, "shop"),
    ),
    "Google Cloud Monitoring": (GOOGLE, ("Queue age", RESOLVED, WARNING, "orders")),
    "Splunk": (
        {"sid": "scheduler__1", "search_name": "Too many 500s", "app": "search", "owner": "ops", "result": {"host": "web-3", "sourcetype": "nginx", "severity": "high"}},
        ("Too many 500s", FIRING, ERROR, "web-3"),
    ),
    "New Relic": (
        {"title": "Error rate > 5 for 5 minutes", "priority": "CRITICAL", "state": "CLOSED", "impactedEntities": ["cart", "shop"], "alertConditionNames": ["Error rate"]},
        ("Error rate", RESOLVED, CRITICAL, "cart"),
    ),
    "Graylog": (
        {"event_definition_id": "6f", "event_definition_title": "Resets", "event": {"priority": 3, "message": "Resets: 311", "group_by_fields": {"application": "soap"}}},
        ("Resets", FIRING, ERROR, "soap"),
    ),
    "Instana": (
        {"issue": {"id": "5", "type": "issue", "state": "CLOSED", "severity": 5, "text": "Calls are slow", "suggestion": "p90 is 4 s", "fqdn": "vm-1", "entityLabel": "cart"}},
        ("Calls are slow", RESOLVED, WARNING, "cart"),
    ),
    "Sensu": (SENSU, ("check-disk", FIRING, CRITICAL, "db-4")),
    "Sensu, passing": (SENSU | {"check": SENSU["check"] | {"status": 0, "state": "passing"}}, ("check-disk", RESOLVED, UNKNOWN, "db-4")),
    "Wazuh": (WAZUH, ("Many failed logins", FIRING, ERROR, "bastion")),
    "Rollbar": (ROLLBAR, ("KeyError: 'cart'", FIRING, CRITICAL, "")),
    "MongoDB Atlas": (ATLAS, ("OUTSIDE_METRIC_THRESHOLD", RESOLVED, UNKNOWN, "shard-1.example:27017")),
    "LibreNMS": (
        {"title": "Port saturated", "sysName": "sw-4", "hostname": "sw-4.lan", "state": "0", "severity": "warning", "faults": "#1: ifName=xe-0"},
        ("Port saturated", RESOLVED, WARNING, "sw-4.lan"),
    ),
    "ServiceNow events": (
        {"source": "probe", "node": "lb-1", "metric_name": "pool", "type": "pool down", "severity": "1", "description": "Pool has no member", "additional_info": "{}"},
        ("Pool has no member", FIRING, CRITICAL, "lb-1"),
    ),
    "Cloudflare": (
        {"name": "Origin errors", "text": "Origin 5xx rose", "data": {"severity": "SEV2"}, "alert_type": "http_alert_origin_error", "ts": 1},
        ("Origin errors", FIRING, ERROR, ""),
    ),
    "Statuspage": (
        {"page": {"id": "y"}, "incident": {"name": "Checkout is slow", "status": "investigating", "impact": "major", "components": [{"name": "Checkout"}]}},
        ("Checkout is slow", FIRING, ERROR, "Checkout"),
    ),
}  # fmt: skip


def facts(payload):
    (alert,) = parse_payload(payload, NOW)
    return alert.name, alert.status, alert.severity, alert.service


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_a_product_is_read_as_its_documentation_means_it(form):
    payload, expected = FORMS[form]

    assert facts(payload) == expected
    assert facts({"body": json.dumps(payload)}) == expected


PLAIN = {"alert_name": "Disk is full", "status": "firing", "severity": "high", "host": "db-4"}


@pytest.mark.parametrize(
    "payload",
    [
        PLAIN,
        {"AlertName": "Disk is full", "State": "Firing", "Severity": "High", "HostName": "db-4"},
        {"ALERT-TITLE": "Disk is full", "NODE_STATE": "DOWN", "TICKET_PRIORITY": "P2", "AFFECTED_SERVER": "db-4"},
        {"alert": {"title": "Disk is full", "severity": {"id": 2, "label": "High"}}, "target": {"name": "db-4"}},
        {"data": {"incident": {"summary": "Disk is full", "priority": "2 - High", "state": "New"}, "resources": ["db-4", "db-5"]}},
        {"title": "Disk is full", "fields": [{"key": "severity", "value": "high"}, {"key": "host", "value": "db-4"}]},
        {"title": "Disk is full", "fields": [{"title": "Severity", "value": "SEV-2"}, {"title": "Host", "value": "db-4"}]},
        {"payload": json.dumps(PLAIN)},
        {"payload": json.dumps([PLAIN])},
        {"text": "Name: Disk is full\nPriority: high\nServer: db-4"},
        {"problemHeadline": "Disk is full", "how_bad": "?", "sev": "2", "priority": 2, "machine": "db-4"},
        {"subject": "[High] [PROBLEM] Disk is full", "machine_name": "db-4"},
    ],
)  # fmt: skip
def test_the_usual_things_are_found_however_they_are_spelled(payload):
    assert facts(payload) == ("Disk is full", FIRING, ERROR, "db-4")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"state": "RECOVERY"}, RESOLVED),
        ({"alarmState": "cleared"}, RESOLVED),
        ({"current_status": "normal", "previous_status": "critical"}, RESOLVED),
        ({"condition": "inactive"}, RESOLVED),
        ({"resolved": True}, RESOLVED),
        ({"is_closed": True}, RESOLVED),
        ({"resolved_at": "2026-01-01T05:00:00Z"}, RESOLVED),
        ({"resolved": False, "resolved_at": None}, FIRING),
        ({"previous_status": "ok"}, FIRING),
        ({"status": "not ok"}, FIRING),
        ({"status": 1}, FIRING),
        ({"status": 0}, FIRING),
        ({}, FIRING),
    ],
)
def test_an_end_is_told_by_a_word_a_flag_or_a_time_but_never_by_a_bare_number(said, status):
    assert facts({"title": "Disk is full", **said})[1] is status


BEGUN_AND_ENDED = {
    "Azure Monitor": (AZURE, {"monitorCondition": "Fired", "resolvedDateTime": None}, {"monitorCondition": "Resolved"}),
    "Nagios": (MACROS, {}, {"NOTIFICATIONTYPE": "RECOVERY", "SERVICESTATE": "OK", "SERVICEOUTPUT": "3 messages wait"}),
    "Zabbix": (ZABBIX, {}, {"event_value": "0", "alert_subject": "Resolved in 3m: Load average is too high"}),
    "Pingdom": (PINGDOM, {}, {"previous_state": "DOWN", "current_state": "UP", "long_description": "OK"}),
    "Uptime Kuma": (KUMA, {"status": 0, "msg": "timeout"}, {"status": 1, "msg": "200 - OK"}),
    "Dynatrace": (DYNATRACE, {}, {"State": "RESOLVED"}),
    "Sensu": (SENSU, {}, {"check": SENSU["check"] | {"status": 0, "state": "passing", "output": "disk 40 % full"}}),
    "Better Stack": (
        {"data": {"id": "5", "type": "incident", "attributes": {"name": "Shop", "http_method": "get"}}},
        {"attributes": {"name": "Shop", "http_method": "get", "status": "Started", "cause": "502", "resolved_at": None}},
        {"attributes": {"name": "Shop", "http_method": "get", "status": "Resolved", "cause": "502", "resolved_at": "2026-01-01T05:00:00Z"}},
    ),
    "nobody": (
        {"host": "db-4", "title": ""},
        {"title": "[Triggered] Disk is full"},
        {"title": "[Recovered] Disk is full"},
    ),
}  # fmt: skip


def replaced(value, changes):
    if isinstance(value, dict):
        return {key: changes[key] if key in changes else replaced(one, changes) for key, one in value.items()}
    return value


def test_the_words_of_an_alert_say_more_than_its_name_and_its_link_is_its_own():
    payload = {
        "title": "[Triggered] Lag",
        "summary": "Lag",
        "event_msg": "412 messages wait",
        "url": "https://shop.example",
        "incident_url": "https://bot.example/1",
    }
    (alert,) = parse_payload(payload, NOW)

    assert (alert.name, alert.summary, alert.generator_url) == ("Lag", "412 messages wait", "https://bot.example/1")


@pytest.mark.parametrize("form", BEGUN_AND_ENDED)
def test_an_end_has_the_identity_of_its_beginning(form):
    payload, *both = BEGUN_AND_ENDED[form]
    begun, ended = (parse_payload(replaced(payload, changes), NOW)[0] for changes in both)

    assert (begun.status, ended.status) == (FIRING, RESOLVED)
    assert (begun.fingerprint, begun.name, begun.service) == (ended.fingerprint, ended.name, ended.service)


@pytest.mark.parametrize(
    "title", ["Success rate is low", "Too few healthy nodes in the pool", "Back up job did not run last night"]
)
def test_a_word_for_an_end_inside_a_title_ends_nothing(title):
    assert facts({"title": title})[1] is FIRING
    assert status_of_title(title) is not RESOLVED


@pytest.mark.parametrize(
    ("title", "name", "status", "severity"),
    [
        ("[P3] [Warn] Lag", "Lag", FIRING, WARNING),
        ("[FIRING:2] Lag", "Lag", FIRING, UNKNOWN),
        ("[OK] Lag", "Lag", RESOLVED, UNKNOWN),
        ("RESOLVED: Lag", "Lag", RESOLVED, UNKNOWN),
        ("🔥 Triggered: Lag", "Lag", FIRING, UNKNOWN),
        ("[#mesh] Lag is back to normal", "[#mesh] Lag is back to normal", RESOLVED, UNKNOWN),
        ("[shop] Lag", "[shop] Lag", None, UNKNOWN),
        ("[504] Lag", "[504] Lag", None, UNKNOWN),
        ("Error: no such table", "Error: no such table", FIRING, UNKNOWN),
        ("[Resolved]", "[Resolved]", RESOLVED, UNKNOWN),
    ],
)
def test_only_marks_of_state_and_severity_are_taken_off_a_title(title, name, status, severity):
    assert split_title(title) == (name, status, severity)


def test_a_list_of_alerts_is_read_one_by_one_unless_what_stands_around_it_is_the_alert():
    alerts = [{"title": "Disk is full", "status": "resolved"}, {"title": "Lag", "severity": "low"}]

    assert [(one.name, one.status) for one in parse_payload({"source": "probe", "alerts": alerts}, NOW)] == [
        ("Disk is full", RESOLVED),
        ("Lag", FIRING),
    ]
    assert [one.name for one in parse_payload({"search": {"name": "Timeouts"}, "events": [{"message": "x y"}] * 3}, NOW)] == ["Timeouts"]  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        ({"foo": 3, "bar": {"what_happened": "the pump in hall 4 stopped"}}, "the pump in hall 4 stopped"),
        (
            {"id": "9f86d081884c7d659a2f", "url": "https://x.example/1", "status": "down", "service": "checkout"},
            "checkout",
        ),
        ({"event": "alert.opened", "message": "Pump stopped"}, "Pump stopped"),
        ({"event": "alert.opened"}, "alert.opened"),
        ({"user_name": "kim", "reason": "Pump stopped"}, "Pump stopped"),
        ([{"title": "Pump stopped"}, 4, "words"], "Pump stopped"),
        ({"event": "alert.opened", "title": "Насос стоит"}, "Насос стоит"),
        ({"agent": {"name": "hall-4"}, "description": "Pump stopped"}, "Pump stopped"),
        ({"title": "Pump \ud800stopped", "id\ud800": 4}, "Pump stopped"),
    ],
)
def test_what_says_anything_readable_is_an_alert(payload, name):
    assert parse_payload(payload, NOW)[0].name == name


@pytest.mark.parametrize(
    "payload",
    [
        ["words"],
        [[]],
        {"id": "9f86d081884c7d659a2f"},
        {"status": "ok"},
        {"url": "https://x.example/1"},
        {"at": "2026-01-01T05:00:00Z"},
        {"a": None, "b": [], "c": {}},
        {"title": "$SERVICEDESC$"},
        {"title": "{EVENT.NAME}", "severity": "*UNKNOWN*"},
    ],
)
def test_what_says_nothing_readable_is_refused(payload):
    with pytest.raises(PayloadError, match="body: "):
        parse_payload(payload, NOW)


def deep(levels):
    value = "end"
    for _ in range(levels):
        value = {"name": value, "alerts": [value]}
    return value


HOSTILE = {
    "many keys": {f"key_{number}": "x y" for number in range(200_000)},
    "many objects": {"alerts": [{"title": "x", "labels": {"a": "b"}}] * 5_000, "title": "x"},
    "deep lists": {"title": json.loads("[" * 500 + "]" * 500)},
    "deep JSON in a text": {"title": "[" * 300_000, "message": "{" * 300_000},
    "a long title": {"title": "[P1] " * 200_000},
    "a title of blanks": {"title": "is " * 300_000 + " " * 300_000, "status": "was " * 300_000},
    "many lines": {"message": "Host : x\n" * 200_000},
    "a line of dashes": {"message": "a" + " -" * 300_000 + "\n" + "_" * 300_000},
    "long keys": {"Ab" * 200_000: "x y", "aB" * 200_000: {"c": "x y"}},
    "an entity on entities": {"ProblemTitle": "x", "ImpactedEntity": "on " * 300_000},
    "a long address": {"a": "x." * 300_000, "b": "a+" * 300_000 + "://"},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_payloads_are_read_or_refused_in_time(kind):
    began = time.perf_counter()
    try:
        alerts = parse_payload(HOSTILE[kind], NOW)
    except PayloadError:
        alerts = []

    assert time.perf_counter() - began < 5
    assert all(len(alert.name) <= 200 and len(alert.labels) <= 1_000 for alert in alerts)


def test_an_object_in_an_object_a_hundred_deep_is_read():
    assert parse_payload({"title": "x", **json.loads('{"a":' * 100 + "{}" + "}" * 100)}, NOW)[0].name == "x"
    assert parse_payload({"name": json.loads('{"name":' * 300 + '"y"' + "}" * 300), "title": "x"}, NOW)[0].name == "x"


@pytest.mark.parametrize(
    "body",
    [
        b'{"title": "Lag", "priority": "P2"}',
        b"title=Lag&priority=P2\n",
        b"payload=%7B%22title%22%3A+%22Lag%22%2C+%22priority%22%3A+%22P2%22%7D",
    ],
)
def test_a_body_is_json_or_a_form(body):
    (alert,) = parse_sender(body, now=NOW).delivery.alerts

    assert (alert.name, alert.severity) == ("Lag", ERROR)


@pytest.mark.parametrize(
    "body",
    [b"", b"Lag", b"<a href=x>Lag</a>", b"\xff\xfe=", b"&".join(b"a%d=b" % n for n in range(9_999)), b"[" * 99_999],
)
def test_a_body_that_is_neither_is_refused(body):
    with pytest.raises(PayloadError, match="body: is not JSON"):
        parse_sender(body, now=NOW)


KEYS = ["alerts", "heartbeat", "monitor", "check", "entity", "status", "essentials", "configurationItems", "result", "search_name", "sid", "host", "service"]  # fmt: skip
KEYS += ["state", "output", "event_value", "event_id", "ImpactedEntity", "ProblemTitle", "severity", "title", "name", "value", "key", "fields", "labels", "tags"]  # fmt: skip
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["OK", "DOWN", '{"title": "x"}', "a: b\nc: d", "[P1]"])  # fmt: skip
PAYLOADS = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6), max_leaves=25)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(PAYLOADS)
def test_no_mixture_of_forms_breaks_the_readers(payload):
    try:
        alerts = parse_payload(payload, NOW)
    except PayloadError:
        return
    assert all(alert.name and len(alert.name) <= 200 for alert in alerts)
