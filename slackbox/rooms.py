"""Conversations as they come and go: direct messages, new channels, membership, archiving; with the events that follow."""

from slackbox.box import Box
from slackbox.workspace import Channel


def open_direct(box: Box, user: str) -> Channel:
    """The direct message between the bot and one person; made when it is not there yet."""
    found = box.workspace.channels.get(direct_id(user))
    if found is not None:
        return found
    person = box.workspace.people[user]
    names = box.workspace.names
    room = Channel(
        id=direct_id(user),
        name=f"@{person.name}",
        members={names.bot_user, user},
        is_private=True,
        is_im=True,
        creator=names.bot_user,
        created=box.workspace.seconds(),
    )
    return _add(box, room)


def direct_id(user: str) -> str:
    """The id of the direct message between the bot and a person."""
    return f"D{user[1:]}"


def open_group(box: Box, users: list[str]) -> Channel:
    """The direct message between the bot and several people; made when it is not there yet."""
    names = box.workspace.names
    members = {names.bot_user, *users}
    for room in box.workspace.channels.values():
        if room.is_mpim and room.members == members:
            return room
    handles = "--".join(box.workspace.people[user].name for user in [*users, names.bot_user])
    room = Channel(
        id=box.workspace.next_id("G"),
        name=f"mpdm-{handles}-1",
        members=members,
        is_private=True,
        is_mpim=True,
        creator=names.bot_user,
        created=box.workspace.seconds(),
    )
    return _add(box, room)


def create(box: Box, name: str, *, is_private: bool) -> Channel:
    """A new channel with the bot as its first member."""
    bot = box.workspace.names.bot_user
    room = Channel(
        id=box.workspace.next_id("C"),
        name=name,
        members={bot},
        is_private=is_private,
        creator=bot,
        created=box.workspace.seconds(),
    )
    _add(box, room)
    if not is_private:
        box.events.channel_created(room)
    return room


def archive(box: Box, room: Channel, *, user: str, archived: bool = True) -> None:
    """Close a channel to new messages, or open it again."""
    room.is_archived = archived
    box.events.archived(room, user, archived=archived)
    _publish(box, room)


def rename(box: Box, room: Channel, name: str) -> None:
    """Give a channel another name; its id stays."""
    room.name = name
    box.events.renamed(room)
    _publish(box, room)


def describe(box: Box, room: Channel, *, topic: str | None = None, purpose: str | None = None) -> None:
    """Set what a channel says about itself."""
    room.topic = room.topic if topic is None else topic
    room.purpose = room.purpose if purpose is None else purpose
    _publish(box, room)


def add_member(box: Box, room: Channel, user: str, inviter: str | None = None) -> None:
    """Somebody becomes a member."""
    room.members.add(user)
    box.events.joined(room, user, inviter)
    _publish(box, room)


def remove_member(box: Box, room: Channel, user: str) -> None:
    """Somebody stops being a member."""
    room.members.discard(user)
    box.events.left(room, user)
    _publish(box, room)


def _add(box: Box, room: Channel) -> Channel:
    box.workspace.channels[room.id] = room
    _publish(box, room)
    return room


def _publish(box: Box, room: Channel) -> None:
    box.feed.publish({"type": "channel", "channel": room.id})
