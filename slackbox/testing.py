"""slackbox inside a test: a real server on a free loopback port, in the test's own event loop."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from slackbox import chaos, happenings, interactions, modals, world
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

    async def post(self, *, user: str, channel: str, text: str, **more: Any) -> str:
        """A person writes (thread_ts, reply_broadcast). Returns the message's ts."""
        return world.say(self.box, user=user, channel=channel, text=text, **more).ts

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

    async def archive(self, *, user: str, channel: str, archived: bool = True) -> None:
        """A person closes a channel to new messages, or opens it again."""
        happenings.archive(self.box, user=user, channel=channel, archived=archived)

    async def direct(self, *, user: str) -> str:
        """A person opens their direct message with the bot. Returns the conversation's id."""
        return happenings.open_direct(self.box, user=user)

    async def share_file(
        self, *, user: str, channel: str, filename: str, text: str, thread_ts: str | None = None
    ) -> Json:
        """A person shares a text file. Returns {file, ts}."""
        return happenings.share_file(
            self.box, self.url, user=user, channel=channel, filename=filename, text=text, thread_ts=thread_ts
        )

    async def stop_stream(self, *, user: str, channel: str, ts: str) -> None:
        """A person stops a message that the bot is still writing."""
        happenings.stop_stream(self.box, user=user, channel=channel, ts=ts)

    async def presence(self, *, user: str, away: bool) -> None:
        """A person goes away or comes back."""
        happenings.set_presence(self.box, user=user, away=away)

    async def assistant(self, *, channel: str, thread_ts: str) -> Json:
        """What the bot shows in a thread: status, loading_messages, title, prompts."""
        return happenings.assistant_thread(self.box, channel=channel, thread_ts=thread_ts)

    async def command(
        self, *, user: str, channel: str, command: str, text: str = "", thread_ts: str | None = None
    ) -> Json:
        """A slash command. Returns {acked, response, ephemeral}. Raises WorldError inside a thread."""
        return await interactions.run_command(
            self.box, self.url, user=user, channel=channel, command=command, text=text, thread_ts=thread_ts
        )

    async def press(self, *, user: str, channel: str, ts: str, action_id: str, **more: Any) -> Json:
        """Press a button or choose from a menu (block_id, value, state, confirm). Returns {acked}."""
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
        confirm: bool = True,
    ) -> Json:
        """Press something in a modal or the Home tab. Returns {acked}."""
        return await modals.press_in_view(
            self.box,
            user=user,
            view_id=view_id,
            action_id=action_id,
            block_id=block_id,
            value=value,
            state=state or {},
            confirm=confirm,
            base=self.url,
        )

    async def suggest(self, *, user: str, action_id: str, view_id: str | None = None, **more: Any) -> Json:
        """Type in a menu whose options come from the app, in a view or a message (channel, ts; query, block_id).

        Returns {acked, sent, options, option_groups}.
        """
        if view_id is not None:
            return await modals.suggest_in_view(self.box, user=user, view_id=view_id, action_id=action_id, **more)
        return await interactions.suggest(self.box, user=user, action_id=action_id, **more)

    async def shortcut(self, *, user: str, channel: str, ts: str, callback_id: str) -> Json:
        """Use a message shortcut. Returns {acked}."""
        return await interactions.use_shortcut(
            self.box, self.url, user=user, channel=channel, ts=ts, callback_id=callback_id
        )

    async def global_shortcut(self, *, user: str, callback_id: str) -> Json:
        """Use a global shortcut. Returns {acked}."""
        return await interactions.use_global_shortcut(self.box, user=user, callback_id=callback_id)

    async def fill(self, *, user: str, view_id: str, values: Json) -> Json:
        """Enter {block_id: {action_id: value}} in a view without submitting. Returns {acked, sent, state}."""
        return await modals.fill(self.box, user=user, view_id=view_id, values=values, base=self.url)

    async def submit(self, *, user: str, view_id: str, values: Json | None = None) -> Json:
        """Submit a modal with {block_id: {action_id: value}}. Returns {acked, errors, failure, view}."""
        return await modals.submit(self.box, user=user, view_id=view_id, values=values or {}, base=self.url)

    async def close_view(self, *, user: str, view_id: str, everything: bool = False) -> Json:
        """Cancel a modal, or the whole stack with its X (`everything`). Returns {acked}."""
        return await modals.close_view(self.box, user=user, view_id=view_id, everything=everything)

    async def home(self, *, user: str) -> Json:
        """Open the Home tab. Returns {view}: what was published before."""
        return modals.open_home(self.box, user=user)

    async def reload(self, *, user: str) -> Json:
        """The person reloads their client. Returns how many {ephemerals, views} went away."""
        return modals.reload(self.box, user=user)

    async def ephemerals(self, user: str | None = None, channel: str | None = None) -> list[Json]:
        """Ephemeral messages on a person's screen (or on all), oldest first."""
        return world.list_ephemerals(self.box, user, channel)

    async def views(self, user: str) -> Json:
        """What a person has open, with what they entered: {stack, home}."""
        return world.list_views(self.box, user)

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

    async def fault(
        self, method: str, kind: str, *, times: int | None = None, seconds: float | None = None, **more: Any
    ) -> None:
        """Arm a fault on a method, a family ("views.*"), any method ("*") or the deliveries ("events").

        It hits the next `times` calls or lasts `seconds` seconds; once without either. `more` is of faults.Fault.
        """
        chaos.arm(self.box, Fault(method=method, kind=kind, **more), times=times, seconds=seconds)

    async def clear_faults(self) -> int:
        """End every fault at once. Returns how many there were."""
        return self.box.faults.clear()

    async def disconnect(
        self, reason: str = "refresh_requested", *, connection: str | None = None, close_after_s: float | None = None
    ) -> int:
        """Ask the bot's connections to go, or cut them with "abrupt". Returns how many. See SocketMode.disconnect."""
        return self.box.sockets.disconnect(reason, connection=connection, close_after_s=close_after_s)

    async def silence(self, *, silent: bool = True, connection: str | None = None) -> int:
        """Let connections look open and carry nothing, not even pongs; or end that. Returns how many."""
        return self.box.sockets.fall_silent(silent=silent, connection=connection)

    async def socket_mode(self, *, enabled: bool) -> int:
        """Switch Socket Mode off (link_disabled, and nobody may connect) or on. Returns how many were asked to go."""
        return self.box.sockets.switch(on=enabled)

    def connections(self) -> list[Json]:
        """The bot's open connections, oldest first: {name, silent, leaving}."""
        return self.box.sockets.describe()

    async def settle(self, *, timeout_s: float = 10) -> None:
        """Wait until every envelope is acknowledged or given up. Raises WaitTimeoutError."""
        if not await chaos.settle(self.box, timeout_s):
            raise WaitTimeoutError(f"{self.box.delivery.waiting} envelopes still wait after {timeout_s:g} s.")

    def now(self) -> datetime:
        """The time in the workspace."""
        return self.box.clock.now()

    async def advance(self, seconds: float) -> datetime:
        """Let virtual time pass; what falls due on the way happens at its time. Returns the time that it is then.

        Raises WorldError on the wall clock and for a step back.
        """
        await chaos.pass_time(self.box, seconds)
        return self.now()

    async def advance_to(self, when: datetime) -> datetime:
        """As advance, to a point in time."""
        await chaos.pass_time_until(self.box, when)
        return self.now()

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
        return self.box.delivery.forgive()


@contextlib.asynccontextmanager
async def running(*, manifest: Path | Manifest, seed: int = 1, **options: Any) -> AsyncGenerator[RunningBox]:
    """Run a workspace for the length of the block. `options` are the fields of box.Options."""
    loaded = manifest if isinstance(manifest, Manifest) else load_manifest(manifest)
    options.setdefault("retry_delays", TEST_RETRY_DELAYS)
    box = build_box(loaded, Options(seed=seed, **options))
    bound = bind("127.0.0.1", 0)
    async with serving(box, bound):
        yield RunningBox(box=box, url=f"http://127.0.0.1:{bound.getsockname()[1]}")
