"""The bot of this folder on Slack's Python clients: Bolt over both of its async adapters, and the plain SDK clients."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.websockets import AsyncSocketModeHandler as WebsocketsHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient as AiohttpClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.socket_mode.websockets import SocketModeClient as WebsocketsClient

from tests.slackbox import samples
from tests.slackbox.helpers import client_of
from tests.slackbox.interop.reports import Reports

PING_SECONDS = 0.5


@contextlib.asynccontextmanager
async def bolt(box: Any, reports: Reports, adapter: type) -> AsyncIterator[None]:
    app = AsyncApp(client=client_of(box))
    _listen(app, reports)
    handler = adapter(app, box.app_token, web_client=client_of(box), ping_interval=PING_SECONDS)
    # Below Bolt, which drops the bot's own messages before an app sees them.
    _note_envelopes(handler.client, reports)
    async with _connected(handler.client, reports):
        yield


@contextlib.asynccontextmanager
async def sdk(box: Any, reports: Reports, kind: type) -> AsyncIterator[None]:
    client = kind(app_token=box.app_token, web_client=client_of(box), ping_interval=PING_SECONDS)
    bot = PlainBot(client_of(box), reports)
    _note_envelopes(client, reports)
    client.socket_mode_request_listeners.append(bot.answer)
    async with _connected(client, reports):
        yield


CLIENTS: dict[str, Callable[[Any, Reports], contextlib.AbstractAsyncContextManager[None]]] = {
    "slack_bolt on aiohttp": lambda box, reports: bolt(box, reports, AsyncSocketModeHandler),
    "slack_bolt on websockets": lambda box, reports: bolt(box, reports, WebsocketsHandler),
    "slack_sdk on aiohttp": lambda box, reports: sdk(box, reports, AiohttpClient),
    "slack_sdk on websockets": lambda box, reports: sdk(box, reports, WebsocketsClient),
}


def _note_envelopes(client: Any, reports: Reports) -> None:
    async def note(_client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        reports.add("envelope", event_id=request.payload.get("event_id"))

    client.socket_mode_request_listeners.append(note)


def _listen(app: AsyncApp, reports: Reports) -> None:
    @app.event("message")
    async def message(event: dict[str, Any], say: Any) -> None:
        if "bot_id" not in event and "subtype" not in event:
            await say(thread_ts=event["ts"], text=f"heard: {event['text']}")

    @app.command("/aiops")
    async def command(ack: Any, body: dict[str, Any]) -> None:
        await ack(f"working on {body['text']}")

    @app.action("restart")
    async def restart(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=samples.modal())

    @app.action("review")
    async def review(ack: Any, respond: Any) -> None:
        await ack()
        respond.proxy = None
        await respond(replace_original=True, text="reviewed")

    @app.view("root_cause")
    async def save(ack: Any, body: dict[str, Any], view: dict[str, Any]) -> None:
        cause = view["state"]["values"]["cause"]["text"]["value"]
        reports.add("submitted", cause=cause, user=body["user"]["id"])
        if len(cause) < 5:
            await ack(response_action="errors", errors={"cause": "Say more."})
        else:
            await ack()

    @app.shortcut("triage_message")
    async def triage(ack: Any, shortcut: dict[str, Any], client: Any) -> None:
        await ack()
        message = shortcut["message"]
        text = f"used: {shortcut['callback_id']}"
        await client.chat_postMessage(channel=shortcut["channel"]["id"], thread_ts=message["ts"], text=text)


class PlainBot:
    """The same bot without Bolt: every request is acknowledged by hand."""

    def __init__(self, web: Any, reports: Reports) -> None:
        self._web = web
        self._reports = reports

    async def answer(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        payload = request.payload
        reply = None
        if request.type == "slash_commands":
            reply = {"text": f"working on {payload['text']}"}
        elif payload.get("type") == "view_submission":
            reply = self._judge(payload)
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=reply))
        await self._act(request.type, payload)

    def _judge(self, payload: dict[str, Any]) -> dict[str, Any] | None:
        cause = payload["view"]["state"]["values"]["cause"]["text"]["value"]
        self._reports.add("submitted", cause=cause, user=payload["user"]["id"])
        return {"response_action": "errors", "errors": {"cause": "Say more."}} if len(cause) < 5 else None

    async def _act(self, kind: str, payload: dict[str, Any]) -> None:
        if kind == "events_api":
            event = payload["event"]
            if event["type"] == "message" and "bot_id" not in event and "subtype" not in event:
                await self._post(event["channel"], event["ts"], f"heard: {event['text']}")
        elif payload.get("type") == "message_action":
            await self._post(payload["channel"]["id"], payload["message"]["ts"], f"used: {payload['callback_id']}")
        elif payload.get("type") == "block_actions":
            if payload["actions"][0]["action_id"] == "restart":
                await self._web.views_open(trigger_id=payload["trigger_id"], view=samples.modal())
            else:
                async with httpx.AsyncClient(trust_env=False) as http:
                    await http.post(payload["response_url"], json={"replace_original": True, "text": "reviewed"})

    async def _post(self, channel: str, thread_ts: str, text: str) -> None:
        await self._web.chat_postMessage(channel=channel, thread_ts=thread_ts, text=text)


@contextlib.asynccontextmanager
async def _connected(client: Any, reports: Reports) -> AsyncIterator[None]:
    client.proxy = None
    await client.connect()
    watching = asyncio.create_task(_watch_pongs(client, reports))
    try:
        yield
    finally:
        watching.cancel()
        await client.close()


async def _watch_pongs(client: Any, reports: Reports) -> None:
    """The clients only keep the newest pong: the time in its body, or the round trip of the connection."""
    newest = None
    while True:
        await asyncio.sleep(0.02)
        pong = getattr(client, "last_ping_pong_time", None) or getattr(client.current_session, "latency", None)
        if pong and pong != newest:
            newest = pong
            reports.add("pong")
