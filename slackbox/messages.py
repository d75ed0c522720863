"""Changes to messages together with everything that must follow them: events, the page, waiting tests."""

import copy

from slackbox import mrkdwn, statuses
from slackbox.box import Box
from slackbox.jsons import Json
from slackbox.workspace import Channel, Post


def post(box: Box, channel: Channel, body: Json) -> Post:
    """Add a message and tell everyone. Its text is stored as Slack stores it, with &, < and > as entities."""
    added = box.workspace.add(channel, _stored(box, channel, body))
    if added.thread_ts is not None and _is_own(box, body):
        statuses.clear(box, channel.id, added.thread_ts)
    box.events.posted(channel, added)
    _publish(box, "message", added)
    return added


def edit(box: Box, channel: Channel, message: Post, body: Json) -> None:
    """Change a message and tell everyone."""
    previous = copy.deepcopy(message.body)
    box.workspace.revise(message, _stored(box, channel, body))
    box.events.changed(channel, message, previous)
    _publish(box, "changed", message)


def refresh(box: Box, message: Post, body: Json) -> None:
    """Show a message that is still being written as it is now. The app is told when it is finished."""
    message.body = body
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
    own = {"ts": box.workspace.next_ts(), "channel": channel.id, "is_ephemeral": True, "to": user}
    shown = _stored(box, channel, body) | own
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


def _is_own(box: Box, body: Json) -> bool:
    return body.get("bot_id") == box.workspace.names.bot


def _stored(box: Box, channel: Channel, body: Json) -> Json:
    """The body with its text normalised. What its references would do is noted, for our bot and for other apps."""
    if _is_own(box, body):
        _note_references(box, channel, body)
    elif body.get("bot_id"):
        channel.foreign_pings |= mrkdwn.pings_when_repeated(body)
    return body | ({"text": mrkdwn.normalise(body["text"])} if isinstance(body.get("text"), str) else {})


def _note_references(box: Box, channel: Channel, body: Json) -> None:
    """Record what Slack would show or do without a word, and a bot did not mean.

    An alert's text that is repeated without escaping notifies whoever it names; a reference to nobody is shown raw.
    """
    found = mrkdwn.shown_references(body)
    repeated = sorted({str(each) for each in found if each.pings} & channel.foreign_pings)
    if repeated:
        box.journal.violation("unescaped_text_pings", channel=channel.id, references=repeated)
    unknown = sorted({str(each) for each in found if not _exists(box, each)})
    if unknown:
        box.journal.violation("reference_to_nothing", channel=channel.id, references=unknown)
    broken = [each for part in ("text", "blocks", "attachments") for each in mrkdwn.broken_references(body.get(part))]
    if broken:
        box.journal.violation("malformed_reference", channel=channel.id, references=broken)


def _exists(box: Box, reference: mrkdwn.Reference) -> bool:
    workspace = box.workspace
    known = {"user": workspace.people, "channel": workspace.channels, "group": workspace.groups}.get(reference.kind)
    return known is None or reference.target in known


def _publish(box: Box, kind: str, message: Post) -> None:
    rendered = box.workspace.render(message, metadata=True)
    box.feed.publish({"type": kind, "channel": message.channel, "message": rendered})
    parent = box.workspace.channels[message.channel].posts.get(message.thread_ts or "")
    if parent is not None and kind == "message":
        rendered = box.workspace.render(parent, metadata=True)
        box.feed.publish({"type": "changed", "channel": message.channel, "message": rendered})
