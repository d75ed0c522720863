"""Store deliveries: alerts upserted, incidents joined or opened, posts and investigations queued, in one commit."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core import intake
from bot.core.alert import AlertStatus, Delivery, Source
from bot.core.intake import IntakePlan, IntakePolicy
from bot.ports import AuditEntry, Clock, IntakeView, Store, Transaction

# Incidents older than this are not joined any more, even if nobody resolved them.
_OPEN_FOR = timedelta(days=7)


async def receive_alerts(
    deliveries: Sequence[Delivery], *, store: Store, clock: Clock, policy: IntakePolicy
) -> Sequence[Sequence[str]]:
    """Incident ids per delivery, once committed. Raises StoreUnavailableError when nothing was written."""
    now = clock.now()
    async with store.transaction() as tx:
        plan = await plan_deliveries(tx, deliveries, policy=policy, now=now)
        await tx.apply_intake(plan, policy=policy, now=now)
    return [incident_ids for _, incident_ids in plan.deliveries]


async def plan_deliveries(
    tx: Transaction, deliveries: Sequence[Delivery], *, policy: IntakePolicy, now: datetime
) -> IntakePlan:
    """What a batch means, decided under the intake lock, which is held until the transaction ends. Nothing is written."""
    view = await tx.read_intake(deliveries, since=now - _OPEN_FOR)
    dated = [_with_known_start(delivery, view) for delivery in deliveries]
    return intake.plan_intake(dated, known=view.known, incidents=view.incidents, ids=view.ids, policy=policy, now=now)


def _with_known_start(delivery: Delivery, view: IntakeView) -> Delivery:
    """A forwarded "resolved" message does not say when its alert began; the firing one that is stored does."""
    if delivery.source is not Source.SLACK:
        return delivery
    return replace(
        delivery,
        alerts=tuple(
            replace(alert, starts_at=view.firing[alert.fingerprint], ends_at=alert.ends_at or alert.starts_at)
            if alert.status is AlertStatus.RESOLVED and alert.fingerprint in view.firing
            else alert
            for alert in delivery.alerts
        ),
    )


async def quarantine(source: str, reason: str, body: bytes, *, store: Store, clock: Clock) -> None:
    """Keep what could not be read, with the reason, for a person."""
    now = clock.now()
    async with store.transaction() as tx:
        await tx.quarantine(source=source, reason=reason, body=body, now=now)
        await tx.audit(
            [AuditEntry(actor=source, action="delivery.quarantined", target="", detail={"reason": reason})], now=now
        )
