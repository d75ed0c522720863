"""Changes to messages together with everything that must follow them: events, the page, waiting tests."""

import copy

from slackbox.box import Box
from slackbox.jsons import Json
from slackbox.workspace import Channel, Post


def post(box: Box, channel: Channel, body: Json) -> Post:
    """Add a message and tell everyone."""
    added = box.workspace.add(channel, body)
    box.events.posted(channel, added)
    _publish(box, "message", added)
    return added


def edit(box: Box, channel: Channel, message: Post, body: Json) -> None:
    """Change a message and tell everyone."""
    previous = copy.deepcopy(message.body)
    box.workspace.revise(message, body)
    box.events.changed(channel, message, previous)
    _publish(box, "changed", message)


def delete(box: Box, channel: Channel, message: Post) -> None:
    """Delete a message and tell everyone."""
    previous = copy.deepcopy(message.body)
    box.workspace.remove(message)
    box.events.deleted(channel, previous)
    box.feed.publish({"type": "deleted", "channel": channel.id, "ts": previous["ts"]})


def react(box: Box, channel: Channel, message: Post, user: str, name: str, *, added: bool) -> bool:
    """Add or take away a reaction. False when there was nothing to change."""
    users = message.reactions.setdefault(name, [])
    changed = (user in users) != added
    if changed and added:
        users.append(user)
    elif changed:
        users.remove(user)
    if not users:
        del message.reactions[name]
    if changed:
        box.events.reacted(channel, message, user, name, added=added)
        _publish(box, "changed", message)
    return changed


def show_privately(box: Box, channel: Channel, user: str, body: Json) -> Json:
    """An ephemeral message: shown to one person now, kept in no history."""
    shown = body | {"ts": box.workspace.next_ts(), "channel": channel.id, "is_ephemeral": True, "to": user}
    box.workspace.ephemerals.append(shown)
    box.feed.publish({"type": "ephemeral", "user": user, "channel": channel.id, "message": shown})
    return shown


def bot_body(box: Box, content: Json) -> Json:
    """The sender's fields of a message from the app's own bot."""
    names = box.workspace.names
    profile = {
        "id": names.bot,
        "app_id": names.app,
        "name": box.manifest.bot_name,
        "team_id": names.team,
        "deleted": False,
    }
    return {
        "type": "message",
        "user": names.bot_user,
        "bot_id": names.bot,
        "app_id": names.app,
        "team": names.team,
        "bot_profile": profile,
        **content,
    }


def _publish(box: Box, kind: str, message: Post) -> None:
    rendered = box.workspace.render(message, metadata=True)
    box.feed.publish({"type": kind, "channel": message.channel, "message": rendered})
    parent = box.workspace.channels[message.channel].posts.get(message.thread_ts or "")
    if parent is not None and kind == "message":
        rendered = box.workspace.render(parent, metadata=True)
        box.feed.publish({"type": "changed", "channel": message.channel, "message": rendered})
