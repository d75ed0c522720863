"""Answering the person who asked, and nobody else."""

from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.core.errors import ChatUnavailableError
from bot.slack.client import is_loopback
from bot.slack.problems import translated
from bot.slack.views.message import Message


async def answer(response_url: str, message: Message, *, thread_ts: str = "") -> None:
    """Send an ephemeral message to a response address. Raises ChatUnavailableError.

    An address takes five posts within thirty minutes
    (https://docs.slack.dev/interactivity/handling-user-interaction#message_responses).
    """
    client = AsyncWebhookClient(response_url, timeout=10, retry_handlers=[])
    if is_loopback(response_url):
        client.proxy = None
    body: dict[str, object] = {
        "text": message.text,
        "blocks": message.blocks,
        "response_type": "ephemeral",
        "replace_original": False,
    }
    if thread_ts:
        body["thread_ts"] = thread_ts
    with translated("response_url"):
        reply = await client.send_dict(body)
    if reply.status_code != 200:
        raise ChatUnavailableError(f"Slack did not take the answer to a command: status {reply.status_code}.")
