"""Ask what the actual root cause was: once when an incident is over, and once more a day later."""

from datetime import timedelta

from bot.core.incident import Incident
from bot.core.posts import OutcomeRequest
from bot.flows.learning.publish import first_hypothesis, outcome_operation, reminder_operation
from bot.ports import AuditEntry, Clock, Store, Transaction

REMIND_AFTER = timedelta(days=1)
# Later nobody remembers, and a first start on an old database must not ask in every thread there is.
_ASK_WITHIN = timedelta(days=7)
_AT_ONCE = 50


async def ask_outcomes(*, store: Store, clock: Clock) -> int:
    """Ask about what is over, remind about what was asked a day ago; how many messages that made."""
    async with store.transaction() as tx:
        unasked = await tx.unasked(over_since=clock.now() - _ASK_WITHIN, limit=_AT_ONCE)
        late = await tx.due_reminders(asked_before=clock.now() - REMIND_AFTER, limit=_AT_ONCE)
    made = 0
    for incident in unasked:
        made += await _ask(incident, store=store, clock=clock)
    for incident in late:
        made += await _remind(incident, store=store, clock=clock)
    return made


async def _ask(incident: Incident, *, store: Store, clock: Clock) -> bool:
    async with store.transaction() as tx:
        # Under the lock, so that a label that is being recorded now is not asked for, and one replica asks.
        await tx.lock_label(incident.id)
        asked = await tx.outcome(incident.id) is None and await tx.ask_outcome(incident.id, now=clock.now())
        if asked:
            await _put(tx, incident, clock, reminder=False)
    return asked


async def _remind(incident: Incident, *, store: Store, clock: Clock) -> bool:
    async with store.transaction() as tx:
        await tx.lock_label(incident.id)
        known = await tx.outcome(incident.id) or await tx.content_of_post(reminder_operation(incident.id))
        if known is not None:
            return False
        await tx.outcome_reminded(incident.id, now=clock.now())
        await _put(tx, incident, clock, reminder=True)
    return True


async def _put(tx: Transaction, incident: Incident, clock: Clock, *, reminder: bool) -> None:
    request = OutcomeRequest(
        incident_id=incident.id,
        title=incident.title,
        hypothesis=await first_hypothesis(tx, incident.id),
        reminder=reminder,
    )
    operation = reminder_operation(incident.id) if reminder else outcome_operation(incident.id)
    await tx.put_post(operation=operation, incident_id=incident.id, content=request, now=clock.now())
    action = "outcome.reminded" if reminder else "outcome.asked"
    await tx.audit([AuditEntry(actor="aiops", action=action, target=incident.id, detail={})], now=clock.now())
