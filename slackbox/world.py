"""What people and other senders do in channels, and what a test can look at or wait for."""

import copy
from typing import Any

from slackbox import ephemerals, messages, rooms
from slackbox.box import Box
from slackbox.errors import WorldError
from slackbox.jsons import Json, object_at
from slackbox.payloads import stand_in
from slackbox.workspace import Post


def say(
    box: Box, *, user: str, channel: str, text: str, thread_ts: str | None = None, reply_broadcast: bool = False
) -> Post:
    """A person writes in a channel or a thread, there also to the channel with `reply_broadcast`.

    Raises WorldError for a private channel they are not in.
    """
    person, room = stand_in(box, user, channel)
    body: Json = {"type": "message", "user": person.id, "text": text, "team": box.workspace.names.team}
    if thread_ts is not None:
        parent = box.workspace.get_post(channel, thread_ts)
        root = box.workspace.get_post(channel, parent.thread_ts or parent.ts)
        body["thread_ts"] = root.ts
        if reply_broadcast:
            body |= {"subtype": "thread_broadcast", "root": box.workspace.render(root)}
    elif reply_broadcast:
        raise WorldError("Only a reply can also be sent to the channel; give its thread_ts.")
    return messages.post(box, room, body)


def alert(box: Box, *, channel: str, content: Json) -> Post:
    """Another sender posts: an incoming webhook by default, a modern app when `app_id` is given without `subtype`."""
    room = box.workspace.get_channel(channel)
    parts = {name: content[name] for name in ("attachments", "blocks") if content.get(name) is not None}
    body: Json = {"type": "message", "text": content.get("text") or "", "team": box.workspace.names.team, **parts}
    username = content.get("username") or "Alertmanager"
    bot_id = content.get("bot_id") or "B0ALERTMGR"
    app_id = content.get("app_id")
    if app_id and not content.get("subtype"):
        profile = {"id": bot_id, "app_id": app_id, "name": username, "deleted": False}
        body |= {"user": f"U0{str(app_id)[2:]}", "bot_id": bot_id, "app_id": app_id, "bot_profile": profile}
    else:
        body |= {"subtype": content.get("subtype") or "bot_message", "bot_id": bot_id, "username": username}
        body |= {"app_id": app_id} if app_id else {}
    return messages.post(box, room, body)


def edit(box: Box, *, user: str, channel: str, ts: str, text: str) -> None:
    """A person edits their own message."""
    post = _own(box, user, channel, ts)
    person = box.workspace.get_person(user)
    edited = {"user": person.id, "ts": box.workspace.next_ts()}
    messages.edit(box, box.workspace.get_channel(channel), post, post.body | {"text": text, "edited": edited})


def delete(box: Box, *, user: str, channel: str, ts: str) -> None:
    """A person deletes their own message."""
    messages.delete(box, box.workspace.get_channel(channel), _own(box, user, channel, ts))


def react(box: Box, *, user: str, channel: str, ts: str, name: str, remove: bool = False) -> None:
    """A person adds or takes away a reaction."""
    person, post = box.workspace.get_person(user), box.workspace.get_post(channel, ts)
    messages.react(box, box.workspace.get_channel(channel), post, person.id, name.strip(":"), added=not remove)


def invite(box: Box, *, user: str, channel: str) -> None:
    """Somebody (or the bot) is added to a channel."""
    room, person = box.workspace.get_channel(channel), box.workspace.get_person(user)
    rooms.add_member(box, room, person.id)


def kick(box: Box, *, user: str, channel: str) -> None:
    """Somebody (or the bot) is removed from a channel."""
    room, person = box.workspace.get_channel(channel), box.workspace.get_person(user)
    if person.id in room.members:
        rooms.remove_member(box, room, person.id)


def _own(box: Box, user: str, channel: str, ts: str) -> Post:
    post = box.workspace.get_post(channel, ts)
    person = box.workspace.get_person(user)
    if post.body.get("user") != person.id:
        raise WorldError(f"Message {ts} in {channel} is not by {person.name}; Slack lets people change only their own.")
    return post


def list_messages(box: Box, channel: str, thread_ts: str | None = None) -> list[Json]:
    """Full messages, oldest first: a thread with its parent, or everything in the channel."""
    return [_full(box, post) for post in _posts(box, channel, thread_ts)]


def _posts(box: Box, channel: str, thread_ts: str | None) -> list[Post]:
    room = box.workspace.get_channel(channel)
    if thread_ts is None:
        return list(room.posts.values())
    parent = room.posts.get(thread_ts)
    return [*([parent] if parent else []), *box.workspace.replies(room, thread_ts)]


def _full(box: Box, post: Post) -> Json:
    return box.workspace.render(post, metadata=True) | {"revisions": len(post.earlier)}


def list_ephemerals(box: Box, user: str | None = None, channel: str | None = None) -> list[Json]:
    """Ephemeral messages on people's screens, oldest first: of one person, in one channel, or all."""
    wanted = [box.workspace.get_person(user).id] if user else list(box.workspace.people)
    room = box.workspace.get_channel(channel).id if channel else None
    found = [each for name in wanted for each in ephemerals.shown_to(box, name, room)]
    return sorted((copy.deepcopy(each) for each in found), key=lambda each: each["ts"])


def list_views(box: Box, user: str) -> Json:
    """What a person has open, with what they entered: {stack, home}."""
    person = box.workspace.get_person(user)
    screen = box.views.screen(person.id)
    stack = [box.views.with_state(person.id, view) for view in screen.stack]
    return {"stack": stack, "home": box.views.with_state(person.id, screen.home) if screen.home else None}


async def wait_for(
    box: Box,
    *,
    channel: str,
    thread_ts: str | None = None,
    contains: str | None = None,
    event_type: str | None = None,
    min_count: int = 1,
    timeout_s: float = 10,
) -> list[Json] | None:
    """Wait until `min_count` messages match. None after `timeout_s` seconds."""
    box.workspace.get_channel(channel)

    def wanted(post: Post) -> bool:
        said = contains is None or contains in flat_text(post.body)
        return said and (event_type is None or object_at(post.body, "metadata").get("event_type") == event_type)

    def matching() -> list[Json] | None:
        found = [post for post in _posts(box, channel, thread_ts) if wanted(post)]
        return [_full(box, post) for post in found] if len(found) >= min_count else None

    return await box.feed.until(matching, timeout_s)


def flat_text(value: Any) -> str:
    """All texts of a message, its blocks and attachments, in reading order."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return "\n".join(flat_text(each) for each in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - any JSON
    if isinstance(value, dict):
        return "\n".join(flat_text(each) for each in value.values())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - any JSON
    return ""


def describe_state(box: Box) -> Json:
    """Counts and everything that went wrong, for tests and for the page."""
    return {
        "connections": box.delivery.connections,
        "waiting": box.delivery.waiting,
        "unacked": box.delivery.unacked,
        "violations": box.journal.entries("violation"),
    }
