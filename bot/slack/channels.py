"""Channel names and ids."""

import difflib
from collections.abc import Sequence
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.errors import ChatError
from bot.slack.payload import body_of, record, records, text_of
from bot.slack.problems import translated

_PAGES: Final = 50
_PAGE: Final = 200


class ChannelDirectory:
    """Turns `#name` into an id once and remembers it; an id is given back as it is."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._ids: dict[str, str] = {}

    async def id_of(self, channel: str) -> str:
        """The id of a channel. Raises ChatError naming the nearest channel, ChatUnavailableError."""
        if not channel.startswith("#"):
            return channel
        name = channel.removeprefix("#")
        if name not in self._ids:
            await self._load()
        if name not in self._ids:
            near = difflib.get_close_matches(name, self._ids, n=1)
            hint = f" Did you mean #{near[0]}?" if near else ""
            raise ChatError(
                f"There is no channel #{name} that the bot can see.{hint} A private one must invite it first."
            )
        return self._ids[name]

    async def _load(self) -> None:
        cursor = ""
        for _ in range(_PAGES):
            with translated("conversations.list"):
                answer = await self._client.conversations_list(
                    types="public_channel,private_channel", exclude_archived=True, limit=_PAGE, cursor=cursor or None
                )
            body = body_of(answer)
            self._ids |= {text_of(each, "name"): text_of(each, "id") for each in records(body.get("channels"))}
            cursor = text_of(record(body.get("response_metadata")), "next_cursor")
            if not cursor:
                return


class WatchedChannels:
    """The channels whose alert messages are taken in."""

    def __init__(self, directory: ChannelDirectory, channels: Sequence[str]) -> None:
        self._directory = directory
        self._channels = tuple(channels)

    async def ids(self) -> frozenset[str]:
        """Their ids. Raises ChatError for a name that is not there, ChatUnavailableError."""
        return frozenset([await self._directory.id_of(channel) for channel in self._channels])
