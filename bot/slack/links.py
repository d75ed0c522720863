"""Links to Slack messages, and the messages behind them."""

import re
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.alert import Anchor
from bot.core.errors import NotFoundError
from bot.slack.payload import Json, body_of, records, text_of
from bot.slack.problems import translated

# https://<workspace>/archives/<channel>/p<ts without its point>, with the thread in the query for replies.
_PERMALINK: Final = re.compile(
    r"https?://[^\s/<>|]+/archives/(?P<channel>[CG][A-Z0-9]{2,20})/p(?P<whole>\d{9,11})(?P<micros>\d{6})"
    r"(?:\?[^\s<>|]*?thread_ts=(?P<thread>\d{9,11}\.\d{6}))?"
)


def find_permalink(text: str) -> tuple[Anchor, Anchor] | None:
    """The message that a text links to, and the thread it stands in; None without a link to a message."""
    found = _PERMALINK.search(text)
    if found is None:
        return None
    message = Anchor(channel=found["channel"], ts=f"{found['whole']}.{found['micros']}")
    return message, Anchor(channel=message.channel, ts=found["thread"] or message.ts)


async def read_message(client: AsyncWebClient, message: Anchor, thread: Anchor) -> Json:
    """The message behind a link. Raises NotFoundError, ChatError (not invited, say) or ChatUnavailableError."""
    arguments: dict[str, object] = {"channel": message.channel, "latest": message.ts, "inclusive": True, "limit": 1}
    method = "conversations.history"
    if thread.ts != message.ts:
        method = "conversations.replies"
        arguments |= {"ts": thread.ts, "oldest": message.ts, "limit": 2}
    with translated(method):
        answer = await client.api_call(method, http_verb="GET", params=arguments)
    for found in records(body_of(answer).get("messages")):
        if text_of(found, "ts") == message.ts:
            return found
    raise NotFoundError("The link leads to a message that is not there any more.")
