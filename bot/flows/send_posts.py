"""Make Slack show what the outbox says, one message at a time, each exactly once."""

import logging
from dataclasses import replace
from datetime import timedelta

from bot.core.errors import ChatError, ChatUnavailableError, LeaseLostError
from bot.core.posts import Post
from bot.flows.leases import kept
from bot.ports import AuditEntry, Chat, Clock, Store

log = logging.getLogger(__name__)

_LONGEST_DELAY_S = 60.0


async def send_next(*, store: Store, chat: Chat, clock: Clock, owner: str, lease: timedelta) -> bool:
    """False when nothing is due. What a dead sender left behind is looked for in Slack before it is sent again."""
    async with store.transaction() as tx:
        post = await tx.claim_post(now=clock.now(), owner=owner, lease=lease)
    if post is None:
        return False

    async def extend() -> None:
        async with store.transaction() as tx:
            await tx.extend_post(post, owner=owner, until=clock.now() + lease)

    try:
        async with kept(extend, lease=lease, what=post.operation):
            await _try(post, store=store, chat=chat, clock=clock)
    except* LeaseLostError as lost:
        log.warning("%s is sent elsewhere: %s", post.operation, lost.exceptions[0])
    return True


async def _try(post: Post, *, store: Store, chat: Chat, clock: Clock) -> None:
    try:
        await _send(post, store=store, chat=chat, clock=clock)
    except ChatUnavailableError as error:
        await _delay(post, error, store=store, clock=clock)
    except ChatError as error:
        await _refuse(post, error, store=store, clock=clock)


async def _send(post: Post, *, store: Store, chat: Chat, clock: Clock) -> None:
    if post.doubtful and post.ts is None:
        found = await chat.find(post)
        if found is not None:
            # It was sent before the crash; version 0 makes the sender edit it in case its content has moved on.
            async with store.transaction() as tx:
                await tx.post_sent(replace(post, version=0), found, now=clock.now())
            return
    anchor = await chat.send(post)
    async with store.transaction() as tx:
        now = clock.now()
        await tx.post_sent(post, anchor, now=now)
        if post.ts is None:
            await tx.audit([_audit(post, anchor.channel, anchor.ts)], now=now)


async def _delay(post: Post, error: ChatUnavailableError, *, store: Store, clock: Clock) -> None:
    wait_s = error.retry_after_s or min(_LONGEST_DELAY_S, 2.0 ** min(post.attempts, 6))
    log.warning("%s waits %.0f s: %s", post.operation, wait_s, error)
    async with store.transaction() as tx:
        await tx.post_delayed(
            post,
            due_at=clock.now() + timedelta(seconds=wait_s),
            why=str(error),
            # A refusal by rate limit was surely not applied; a lost answer may hide a message that is there.
            doubtful=error.retry_after_s is None,
        )


async def _refuse(post: Post, error: ChatError, *, store: Store, clock: Clock) -> None:
    log.error("%s will not be sent: %s", post.operation, error)
    async with store.transaction() as tx:
        await tx.post_refused(post, why=str(error))
        await tx.audit(
            [AuditEntry(actor="aiops", action="post.refused", target=post.operation, detail={"why": str(error)})],
            now=clock.now(),
        )


def _audit(post: Post, channel: str, ts: str) -> AuditEntry:
    return AuditEntry(actor="aiops", action="post.sent", target=post.operation, detail={"channel": channel, "ts": ts})
