"""What happens to the message that a root cause was taken from: edited, its new words taken over, deleted."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import Protocol

from bot.core.errors import NotFoundError
from bot.core.outcome import MessageRef, OutcomeForm, OutcomeSource
from bot.core.posts import OutcomeOffer, offer_operation
from bot.core.root_cause import Label, tidied
from bot.flows.learning.publish import publish_outcome
from bot.flows.learning.record_outcome import Recorded
from bot.ports import AuditEntry, Clock, Store


class Record(Protocol):
    """Record a label."""

    def __call__(self, label: Label, /) -> Awaitable[Recorded]: ...


async def offer_update(message: MessageRef, words: str, *, user: str, store: Store, clock: Clock) -> bool:
    """Offer an edited message's new words in the thread; False when no label was taken from this message."""
    async with store.transaction() as tx:
        written = await tx.outcome_by_message(message.channel, message.ts)
        if written is None:
            return False
        incident_id = written.incident_id
        await tx.lock_label(incident_id)
        standing = await tx.outcome(incident_id) or written
        new = tidied(replace(standing.form, cause=words, established=True)).cause
        operation = offer_operation(incident_id, message)
        known = await tx.content_of_post(operation)
        same = not new or new == standing.form.cause
        if same and not (isinstance(known, OutcomeOffer) and not known.settled):
            return True
        offer = OutcomeOffer(
            incident_id=incident_id,
            # As it was recorded, with its link.
            message=written.message or message,
            editor=user,
            recorded=standing.form.cause,
            words=new or standing.form.cause,
            settled="The message reads as it was recorded again." if same else "",
        )
        await tx.put_post(operation=operation, incident_id=incident_id, content=offer, now=clock.now())
    return True


async def take_over(operation: str, *, user: str, store: Store, record: Record) -> Recorded:
    """Record the words that were offered. Raises NotFoundError for an offer that is not there."""
    async with store.transaction() as tx:
        offer = await tx.content_of_post(operation)
        if not isinstance(offer, OutcomeOffer):
            raise NotFoundError("This offer is not there any more; reply with `root cause: …` instead.")
        standing = await tx.outcome(offer.incident_id)
    if standing is None:
        raise NotFoundError(
            f"Nothing is recorded for {offer.incident_id} any more; reply with `root cause: …` instead."
        )
    # Everything else that was said about the cause stays, as with a reply.
    return await record(
        Label(
            incident_id=offer.incident_id,
            form=OutcomeForm(cause=offer.words),
            author=user,
            source=OutcomeSource.REPLY,
            message=offer.message,
            update=True,
        )
    )


async def message_deleted(channel: str, ts: str, *, store: Store, clock: Clock, judging: bool) -> int:
    """Mark the versions that were taken from a message that is gone; the label stands. How many there were."""
    async with store.transaction() as tx:
        now = clock.now()
        written = await tx.outcome_by_message(channel, ts)
        if written is None:
            return 0
        marked = await tx.outcome_message_deleted(channel, ts, now=now)
        if marked:
            await publish_outcome(tx, written.incident_id, judging=judging, now=now)
            detail = {"version": written.version, "message": f"{channel}:{ts}"}
            entry = AuditEntry(
                actor="aiops", action="outcome.message_deleted", target=written.incident_id, detail=detail
            )
            await tx.audit([entry], now=now)
    return marked
