"""Reading what was posted in the watched channels while no connection was open."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.flows import Flows
from bot.slack.channels import WatchedChannels
from bot.slack.events import event_key, history_body
from bot.slack.payload import Json, body_of, is_ts, record, records, text_of
from bot.slack.problems import translated

_log = logging.getLogger(__name__)
_PAGE: Final = 200
_PAGES: Final = 50
# Slack gives an event up after about six minutes of redeliveries; what it gave up lies within this.
_OVERLAP_S: Final = 600
_BEGINNING: Final = "1000000000.000000"


class CatchUp:
    """Brings the inbox up to date from the channels' histories; what is known already is passed over."""

    def __init__(
        self,
        flows: Flows,
        client: AsyncWebClient,
        *,
        watched: WatchedChannels,
        on_stored: Callable[[], None],
        threads: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        """`threads` looks into threads, which a channel's history does not hold; how many messages were new."""
        self._threads = threads
        self._flows = flows
        self._client = client
        self._watched = watched
        self._on_stored = on_stored
        self._current = False

    def is_current(self) -> bool:
        """Whether everything since the last connection has been looked at."""
        return self._current

    def fall_behind(self) -> None:
        """A connection was lost or renewed: messages may have been missed."""
        self._current = False

    async def run(self) -> int:
        """Look at every watched channel; returns how many messages were new. Raises ChatError, StoreError."""
        found = 0
        for channel in sorted(await self._watched.ids()):
            found += await self._catch_up(channel)
        replies = await self._threads() if self._threads is not None else 0
        self._current = True
        if replies:
            self._on_stored()
        if found:
            _log.info("Caught up with %d messages from the channels' histories", found)
        return found

    async def _catch_up(self, channel: str) -> int:
        mark = await self._flows.last_seen(channel)
        if mark is None or not is_ts(mark):
            # The first start: what was said before is not ours to act on.
            newest = await self._history(channel, oldest=None)
            await self._flows.set_last_seen(channel, text_of(newest[0], "ts") if newest else _BEGINNING)
            return 0
        messages = await self._history(channel, oldest=f"{max(0.0, float(mark) - _OVERLAP_S):.6f}")
        new = 0
        for message in reversed(messages):
            body = history_body(channel, message)
            new += await self._flows.remember_event(event_key(body), "message", body)
        if new:
            self._on_stored()
        newest = text_of(messages[0], "ts") if messages else ""
        if is_ts(newest) and float(newest) > float(mark):
            await self._flows.set_last_seen(channel, newest)
        return new

    async def _history(self, channel: str, *, oldest: str | None) -> list[Json]:
        """Messages since `oldest`, newest first; only the newest one without it."""
        arguments: dict[str, object] = {"channel": channel, "limit": 1 if oldest is None else _PAGE}
        if oldest is not None:
            arguments["oldest"] = oldest
        messages: list[Json] = []
        for _ in range(_PAGES):
            with translated("conversations.history"):
                answer = await self._client.api_call("conversations.history", http_verb="GET", params=arguments)
            body = body_of(answer)
            messages += records(body.get("messages"))
            cursor = text_of(record(body.get("response_metadata")), "next_cursor")
            if not cursor or oldest is None:
                return messages
            arguments["cursor"] = cursor
        _log.warning(
            "%s holds more than %d messages since %s; older ones are not looked at", channel, len(messages), oldest
        )
        return messages
