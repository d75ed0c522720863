"""Alertmanager webhook payloads, version 4."""

import json
from datetime import UTC, datetime

NEVER = "0001-01-01T00:00:00Z"


def alert(name="HighErrorRate", *, service="checkout", status="firing", starts_at=None, ends_at=NEVER, **labels):
    """One alert of a group."""
    all_labels = {"alertname": name, "service": service, "severity": "critical"} | labels
    return {
        "status": status,
        "labels": all_labels,
        "annotations": {"summary": f"{name} on {service}"},
        "startsAt": starts_at or datetime.now(UTC).replace(microsecond=0).isoformat(),
        "endsAt": ends_at,
        "generatorURL": "http://prometheus/graph",
        "fingerprint": f"{abs(hash(tuple(sorted(all_labels.items())))):016x}"[:16],
    }


def payload(*alerts, group_key=None, status=None, truncated=0, **extra):
    """A group of alerts as Alertmanager sends it."""
    first = alerts[0]["labels"]
    return {
        "version": "4",
        "groupKey": group_key or f'{{}}:{{service="{first["service"]}"}}',
        "truncatedAlerts": truncated,
        "status": status or ("firing" if any(one["status"] == "firing" for one in alerts) else "resolved"),
        "receiver": "aiops",
        "groupLabels": {"service": first["service"]},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager",
        "alerts": list(alerts),
    } | extra


def as_bytes(data):
    """The request body."""
    return json.dumps(data).encode()


def resolved(one):
    """The same alert, over."""
    return one | {"status": "resolved", "endsAt": datetime.now(UTC).isoformat()}
