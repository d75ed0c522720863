"""The inbox: Slack events are written down before they are acknowledged, and handled afterwards."""

from collections.abc import Mapping
from datetime import timedelta

from bot.ports import Clock, InboxItem, Store

_LEASE = timedelta(seconds=10)
_MAX_ATTEMPTS = 6


async def remember_event(event_id: str, kind: str, body: Mapping[str, object], *, store: Store, clock: Clock) -> bool:
    """False when this event is known already."""
    async with store.transaction() as tx:
        return await tx.put_inbox(event_id, kind, body, now=clock.now())


async def next_event(*, store: Store, clock: Clock) -> InboxItem | None:
    """The next event to handle, leased for ten seconds."""
    async with store.transaction() as tx:
        return await tx.claim_inbox(now=clock.now(), lease=_LEASE)


async def event_done(event_id: str, *, store: Store, clock: Clock) -> None:
    """Handled."""
    async with store.transaction() as tx:
        await tx.inbox_done(event_id, now=clock.now())


async def event_failed(item: InboxItem, why: str, *, store: Store, clock: Clock) -> None:
    """Tried again with growing pauses; after the last attempt it stays for a person to read."""
    retry_at = clock.now() + timedelta(seconds=2.0**item.attempts) if item.attempts < _MAX_ATTEMPTS else None
    async with store.transaction() as tx:
        await tx.inbox_failed(item.event_id, why=why, retry_at=retry_at)


async def last_seen(channel: str, *, store: Store) -> str | None:
    """The newest message of a watched channel that was looked at."""
    async with store.transaction() as tx:
        return await tx.last_seen(channel)


async def set_last_seen(channel: str, ts: str, *, store: Store) -> None:
    """Only ever forward."""
    async with store.transaction() as tx:
        await tx.set_last_seen(channel, ts)
