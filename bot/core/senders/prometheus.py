"""
Alertmanager's form and those that follow it: Grafana, and tools that pass such payloads on, whole or wrapped.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config and
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from collections.abc import Sequence

from bot.core.alert import AlertStatus, parse_severity, service_of
from bot.core.senders import generic
from bot.core.senders.reading import (
    Json,
    Reading,
    first_of,
    labels_of,
    moment,
    objects,
    record,
    records,
    said,
    severity_of,
    status_of,
    text,
)


def read(payload: Json) -> Sequence[Reading]:
    """One reading for each alert; for a group without a list of alerts, one from what they have in common."""
    for one in objects(payload):
        alerts = [alert for alert in records(one.get("alerts")) if isinstance(alert.get("labels"), dict)]
        if alerts:
            return [_alert(one, alert) for alert in alerts]
        if isinstance(one.get("commonLabels"), dict):
            return [_alert(one, {})]
    return []


def _alert(group: Json, alert: Json) -> Reading:
    own = labels_of(alert.get("labels"))
    labels = {**labels_of(group.get("commonLabels")), **own}
    notes = {**labels_of(group.get("commonAnnotations")), **_notes(record(alert.get("annotations")))}
    state = status_of(
        text(alert.get("status")), text(group.get("status")), text(group.get("state")), text(group.get("title"))
    )
    name = first_of(
        [
            own.get("alertname", ""),
            labels.get("alertname", ""),
            said(group, "ruleName", "alert_name", "title", nested=False),
        ]
    )
    known = parse_severity(labels.get("severity", ""))
    return Reading(
        name=name,
        status=state or AlertStatus.FIRING,
        severity=known if labels.get("severity") else severity_of(labels.get("priority", ""), labels.get("level", "")),
        service=service_of(labels) or service_of(notes) or generic.service(group, labels),
        summary=notes.get("summary") or notes.get("message") or text(group.get("message")),
        description=notes.get("description", ""),
        labels=labels,
        started=moment(alert.get("startsAt")),
        ended=moment(alert.get("endsAt")),
        identity=text(alert.get("fingerprint")),
        link=text(alert.get("generatorURL")) or text(group.get("externalURL")),
    )


def _notes(notes: Json) -> dict[str, str]:
    return {str(key): found for key, value in notes.items() if (found := text(value))}
