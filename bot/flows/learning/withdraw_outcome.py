"""What was recorded was no root cause: a version that takes it back. History stays, scores and records forget it."""

from collections.abc import Awaitable, Callable

from bot.core.outcome import OutcomeSource
from bot.flows.learning.autonomy import revise_standing
from bot.flows.learning.publish import publish_withdrawal
from bot.ports import AuditEntry, Clock, NewOutcome, Store


async def withdraw_outcome(
    incident_id: str,
    *,
    user: str,
    store: Store,
    clock: Clock,
    channel: str,
    may_withdraw: Callable[[str, str], Awaitable[None]] | None = None,
) -> bool:
    """False when nothing is recorded. Raises NotFoundError, and NotAllowedError by `may_withdraw` (incident and user)."""
    if may_withdraw is not None:
        await may_withdraw(incident_id, user)
    async with store.transaction() as tx:
        await tx.lock_label(incident_id)
        standing = await tx.outcome(incident_id)
        if standing is None:
            return False
        now = clock.now()
        taken_back = NewOutcome(
            incident_id=incident_id, form=standing.form, author=user, source=OutcomeSource.MODAL, withdrawn=True
        )
        outcome = await tx.add_outcome(taken_back, now=now)
        await revise_standing(tx, incident_id, channel=channel, now=now)
        await publish_withdrawal(tx, incident_id, user=user, now=now)
        detail = {"version": outcome.version, "took_back": standing.version}
        entry = AuditEntry(actor=user, action="outcome.withdrawn", target=incident_id, detail=detail)
        await tx.audit([entry], now=now)
    return True
