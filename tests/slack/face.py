"""The bot's Slack side, running against a local workspace."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime

from bot.slack.app import SlackConfig, build
from bot.slack.catchup import CatchUp
from bot.slack.channels import ChannelDirectory, WatchedChannels
from bot.slack.client import make_client
from bot.slack.inbox import Inbox
from bot.slack.rootcauses import RootCauseMessages
from bot.slack.socket import SocketRunner

FIRING = {"attachments": [{"title": "[FIRING:1] DiskSlow storage (critical)", "color": "danger"}]}
RESOLVED = {"attachments": [{"title": "[RESOLVED] DiskSlow storage (critical)", "color": "good"}]}


class ObservedCatchUp(CatchUp):
    """Says when it has run."""

    def __init__(self, *ports, **more):
        super().__init__(*ports, **more)
        self.ran = asyncio.Event()

    async def run(self):
        found = await super().run()
        self.ran.set()
        return found


class Face:
    """The bot's Slack side, running."""

    def __init__(self, box, world):
        self.box, self.world = box, world
        flows = world.flows()
        self.client = make_client(box.bot_token, box.api_url)
        watched = WatchedChannels(ChannelDirectory(self.client), ["#alerts"])
        self.stored = asyncio.Event()
        self.catch_up = ObservedCatchUp(flows, self.client, watched=watched, on_stored=self.stored.set)
        self.homes = []
        self.root_causes = RootCauseMessages(world.labels(), self.client)
        self.inbox = Inbox(
            flows,
            watched=watched,
            is_current=self.catch_up.is_current,
            home_opened=self._home_opened,
            hear=self.root_causes.hear,
        )
        app = build(
            flows,
            world.acting(),
            world.labels(),
            world.reports(),
            client=self.client,
            config=SlackConfig(on_stored=self.stored.set),
        )
        self.runner = SocketRunner(
            app,
            app_token=box.app_token,
            client=self.client,
            catch_up=self.catch_up,
            now=lambda: datetime.now(UTC),
            longest_delay_s=0.5,
        )

    async def _home_opened(self, user):
        self.homes.append(user)

    async def caught_up(self):
        async with asyncio.timeout(10):
            while not (self.runner.connected and self.catch_up.is_current()):
                self.catch_up.ran.clear()
                await self.catch_up.ran.wait()

    async def handled(self, count):
        """Handle events until so many are done."""
        async with asyncio.timeout(10):
            while len(self.world.done) + len(self.world.failed) < count:
                self.stored.clear()
                if not await self.inbox.handle_next():
                    await self.stored.wait()


@contextlib.asynccontextmanager
async def running(face):
    task = asyncio.create_task(face.runner.run())
    try:
        await face.caught_up()
        yield face
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def told(box, contains):
    """Wait until somebody was shown these words privately."""
    seen = box.box.workspace.ephemerals
    await box.wait_until(
        lambda: True if any(contains in json.dumps(each, ensure_ascii=False) for each in seen) else None
    )
