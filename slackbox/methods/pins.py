"""pins.*: messages pinned to their channel."""

from slackbox import limits
from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods.call import Call, Method
from slackbox.workspace import Channel, Pin, Post


def methods() -> list[Method]:
    return [
        Method(name="pins.add", run=add, scopes=("pins:write",), tier=2),
        Method(name="pins.remove", run=remove, scopes=("pins:write",), tier=2),
        Method(name="pins.list", run=list_pins, scopes=("pins:read",), tier=2),
    ]


def add(call: Call) -> Json:
    channel = call.channel()
    post = call.item(channel)
    if post.body.get("subtype") == "tombstone":
        raise Refusal("not_pinnable")
    if post.ts in channel.pins:
        raise Refusal("already_pinned")
    if len(channel.pins) >= limits.PINS:
        raise Refusal("too_many_pins")
    bot = call.box.workspace.names.bot_user
    channel.pins[post.ts] = Pin(ts=post.ts, user=bot, created=call.box.workspace.seconds())
    _tell(call, channel, post, added=True)
    return {}


def remove(call: Call) -> Json:
    channel = call.channel()
    post = call.item(channel)
    if post.ts not in channel.pins:
        raise Refusal("no_pin")
    del channel.pins[post.ts]
    _tell(call, channel, post, added=False)
    return {}


def list_pins(call: Call) -> Json:
    channel = call.channel()
    return {
        "items": [
            {
                "type": "message",
                "created": pin.created,
                "created_by": pin.user,
                "channel": channel.id,
                "message": call.box.workspace.render(channel.posts[pin.ts]),
            }
            for pin in channel.pins.values()
        ]
    }


def _tell(call: Call, channel: Channel, post: Post, *, added: bool) -> None:
    call.box.events.pinned(channel, post, call.box.workspace.names.bot_user, added=added)
    call.box.feed.publish({"type": "channel", "channel": channel.id})
