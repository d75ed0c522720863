"""The real Slack SDK and Bolt, pointed at a running slackbox."""

import contextlib
import json
from pathlib import Path

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from slackbox.manifest import parse_manifest

MANIFEST = Path(__file__).parents[2] / "manifest.json"


def client_of(box, token=None):
    client = AsyncWebClient(token=token or box.bot_token, base_url=box.api_url)
    client.proxy = None
    return client


def app_of(box):
    """A Bolt app that acknowledges every message and mention by default listeners added by the test."""
    return AsyncApp(client=client_of(box))


@contextlib.asynccontextmanager
async def connected(box, app, count=1):
    """Bolt's own Socket Mode handler, connected for the length of the block."""
    handler = AsyncSocketModeHandler(app, box.app_token, web_client=client_of(box))
    handler.client.proxy = None
    await handler.connect_async()
    try:
        await box.connected(count)
        yield handler
    finally:
        await handler.close_async()


def manifest_without(*, scopes=(), events=()):
    body = json.loads(MANIFEST.read_text(encoding="utf-8"))
    granted = body["oauth_config"]["scopes"]
    granted["bot"] = [scope for scope in granted["bot"] if scope not in scopes]
    heard = body["settings"]["event_subscriptions"]
    heard["bot_events"] = [event for event in heard["bot_events"] if event not in events]
    return parse_manifest(body)
