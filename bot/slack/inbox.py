"""What is done with Slack's events once they are safely written down."""

import logging
from collections.abc import Awaitable, Callable

from bot.core.errors import AiopsError
from bot.flows import Flows
from bot.ports import InboxItem
from bot.slack.alertmessages import parse_alert_message
from bot.slack.channels import WatchedChannels
from bot.slack.events import changed_message, event_of
from bot.slack.payload import Json, is_ts, text_of

_log = logging.getLogger(__name__)


async def _pass_by(_event: Json) -> None:
    return


class Inbox:
    """Takes remembered events one at a time; the caller loops."""

    def __init__(
        self,
        flows: Flows,
        *,
        watched: WatchedChannels,
        is_current: Callable[[], bool],
        home_opened: Callable[[str], Awaitable[None]],
        hear: Callable[[Json], Awaitable[None]] = _pass_by,
    ) -> None:
        """
        `is_current` says whether the catch-up after the last connection is done.

        `hear` is given every message event, of channels that are not watched, too.
        """
        self._hear = hear
        self._home_opened = home_opened
        self._flows = flows
        self._watched = watched
        self._is_current = is_current

    async def handle_next(self) -> bool:
        """Handle one event; False when none is due. Raises StoreError when the store cannot be used."""
        item = await self._flows.next_event()
        if item is None:
            return False
        try:
            await self._handle(item)
        except AiopsError as error:
            _log.warning("Slack event %s is put back: %s", item.event_id, error)
            await self._flows.event_failed(item, str(error))
        # The outermost loop: one event that breaks our code must not come back for ever and stop all others.
        except Exception as error:  # noqa: BLE001 - see above
            _log.exception("Slack event %s broke its handler", item.event_id)
            await self._flows.event_failed(item, f"{type(error).__name__}: {error}")
        else:
            await self._flows.event_done(item.event_id)
        return True

    async def _handle(self, item: InboxItem) -> None:
        event = event_of(item.body)
        channel = text_of(event, "channel")
        if text_of(event, "type") == "app_home_opened":
            if text_of(event, "tab") in {"home", ""}:
                await self._home_opened(text_of(event, "user"))
            return
        if text_of(event, "type") != "message":
            return
        await self._hear(event)
        if channel not in await self._watched.ids():
            return
        message, before = changed_message(event)
        if not _is_reply(message):
            await self._take_in(channel, message, before)
        await self._advance(channel, text_of(event, "ts"))

    async def _take_in(self, channel: str, message: Json, before: Json) -> None:
        delivery = parse_alert_message(channel, message)
        known = parse_alert_message(channel, before)
        if delivery is None or (known is not None and known.alerts[0].status is delivery.alerts[0].status):
            return
        await self._flows.receive(delivery)

    async def _advance(self, channel: str, ts: str) -> None:
        """Move the channel's mark, but never past messages that a catch-up has still to look at."""
        if not is_ts(ts) or not self._is_current():
            return
        mark = await self._flows.last_seen(channel)
        if mark is None or float(ts) > float(mark):
            await self._flows.set_last_seen(channel, ts)


def _is_reply(message: Json) -> bool:
    thread = text_of(message, "thread_ts")
    return bool(thread) and thread != text_of(message, "ts")
