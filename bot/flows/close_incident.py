"""A person says that an incident is over, where no alert will: a question, a sender that never resolves, a known cause."""

from dataclasses import replace
from datetime import datetime

from bot.core.posts import HypothesisCard, Notice
from bot.core.redaction import redact
from bot.core.text import clean, clip, one_line
from bot.ports import AuditEntry, Clock, Store, Transaction

_REASON_LIMIT = 300


async def close_incident(incident_id: str, *, user: str, reason: str, store: Store, clock: Clock) -> bool:
    """
    Close an incident as a resolve does; False when it is over already. Raises NotFoundError.

    What waits is cancelled: investigations here, runs that have changed nothing by the executor's own sweep. The root cause
    is asked for as after a resolve. Alerts that fire on are another incident when they next begin.
    """
    async with store.transaction() as tx:
        await tx.lock_intake()
        await tx.lock_label(incident_id)
        return await close_within(tx, incident_id, user=user, reason=reason, now=clock.now())


async def close_within(
    tx: Transaction, incident_id: str, *, user: str, reason: str, now: datetime, only_quiet: bool = False
) -> bool:
    """
    Close in a transaction that holds the intake's lock; `only_quiet` leaves an incident open that has firing alerts.

    A person's question counts as no alert.
    """
    if not await tx.close_incident(incident_id, only_quiet=only_quiet, now=now):
        return False
    why = clip(redact(one_line(clean(reason))), _REASON_LIMIT)
    notice = Notice(incident_id=incident_id, text=f"closed this incident{f': {why}' if why else '.'}", by=user)
    await tx.put_post(operation=f"{incident_id}:closed", incident_id=incident_id, content=notice, now=now)
    card_operation = f"{incident_id}:hypothesis"
    card = await tx.content_of_post(card_operation)
    if isinstance(card, HypothesisCard):
        content = replace(card, incident=await tx.incident(incident_id))
        await tx.put_post(operation=card_operation, incident_id=incident_id, content=content, now=now)
    await tx.touch_card(incident_id, now=now)
    entry = AuditEntry(actor=user, action="incident.closed", target=incident_id, detail={"reason": why})
    await tx.audit([entry], now=now)
    return True
