"""The Slack side of an executor: its cards are posted to slackbox, and what people press there reaches the real flows."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import timedelta
from functools import partial

from bot.core.approval import Approval
from bot.flows import Acting
from bot.flows.acting.decide import decide_approval, review_approval, stop_run
from bot.flows.send_posts import send_next
from bot.slack.chat import SlackChat
from bot.slack.client import make_client
from bot.slack.views.approval import REASON, REJECT, REVIEW
from tests.slack.face import Face, running, told
from tests.slack.fakes import World


class _Executors(World):
    """The doors of a real desk; the rest of the bot is not in the room."""

    def __init__(self, desk):
        super().__init__()
        self.desk = desk

    def acting(self):
        desk = self.desk
        doors = {
            "review": lambda approval, user, verdict: review_approval(approval, user=user, verdict=verdict, desk=desk),
            "decide": partial(decide_approval, desk=desk),
            "stop": lambda run, user: stop_run(run, user=user, desk=desk),
        }
        return Acting(**{each.name: doors.get(each.name, self._unused) for each in fields(Acting)})


class Counter:
    """Where people look at cards and press."""

    def __init__(self, yard):
        self.yard, self.box = yard, yard.box
        self.chat = SlackChat(make_client(yard.box.bot_token, yard.box.api_url))

    async def card(self, approval: Approval | None = None) -> tuple[str, str, str]:
        """Post what is due; where the request's card stands, and all its words."""
        approval = approval or await self.yard.approval()
        store, clock = self.yard.desk.store, self.yard.clock
        for _ in range(50):
            # Slack's pace is kept by the clock that the test holds.
            if not await send_next(store=store, chat=self.chat, clock=clock, owner="t", lease=timedelta(seconds=15)):
                break
        async with store.transaction() as tx:
            incident = await tx.incident(approval.incident_id)
        channel, thread = incident.channel, incident.thread_ts
        (ts, words) = next(
            (message["ts"], json.dumps(message["blocks"], ensure_ascii=False))
            for message in await self.box.messages(channel, thread)
            if message.get("metadata", {}).get("event_payload", {}).get("operation", "").endswith(approval.id)
        )
        return channel, ts, words

    async def open(self, user: str, action: str = REVIEW, approval: Approval | None = None):
        """The form that a press opens."""
        channel, ts, _ = await self.card(approval)
        assert (await self.box.press(user=user, channel=channel, ts=ts, action_id=action))["acked"]
        return (await self.box.open_views(user))[-1]

    async def turned_away(self, user: str, words: str, action: str = REVIEW) -> None:
        """Press, and get a sentence rather than a form."""
        channel, ts, _ = await self.card()
        assert (await self.box.press(user=user, channel=channel, ts=ts, action_id=action))["acked"]
        await told(self.box, words)

    async def submit(self, user: str, form, **values):
        """Fill in the form's fields by their place (`_0="2"`) and submit it."""
        entered = {f"asked{place}": {f"asked{place}": value} for place, value in values.items()}
        return await self.box.submit(user=user, view_id=form["id"], values=entered)

    async def answer(self, user: str, **values):
        """Open the form and submit it."""
        return await self.submit(user, await self.open(user), **values)

    async def reject(self, user: str, reason: str):
        form = await self.open(user, REJECT)
        return await self.box.submit(user=user, view_id=form["id"], values={REASON: {REASON: reason}})

    async def asked(self, count: int = 1) -> Approval:
        """Wait until a call that is kept open has asked so often."""
        async with asyncio.timeout(20):
            while True:
                found = [one for one in (await self.yard.detail()).approvals if one.envelope.question is not None]
                if len(found) >= count:
                    return found[-1]
                await asyncio.sleep(0.02)


@asynccontextmanager
async def open_counter(yard) -> AsyncIterator[Counter]:
    async with running(Face(yard.box, _Executors(yard.desk))):
        yield Counter(yard)
