"""conversations.*: channels, their members and their messages."""

from slackbox import limits
from slackbox.auth import require_scope
from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods.call import Call, Method, page_of
from slackbox.workspace import Channel, Post

READ = ("channels:read", "groups:read")
HISTORY = ("channels:history", "groups:history")


def methods() -> list[Method]:
    return [
        Method(name="conversations.list", run=list_channels, scopes=READ, tier=2),
        Method(name="conversations.info", run=info, scopes=READ),
        Method(name="conversations.members", run=members, scopes=READ, tier=4),
        Method(name="conversations.history", run=history, scopes=HISTORY),
        Method(name="conversations.replies", run=replies, scopes=HISTORY),
        Method(name="conversations.join", run=join, scopes=("channels:join",)),
    ]


def list_channels(call: Call) -> Json:
    kinds = set((call.optional("types") or "public_channel").replace(" ", "").split(","))
    if kinds - {"public_channel", "private_channel", "mpim", "im"}:
        raise Refusal("invalid_types")
    for kind, scope in (("public_channel", "channels:read"), ("private_channel", "groups:read")):
        if kind in kinds:
            require_scope(call.box.manifest, scope)
    bot = call.box.workspace.names.bot_user
    rows = [
        describe(channel, bot)
        for channel in call.box.workspace.channels.values()
        if (
            ("private_channel" in kinds and bot in channel.members) if channel.is_private else "public_channel" in kinds
        )
        and not (channel.is_archived and call.flag("exclude_archived"))
    ]
    page, cursor = page_of(rows, call, key="id", default=100, most=1000)
    return {"channels": page, "response_metadata": {"next_cursor": cursor}}


def info(call: Call) -> Json:
    channel = call.channel(scope="read", member=False)
    shown = describe(channel, call.box.workspace.names.bot_user)
    return {"channel": shown | ({"num_members": len(channel.members)} if call.flag("include_num_members") else {})}


def members(call: Call) -> Json:
    channel = call.channel(scope="read", member=False)
    rows: list[Json] = [{"id": user} for user in sorted(channel.members)]
    page, cursor = page_of(rows, call, key="id", default=100, most=1000)
    return {"members": [row["id"] for row in page], "response_metadata": {"next_cursor": cursor}}


def history(call: Call) -> Json:
    channel = call.channel(scope="history")
    seen = [post for post in channel.posts.values() if post.thread_ts is None or _broadcast(post)]
    rows = _rendered(call, _between(call, seen))
    rows.reverse()
    page, cursor = page_of(rows, call, key="ts", default=100, most=limits.HISTORY_PAGE)
    answer: Json = {"messages": page, "has_more": bool(cursor), "pin_count": 0}
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def replies(call: Call) -> Json:
    channel = call.channel(scope="history")
    found = call.post(channel, "ts", "thread_not_found")
    parent = channel.posts.get(found.thread_ts or "", found)
    rest = _between(call, list(call.box.workspace.replies(channel, parent.ts)))
    rows = _rendered(call, [parent, *rest])
    page, cursor = page_of(rows, call, key="ts", default=limits.REPLIES_PAGE, most=limits.REPLIES_PAGE)
    answer: Json = {"messages": page, "has_more": bool(cursor)}
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def join(call: Call) -> Json:
    channel = call.channel(member=False)
    if channel.is_archived:
        raise Refusal("is_archived")
    bot = call.box.workspace.names.bot_user
    if bot in channel.members:
        return {"channel": describe(channel, bot), "warning": "already_in_channel"}
    channel.members.add(bot)
    call.box.events.joined(channel, bot)
    return {"channel": describe(channel, bot)}


def describe(channel: Channel, viewer: str) -> Json:
    """A channel as the Web API shows it."""
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_general": False,
        "is_member": viewer in channel.members,
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "num_members": len(channel.members),
    }


def _broadcast(post: Post) -> bool:
    return post.body.get("subtype") == "thread_broadcast"


def _between(call: Call, posts: list[Post]) -> list[Post]:
    oldest, latest = call.optional("oldest"), call.optional("latest")
    inclusive = call.flag("inclusive")

    def inside(post: Post) -> bool:
        at = _seconds(post.ts)
        after = oldest is None or at > _seconds(oldest) or (inclusive and at == _seconds(oldest))
        before = latest is None or at < _seconds(latest) or (inclusive and at == _seconds(latest))
        return after and before

    return [post for post in posts if inside(post)]


def _seconds(ts: str) -> tuple[int, int]:
    whole, _, micros = ts.partition(".")
    if not whole.isdigit() or (micros and not micros.isdigit()):
        raise Refusal("invalid_ts_oldest")
    return int(whole), int((micros or "0").ljust(6, "0")[:6])


def _rendered(call: Call, posts: list[Post]) -> list[Json]:
    metadata = call.flag("include_all_metadata")
    return [call.box.workspace.render(post, metadata=metadata) for post in posts]
