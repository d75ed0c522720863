"""reactions.*: the bot's emoji on messages."""

from slackbox import messages
from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods.call import Call, Method


def methods() -> list[Method]:
    return [
        Method(name="reactions.add", run=add, scopes=("reactions:write",)),
        Method(name="reactions.remove", run=remove, scopes=("reactions:write",), tier=2),
        Method(name="reactions.get", run=get, scopes=("reactions:read",)),
    ]


def add(call: Call) -> Json:
    return _change(call, added=True, refused="already_reacted")


def remove(call: Call) -> Json:
    return _change(call, added=False, refused="no_reaction")


def get(call: Call) -> Json:
    channel = call.channel()
    post = call.post(channel, "timestamp")
    return {"type": "message", "channel": channel.id, "message": call.box.workspace.render(post)}


def _change(call: Call, *, added: bool, refused: str) -> Json:
    channel = call.channel()
    name = call.required("name", "invalid_name").strip(":")
    post = call.post(channel, "timestamp")
    if not messages.react(call.box, channel, post, call.box.workspace.names.bot_user, name, added=added):
        raise Refusal(refused)
    return {}
