"""A person wants a fresh look at an incident."""

from bot.ports import AuditEntry, Clock, Store


async def run_again(incident_id: str, *, user: str, store: Store, clock: Clock) -> bool:
    """False when an investigation is on its way already. Raises NotFoundError."""
    now = clock.now()
    async with store.transaction() as tx:
        incident = await tx.incident(incident_id)
        added = await tx.add_investigation(incident.id, due_at=now, trigger="rerun")
        await tx.audit(
            [AuditEntry(actor=user, action="investigation.rerun", target=incident.id, detail={"queued": added})],
            now=now,
        )
    return added
