"""
Any sender, by what its keys are called: monitors, checks, error trackers and cloud consoles that have no form of their own here.

Datadog, Sentry, Google Cloud Monitoring, Checkly, Site24x7, ThousandEyes, Splunk (SignalFx), Checkmk and others name the same few
things in like words; a sender nobody described is read the same way.
"""

from bot.core.alert import AlertStatus, service_of
from bot.core.senders.reading import (
    Json,
    Reading,
    first_of,
    labels_of,
    moment,
    objects,
    said,
    severity_of,
    status_of,
)

# From what names a rule to what only describes a moment; keys are compared without case and separators.
_NAMES = (
    "alertname", "alarm_name", "alert_rule", "rule_name", "monitor_name", "check_name", "condition_name", "policy_name_display",
    "display_policy", "detector_name", "aggregation_key", "issue_type", "title", "alert_title", "event_title", "message_title",
    "rule", "subject", "summary", "event", "event_type", "name", "check", "message", "msg", "detail_type", "description", "text", "model",
)  # fmt: skip
_STATES = (
    "status", "state", "new_state_value", "alert_status", "current_state", "alert_state", "incident_state", "alert_transition",
    "transition", "presentation_status", "event_type", "notification_type", "alert_type", "action", "event", "status_extended",
)  # fmt: skip
_SEVERITIES = (
    "severity", "priority", "level", "urgency", "alert_severity", "event_severity", "alert_priority", "criticality", "impact",
    "alert_type", "color", "status",
)  # fmt: skip
_SERVICES = (
    "service", "service_name", "application", "app", "component", "service_key", "deployment", "workload_name", "project_slug", "project_name",
    "project", "resource_display_name", "subject_name", "subject", "entity", "host", "hostname", "host_name", "agent_name", "monitor_group_name",
    "monitor_url", "source", "namespace", "pipeline_name",
)  # fmt: skip
_LABELS = (
    "labels",
    "tags",
    "user_labels",
    "policy_user_labels",
    "dimensions",
    "common_labels",
    "attributes",
    "details",
)
_STARTED = ("starts_at", "started_at", "start_time", "date_start_zoned", "incident_time_iso", "triggered_at", "created_at", "creation_date", "occurred_at", "state_change_time", "timestamp", "datetime", "date")  # fmt: skip
_IDENTITIES = (
    "fingerprint",
    "incident_id",
    "alert_id",
    "alert_cycle_key",
    "dedup_key",
    "incident_key",
    "issue_id",
    "group_id",
)
_LINKS = ("url", "link", "html_url", "event_url", "incident_url", "detector_url", "monitor_dashboard_link", "web_url")


def read(payload: Json) -> Reading:
    """What can be made out; an empty name when nothing names the alert."""
    labels = all_labels(payload)
    name = labels.get("alertname") or said(payload, *_NAMES)
    return Reading(
        name=name,
        status=state(payload, name),
        severity=severity_of(
            labels.get("severity", ""), _grade(said(payload, "priority")), *(said(payload, key) for key in _SEVERITIES)
        ),
        service=service(payload, labels),
        summary=_different(
            name, said(payload, "summary", "message", "message_body", "title", "description", "output", "reason")
        ),
        description=said(payload, "description", "message_body", "output", "text", "incident_reason"),
        labels=labels,
        started=next((found for key in _STARTED if (found := moment(said(payload, key)))), None),
        identity=said(payload, *_IDENTITIES),
        link=said(payload, *_LINKS),
    )


def state(payload: Json, name: str = "") -> AlertStatus:
    """What its state fields say, then its own words; an alert that says nothing is firing."""
    fields = [said(payload, key) for key in _STATES]
    words = [said(payload, "message_title"), said(payload, "title"), name]
    return status_of(*fields, *words) or AlertStatus.FIRING


def service(payload: Json, labels: dict[str, str]) -> str:
    """By labels, then by the keys that name what is watched."""
    return (
        service_of(labels)
        or said(payload, *_SERVICES)
        or first_of([labels.get(key, "") for key in ("host", "instance", "team")])
    )


def all_labels(payload: Json) -> dict[str, str]:
    """Every object or list of labels, outer ones first."""
    wanted = {key.replace("_", "") for key in _LABELS}
    held = [
        value for one in objects(payload) for key, value in one.items() if str(key).lower().replace("_", "") in wanted
    ]
    return labels_of(*held)


def _grade(priority: str) -> str:
    """Priorities that are only a number count from 1, the highest."""
    return f"p{priority}" if priority in {"1", "2", "3", "4", "5"} else ""


def _different(name: str, summary: str) -> str:
    return summary if summary != name else ""
