"""Once a day the channel is told where the audit chain ends: a rewrite of the log would no longer fit."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from bot.core.audit import Head
from bot.core.posts import Announcement
from bot.ports import AuditEntry, Clock, Store


async def announce_head(
    *,
    head: Callable[[], Awaitable[Head]],
    began: Callable[[], Awaitable[datetime | None]],
    store: Store,
    clock: Clock,
    channel: str,
) -> None:
    """
    Once per UTC day over all replicas: the announcement's name holds the day, and a name is used once.

    Not on the log's first day: there is nothing yet that could have been rewritten.
    """
    now = clock.now()
    first = await began()
    if first is None or first.date() >= now.date():
        return
    operation = f"audit-head:{now:%Y-%m-%d}"
    async with store.transaction() as tx:
        if await tx.announced(operation):
            return
    end = await head()
    text = (
        f"Audit log on {now:%Y-%m-%d}: {end.place} entries, head {end.hash}. "
        f"`aiops audit verify --head {end}` tells whether it still holds them."
    )
    async with store.transaction() as tx:
        if await tx.announce(operation, Announcement(text=text), channel=channel, now=now):
            # A row of its own, so that the head also goes wherever the log is shipped.
            detail = {"place": end.place, "hash": end.hash}
            await tx.audit([AuditEntry(actor="aiops", action="audit.head", target="audit", detail=detail)], now=now)
