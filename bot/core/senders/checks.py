"""
Monitors that run checks against hosts, and services that look at a site from outside: what was checked, and on what.

Nagios and its heirs give macros (https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/macrolist.html,
https://docs.checkmk.com/latest/en/notifications.html, https://icinga.com/docs/icinga-2/latest/doc/03-monitoring-basics/), whatever the
script in between does with their spelling. For an uptime monitor the check's own name is the monitored thing.
"""

from collections.abc import Mapping
from dataclasses import replace

from bot.core.alert import AlertStatus, Severity
from bot.core.senders.fields import Fields, said
from bot.core.senders.reading import Reading, first_of
from bot.core.senders.states import split_title, status_of

# How Checkmk, Nagios and Icinga hand macros to a script.
_PREFIXES = ("", "notify_", "nagios_", "icinga_")
_TITLES = ("title", "subject", "summary", "alert_name", "message_title")
_OUTPUTS = ("service_output", "host_output", "output", "plugin_output", "check_output")
# The numbers are those of plugins, so of services.
_ENDS = ("ok", "up", "0")
_GRADES: Mapping[str, Severity] = {
    "critical": Severity.CRITICAL,
    "2": Severity.CRITICAL,
    "down": Severity.CRITICAL,
    "unreachable": Severity.CRITICAL,
    "warning": Severity.WARNING,
    "1": Severity.WARNING,
}
_STATES = frozenset([*_ENDS, *_GRADES, "unknown", "3", "pending"])
_ZABBIX = ("event_nseverity", "trigger_nseverity", "trigger_severity", "trigger_status", "event_update_status", "zabbix_url")  # fmt: skip
_UPTIME = (
    "heartbeat", "monitor_friendly_name", "check_params", "importance_level", "check_rate", "http_method", "screenshot_url",
)  # fmt: skip


def refined(fields: Fields, reading: Reading) -> Reading:
    """With what the forms of these products tell beyond their keys."""
    for refine in (_macros, _zabbix, _sensu, _uptime):
        reading = refine(fields, reading)
    return reading


def _macros(fields: Fields, reading: Reading) -> Reading:
    kind = _macro(fields, "notification_type")
    outside = bool(kind) or fields.has(*_OUTPUTS)
    host = _macro(fields, "host_name", "host_display_name", "host_alias", *(["host"] if outside else []))
    check = _macro(
        fields, "service_desc", "service_description", "service_display_name", "service_name", *(["service"] if outside else [])
    )  # fmt: skip
    states = ("service_state", "service_state_id") if check else ("host_state",)
    state = _macro(fields, *states, *(["state", "status"] if outside else [])).lower()
    if not host or state not in _STATES or not (kind or outside or _macro(fields, *states)):
        return reading
    ended = state in _ENDS
    before = _macro(fields, "last_service_state", "previous_service_hard_state") if check else _macro(fields, "last_host_state", "previous_host_hard_state")  # fmt: skip
    grade = _GRADES.get(before.lower() if ended else state, Severity.UNKNOWN)
    titled = fields.said(*_TITLES)
    return replace(
        reading,
        name=reading.name if titled else check or host,
        status=AlertStatus.RESOLVED if ended else AlertStatus.FIRING,
        severity=reading.severity if fields.has("severity") else grade,
        service=host,
        summary=reading.summary if titled else first_of([_macro(fields, *_OUTPUTS), reading.summary]),
        identity=f"{host}\n{check}",
    )


def _macro(fields: Fields, *names: str) -> str:
    return fields.said(*(prefix + name for name in names for prefix in _PREFIXES))


def _zabbix(fields: Fields, reading: Reading) -> Reading:
    """https://www.zabbix.com/documentation/current/en/manual/config/notifications/media/webhook."""
    if not fields.has(*_ZABBIX) and not (fields.has("event_value") and fields.has("event_id")):
        return reading
    status = status_of(*fields.each("trigger_status", "event_status", "problem_status"))
    return replace(
        reading,
        name=first_of([*fields.each("event_name", "trigger_name", "problem_name"), reading.name]),
        status=status or reading.status,
        service=first_of([*fields.each("host_name", "host_visible_name", "host_host", "host"), reading.service]),
        identity="\n".join(fields.each("event_id", "trigger_id", "original_problem_id")) or reading.identity,
    )


def _sensu(fields: Fields, reading: Reading) -> Reading:
    """https://docs.sensu.io/sensu-go/latest/observability-pipeline/observe-events/events/."""
    check, watched = fields.object("check"), fields.object("entity", "client")
    if "status" not in check or not watched:
        return reading
    name, service = said(check, "name"), said(watched, "name")
    return replace(
        reading, name=name or reading.name, service=service or reading.service, identity=f"{service}\n{name}"
    )


def _uptime(fields: Fields, reading: Reading) -> Reading:
    if not fields.has(*_UPTIME):
        return reading
    named = split_title(fields.said("monitor_friendly_name", "monitor_name", "check_name", "name")).name
    if not named:
        return reading
    status = status_of(fields.said("alert_type_friendly_name"))
    return replace(
        reading,
        name=named,
        status=status or reading.status,
        service=named,
        summary=first_of([*fields.each("alert_details", "heartbeat_msg"), reading.summary]),
    )
