"""
Tools that page people, passing alerts of others on: PagerDuty and Opsgenie.

https://developer.pagerduty.com/docs/webhooks-overview and
https://support.atlassian.com/opsgenie/docs/opsgenie-edge-connector-alert-action-data/
"""

from collections.abc import Sequence

from bot.core.alert import AlertStatus
from bot.core.senders.fields import said
from bot.core.senders.reading import Json, Reading, first_of, labels_of, moment, record, records, text
from bot.core.senders.states import severity_of, status_of

# What Opsgenie's actions do to an alert; the others are about people.
_CLOSES = ("close", "delete", "closealert", "deletealert")


def read(payload: Json) -> Sequence[Reading]:
    """One reading for each incident or alert; none for anything else."""
    event = record(payload.get("event"))
    if text(event.get("event_type")) and record(event.get("data")):
        return [_pagerduty(event, record(event["data"]))]
    old = [one for one in records(payload.get("messages")) if record(one.get("incident"))]
    if old:
        return [_pagerduty(one, record(one["incident"])) for one in old]
    alert = record(payload.get("alert"))
    if text(payload.get("action")) and text(alert.get("message")):
        return [_opsgenie(text(payload["action"]), alert)]
    return []


def _pagerduty(event: Json, incident: Json) -> Reading:
    return Reading(
        name=first_of(
            [said(incident, "title", "summary", "incident_key", nested=False), text(event.get("event_type"))]
        ),
        status=status_of(text(incident.get("status")), text(event.get("event_type")), text(event.get("event")))
        or AlertStatus.FIRING,
        severity=severity_of(
            text(record(incident.get("priority")).get("summary")),
            said(incident, "severity"),
            text(incident.get("urgency")),
        ),
        service=said(incident, "service"),
        summary=said(incident, "description", "summary", nested=False),
        started=moment(incident.get("created_at")) or moment(event.get("occurred_at")),
        identity=said(incident, "id", nested=False),
        link=said(incident, "html_url", nested=False),
    )


def _opsgenie(action: str, alert: Json) -> Reading:
    labels = {**labels_of(alert.get("details")), **labels_of(alert.get("tags"))}
    return Reading(
        name=text(alert["message"]),
        status=AlertStatus.RESOLVED if action.lower() in _CLOSES else AlertStatus.FIRING,
        severity=severity_of(text(alert.get("priority"))),
        service=first_of([labels.get("service", ""), said(alert, "entity", "source", nested=False)]),
        summary=text(alert.get("description")),
        labels=labels,
        started=moment(alert.get("createdAt")),
        identity=first_of([text(alert.get("alias")), text(alert.get("alertId"))]),
    )
