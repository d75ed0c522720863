"""reactions.*: the bot's emoji on messages."""

import re
from typing import Final

from slackbox import limits, messages
from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods.call import Call, Method, page_of

_NAME: Final = re.compile(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?")


def methods() -> list[Method]:
    return [
        Method(name="reactions.add", run=add, scopes=("reactions:write",)),
        Method(name="reactions.remove", run=remove, scopes=("reactions:write",), tier=2),
        Method(name="reactions.get", run=get, scopes=("reactions:read",)),
        Method(name="reactions.list", run=list_reactions, scopes=("reactions:read",), tier=2),
    ]


def add(call: Call) -> Json:
    return _change(call, added=True, refused="already_reacted")


def remove(call: Call) -> Json:
    return _change(call, added=False, refused="no_reaction")


def get(call: Call) -> Json:
    channel = call.channel()
    post = call.item(channel)
    return {"type": "message", "channel": channel.id, "message": call.box.workspace.render(post)}


def list_reactions(call: Call) -> Json:
    bot = call.box.workspace.names.bot_user
    user = call.optional("user") or bot
    if user not in call.box.workspace.people:
        raise Refusal("user_not_found")
    rows: list[Json] = [
        {"ts": post.ts, "type": "message", "channel": channel.id, "message": call.box.workspace.render(post)}
        for channel in call.box.workspace.channels.values()
        if bot in channel.members
        for post in channel.posts.values()
        if any(user in users for users in post.reactions.values())
    ]
    page, cursor = page_of(rows, call, key="ts", default=100, most=limits.LIST_PAGE)
    items = [{key: value for key, value in row.items() if key != "ts"} for row in page]
    return {"items": items, "response_metadata": {"next_cursor": cursor}}


def _change(call: Call, *, added: bool, refused: str) -> Json:
    channel = call.channel()
    if channel.is_archived:
        raise Refusal("is_archived")
    name, bot = call.required("name", "invalid_name").strip(":"), call.box.workspace.names.bot_user
    if not _NAME.fullmatch(name):
        raise Refusal("invalid_name")
    post = call.item(channel)
    if added and name not in post.reactions and len(post.reactions) >= limits.REACTION_NAMES:
        raise Refusal("too_many_emoji")
    mine = [each for each, users in post.reactions.items() if bot in users]
    if added and name not in mine and len(mine) >= limits.REACTIONS_PER_PERSON:
        raise Refusal("too_many_reactions")
    if not messages.react(call.box, channel, post, bot, name, added=added):
        raise Refusal(refused)
    return {}
