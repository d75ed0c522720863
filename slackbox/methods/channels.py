"""conversations.*: opening, creating, naming, archiving, and who is in."""

import re
from collections.abc import Callable
from typing import Final

from slackbox import limits, rooms
from slackbox.auth import require_scope
from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods.call import Call, Method
from slackbox.methods.conversations import describe
from slackbox.workspace import Channel

_NAME: Final = re.compile(r"[a-z0-9_-]+")
_MANAGE: Final = {"channel": ("channels:manage",), "group": ("groups:write",)}
_INVITE: Final = {
    "channel": ("channels:manage", "channels:write.invites"),
    "group": ("groups:write", "groups:write.invites"),
}
_TOPIC: Final = {
    "channel": ("channels:manage", "channels:write.topic"),
    "group": ("groups:write", "groups:write.topic"),
    "im": ("im:write", "im:write.topic"),
    "mpim": ("mpim:write", "mpim:write.topic"),
}
Scopes = dict[str, tuple[str, ...]]


def methods() -> list[Method]:
    return [
        Method(name="conversations.open", run=open_direct, scopes=("im:write", "mpim:write")),
        Method(name="conversations.close", run=close_direct, scopes=("im:write", "mpim:write"), tier=2),
        Method(name="conversations.join", run=join, scopes=("channels:join",)),
        _method("create", create, _MANAGE, 2),
        _method("archive", archive, _MANAGE, 2),
        _method("unarchive", unarchive, _MANAGE, 2),
        _method("rename", rename, _MANAGE, 2),
        _method("invite", invite, _INVITE, 3),
        _method("kick", kick, _MANAGE, 3),
        _method("leave", leave, _MANAGE, 3),
        _method("setTopic", set_topic, _TOPIC, 2),
        _method("setPurpose", set_purpose, _TOPIC, 2),
    ]


def open_direct(call: Call) -> Json:
    """A direct message with one person, or with up to eight."""
    if call.optional("channel"):
        room = call.channel()
        if not (room.is_im or room.is_mpim):
            raise Refusal("method_not_supported_for_channel_type")
        is_new = False
    else:
        users = _people_to_meet(call)
        require_scope(call.box.manifest, "im:write" if len(users) == 1 else "mpim:write")
        before = len(call.box.workspace.channels)
        room = rooms.open_direct(call.box, users[0]) if len(users) == 1 else rooms.open_group(call.box, users)
        is_new = len(call.box.workspace.channels) > before
    shown = describe(room, call.box.workspace.names.bot_user) if call.flag("return_im") else {"id": room.id}
    return {"channel": shown} | ({} if is_new else {"no_op": True, "already_open": True})


def close_direct(call: Call) -> Json:
    """Closing only takes a conversation out of the bot's list, so nothing changes here."""
    room = call.channel()
    if not (room.is_im or room.is_mpim):
        raise Refusal("method_not_supported_for_channel_type")
    require_scope(call.box.manifest, f"{room.scope_family}:write")
    return {}


def join(call: Call) -> Json:
    room, bot = call.channel(member=False), call.box.workspace.names.bot_user
    if room.kind != "channel":
        raise Refusal("method_not_supported_for_channel_type")
    if room.is_archived:
        raise Refusal("is_archived")
    if bot in room.members:
        warned: Json = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
        return {"channel": describe(room, bot)} | warned
    rooms.add_member(call.box, room, bot)
    return {"channel": describe(room, bot)}


def create(call: Call) -> Json:
    name, is_private = _new_name(call), call.flag("is_private")
    require_scope(call.box.manifest, "groups:write" if is_private else "channels:manage")
    room = rooms.create(call.box, name, is_private=is_private)
    return {"channel": describe(room, call.box.workspace.names.bot_user)}


def archive(call: Call) -> Json:
    room = _managed(call, _MANAGE)
    if room.is_archived:
        raise Refusal("already_archived")
    rooms.archive(call.box, room, user=call.box.workspace.names.bot_user)
    return {}


def unarchive(call: Call) -> Json:
    room = _managed(call, _MANAGE)
    if not room.is_archived:
        raise Refusal("not_archived")
    rooms.archive(call.box, room, user=call.box.workspace.names.bot_user, archived=False)
    return {}


def rename(call: Call) -> Json:
    room = _open_managed(call, _MANAGE)
    name = _new_name(call)
    rooms.rename(call.box, room, name)
    return {"channel": describe(room, call.box.workspace.names.bot_user)}


