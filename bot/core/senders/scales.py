"""
Numbers and kinds that a product documents as its severities and states, each told by keys that only its payloads have.

A number without a product behind it says nothing: 1 is the worst on one scale and the least on the next.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Generic, NamedTuple, TypeVar

from bot.core.alert import AlertStatus, Severity
from bot.core.senders.fields import Fields
from bot.core.senders.reading import Reading

_CRITICAL, _ERROR, _WARNING, _INFO = Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO
_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


Grade = TypeVar("Grade", Severity, AlertStatus)


class _Scale(NamedTuple, Generic[Grade]):
    marks: tuple[tuple[str, ...], ...]
    """One key of each group stands in the product's payloads."""
    keys: tuple[str, ...]
    grades: Mapping[str, Grade]


_SEVERITIES = (
    # https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-overview: critical, error, warning, informational, verbose.
    _Scale(
        (("monitor_condition", "schema_id"),),
        ("severity",),
        {f"{prefix}{number}": grade for prefix in ("sev", "") for number, grade in enumerate((_CRITICAL, _ERROR, _WARNING, _INFO, _INFO))},
    ),
    # https://docs.dynatrace.com/docs/dynatrace-intelligence/root-cause-analysis/concepts/events/event-categories: kinds of problems, worst first.
    _Scale(
        (("problem_title", "problem_id"),),
        ("problem_severity", "severity_level"),
        {
            "monitoring_unavailable": _CRITICAL,
            "availability": _CRITICAL,
            "error": _ERROR,
            "performance": _WARNING,
            "slowdown": _WARNING,
            "resource_contention": _WARNING,
            "custom_alert": _WARNING,
            "info": _INFO,
        },
    ),
    # https://www.zabbix.com/documentation/current/en/manual/appendix/macros/supported_by_location: {EVENT.NSEVERITY}
    _Scale(
        (("event_nseverity", "trigger_nseverity"),),
        ("event_nseverity", "trigger_nseverity"),
        {"1": _INFO, "2": _WARNING, "3": _WARNING, "4": _ERROR, "5": _CRITICAL},
    ),
    # https://www.ibm.com/docs/en/instana-observability: 5 is a warning, 10 critical.
    _Scale((("issue",), ("suggestion",), ("fqdn", "entity")), ("severity",), {"5": _WARNING, "10": _CRITICAL}),
    # https://go2docs.graylog.org: priorities of event definitions.
    _Scale((("event_definition_id",),), ("priority",), {"1": _INFO, "2": _WARNING, "3": _ERROR, "4": _CRITICAL}),
    # https://docs.rollbar.com/docs/webhooks: levels of items.
    _Scale(
        (("event_name",), ("item",)),
        ("level",),
        {"50": _CRITICAL, "40": _ERROR, "30": _WARNING, "20": _INFO, "10": _INFO},
    ),
    # https://documentation.wazuh.com: low to 6, medium to 11, high to 14, critical above.
    _Scale(
        (("rule",), ("agent",), ("manager", "decoder")),
        ("rule_level",),
        {str(level): _CRITICAL if level > 14 else _ERROR if level > 11 else _WARNING if level > 6 else _INFO for level in range(17)},
    ),
    # https://www.servicenow.com/docs: critical, major, minor, warning, ok of Event Management.
    _Scale((("additional_info",), ("node",), ("severity",)), ("severity",), {"1": _CRITICAL, "2": _ERROR, "3": _WARNING, "4": _WARNING, "5": _INFO}),
    # https://docs.sensu.io: the check's exit status.
    _Scale((("entity", "client"), ("check",), ("check_status",)), ("check_status",), {"1": _WARNING, "2": _CRITICAL}),
)  # fmt: skip
_STATES = (
    # {EVENT.VALUE}: 1 is a problem, 0 its recovery.
    _Scale((("event_value",),), ("event_value",), {"1": _FIRING, "0": _RESOLVED}),
    # https://uptimerobot.com/help: 1 down, 2 up, 3 a certificate that expires.
    _Scale((("monitor_friendly_name",),), ("alert_type",), {"1": _FIRING, "2": _RESOLVED, "3": _FIRING}),
    # https://github.com/louislam/uptime-kuma: 0 down, 1 up, 2 pending.
    _Scale((("heartbeat",), ("monitor",)), ("heartbeat_status",), {"0": _FIRING, "1": _RESOLVED, "2": _FIRING}),
    # https://docs.librenms.org/Alerting/Templates: 0 ok, 1 alert, 2 acknowledged, 3 worse, 4 better.
    _Scale((("sys_name",), ("faults", "alert_notes")), ("state",), {"0": _RESOLVED, "1": _FIRING, "2": _FIRING, "3": _FIRING, "4": _FIRING}),
    _Scale((("additional_info",), ("node",), ("severity",)), ("severity",), {"0": _RESOLVED}),
    _Scale((("entity", "client"), ("check",), ("check_status",)), ("check_status",), {"0": _RESOLVED, "1": _FIRING, "2": _FIRING}),
)  # fmt: skip


def graded(fields: Fields, reading: Reading) -> Reading:
    """With the severity and the status that the product's numbers stand for."""
    severity = next((found for scale in _SEVERITIES if (found := _grade(fields, scale)) is not None), None)
    status = next((found for scale in _STATES if (found := _grade(fields, scale)) is not None), None)
    return replace(reading, severity=severity or reading.severity, status=status or reading.status)


def _grade(fields: Fields, scale: _Scale[Grade]) -> Grade | None:
    if not all(fields.has(*keys) for keys in scale.marks):
        return None
    words = (fields.said(key).lower() for key in scale.keys)
    return next((scale.grades[word] for word in words if word in scale.grades), None)
