"""Alertmanager deliveries, written fast enough that the sender is not what is measured."""

import json
from datetime import UTC, datetime

_NEVER = "0001-01-01T00:00:00Z"
_NUMBER = "NUMBER00"
ALERTS = 10


class Deliveries:
    """Numbered deliveries of ten alerts each; every alert is new, and a service's alerts share one group."""

    def __init__(self, run: str, *, services: int, started: datetime | None = None) -> None:
        """`run` makes fingerprints unique; it is at most six hexadecimal digits."""
        at = (started or datetime.now(UTC)).replace(microsecond=0).isoformat()
        self._run = run
        self._templates = [json.dumps(_group(run, place, at)).encode() for place in range(services)]

    def body(self, number: int) -> bytes:
        """The body of one delivery."""
        template = self._templates[number % len(self._templates)]
        return template.replace(_NUMBER.encode(), b"%08x" % number)

    def fingerprints(self, number: int) -> list[str]:
        """What its alerts are known by."""
        return [f"{self._run}-{number:08x}-{place}" for place in range(ALERTS)]


def _group(run: str, place: int, at: str) -> dict[str, object]:
    service = f"service-{place:03d}"
    return {
        "version": "4",
        "groupKey": f'{{}}/{{team="t{place % 7}"}}:{{service="{service}"}}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "aiops",
        "groupLabels": {"service": service},
        "commonLabels": {"service": service, "environment": "production"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": [_alert(run, service, number, at) for number in range(ALERTS)],
    }


def _alert(run: str, service: str, number: int, at: str) -> dict[str, object]:
    name = ("HighErrorRate", "HighLatency", "QueueBacklog", "PodRestarting", "DiskFillingUp")[number % 5]
    return {
        "status": "firing",
        "labels": {
            "alertname": name,
            "service": service,
            "environment": "production",
            "severity": "critical" if number % 3 == 0 else "warning",
            "instance": f"10.0.{number}.{_NUMBER}:9100",
        },
        "annotations": {
            "summary": f"{name} on {service}",
            "description": f"{name} has been true on {service} for five minutes; instance {_NUMBER}.",
        },
        "startsAt": at,
        "endsAt": _NEVER,
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
        "fingerprint": f"{run}-{_NUMBER}-{number}",
    }
