"""Is this Slack app set up right? Asked before people rely on it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.errors import ChatError
from bot.slack.channels import ChannelDirectory
from bot.slack.payload import body_of, record, text_of, texts_of
from bot.slack.problems import translated


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at: what was found, and what to do when it is not right."""

    name: str
    ok: bool
    words: str
    mend: str = ""


async def check(
    client: AsyncWebClient, *, app_token: str, needed_scopes: Sequence[str], channels: Sequence[str]
) -> list[Check]:
    """Tokens, scopes, socket and channels. Never raises for Slack's refusals; they are what is reported."""
    results = await _guarded("bot token", lambda: _bot_token(client, needed_scopes))
    results += await _guarded("app token", lambda: _app_token(client, app_token))
    directory = ChannelDirectory(client)
    for channel in dict.fromkeys(channels):
        results += await _guarded(f"channel {channel}", lambda channel=channel: _channel(client, directory, channel))
    return results


async def check_approvers(client: AsyncWebClient, approvers: Mapping[str, Sequence[str]]) -> list[Check]:
    """Whether everybody and every group that may approve is known to Slack, and the groups can be read."""
    results: list[Check] = []
    for environment, ids in approvers.items():
        for one in dict.fromkeys(ids):
            name = f"approver {one} ({environment})"
            results += await _guarded(name, lambda name=name, one=one: _approver(client, name, one))
    return results


async def _approver(client: AsyncWebClient, name: str, one: str) -> list[Check]:
    if one.startswith("S"):
        with translated("usergroups.users.list"):
            members = texts_of((await client.usergroups_users_list(usergroup=one)).get("users"))
        mend = "Add people to the group in Slack."
        return [Check(name=name, ok=bool(members), words=f"a group of {len(members)}", mend=mend)]
    if not one.startswith(("U", "W")):
        mend = "Give ids of people (U…, W…) or of user groups (S…) under `approvers:` in aiops.yaml."
        return [Check(name=name, ok=False, words="neither a person's id nor a group's", mend=mend)]
    with translated("users.info"):
        profile = record((await client.users_info(user=one)).get("user"))
    gone = profile.get("deleted") is True or profile.get("is_bot") is True
    words = "deactivated or a bot, so it cannot approve" if gone else "a person"
    return [Check(name=name, ok=not gone, words=words, mend="Name somebody else under `approvers:` in aiops.yaml.")]


async def _guarded(name: str, look: Callable[[], Awaitable[list[Check]]]) -> list[Check]:
    try:
        return await look()
    except ChatError as error:
        words, _, mend = str(error).partition(". ")
        return [Check(name=name, ok=False, words=words.rstrip("."), mend=mend)]


async def _bot_token(client: AsyncWebClient, needed_scopes: Sequence[str]) -> list[Check]:
    with translated("auth.test"):
        answer = await client.auth_test()
    body = body_of(answer)
    who = f"{text_of(body, 'user') or text_of(body, 'user_id')} in {text_of(body, 'team') or text_of(body, 'team_id')}"
    headers = {key.lower(): value for key, value in cast("Mapping[str, str]", answer.headers).items()}
    granted = {scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
    missing = sorted(set(needed_scopes) - granted)
    scopes = Check(name="scopes", ok=True, words=f"all {len(needed_scopes)} that are needed")
    if missing:
        mend = "Paste manifest.json into the app's settings again and reinstall the app."
        scopes = Check(name="scopes", ok=False, words=f"missing: {', '.join(missing)}", mend=mend)
    return [Check(name="bot token", ok=True, words=f"signed in as {who}"), scopes]


async def _app_token(client: AsyncWebClient, app_token: str) -> list[Check]:
    with translated("apps.connections.open"):
        await client.apps_connections_open(app_token=app_token)
    return [Check(name="app token", ok=True, words="Socket Mode can be opened")]


async def _channel(client: AsyncWebClient, directory: ChannelDirectory, channel: str) -> list[Check]:
    with translated("conversations.info"):
        answer = await client.conversations_info(channel=await directory.id_of(channel))
    info = record(body_of(answer).get("channel"))
    name = f"channel {channel}"
    if info.get("is_archived"):
        return [Check(name=name, ok=False, words="it is archived", mend="Unarchive it or name another in aiops.yaml.")]
    if not info.get("is_member"):
        return [Check(name=name, ok=False, words="the bot is not a member", mend="Type /invite @aiops in it.")]
    return [Check(name=name, ok=True, words=f"#{text_of(info, 'name')}, joined")]
