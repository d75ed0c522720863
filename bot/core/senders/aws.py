"""
Amazon: SNS envelopes, CloudWatch alarms, EventBridge events such as GuardDuty findings.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html and, for numbers as severities,
https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-severity.html
"""

from collections.abc import Sequence

from bot.core.alert import AlertStatus, Severity
from bot.core.senders import generic
from bot.core.senders.fields import Fields, said
from bot.core.senders.reading import Json, Reading, first_of, labels_of, moment, record, records, text, unwrapped
from bot.core.senders.states import severity_of, status_of

# From AWS: critical 9 to 10, high 7 to 8.9, medium 4 to 6.9, low 1 to 3.9.
_GRADES = ((9.0, Severity.CRITICAL), (7.0, Severity.ERROR), (4.0, Severity.WARNING), (0.1, Severity.INFO))
_ENDED_JOBS = ("completed", "succeeded")


def opened(payload: Json) -> Json:
    """What an SNS envelope carries, with its subject; anything else as it is."""
    envelope = next((record(one.get("Sns")) for one in records(payload.get("Records")) if one.get("Sns")), payload)
    if "Message" not in envelope:
        return payload
    inner = unwrapped(envelope["Message"])
    subject = text(envelope.get("Subject"))
    if inner:
        return {**inner, **({"Subject": subject} if subject else {})}
    if envelope is payload and "TopicArn" not in payload:
        return payload
    return {"subject": subject, "message": envelope["Message"], "timestamp": text(envelope.get("Timestamp"))}


def read(payload: Json) -> Sequence[Reading]:
    """One reading for an alarm or an event; none for anything else."""
    if "AlarmName" in payload:
        return [_alarm(payload, payload)]
    detail = record(payload.get("detail"))
    if not detail or not text(payload.get("detail-type")):
        return []
    if "alarmName" in detail:
        return [_alarm(detail, payload)]
    return [_event(payload, detail)]


def _alarm(alarm: Json, event: Json) -> Reading:
    trigger = record(alarm.get("Trigger")) or alarm
    labels = labels_of(*Fields(trigger).values("dimensions"))
    state = text(alarm.get("NewStateValue")) or said(record(alarm.get("state")), "value", nested=False)
    name = first_of([text(alarm.get("AlarmName")), text(alarm.get("alarmName"))])
    return Reading(
        name=name,
        status=status_of(state) or AlertStatus.FIRING,
        severity=severity_of(said(alarm, "severity", "priority", "level")),
        service=first_of(
            [
                labels.get("ServiceName", ""),
                *labels.values(),
                said(trigger, "Namespace", nested=False),
                text(event.get("source")),
            ]
        ),
        summary=first_of([said(alarm, "NewStateReason"), said(alarm, "reason"), said(alarm, "AlarmDescription")]),
        description=said(alarm, "AlarmDescription", "description"),
        labels=labels,
        started=moment(said(alarm, "StateChangeTime")) or moment(text(event.get("time"))),
        identity=said(alarm, "AlarmArn") or name,
    )


def _event(event: Json, detail: Json) -> Reading:
    kind = text(event.get("detail-type"))
    result = said(detail, "status", "state", "statusCode", "jobStatus", "scanResultStatus", "scanStatus")
    ended = result.lower().startswith(_ENDED_JOBS)
    return Reading(
        name=first_of([said(detail, "title", "eventTypeCode", nested=False), kind]),
        status=AlertStatus.RESOLVED if ended else status_of(result) or AlertStatus.FIRING,
        severity=_graded(detail.get("severity")) or severity_of(said(event, "severity", "priority", "level")),
        service=first_of(
            [
                # A name in AWS Health, details of the finding in GuardDuty.
                said(detail, "service", nested=False),
                said(detail, "jobName", "bucketName", "clusterName", "serviceName", "resourceId", "resourceType"),
                text(event.get("source")).removeprefix("aws."),
                kind.split()[0],
            ]
        ),
        summary=said(detail, "description", "message", "statusMessage", "errorMessage"),
        labels={
            **generic.all_labels(detail),
            **labels_of({"region": event.get("region"), "account": event.get("account")}),
        },
        started=moment(text(event.get("time"))),
        identity=said(detail, "id", nested=False),
    )


def _graded(value: object) -> Severity | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return next((severity for least, severity in _GRADES if value >= least), None)
