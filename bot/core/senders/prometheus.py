"""
Alertmanager's form and those that follow it: Grafana, and tools that pass such payloads on, whole or wrapped.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config and
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bot.core.alert import AlertStatus, parse_severity, service_of
from bot.core.senders import generic
from bot.core.senders.fields import objects, said
from bot.core.senders.reading import Json, Reading, first_of, labels_of, moment, record, records, text
from bot.core.senders.states import severity_of, status_of


class _Around(NamedTuple):
    """What a group says for all of its alerts."""

    name: str
    service: str
    labels: Mapping[str, str]
    notes: Mapping[str, str]


def read(payload: Json) -> Sequence[Reading]:
    """One reading for each alert; for a group without a list of alerts, one from what they have in common."""
    for one in objects(payload):
        alerts = [alert for alert in records(one.get("alerts")) if isinstance(alert.get("labels"), dict)]
        if alerts or isinstance(one.get("commonLabels"), dict):
            rest = {key: value for key, value in one.items() if key != "alerts"}
            around = _Around(
                name=said(rest, "ruleName", "alert_name", "title", nested=False),
                service=generic.service(rest, {}),
                labels=labels_of(rest.get("commonLabels")),
                notes=_notes(record(rest.get("commonAnnotations"))),
            )
            return [_alert(one, alert, around) for alert in alerts or [{}]]
    return []


def _alert(group: Json, alert: Json, around: _Around) -> Reading:
    own = labels_of(alert.get("labels"))
    labels = {**around.labels, **own}
    notes = {**around.notes, **_notes(record(alert.get("annotations")))}
    state = status_of(
        text(alert.get("status")), text(group.get("status")), text(group.get("state")), text(group.get("title"))
    )
    name = first_of(
        [
            own.get("alertname", ""),
            labels.get("alertname", ""),
            around.name,
        ]
    )
    known = parse_severity(labels.get("severity", ""))
    return Reading(
        name=name,
        status=state or AlertStatus.FIRING,
        severity=known if labels.get("severity") else severity_of(labels.get("priority", ""), labels.get("level", "")),
        service=service_of(labels)
        or service_of(notes)
        or generic.service({"labels": labels}, labels)
        or around.service,
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
