"""slackbox inside a test: a real server on a free loopback port, in the test's own event loop."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slackbox import interactions, world
from slackbox.box import Box, Options, build_box
from slackbox.faults import Fault
from slackbox.jsons import Json
from slackbox.manifest import Manifest, load_manifest
from slackbox.server import bind, serving

# Slack waits one and five minutes before it repeats an event; tests need the order, not the wait.
TEST_RETRY_DELAYS = (0.0, 0.1, 0.2)


class WaitTimeoutError(AssertionError):
    """Nothing in the channel matched within the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningBox:
    """A running workspace. Methods mirror the test API of the same names."""

    box: Box
    url: str

    @property
    def api_url(self) -> str:
        """What a bot takes as SLACK_API_URL."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        return self.box.tokens.bot

    @property
    def app_token(self) -> str:
        return self.box.tokens.app

    async def post(self, *, user: str, channel: str, text: str, thread_ts: str | None = None) -> str:
        """A person writes. Returns the message's ts."""
        return world.say(self.box, user=user, channel=channel, text=text, thread_ts=thread_ts).ts

    async def alert(self, *, channel: str, **content: Any) -> str:
        """Another sender posts; see the test API for the forms. Returns the message's ts."""
        return world.alert(self.box, channel=channel, content=content).ts

    async def edit(self, *, user: str, channel: str, ts: str, text: str) -> None:
        world.edit(self.box, user=user, channel=channel, ts=ts, text=text)

    async def delete(self, *, user: str, channel: str, ts: str) -> None:
        world.delete(self.box, user=user, channel=channel, ts=ts)

    async def react(self, *, user: str, channel: str, ts: str, name: str, remove: bool = False) -> None:
        world.react(self.box, user=user, channel=channel, ts=ts, name=name, remove=remove)

    async def invite(self, *, user: str, channel: str) -> None:
        world.invite(self.box, user=user, channel=channel)

    async def kick(self, *, user: str, channel: str) -> None:
        world.kick(self.box, user=user, channel=channel)

    async def command(self, *, user: str, channel: str, command: str, text: str = "") -> Json:
        """A slash command. Returns {acked, response, ephemeral}."""
        return await interactions.run_command(
            self.box, self.url, user=user, channel=channel, command=command, text=text
        )

    async def press(self, *, user: str, channel: str, ts: str, action_id: str, **more: Any) -> Json:
        """Press a button or choose from a menu (block_id, value, state). Returns {acked}."""
        return await interactions.press(
            self.box, self.url, user=user, channel=channel, ts=ts, action_id=action_id, **more
        )

    async def press_in_view(
        self,
        *,
        user: str,
        view_id: str,
        action_id: str,
        block_id: str | None = None,
        value: Any = None,
        state: Json | None = None,
    ) -> Json:
        """Press something in a modal or the Home tab. Returns {acked}."""
        return await interactions.press_in_view(
            self.box,
            user=user,
            view_id=view_id,
            action_id=action_id,
            block_id=block_id,
            value=value,
            state=state or {},
        )

    async def shortcut(self, *, user: str, channel: str, ts: str, callback_id: str) -> Json:
        """Use a message shortcut. Returns {acked}."""
        return await interactions.use_shortcut(
            self.box, self.url, user=user, channel=channel, ts=ts, callback_id=callback_id
        )

    async def submit(self, *, user: str, view_id: str, values: Json) -> Json:
        """Submit a modal with {block_id: {action_id: value}}. Returns {acked, errors, view}."""
        return await interactions.submit(self.box, user=user, view_id=view_id, values=values)

    async def close_view(self, *, user: str, view_id: str) -> Json:
        return await interactions.close_view(self.box, user=user, view_id=view_id)

    async def home(self, *, user: str) -> Json:
        """Open the Home tab. Returns {view}: what was published before."""
        return interactions.open_home(self.box, user=user)

    async def open_views(self, user: str, *, min_count: int = 1, timeout_s: float = 5) -> list[Json]:
        """Wait for a person to have modals open. Raises WaitTimeoutError."""
        person = self.box.workspace.get_person(user)
        stack = self.box.views.screen(person.id).stack
        found = await self.box.feed.until(lambda: stack if len(stack) >= min_count else None, timeout_s)
        if found is None:
            raise WaitTimeoutError(f"{user} has {len(stack)} modals open after {timeout_s:g} s, wanted {min_count}.")
        return list(found)

    async def messages(self, channel: str, thread_ts: str | None = None) -> list[Json]:
        """Full messages of a channel or a thread, oldest first."""
        return world.list_messages(self.box, channel, thread_ts)

    async def wait_for(self, channel: str, *, timeout_s: float = 10, **wanted: Any) -> list[Json]:
        """Wait for messages (thread_ts, contains, event_type, min_count). Raises WaitTimeoutError with what was seen."""
        found = await world.wait_for(self.box, channel=channel, timeout_s=timeout_s, **wanted)
        if found is None:
            seen = [
                world.flat_text(each)[:200] for each in world.list_messages(self.box, channel, wanted.get("thread_ts"))
            ]
            raise WaitTimeoutError(f"No {wanted} in {channel} within {timeout_s:g} s. Seen instead: {seen}")
        return found

    async def wait_until(self, ready: Any, *, timeout_s: float = 10) -> Any:
        """Wait until a function of no arguments gives something but None; looked at after every change."""
        found = await self.box.feed.until(ready, timeout_s)
        if found is None:
            raise WaitTimeoutError(f"The condition did not hold within {timeout_s:g} s.")
        return found

    async def connected(self, count: int = 1, *, timeout_s: float = 10) -> None:
        """Wait until the bot has at least this many Socket Mode connections."""
        await self.wait_until(lambda: True if self.box.delivery.connections >= count else None, timeout_s=timeout_s)

    async def fault(self, method: str, kind: str, *, times: int = 1, **more: Any) -> None:
        """Arm a fault on a Web API method ("events" with duplicate for deliveries)."""
        self.box.faults.arm(Fault(method=method, kind=kind, **more), times)

    async def disconnect(self, reason: str = "refresh_requested") -> int:
        """Ask the bot's connections to go, or cut them with "abrupt". Returns how many there were."""
        return self.box.sockets.disconnect(reason)

    def journal(self, kind: str | None = None) -> list[Json]:
        return self.box.journal.entries(kind)

    def violations(self, rule: str | None = None) -> list[Json]:
        """Things the bot did that Slack hides but a test should not."""
        return [each for each in self.journal("violation") if rule is None or each["rule"] == rule]

    def unacked(self) -> list[Json]:
        """Deliveries that were given up."""
        return self.box.delivery.unacked

    def forgive_unacked(self) -> list[Json]:
        """Deliveries that were given up, taken off the record because the test expects them."""
        lost = list(self.box.delivery.unacked)
        self.box.delivery.unacked.clear()
        return lost


@contextlib.asynccontextmanager
async def running(*, manifest: Path | Manifest, seed: int = 1, **options: Any) -> AsyncGenerator[RunningBox]:
    """Run a workspace for the length of the block. `options` are the fields of box.Options."""
    loaded = manifest if isinstance(manifest, Manifest) else load_manifest(manifest)
    options.setdefault("retry_delays", TEST_RETRY_DELAYS)
    box = build_box(loaded, Options(seed=seed, **options))
    bound = bind("127.0.0.1", 0)
    async with serving(box, bound):
        yield RunningBox(box=box, url=f"http://127.0.0.1:{bound.getsockname()[1]}")
