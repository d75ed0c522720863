"""A workspace on virtual time with a connected bot whose manifest grants and hears what the test says."""

import contextlib
import json

import httpx

from slackbox.clock import VirtualClock
from slackbox.manifest import parse_manifest
from slackbox.testing import running
from tests.slackbox.helpers import MANIFEST
from tests.slackbox.rules.desk import bot_on

EVERY_SCOPE = [
    "app_mentions:read", "assistant:write", "bookmarks:read", "bookmarks:write", "canvases:read", "canvases:write",
    "channels:history", "channels:join", "channels:manage", "channels:read", "chat:write", "chat:write.customize",
    "commands", "emoji:read", "files:read", "files:write", "groups:history", "groups:read", "groups:write",
    "im:history", "im:read", "im:write", "mpim:history", "mpim:read", "mpim:write", "pins:read", "pins:write",
    "reactions:read", "reactions:write", "team:read", "usergroups:read", "usergroups:write", "users:read",
    "users:read.email",
]  # fmt: skip
EVERY_EVENT = [
    "app_home_opened", "app_mention", "channel_archive", "channel_created", "channel_left", "channel_rename",
    "channel_unarchive", "file_created", "file_deleted", "file_shared", "group_archive", "group_left",
    "member_joined_channel", "member_left_channel", "message.channels", "message.groups", "message.im",
    "message.mpim", "pin_added", "pin_removed", "reaction_added", "reaction_removed", "subteam_created",
    "subteam_members_changed", "subteam_updated",
]  # fmt: skip


def manifest_of(*, scopes=EVERY_SCOPE, without=(), events=EVERY_EVENT, features=None, settings=None):
    """The repository's manifest with these scopes and events, and with features and settings put over its own."""
    body = json.loads(MANIFEST.read_text(encoding="utf-8"))
    body["oauth_config"]["scopes"]["bot"] = [scope for scope in scopes if scope not in without]
    body["settings"]["event_subscriptions"]["bot_events"] = list(events)
    body["features"] |= features or {}
    body["settings"] |= settings or {}
    return parse_manifest(body)


class Office:
    def __init__(self, box, bot):
        self.box = box
        self.bot = bot

    async def ok(self, method, **args):
        """A call that must succeed; its answer."""
        answer = await self.bot.call(method, **args)
        assert answer["ok"], answer
        return answer

    async def code(self, method, **args):
        """A call that must fail; Slack's code."""
        answer = await self.bot.call(method, **args)
        assert not answer["ok"], answer
        return answer["error"]

    async def events(self, kind=None, subtype=None):
        """The events the bot has heard when all are acknowledged, oldest first."""
        await self.box.settle()
        heard = [each["event"] for each in self.bot.heard if each.get("type") == "event_callback"]
        return [
            each
            for each in heard
            if kind in {None, each["type"]} and (subtype is None or each.get("subtype") == subtype)
        ]


@contextlib.asynccontextmanager
async def office(*, manifest=None, **options):
    """A running workspace with its bot connected."""
    options.setdefault("clock", VirtualClock())
    async with running(manifest=manifest or manifest_of(), **options) as box, bot_on(box) as bot:
        yield Office(box, bot)


async def ask(box, method, *, token=None, verb="POST", **request):
    """One HTTP request to the Web API, made exactly as the test says."""
    headers = request.pop("headers", {}) | ({"authorization": f"Bearer {token}"} if token else {})
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(verb, f"{box.api_url}{method}", headers=headers, **request)