def invite(call: Call) -> Json:
    """Everybody or, unless `force` is set, nobody."""
    room = _open_managed(call, _INVITE)
    users = call.ids("users", "no_user")
    if len(users) > limits.INVITED_AT_ONCE:
        raise Refusal("too_many_users")
    checked = {user: _why_not(call, room, user) for user in users}
    wrong: list[Json] = [{"user": user, "ok": False, "error": code} for user, code in checked.items() if code]
    if wrong and not (call.flag("force") and len(wrong) < len(checked)):
        raise Refusal(str(wrong[0]["error"]), errors=wrong)
    for user, code in checked.items():
        if code is None:
            rooms.add_member(call.box, room, user, call.box.workspace.names.bot_user)
    return {"channel": describe(room, call.box.workspace.names.bot_user)} | ({"errors": wrong} if wrong else {})


def kick(call: Call) -> Json:
    room, person = _open_managed(call, _MANAGE), call.person()
    if person.id == call.box.workspace.names.bot_user:
        raise Refusal("cant_kick_self")
    if person.id not in room.members:
        raise Refusal("not_in_channel")
    rooms.remove_member(call.box, room, person.id)
    return {"errors": {}}


def leave(call: Call) -> Json:
    room, bot = _managed(call, _MANAGE, member=False), call.box.workspace.names.bot_user
    if room.is_archived:
        raise Refusal("is_archived")
    if bot not in room.members:
        return {"not_in_channel": True}
    rooms.remove_member(call.box, room, bot)
    return {}


def set_topic(call: Call) -> Json:
    room = _open_managed(call, _TOPIC)
    rooms.describe(call.box, room, topic=_short(call, "topic"))
    return {"channel": describe(room, call.box.workspace.names.bot_user)}


def set_purpose(call: Call) -> Json:
    room = _open_managed(call, _TOPIC)
    rooms.describe(call.box, room, purpose=_short(call, "purpose"))
    return {"channel": describe(room, call.box.workspace.names.bot_user)}


def _method(name: str, run: Callable[[Call], Json], scopes: Scopes, tier: int) -> Method:
    accepted = tuple(scope for each in scopes.values() for scope in each)
    return Method(name=f"conversations.{name}", run=run, scopes=accepted, tier=tier)


def _managed(call: Call, scopes: Scopes, *, member: bool = True) -> Channel:
    """The channel argument, with the scope that this kind of conversation needs."""
    room = call.channel(member=member)
    if room.kind not in scopes:
        raise Refusal("method_not_supported_for_channel_type")
    require_scope(call.box.manifest, *scopes[room.kind])
    return room


def _open_managed(call: Call, scopes: Scopes) -> Channel:
    room = _managed(call, scopes)
    if room.is_archived:
        raise Refusal("is_archived")
    return room


def _people_to_meet(call: Call) -> list[str]:
    bot = call.box.workspace.names.bot_user
    users = [user for user in dict.fromkeys(call.ids("users", "users_list_not_supplied")) if user != bot]
    people = [call.box.workspace.people.get(user) for user in users]
    if not users or any(person is None or person.is_bot for person in people):
        raise Refusal("user_not_found")
    if any(person and person.deleted for person in people):
        raise Refusal("user_disabled")
    if len(users) > limits.DIRECT_MESSAGE_PEOPLE:
        raise Refusal("too_many_users")
    return users


def _new_name(call: Call) -> str:
    name = call.required("name", "invalid_name_required")
    if len(name) > limits.CHANNEL_NAME:
        raise Refusal("invalid_name_maxlength")
    if not _NAME.fullmatch(name):
        raise Refusal("invalid_name_specials")
    if not name.strip("-_"):
        raise Refusal("invalid_name_punctuation")
    if any(room.name == name for room in call.box.workspace.channels.values()):
        raise Refusal("name_taken")
    return name


def _why_not(call: Call, room: Channel, user: str) -> str | None:
    """Why somebody cannot be invited; None when they can."""
    person = call.box.workspace.people.get(user)
    if person is None:
        return "user_not_found"
    if user == call.box.workspace.names.bot_user:
        return "cant_invite_self"
    if person.deleted:
        return "cant_invite"
    return "already_in_channel" if user in room.members else None


def _short(call: Call, name: str) -> str:
    text = call.optional(name) or ""
    if len(text) > limits.CHANNEL_TOPIC:
        raise Refusal("too_long")
    return text
