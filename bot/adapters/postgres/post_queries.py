"""The outbox and the inbox."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.adapters.postgres.learning_rows import outcome_of
from bot.adapters.postgres.rows import alert_of, content_json, content_of, incident_of, kind_of
from bot.adapters.postgres.session import Row, Session, jsonb
from bot.core.alert import Anchor
from bot.core.errors import LeaseLostError, NotFoundError
from bot.core.posts import AlertCard, Content, Post, PostKind, Settled, settled
from bot.ports import InboxItem

_CARD_ALERTS = 10


class PostQueries(Session):
    """Messages on their way to Slack, events on their way in."""

    async def put_post(
        self, *, operation: str, incident_id: str, content: Content, now: datetime, final: bool = True
    ) -> None:
        """Say how a message should read now."""
        self.wakes = True
        await self.execute(
            "put_post",
            operation=operation,
            incident_id=incident_id,
            kind=kind_of(content),
            content=jsonb(content_json(content)),
            now=now,
            final=final,
        )

    async def claim_post(self, *, now: datetime, owner: str, lease: timedelta) -> Post | None:
        """The next message that Slack does not show as it should."""
        row = await self.row("claim_post", now=now, owner=owner, until=now + lease)
        if row is None:
            return None
        kind = PostKind(row["kind"])
        content = await self._alert_card(row) if kind is PostKind.ALERT else content_of(kind, row["content"])
        return Post(
            operation=row["operation"],
            incident_id=row["incident_id"] or "",
            kind=kind,
            channel=row["channel"],
            thread_ts=row["thread_ts"],
            ts=row["ts"],
            version=row["version"],
            content=content,
            doubtful=row["doubtful"],
            attempts=row["attempts"],
        )

    async def extend_post(self, post: Post, *, owner: str, until: datetime) -> None:
        """Keep it ours while Slack is slow."""
        if await self.row("extend_post", operation=post.operation, owner=owner, until=until) is None:
            raise LeaseLostError(f"{post.operation} was taken over by another sender")

    async def _alert_card(self, row: Row) -> AlertCard:
        """The card is made of the incident as it is now, so a storm never has to rewrite it."""
        incident = await self.row("incident", id=row["incident_id"])
        if incident is None:
            raise NotFoundError(f"no incident {row['incident_id']}")
        alerts = await self.rows("incident_alerts", id=row["incident_id"], limit=_CARD_ALERTS)
        return AlertCard(
            incident=incident_of(incident),
            alerts=tuple(alert_of(one) for one in alerts),
            deliveries=incident["deliveries"],
            truncated=incident["truncated"],
            requested_by=incident["requested_by"],
            verdict=await self._verdict(row["incident_id"]),
            settled=await self._settled(row["incident_id"]),
        )

    async def _settled(self, incident_id: str) -> Settled | None:
        row = await self.row("outcome", id=incident_id)
        return settled(outcome_of(row) if row else None)

    async def _verdict(self, incident_id: str) -> str:
        row = await self.row("verdict", id=incident_id)
        return f"{row['title']} ({row['confidence']:.0%})" if row else ""

    async def post_sent(self, post: Post, anchor: Anchor, *, now: datetime) -> None:
        """It stands in Slack; a parent gives its incident the thread."""
        row = await self.row(
            "post_sent", operation=post.operation, ts=anchor.ts, channel=anchor.channel, version=post.version, now=now
        )
        if row is not None and row["is_parent"]:
            await self.execute("parent_sent", id=row["incident_id"], ts=anchor.ts, channel=anchor.channel)

    async def post_delayed(self, post: Post, *, due_at: datetime, why: str, doubtful: bool) -> None:
        """Try again later; `doubtful` when Slack may have taken it all the same."""
        await self.execute("post_delayed", operation=post.operation, due_at=due_at, why=why, doubtful=doubtful)

    async def post_refused(self, post: Post, *, why: str) -> None:
        """Slack will never take it."""
        await self.execute("post_refused", operation=post.operation, why=why)

    async def retry_refused_post(self, operation: str, *, now: datetime) -> bool:
        """Try once more what Slack refused, if it is time."""
        again = await self.row("retry_refused_post", operation=operation, now=now) is not None
        self.wakes = self.wakes or again
        return again

    async def put_inbox(self, event_id: str, kind: str, body: Mapping[str, object], *, now: datetime) -> bool:
        """False when this event is known already."""
        self.wakes = True
        row = await self.row("put_inbox", event_id=event_id, kind=kind, body=jsonb(dict(body)), now=now)
        return row is not None

    async def claim_inbox(self, *, now: datetime, lease: timedelta) -> InboxItem | None:
        """The next event to handle."""
        row = await self.row("claim_inbox", now=now, until=now + lease)
        if row is None:
            return None
        return InboxItem(event_id=row["event_id"], kind=row["kind"], body=row["body"], attempts=row["attempts"])

    async def inbox_done(self, event_id: str, *, now: datetime) -> None:
        """Handled."""
        await self.execute("inbox_done", event_id=event_id, now=now)

    async def inbox_failed(self, event_id: str, *, why: str, retry_at: datetime | None) -> None:
        """Not handled; without `retry_at` it is given up."""
        await self.execute("inbox_failed", event_id=event_id, why=why, retry_at=retry_at)

    async def last_seen(self, channel: str) -> str | None:
        """The newest message of a channel that was handled."""
        row = await self.row("last_seen", channel=channel)
        return row["last_seen_ts"] if row else None

    async def set_last_seen(self, channel: str, ts: str) -> None:
        """Only ever forward."""
        await self.execute("set_last_seen", channel=channel, ts=ts)

    async def quarantine(self, *, source: str, reason: str, body: bytes, now: datetime) -> None:
        """Keep what could not be read."""
        await self.execute("quarantine", source=source, reason=reason, body=body, now=now)
