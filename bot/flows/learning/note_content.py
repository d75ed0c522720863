"""Note which prompts, runbooks and model are at work, so that a change of the numbers can be laid beside them."""

from collections.abc import Sequence

from bot.ports import AuditEntry, Clock, ContentVersion, Store


async def note_content(versions: Sequence[ContentVersion], *, store: Store, clock: Clock) -> Sequence[ContentVersion]:
    """Those that were not known before, which also stand in the audit log; one entry however many there are."""
    async with store.transaction() as tx:
        new = await tx.note_content(versions)
        if new:
            detail = {"new": [f"{one.kind} {one.name} {one.version} {one.sha256[:12]}" for one in new]}
            entry = AuditEntry(actor="aiops", action="content.changed", target="content", detail=detail)
            await tx.audit([entry], now=clock.now())
    return new
