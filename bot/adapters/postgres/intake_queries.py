"""Reading and writing one batch of deliveries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.adapters.postgres.session import Row, Session, jsonb
from bot.core.alert import AlertStatus, Anchor, Delivery, Severity
from bot.core.intake import IntakePlan, IntakePolicy, KnownAlert, OpenIncident, PlannedAlert, PlannedIncident
from bot.ports import IntakeView


def _open_incident(row: Sequence[Any]) -> OpenIncident:
    (
        incident_id, group_key, service, environment, title, severity, opened_at, started_at,
        firing, alert_names, forwarded_names, channel, ts, forwarded, posted,
    ) = row  # fmt: skip
    return OpenIncident(
        id=incident_id,
        group_key=group_key,
        service=service,
        environment=environment,
        title=title,
        severity=Severity(severity),
        opened_at=datetime.fromisoformat(opened_at),
        started_at=datetime.fromisoformat(started_at),
        firing=firing,
        alert_names=frozenset(alert_names),
        forwarded_names=frozenset(forwarded_names),
        anchor=Anchor(channel=channel, ts=ts) if ts is not None else None,
        forwarded=forwarded,
        posted=bool(posted),
    )


def _view(row: Row) -> IntakeView:
    view = row["view"]
    return IntakeView(
        known={
            (fingerprint, datetime.fromisoformat(starts_at)): KnownAlert(
                incident_id=incident_id, status=AlertStatus(status)
            )
            for fingerprint, starts_at, incident_id, status in view["known"]
        },
        incidents=[_open_incident(one) for one in view["incidents"]],
        ids=view["ids"] or [],
        firing={name: datetime.fromisoformat(at) for name, at in view["firing"].items()},
    )


def _opened(planned: PlannedIncident, channel: str) -> dict[str, object]:
    return {
        "id": planned.id,
        "title": planned.title,
        "severity": planned.severity,
        "service": planned.service,
        "environment": planned.environment,
        "group_key": planned.group_key,
        "trigger": planned.trigger,
        "requested_by": planned.requested_by,
        "request_text": planned.text,
        "started_at": planned.started_at.isoformat(),
        "channel": planned.channel or channel,
        "thread_ts": planned.anchor.ts if planned.anchor else None,
        "forwarded": planned.anchor is not None,
    }


def _alert(planned: PlannedAlert) -> dict[str, object]:
    alert = planned.alert
    return {
        "fingerprint": alert.fingerprint,
        "starts_at": alert.starts_at.isoformat(),
        "incident_id": planned.incident_id,
        "source": planned.source,
        "name": alert.name,
        "status": alert.status,
        "severity": alert.severity,
        "service": alert.service,
        "environment": alert.environment,
        "summary": alert.summary,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "ends_at": alert.ends_at.isoformat() if alert.ends_at else None,
        "generator_url": alert.generator_url,
        "times": planned.times,
    }


def _touched(plan: IntakePlan) -> list[dict[str, object]]:
    added: dict[str, int] = {}
    for planned in plan.alerts.values():
        if planned.is_new and planned.incident_id is not None:
            added[planned.incident_id] = added.get(planned.incident_id, 0) + 1
    deliveries: dict[str, int] = {}
    for _, incident_ids in plan.deliveries:
        for incident_id in incident_ids:
            deliveries[incident_id] = deliveries.get(incident_id, 0) + 1
    return [
        {
            "id": one.id,
            "severity": one.severity,
            "added": added.get(one.id, 0),
            "firing": max(0, one.firing),
            "alert_names": sorted(one.alert_names),
            "forwarded_names": sorted(one.forwarded_names),
            "deliveries": deliveries.get(one.id, 0),
            "truncated": plan.truncated.get(one.id, 0),
        }
        for one in plan.touched.values()
    ]


def _notices(plan: IntakePlan) -> list[dict[str, object]]:
    resolved: list[dict[str, object]] = [
        {
            "operation": f"{incident_id}:resolved",
            "incident_id": incident_id,
            "channel": None,
            "thread_ts": None,
            "content": {"incident_id": incident_id, "text": "Every alert of this incident has resolved."},
        }
        for incident_id in sorted(plan.resolved)
    ]
    pointers: list[dict[str, object]] = [
        {
            "operation": f"{incident_id}:pointer:{anchor.channel}:{anchor.ts}",
            "incident_id": incident_id,
            "channel": anchor.channel,
            "thread_ts": anchor.ts,
            "content": {
                "incident_id": incident_id,
                "text": f"{incident_id} is already being looked at in its own thread.",
            },
        }
        for incident_id, anchor in plan.pointers
    ]
    return resolved + pointers


def _audit(plan: IntakePlan) -> list[dict[str, object]]:
    return [
        {
            "actor": planned.source,
            "action": f"alert.{planned.alert.status}",
            "target": planned.incident_id or "",
            "detail": {
                "fingerprint": planned.alert.fingerprint,
                "name": planned.alert.name,
                "starts_at": planned.alert.starts_at.isoformat(),
                "new": planned.is_new,
            },
        }
        for planned in plan.alerts.values()
    ]


def _delivery(delivery: Delivery, incident_ids: Sequence[str]) -> dict[str, object]:
    return {
        "source": delivery.source,
        "group_key": delivery.group_key,
        "receiver": delivery.receiver,
        "external_url": delivery.external_url,
        "alerts": len(delivery.alerts),
        "truncated": delivery.truncated,
        "incident_ids": list(incident_ids),
    }


class IntakeQueries(Session):
    """Intake's part of a transaction."""

    default_channel: str = ""

    async def read_intake(self, deliveries: Sequence[Delivery], *, since: datetime) -> IntakeView:
        """What correlation needs, under the intake lock."""
        alerts = [alert for delivery in deliveries for alert in delivery.alerts]
        row = await self.row(
            "read_intake",
            keys=jsonb([{"fingerprint": a.fingerprint, "starts_at": a.starts_at.isoformat()} for a in alerts]),
            fingerprints=sorted({a.fingerprint for a in alerts if a.status is AlertStatus.RESOLVED}),
            since=since,
            fresh=len(alerts),
        )
        assert row is not None, "a function call always gives a row"
        return _view(row)

    async def apply_intake(self, plan: IntakePlan, *, policy: IntakePolicy, now: datetime) -> None:
        """Write one planned batch in one round trip."""
        data = {
            "opened": [_opened(one, self.default_channel) for one in plan.opened],
            "alerts": [_alert(one) for one in plan.alerts.values()],
            "superseded": [{"incident_id": one, "name": name} for one, name in plan.superseded],
            "touched": _touched(plan),
            "changed": [{"id": incident_id} for incident_id in plan.touched],
            "anchored": [{"id": one, "channel": at.channel, "ts": at.ts} for one, at in plan.anchored.items()],
            "resolved": sorted(plan.resolved),
            "notices": _notices(plan),
            "deliveries": [_delivery(delivery, ids) for delivery, ids in plan.deliveries],
            "audit": _audit(plan),
            "settle_s": policy.settle.total_seconds(),
            "hold_card_s": policy.settle.total_seconds() if policy.hold_card else 0,
        }
        self.wakes = True
        await self.execute("apply_intake", plan=jsonb(data), now=now)
