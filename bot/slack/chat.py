"""Posting, editing and finding messages: Slack as the flows see it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.alert import Anchor
from bot.core.errors import ChatError, ChatUnavailableError
from bot.core.posts import Post
from bot.slack import views
from bot.slack.channels import ChannelDirectory
from bot.slack.digests import linked, pictured
from bot.slack.pacing import Pacer
from bot.slack.payload import Json, body_of, record, records, text_of
from bot.slack.problems import refusal_code, translated

_log = logging.getLogger(__name__)
_PATIENCE_S: Final = 5.0
_FIND_PAGES: Final = 5
_FIND_PAGE: Final = 200


class SlackChat:
    """Implements ports.Chat. Every message carries its operation in its metadata, so that it can be found again."""

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        directory: ChannelDirectory | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._directory = directory or ChannelDirectory(client)
        self._pacer = Pacer(monotonic)
        self._edits = Pacer(monotonic, burst=10)
        self._sleep = sleep

    async def send(self, post: Post) -> Anchor:
        """Post, or edit when it has a ts. Raises ChatUnavailableError (try again; it may have been posted) or ChatError.

        A workspace that refuses the newer blocks gets the same content as plain sections.
        """
        channel = await self._directory.id_of(post.channel)
        message = views.render(await linked(post.content, self.permalink))
        try:
            return await self._deliver(post, channel, message)
        except ChatError as error:
            if refusal_code(error) != "invalid_blocks":
                raise
            _log.warning("Slack refused the blocks of %s, so plain ones are sent: %s", post.operation, error)
        plain = views.plain_variant(message)
        drawn = await pictured(self._client, message, plain)
        try:
            return await self._deliver(post, channel, drawn)
        except ChatError as error:
            if drawn is plain or refusal_code(error) != "invalid_blocks":
                raise
            _log.warning("Slack refused the picture of %s, so it is left out: %s", post.operation, error)
        return await self._deliver(post, channel, plain)

    async def find(self, post: Post) -> Anchor | None:
        """Look for the post's operation in its thread, or among the channel's newest messages.

        Raises ChatUnavailableError or ChatError; a thread whose parent is gone holds nothing.
        """
        channel = await self._directory.id_of(post.channel)
        cursor = ""
        for _ in range(_FIND_PAGES):
            body = await self._page(channel, post.thread_ts, cursor)
            for message in records(body.get("messages")):
                if _operation(message) == post.operation:
                    return Anchor(channel=channel, ts=text_of(message, "ts"))
            cursor = text_of(record(body.get("response_metadata")), "next_cursor")
            if not cursor:
                break
        return None

    async def permalink(self, anchor: Anchor) -> str:
        """A link to a message. Raises ChatUnavailableError or ChatError."""
        channel = await self._directory.id_of(anchor.channel)
        with translated("chat.getPermalink"):
            answer = await self._client.chat_getPermalink(channel=channel, message_ts=anchor.ts)
        return text_of(body_of(answer), "permalink")

    async def _deliver(self, post: Post, channel: str, message: views.Message) -> Anchor:
        if post.ts is None:
            # Edits are limited per method (50 and more a minute), not to one a second and channel.
            await self._pace(channel)
        else:
            await self._pace("", self._edits)
        arguments: dict[str, object] = {
            "channel": channel,
            "text": message.text,
            "blocks": message.blocks,
            "metadata": _metadata(post),
            # chat.update would otherwise look for names and addresses to turn into links and pings.
            "parse": "none",
        }
        if post.ts is not None:
            arguments["ts"] = post.ts
        else:
            arguments |= {"unfurl_links": False, "unfurl_media": False}
            if post.thread_ts is not None:
                arguments["thread_ts"] = post.thread_ts
        body = await self._call(_method(post), arguments, channel)
        ts = text_of(body, "ts") or post.ts
        if ts is None:
            raise ChatUnavailableError(f"Slack's answer to {_method(post)} names no message.")
        return Anchor(channel=text_of(body, "channel") or channel, ts=ts)

    async def _pace(self, channel: str, pacer: Pacer | None = None) -> None:
        """Wait for a free slot; a long wait is the outbox's, which can do something else meanwhile."""
        wait = (pacer or self._pacer).reserve(channel, patience=_PATIENCE_S)
        if wait > _PATIENCE_S:
            raise ChatUnavailableError(f"Slack asked for a pause in {channel}.", retry_after_s=wait)
        if wait > 0:
            await self._sleep(wait)

    async def _call(self, method: str, arguments: dict[str, object], channel: str) -> Json:
        try:
            with translated(method):
                answer = await self._client.api_call(method, json=arguments)
        except ChatUnavailableError as error:
            if error.retry_after_s is not None:
                self._pacer.hold(channel, error.retry_after_s)
                self._edits.hold("", error.retry_after_s)
            raise
        return body_of(answer)

    async def _page(self, channel: str, thread_ts: str | None, cursor: str) -> Json:
        arguments: dict[str, object] = {"channel": channel, "limit": _FIND_PAGE, "include_all_metadata": True}
        if cursor:
            arguments["cursor"] = cursor
        method = "conversations.history"
        if thread_ts is not None:
            method = "conversations.replies"
            arguments["ts"] = thread_ts
        try:
            with translated(method):
                return body_of(await self._client.api_call(method, http_verb="GET", params=arguments))
        except ChatError as error:
            if refusal_code(error) == "thread_not_found":
                return {}
            raise


def _method(post: Post) -> str:
    return "chat.postMessage" if post.ts is None else "chat.update"


def _metadata(post: Post) -> dict[str, object]:
    return {
        "event_type": f"aiops.{post.kind.value}",
        "event_payload": {"incident": post.incident_id, "version": post.version, "operation": post.operation},
    }


def _operation(message: Json) -> str:
    return text_of(record(record(message.get("metadata")).get("event_payload")), "operation")
