"""What only Slack can add to a digest as it is sent: links to threads, and a picture where it shows no native chart."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.alert import Anchor
from bot.core.errors import ChatError, ChatUnavailableError
from bot.core.posts import Content, DigestPost
from bot.slack.payload import body_of, text_of
from bot.slack.pictures import draw_chart
from bot.slack.problems import translated
from bot.slack.views.charts import chart_words, picture
from bot.slack.views.fallback import chart_title
from bot.slack.views.message import Message

_log = logging.getLogger(__name__)
_UPLOAD_S: Final = 15


async def linked(content: Content, permalink: Callable[[Anchor], Awaitable[str]]) -> Content:
    """A digest with the addresses of its threads; a thread that is gone gets none. Raises ChatUnavailableError."""
    if not isinstance(content, DigestPost):
        return content
    places = {one.incident_id: one.anchor for one in (*content.digest.misses, *content.digest.unlabelled)}
    links: list[tuple[str, str]] = []
    for incident_id, anchor in places.items():
        if anchor is None:
            continue
        try:
            links.append((incident_id, await permalink(anchor)))
        except ChatUnavailableError:
            raise
        except ChatError as error:
            _log.info("the digest has no link to %s: %s", incident_id, error)
    return replace(content, links=tuple(links))


async def pictured(client: AsyncWebClient, message: Message, plain: Message) -> Message:
    """
    The plain message with a picture before each chart's words; the same object when nothing could be added.

    A picture is an extra: where it cannot be uploaded, the words of the chart stand alone.
    """
    blocks = list(plain.blocks)
    for chart in [block for block in message.blocks if block["type"] == "data_visualization"]:
        title = chart_title(chart)
        place = next(
            (
                number
                for number, block in enumerate(blocks)
                if block["type"] == "section" and block.get("text", {"text": ""})["text"].startswith(title)
            ),
            None,
        )
        if place is None:
            continue
        data = await asyncio.to_thread(draw_chart, chart)
        words = f"{chart['title']}. {'; '.join(chart_words(chart))}"
        try:
            file_id = await _upload(client, data, title=chart["title"], words=words)
        except ChatError as error:
            _log.warning("the chart %r goes out in words alone: %s", chart["title"], error)
            continue
        blocks.insert(place, picture(file_id, words))
    return plain if len(blocks) == len(plain.blocks) else replace(plain, blocks=tuple(blocks))


async def _upload(client: AsyncWebClient, data: bytes, *, title: str, words: str) -> str:
    """
    A file that no channel shows by itself; its id. Raises ChatError (the scope is missing, say) or ChatUnavailableError.

    The three steps of https://docs.slack.dev/messaging/working-with-files#upload.
    """
    with translated("files.getUploadURLExternal"):
        announced = body_of(
            await client.files_getUploadURLExternal(filename="digest.png", length=len(data), alt_txt=words[:1_000])
        )
    file_id = text_of(announced, "file_id")
    with translated("files.upload"):
        timeout = aiohttp.ClientTimeout(total=_UPLOAD_S)
        # The Web API's client knows whether a proxy stands in between.
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.post(text_of(announced, "upload_url"), data=data, proxy=client.proxy) as answer,
        ):
            if answer.status != 200:
                raise ChatUnavailableError(f"Slack did not take the picture: status {answer.status}.")
    with translated("files.completeUploadExternal"):
        await client.files_completeUploadExternal(files=[{"id": file_id, "title": title}])
    return file_id
