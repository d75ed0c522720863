"""conversations.*: channels, their members and their messages."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from slackbox import limits
from slackbox.auth import require_scope
from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods.call import Call, Method, page_of
from slackbox.workspace import SCOPE_FAMILIES, Channel, Post

READ = ("channels:read", "groups:read", "im:read", "mpim:read")
HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
KINDS = {"public_channel": "channel", "private_channel": "group", "mpim": "mpim", "im": "im"}

_TIME: Final = re.compile(r"\d{1,12}(\.\d{1,6})?")


def methods() -> list[Method]:
    return [
        Method(name="conversations.list", run=list_channels, scopes=READ, tier=2),
        Method(name="conversations.info", run=info, scopes=READ),
        Method(name="conversations.members", run=members, scopes=READ, tier=4),
        Method(name="conversations.history", run=history, scopes=HISTORY),
        Method(name="conversations.replies", run=replies, scopes=HISTORY),
        Method(name="users.conversations", run=list_of_person, scopes=READ),
    ]


def list_channels(call: Call) -> Json:
    bot = call.box.workspace.names.bot_user
    return _list(call, lambda channel: bot in channel.members or not channel.is_private)


def list_of_person(call: Call) -> Json:
    """The conversations of one person, the bot's own without one; never those that the bot cannot see."""
    bot = call.box.workspace.names.bot_user
    user = call.person().id if call.optional("user") else bot
    return _list(call, lambda channel: user in channel.members and (bot in channel.members or not channel.is_private))


def _list(call: Call, wanted: Callable[[Channel], bool]) -> Json:
    types = set((call.optional("types") or "public_channel").replace(" ", "").split(","))
    if types - set(KINDS):
        raise Refusal("invalid_types")
    kinds = {KINDS[each] for each in types}
    for kind in sorted(kinds):
        require_scope(call.box.manifest, f"{SCOPE_FAMILIES[kind]}:read")
    without_archived = call.flag("exclude_archived")
    rows = [
        describe(channel, call.box.workspace.names.bot_user)
        for channel in call.box.workspace.channels.values()
        if channel.kind in kinds and wanted(channel) and not (channel.is_archived and without_archived)
    ]
    page, cursor = page_of(rows, call, key="id", default=100, most=limits.LIST_PAGE)
    return {"channels": page, "response_metadata": {"next_cursor": cursor}}


def info(call: Call) -> Json:
    channel = call.channel(scope="read", member=False)
    shown = describe(channel, call.box.workspace.names.bot_user)
    return {"channel": shown | ({"num_members": len(channel.members)} if call.flag("include_num_members") else {})}


def members(call: Call) -> Json:
    channel = call.channel(scope="read", member=False)
    rows: list[Json] = [{"id": user} for user in sorted(channel.members)]
    page, cursor = page_of(rows, call, key="id", default=100, most=limits.LIST_PAGE)
    return {"members": [row["id"] for row in page], "response_metadata": {"next_cursor": cursor}}


def history(call: Call) -> Json:
    channel = call.channel(scope="history")
    seen = [post for post in channel.posts.values() if post.thread_ts is None or _broadcast(post)]
    page, cursor = _page(call, _between(call, seen)[::-1], default=100, most=limits.HISTORY_PAGE)
    answer: Json = {"messages": page, "has_more": bool(cursor), "pin_count": len(channel.pins)}
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def replies(call: Call) -> Json:
    channel = call.channel(scope="history")
    found = call.post(channel, "ts", "thread_not_found")
    parent = channel.posts.get(found.thread_ts or "", found)
    rest = _between(call, list(call.box.workspace.replies(channel, parent.ts)))
    page, cursor = _page(call, [parent, *rest], default=limits.REPLIES_PAGE, most=limits.REPLIES_PAGE)
    answer: Json = {"messages": page, "has_more": bool(cursor)}
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def describe(channel: Channel, viewer: str) -> Json:
    """A conversation as the Web API shows it."""
    shown: Json = {
        "id": channel.id,
        "created": channel.created,
        "is_im": channel.is_im,
        "is_org_shared": False,
        "is_archived": channel.is_archived,
    }
    if channel.is_im:
        others = sorted(channel.members - {viewer})
        return shown | {"user": others[0] if others else viewer, "is_user_deleted": False, "priority": 0}
    return shown | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private and not channel.is_mpim,
        "is_mpim": channel.is_mpim,
        "is_private": channel.is_private,
        "is_general": False,
        "is_member": viewer in channel.members,
        "creator": channel.creator,
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": channel.purpose, "creator": "", "last_set": 0},
        "num_members": len(channel.members),
    }


def _broadcast(post: Post) -> bool:
    return post.body.get("subtype") == "thread_broadcast"


def _between(call: Call, posts: list[Post]) -> list[Post]:
    oldest, latest = _bound(call, "oldest"), _bound(call, "latest")
    inclusive = call.flag("inclusive")

    def inside(post: Post) -> bool:
        at = Decimal(post.ts)
        after = oldest is None or at > oldest or (inclusive and at == oldest)
        return after and (latest is None or at < latest or (inclusive and at == latest))

    return [post for post in posts if inside(post)]


def _bound(call: Call, name: str) -> Decimal | None:
    """A time to the microsecond. Raises Refusal invalid_ts_oldest or invalid_ts_latest."""
    raw = call.optional(name)
    if raw is None:
        return None
    if not _TIME.fullmatch(raw):
        raise Refusal(f"invalid_ts_{name}")
    return Decimal(raw)


def _page(call: Call, posts: list[Post], *, default: int, most: int) -> tuple[list[Json], str]:
    """One page of messages, rendered only after the page is cut."""
    page, cursor = page_of(
        [{"ts": post.ts, "post": post} for post in posts], call, key="ts", default=default, most=most
    )
    metadata = call.flag("include_all_metadata")
    return [call.box.workspace.render(row["post"], metadata=metadata) for row in page], cursor
