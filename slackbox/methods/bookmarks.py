"""bookmarks.*: links at the top of a channel."""

import re

from slackbox import limits
from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods.call import Call, Method
from slackbox.workspace import Channel


def methods() -> list[Method]:
    write, read = ("bookmarks:write",), ("bookmarks:read",)
    return [
        Method(name="bookmarks.add", run=add, scopes=write, tier=2),
        Method(name="bookmarks.edit", run=edit, scopes=write, tier=2),
        Method(name="bookmarks.remove", run=remove, scopes=write, tier=2),
        Method(name="bookmarks.list", run=list_bookmarks, scopes=read, tier=2),
    ]


def add(call: Call) -> Json:
    channel = call.channel("channel_id")
    if call.required("type", "invalid_bookmark_type") != "link":
        raise Refusal("invalid_bookmark_type")
    if len(channel.bookmarks) >= limits.BOOKMARKS:
        raise Refusal("too_many_bookmarks")
    made: Json = {
        "id": call.box.workspace.next_id("Bk"),
        "channel_id": channel.id,
        "type": "link",
        "title": _title(call.required("title")),
        "link": _link(call.required("link", "invalid_link")),
        "emoji": _emoji(call.optional("emoji") or ""),
        "date_created": call.box.workspace.seconds(),
        "date_updated": 0,
        "last_updated_by_user_id": call.box.workspace.names.bot_user,
    }
    channel.bookmarks[str(made["id"])] = made
    _publish(call, channel)
    return {"bookmark": made}


def edit(call: Call) -> Json:
    channel = call.channel("channel_id")
    mark = _found(call, channel)
    checks = {"title": _title, "link": _link, "emoji": _emoji}
    changed = {name: check(str(call.args[name])) for name, check in checks.items() if call.args.get(name)}
    mark |= changed | {"date_updated": call.box.workspace.seconds()}
    _publish(call, channel)
    return {"bookmark": mark}


def remove(call: Call) -> Json:
    channel = call.channel("channel_id")
    del channel.bookmarks[str(_found(call, channel)["id"])]
    _publish(call, channel)
    return {}


def list_bookmarks(call: Call) -> Json:
    return {"bookmarks": list(call.channel("channel_id").bookmarks.values())}


def _found(call: Call, channel: Channel) -> Json:
    mark = channel.bookmarks.get(call.required("bookmark_id", "not_found"))
    if mark is None:
        raise Refusal("not_found")
    return mark


def _title(text: str) -> str:
    if len(text) > limits.BOOKMARK_TITLE:
        problem = f"must be less than {limits.BOOKMARK_TITLE + 1} characters [json-pointer:/title]"
        raise Refusal("invalid_arguments", messages=[f"[ERROR] {problem}"])
    return text


def _link(text: str) -> str:
    if not text.startswith(("http://", "https://")) or len(text) > limits.BOOKMARK_LINK:
        raise Refusal("invalid_link")
    return text


def _emoji(name: str) -> str:
    if name and not re.fullmatch(r":[a-z0-9_+'-]+:", name):
        raise Refusal("invalid_emoji")
    return name


def _publish(call: Call, channel: Channel) -> None:
    call.box.feed.publish({"type": "channel", "channel": channel.id})
