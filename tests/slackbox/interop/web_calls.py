"""The calls of web_client.cjs with Slack's Python client."""

from collections.abc import Awaitable, Callable
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from tests.slackbox.interop.reports import Reports


async def refused(call: Awaitable[Any]) -> str:
    try:
        await call
    except SlackApiError as error:
        return error.response["error"]
    return "accepted"


async def make_calls(
    client: AsyncWebClient, *, channel: str, blocks: list[Any], reports: Reports, arm: Callable[[], Awaitable[None]]
) -> None:
    me = await client.auth_test()
    reports.add("auth", user=me["user_id"])
    posted = await _talk(client, channel, blocks, reports)
    await client.reactions_add(channel=channel, timestamp=posted, name="eyes")
    again = await refused(client.reactions_add(channel=channel, timestamp=posted, name="eyes"))
    reports.add("reaction", again=again)
    rooms = [room async for page in await client.conversations_list(limit=2) for room in page["channels"]]
    reports.add("channels", names=sorted(room["name"] for room in rooms))
    person = await client.users_info(user="U0ANA")
    reports.add("person", name=person["user"]["name"])
    uploaded = await client.files_upload_v2(channel=channel, filename="log.txt", content="drain n1\n", title="Log")
    reports.add("file", names=[each["name"] for each in uploaded["files"]])
    reports.add(
        "refusals",
        channel=await refused(client.chat_postMessage(channel="C0NOWHERE", text="x")),
        blocks=await refused(client.chat_postMessage(channel=channel, text="x", blocks=[{"type": "shout"}])),
        scope=await refused(client.pins_add(channel=channel, timestamp=posted)),
    )
    await arm()
    # Unlike the JavaScript client, this one must be told to wait.
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    patient = await client.chat_postMessage(channel=channel, text="after the wait")
    reports.add("patient", text=patient["message"]["text"])


async def _talk(client: AsyncWebClient, channel: str, blocks: list[Any], reports: Reports) -> str:
    metadata = {"event_type": "interop", "event_payload": {"part": 1, "name": "a & b"}}
    sent = await client.chat_postMessage(
        channel=channel, text="first", blocks=blocks, metadata=metadata, unfurl_links=False
    )
    posted = str(sent["ts"])
    await client.chat_update(channel=channel, ts=posted, text="first, edited", blocks=blocks)
    await client.chat_postMessage(channel=channel, text="second")
    await client.chat_postMessage(channel=channel, text="a reply", thread_ts=posted)
    pages = await client.conversations_history(channel=channel, limit=1)
    reports.add("history", texts=[each["text"] async for page in pages for each in page["messages"]])
    read = await client.conversations_replies(channel=channel, ts=posted, include_all_metadata=True)
    texts = [each["text"] for each in read["messages"]]
    reports.add("metadata", texts=texts, metadata=read["messages"][0]["metadata"])
    return posted
